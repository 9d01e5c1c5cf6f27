"""``python -m netanalyze``: the command line."""

from __future__ import annotations

from netanalyze.cli.main import main

if __name__ == "__main__":
    main()
