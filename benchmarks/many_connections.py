"""Write a capture of any number of short TCP connections to standard output, as an endless stream would be.

``python benchmarks/many_connections.py 10000000 | netanalyze analyze -r populations,closers,listeners -``

Connections begin at an even rate and last a fraction of a second. Most are closed by the client, some by
the server, some with RST; some are refused, some get no answer and send their SYN again, and a few stay open
for ever. Clients take their ports again once they have used them all. Frames are cut behind the headers, as
with a snap length, so that nothing but headers has to be made; the checksums of TCP are none. The same
arguments give the same bytes. Nothing is kept but one block.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from pcapfile import CLIENT_NET, SERVER_NET, file_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

FIRST_SECOND = 1_714_550_400
RATE = 2000
CLIENTS, SERVERS = 64, 4
FIRST_PORT, PORTS = 32_768, 28_232
"""The ports that Linux takes for clients: used up after 1.8 million connections."""
BLOCK = 50_000
FRAME_BYTES, RECORD_BYTES = 54, 70
_MIX = 0x9E3779B97F4A7C15

SYN, FIN, RST, PUSH, ACK = 0x02, 0x01, 0x04, 0x08, 0x10
REQUEST, RESPONSE = 120, 400
CLIENT, SERVER = True, False


class Step(NamedTuple):
    """One frame: when since the connection began, whether the client sends it, flags, payload bytes."""

    at_us: int
    from_client: bool
    flags: int
    size: int = 0


_OPEN = (
    Step(0, CLIENT, SYN),
    Step(300, SERVER, SYN | ACK),
    Step(600, CLIENT, ACK),
    Step(700, CLIENT, PUSH | ACK, REQUEST),
    Step(30_000, SERVER, PUSH | ACK, RESPONSE),
)
_KINDS: tuple[tuple[int, tuple[Step, ...]], ...] = (
    (
        8600,
        (*_OPEN, Step(30_300, CLIENT, FIN | ACK), Step(30_600, SERVER, FIN | ACK), Step(30_900, CLIENT, ACK)),
    ),
    (
        700,
        (
            *_OPEN,
            Step(30_050, SERVER, FIN | ACK),
            Step(30_350, CLIENT, ACK),
            Step(90_000, CLIENT, FIN | ACK),
            Step(90_300, SERVER, ACK),
        ),
    ),
    (300, (*_OPEN, Step(30_300, CLIENT, RST | ACK))),
    (299, (Step(0, CLIENT, SYN), Step(300, SERVER, RST | ACK))),
    (
        100,
        tuple(Step(at_us, CLIENT, SYN) for at_us in (0, 1_000_000, 3_000_000, 7_000_000)),
    ),
    (1, _OPEN),
)
"""Of ten thousand connections, how many go like this."""


def _mixed(number: Integers, salt: int) -> Integers:
    """32 bits from a number that look like chance."""
    words = (number.astype(np.uint64) + np.uint64(salt)) * np.uint64(_MIX)
    return (words >> np.uint64(32)).astype(np.int64)


def _big_endian(target: NDArray[np.uint8], at: int, width: int, values: Integers | int) -> None:
    for index in range(width):
        target[:, at + index] = (values >> (8 * (width - 1 - index))) & 0xFF


def _records(first: int, count: int, rate: int) -> tuple[Integers, NDArray[np.uint8]]:
    """Times in microseconds and records of the frames of some connections, in no order."""
    number = np.arange(first, first + count)
    place = number * 7919 % 10_000  # a prime: kinds are spread evenly
    edges = np.cumsum([share for share, _ in _KINDS])
    kind = np.searchsorted(edges, place, side="right")
    times: list[Integers] = []
    records: list[NDArray[np.uint8]] = []
    for which, (_, steps) in enumerate(_KINDS):
        mine = number[kind == which]
        sent = {True: 0, False: 0}
        for index, step in enumerate(steps):
            if index and step.flags == SYN:
                sent[True] = 0
            times.append(mine * 1_000_000 // rate + step.at_us)
            records.append(_frames(mine, step, times[-1], sent, index))
            sent[step.from_client] += step.size + bool(step.flags & (SYN | FIN))
    return np.concatenate(times), np.concatenate(records)


def _frames(
    number: Integers, step: Step, at_us: Integers, sent: dict[bool, int], index: int
) -> NDArray[np.uint8]:
    """One step of some connections as records of a pcap file."""
    row = np.zeros((len(number), RECORD_BYTES), np.uint8)
    head = row[:, :16].view("<u4")
    head[:, 0] = FIRST_SECOND + at_us // 1_000_000
    head[:, 1] = at_us % 1_000_000
    head[:, 2] = FRAME_BYTES
    head[:, 3] = FRAME_BYTES + step.size
    frame = row[:, 16:]
    near, far = (1, 2) if step.from_client else (2, 1)
    frame[:, :14] = np.frombuffer(bytes((2, 0, 0, 0, 0, far, 2, 0, 0, 0, 0, near)) + b"\x08\x00", np.uint8)
    client = (CLIENT_NET[0] << 24) + (CLIENT_NET[1] << 16) + 256 + 1 + number % CLIENTS
    server = (SERVER_NET[0] << 24) + (SERVER_NET[1] << 16) + 256 + 1 + number // 3 % SERVERS
    client_port = FIRST_PORT + number // CLIENTS % PORTS
    source, target = (client, server) if step.from_client else (server, client)
    ports = (client_port, np.full(len(number), 80))
    ends = (ports[0], ports[1]) if step.from_client else (ports[1], ports[0])
    _big_endian(frame, 14, 2, 0x4500)
    _big_endian(frame, 16, 2, 40 + step.size)
    _big_endian(frame, 18, 2, _mixed(number * 16 + index, 1) & 0xFFFF)
    _big_endian(frame, 20, 2, 0x4000)  # don't fragment
    _big_endian(frame, 22, 2, (64 << 8) | 6)
    _big_endian(frame, 26, 4, source)
    _big_endian(frame, 30, 4, target)
    total = frame[:, 14:34:2].sum(axis=1, dtype=np.int64) * 256
    total += frame[:, 15:34:2].sum(axis=1, dtype=np.int64)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    _big_endian(frame, 24, 2, total ^ 0xFFFF)
    isns = {True: _mixed(number, 2), False: _mixed(number, 3)}
    me, peer = step.from_client, not step.from_client
    _big_endian(frame, 34, 2, ends[0])
    _big_endian(frame, 36, 2, ends[1])
    _big_endian(frame, 38, 4, (isns[me] + sent[me]) & 0xFFFFFFFF)
    if step.flags & ACK:
        _big_endian(frame, 42, 4, (isns[peer] + sent[peer]) & 0xFFFFFFFF)
    frame[:, 46] = 5 << 4
    frame[:, 47] = step.flags
    _big_endian(frame, 48, 2, 64_240)
    _big_endian(frame, 50, 2, _mixed(number * 16 + index, 4) & 0xFFFF)
    return row


def write_many(connections: int, out: BinaryIO, rate: int = RATE) -> None:
    """Write a capture of so many connections, ``rate`` of which begin each second.

    Raises:
        OSError: ``out`` cannot be written.
    """
    out.write(file_header())
    times, records = np.zeros(0, np.int64), np.zeros((0, RECORD_BYTES), np.uint8)
    for first in range(0, connections, BLOCK):
        more_times, more = _records(first, min(BLOCK, connections - first), rate)
        times, records = np.concatenate((times, more_times)), np.concatenate((records, more))
        order = np.argsort(times, kind="stable")
        last = first + BLOCK >= connections
        # What comes after the next block has begun waits for it.
        ready = len(order) if last else int(np.count_nonzero(times < (first + BLOCK) * 1_000_000 // rate))
        out.write(records[order[:ready]].tobytes())
        times, records = times[order[ready:]], records[order[ready:]]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write a capture of many short connections.")
    parser.add_argument("connections", type=int)
    parser.add_argument("--rate", type=int, default=RATE, help="connections that begin each second")
    arguments = parser.parse_args()
    try:
        write_many(arguments.connections, sys.stdout.buffer, arguments.rate)
    except BrokenPipeError:
        sys.stderr.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
