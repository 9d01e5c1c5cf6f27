"""Make the captures the benchmark runs on, in ``benchmarks/data/``; what is there already is kept.

``python benchmarks/make_captures.py [--force] [--gz] [NAME …]``

* ``http-large.pcap``: 500 000 frames of real HTTP with losses, recorded (``record_http.py``; needs root).
* ``http-exchanges.pcap``: 64 000 real HTTP exchanges, recorded (``record_exchanges.py``; needs root).
* ``dns-large.pcap``: 2 400 000 DNS questions and answers, recorded (``record_dns.py``; needs root).
* ``small-interleaved.pcap``: 1 000 000 frames of 100 000 small connections, generated (``small_capture.py``).
* ``tiny.pcap``: ten frames, one connection, generated.

Beside each lies a ``.json`` with its facts: frames, bytes, how and when it was made.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pcapfile import summarize
from record_dns import missing as missing_for_dns
from record_dns import record_dns
from record_exchanges import missing as missing_for_exchanges
from record_exchanges import record_exchanges
from record_http import RecordingError, missing, record_http
from small_capture import write_small

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
FULL_FRAME_BYTES = 1514


def _make_large(path: Path, scale: float) -> dict[str, str | int]:
    """Record the large one and check that its frames are those of a link, not of an offload engine."""
    if absent := missing():
        message = f"recording needs {', '.join(absent)}"
        raise RecordingError(message)
    facts = record_http(path, round(500_000 * scale))
    if (largest := summarize(path).largest_frame_bytes) > FULL_FRAME_BYTES:
        message = f"a frame of {largest} bytes: segmentation offload is on somewhere"
        raise RecordingError(message)
    return facts


def _make_exchanges(path: Path, scale: float) -> dict[str, str | int]:
    """Record the exchanges."""
    if absent := missing_for_exchanges():
        message = f"recording needs {', '.join(absent)}"
        raise RecordingError(message)
    return record_exchanges(path, round(64_000 * scale))


def _make_dns(path: Path, scale: float) -> dict[str, str | int]:
    """Record the questions and answers."""
    if absent := missing_for_dns():
        message = f"recording needs {', '.join(absent)}"
        raise RecordingError(message)
    return record_dns(path, round(2_400_000 * scale))


def _make_small(path: Path, scale: float) -> dict[str, str | int]:
    """Generate the many connections."""
    return dict(write_small(path, round(100_000 * scale)))


def _make_tiny(path: Path, _: float) -> dict[str, str | int]:
    """Generate ten frames."""
    return dict(write_small(path, 1))


MAKERS: dict[str, Callable[[Path, float], dict[str, str | int]]] = {
    "http-large": _make_large,
    "http-exchanges": _make_exchanges,
    "dns-large": _make_dns,
    "small-interleaved": _make_small,
    "tiny": _make_tiny,
}


def make(
    name: str, data: Path = DATA, *, scale: float = 1.0, force: bool = False, packed: bool = False
) -> Path:
    """Make the capture ``name`` in the folder ``data`` unless it is there; return its path.

    It gets its name only when it is whole, so that an interrupted run leaves nothing that looks finished.

    Raises:
        RecordingError: the large one could not be recorded.
        OSError: it cannot be written.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = data / (f"{name}.pcap" if scale == 1.0 else f"{name}-x{scale:g}.pcap")
    if force or not path.exists() or not path.with_suffix(".json").exists():
        part = path.with_suffix(".part")
        try:
            facts = MAKERS[name](part, scale)
            facts |= summarize(part)._asdict()
            facts["made"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            facts["kernel"] = platform.release()
            path.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        path.with_suffix(".pcap.gz").unlink(missing_ok=True)
    squeezed = path.with_suffix(".pcap.gz")
    if packed and not squeezed.exists():
        with path.open("rb") as plain, gzip.open(squeezed, "wb", compresslevel=1) as target:
            shutil.copyfileobj(plain, target, 1 << 20)
    return path


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Make the captures of the benchmark.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(MAKERS)} (all)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder they go to (benchmarks/data)")
    parser.add_argument("--force", action="store_true", help="make them again")
    parser.add_argument("--gz", action="store_true", help="a gzip-compressed copy beside each")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times as many frames")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MAKERS):
        parser.error(f"no capture is called {', '.join(sorted(unknown))}")
    if not 0 < arguments.scale <= 100:
        parser.error("scale must be above 0, 100 at most")
    for name in arguments.names or MAKERS:
        try:
            path = make(
                name, arguments.data, scale=arguments.scale, force=arguments.force, packed=arguments.gz
            )
        except RecordingError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        print(f"{path}: {facts['frames']} frames, {facts['file_bytes']} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
