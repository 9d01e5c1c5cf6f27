"""``python to_file.py FILE COMMAND …``: run a command, its output in a file, as a shell does with ``>``."""

from __future__ import annotations

import subprocess
import sys


def main() -> None:
    """Run the command."""
    with open(sys.argv[1], "wb") as target:  # noqa: PTH123 - a descriptor for the command
        sys.exit(subprocess.run(sys.argv[2:], stdout=target, check=False).returncode)


if __name__ == "__main__":
    main()
