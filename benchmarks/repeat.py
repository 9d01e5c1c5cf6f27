"""Write a capture of the benchmark several times over to standard output, as one longer capture.

``python benchmarks/repeat.py 10 benchmarks/data/http-large.pcap | netanalyze analyze -r streams -``

Each repetition comes later than the one before and is between other addresses, so that it holds new
connections; nothing is kept on disk or in memory but one block. The repetition's number is added to the third
byte of the client's address and taken from that of the server's: both checksums stay right.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from pcapfile import CLIENT_NET, FILE_HEADER, SERVER_NET, check_header, read_blocks, summarize

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 200
"""Repetitions at most: the servers' third byte starts at 250 and is counted down."""

SOURCE_AT, TARGET_AT = 16 + 14 + 12, 16 + 14 + 16
"""Where a record has its addresses: after record, Ethernet, and part of the IPv4 header."""


def _shift_addresses(data: NDArray[np.uint8], starts: NDArray[np.int64], number: int) -> None:
    """Move clients up and servers down by ``number`` networks."""
    for at in (starts + SOURCE_AT, starts + TARGET_AT):
        is_client = (data[at] == CLIENT_NET[0]) & (data[at + 1] == CLIENT_NET[1])
        is_server = (data[at] == SERVER_NET[0]) & (data[at + 1] == SERVER_NET[1])
        data[at[is_client] + 2] += np.uint8(number)
        data[at[is_server] + 2] -= np.uint8(number)


def _shift_times(data: NDArray[np.uint8], starts: NDArray[np.int64], seconds: int) -> None:
    """Move every record ``seconds`` later."""
    columns = starts[:, None] + np.arange(4)
    data[columns] = (data[columns].view("<u4") + np.uint32(seconds)).view(np.uint8)


def repeat(path: Path, times: int, out: BinaryIO) -> None:
    """Write the capture at ``path`` ``times`` times to ``out``.

    Raises:
        NotOurPcapError: it is not a capture made by the scripts here.
        OSError: it cannot be read, or ``out`` cannot be written.
    """
    step_seconds = int(summarize(path).duration_seconds) + 2
    for number in range(times):
        with path.open("rb") as stream:
            header = stream.read(FILE_HEADER.size)
            check_header(header)
            if number == 0:
                out.write(header)
            for data, record_at in read_blocks(stream):
                block = np.frombuffer(data, np.uint8).copy()
                starts = np.array(record_at[:-1], np.int64)
                _shift_times(block, starts, number * step_seconds)
                _shift_addresses(block, starts, number)
                out.write(block.data)


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Write a capture several times over to standard output.")
    parser.add_argument("times", type=int, help=f"how often, at most {MOST}")
    parser.add_argument("capture", type=Path, help="a capture made by make_captures.py")
    arguments = parser.parse_args()
    if not 1 <= arguments.times <= MOST:
        parser.error(f"times must be 1 to {MOST}")
    try:
        repeat(arguments.capture, arguments.times, sys.stdout.buffer)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
