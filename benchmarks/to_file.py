"""``python to_file.py FILE COMMAND …``: run a command with its output in a file, as a shell does with ``>``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Become the command."""
    target = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(target, 1)
    os.close(target)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
