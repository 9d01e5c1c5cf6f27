"""Record all captures again, or some of them, and write their README."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import readme


def main() -> int:
    """Run the recording scripts one after the other; a failure does not stop the next one.

    Returns:
        Exit status: 1 if a recording failed, 2 for a name that there is not.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="recordings, such as zero-window; all if none is given")
    parser.add_argument("--out", type=Path, default=readme.CAPTURES, help="folder for the captures")
    parser.add_argument("--list", action="store_true", help="only tell which recordings there are")
    options = parser.parse_args()
    known = {recording.script.stem.replace("_", "-"): recording for recording in readme.recordings()}
    if options.list:
        for name, recording in known.items():
            print(f"{name}: {recording.summary}")
        return 0
    unknown = [name for name in options.names if name not in known]
    if unknown:
        print(f"no such recording: {', '.join(unknown)}; --list tells which there are", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("recording needs root: it makes network namespaces", file=sys.stderr)
        return 2
    failed = []
    for name in options.names or known:
        script = str(known[name].script)
        if subprocess.run([sys.executable, script, "--out", str(options.out)], check=False).returncode:
            failed.append(name)
    if options.out.resolve() == readme.CAPTURES:
        (readme.CAPTURES / "README.md").write_text(readme.text())
    if failed:
        print(f"not recorded: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
