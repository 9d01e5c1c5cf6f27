"""Generate many small TCP connections, interleaved: the capture that stresses the flow table.

Each connection is ten frames: SYN, SYN-ACK, ACK, an HTTP request and its ACK, a response and its ACK, FIN,
FIN, ACK. Sequence numbers, timestamps (RFC 7323), IP identifications and checksums are those of a real
conversation; the starts and pauses are drawn so that more than half of all connections are open at the same
time. The same seed gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pcapfile import CLIENT_NET, SERVER_NET, file_header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Integers = NDArray[np.int64]

SEED = 20_240_501
FIRST_SECOND = 1_714_550_400
CLIENTS = 250
SERVERS = 8
STEPS = 10
START_WINDOW_US = 20_000_000
ETHERNET_BYTES, IP_BYTES = 14, 20

SYN, FIN, PUSH, ACK = 0x02, 0x01, 0x08, 0x10

CLIENT, SERVER = True, False

ITEM = b"0000000"
"""Stands in each request and response for the number of the connection."""


class Step(NamedTuple):
    """One of the ten frames: who sends it, its flags, the mean time since the frame before."""

    from_client: bool
    flags: int
    pause_us: int
    payloads: tuple[bytes, ...] = (b"",)


def _requests() -> tuple[bytes, ...]:
    """Eight requests of different lengths."""
    agents = ("curl/8.5.0", "okhttp/4.12.0", "python-requests/2.32.3", "Go-http-client/1.1")
    return tuple(
        b"GET /%s/%s HTTP/1.1\r\nHost: api.example\r\nUser-Agent: %s\r\nAccept: application/json\r\n\r\n"
        % (kind, ITEM, agent.encode())
        for agent in agents
        for kind in (b"items", b"accounts/by-number")
    )


def _responses() -> tuple[bytes, ...]:
    """Eight responses of different lengths, to go with the requests."""
    bodies = (
        b'{"item":"%s","tags":[%s]}' % (ITEM, b",".join([b'"tag"'] * count)) for count in range(1, 33, 4)
    )
    return tuple(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body)
        for body in bodies
    )


SCRIPT = (
    Step(CLIENT, SYN, 0),
    Step(SERVER, SYN | ACK, 40_000),
    Step(CLIENT, ACK, 100),
    Step(CLIENT, PUSH | ACK, 8_000_000, _requests()),
    Step(SERVER, ACK, 40_000),
    Step(SERVER, PUSH | ACK, 4_000_000, _responses()),
    Step(CLIENT, ACK, 100),
    Step(CLIENT, FIN | ACK, 8_000_000),
    Step(SERVER, FIN | ACK, 40_000),
    Step(CLIENT, ACK, 100),
)


class Endpoints(NamedTuple):
    """Both ends of every connection, one element a connection."""

    client: Integers
    server: Integers
    client_port: Integers
    server_port: Integers


class Numbers(NamedTuple):
    """What the headers of one step count, one element a connection."""

    sequence: Integers
    acknowledgment: Integers
    identification: Integers
    stamp: Integers
    echo: Integers


def _big_endian(target: Bytes, at: int, width: int, values: Integers | int) -> None:
    """Write ``values`` as ``width`` bytes into column ``at`` of every row of ``target``."""
    for index in range(width):
        target[:, at + index] = (values >> (8 * (width - 1 - index))) & 0xFF


def _checksum(words: Bytes, start: Integers | int = 0) -> Integers:
    """Internet checksum (RFC 1071) of every row, on top of the sum ``start``."""
    if words.shape[1] % 2:
        words = np.concatenate([words, np.zeros((len(words), 1), np.uint8)], axis=1)
    total = (
        words[:, 0::2].sum(axis=1, dtype=np.int64) * 256 + words[:, 1::2].sum(axis=1, dtype=np.int64) + start
    )
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    return np.asarray(total ^ 0xFFFF)


def _tcp_options(step: Step, numbers: Numbers, rows: int) -> Bytes:
    """Options of RFC 9293 and RFC 7323: all of them in a SYN, the timestamps alone elsewhere."""
    opening = b"\x02\x04\x05\xb4\x04\x02" if step.flags & SYN else b"\x01\x01"
    closing = b"\x01\x03\x03\x07" if step.flags & SYN else b""
    plain = opening + b"\x08\x0a" + bytes(8) + closing
    options = np.tile(np.frombuffer(plain, np.uint8), (rows, 1))
    _big_endian(options, len(opening) + 2, 4, numbers.stamp)
    _big_endian(options, len(opening) + 6, 4, numbers.echo)
    return options


def _frames(step: Step, payload: bytes, ends: Endpoints, numbers: Numbers, item: Integers) -> Bytes:
    """The frames of one step with one payload, one row a connection."""
    rows = len(item)
    options = _tcp_options(step, numbers, rows)
    tcp_at = ETHERNET_BYTES + IP_BYTES
    payload_at = tcp_at + 20 + options.shape[1]
    size = payload_at + len(payload)
    frame = np.zeros((rows, size), np.uint8)

    near, far = (1, 2) if step.from_client else (2, 1)
    frame[:, :14] = np.frombuffer(
        bytes((2, 0, 0, 0, 0, far, 2, 0, 0, 0, 0, near)) + b"\x08\x00", np.uint8
    )  # locally administered addresses, IPv4

    source, target = (ends.client, ends.server) if step.from_client else (ends.server, ends.client)
    _big_endian(frame, 14, 2, 0x4500)
    _big_endian(frame, 16, 2, size - ETHERNET_BYTES)
    _big_endian(frame, 18, 2, numbers.identification)
    _big_endian(frame, 20, 2, 0x4000)  # don't fragment
    _big_endian(frame, 22, 2, (64 << 8) | 6)
    _big_endian(frame, 26, 4, source)
    _big_endian(frame, 30, 4, target)
    _big_endian(frame, 24, 2, _checksum(frame[:, 14:34]))

    ports = (ends.client_port, ends.server_port)
    _big_endian(frame, tcp_at, 2, ports[0] if step.from_client else ports[1])
    _big_endian(frame, tcp_at + 2, 2, ports[1] if step.from_client else ports[0])
    _big_endian(frame, tcp_at + 4, 4, numbers.sequence)
    _big_endian(frame, tcp_at + 8, 4, numbers.acknowledgment)
    frame[:, tcp_at + 12] = (20 + options.shape[1]) // 4 << 4
    frame[:, tcp_at + 13] = step.flags
    _big_endian(frame, tcp_at + 14, 2, 64_240 if step.flags & SYN else 502)
    frame[:, tcp_at + 20 : payload_at] = options
    if payload:
        frame[:, payload_at:] = np.frombuffer(payload, np.uint8)
        at = payload_at + payload.index(ITEM)
        for index in range(len(ITEM)):
            frame[:, at + index] = ord("0") + item // 10 ** (len(ITEM) - 1 - index) % 10
    pseudo_header = 6 + size - tcp_at
    _big_endian(
        frame, tcp_at + 16, 2, _checksum(frame[:, tcp_at:], _address_sum(source, target) + pseudo_header)
    )
    return frame


def _address_sum(source: Integers, target: Integers) -> Integers:
    """Both addresses as 16-bit words, added."""
    return np.asarray((source >> 16) + (source & 0xFFFF) + (target >> 16) + (target & 0xFFFF))


def _endpoints(connections: int) -> Endpoints:
    """No two connections share all four: a client takes another port each time."""
    index = np.arange(connections)
    return Endpoints(
        client=(CLIENT_NET[0] << 24) + (CLIENT_NET[1] << 16) + (1 << 8) + 1 + index % CLIENTS,
        server=(SERVER_NET[0] << 24) + (SERVER_NET[1] << 16) + (250 << 8) + 1 + index * 7 % SERVERS,
        client_port=1024 + index // CLIENTS,
        server_port=np.full(connections, 80),
    )


def _schedule(random: np.random.Generator, connections: int) -> Integers:
    """Microseconds since the start of the capture, one row a connection, one column a step."""
    when = np.zeros((connections, STEPS), np.int64)
    when[:, 0] = random.integers(0, START_WINDOW_US, connections)
    for number, step in enumerate(SCRIPT[1:], start=1):
        pause = random.exponential(step.pause_us, connections)
        when[:, number] = when[:, number - 1] + 20 + pause.astype(np.int64)
    return when


def most_open(when: Integers) -> int:
    """How many connections are open at once, at most."""
    events = np.concatenate([when[:, 0], when[:, -1]])
    change = np.concatenate([np.ones(len(when), np.int64), -np.ones(len(when), np.int64)])
    return int(change[np.argsort(events, kind="stable")].cumsum().max())


def write_small(path: Path, connections: int) -> dict[str, int]:
    """Write the capture to ``path``; return how many connections are open at once, at most.

    Raises:
        OSError: the file cannot be written.
    """
    random = np.random.default_rng(SEED)
    ends = _endpoints(connections)
    when = _schedule(random, connections)
    variant = random.integers(0, 8, connections)
    payload_bytes = np.zeros((connections, STEPS), np.int64)
    header_bytes = np.zeros(STEPS, np.int64)
    for number, step in enumerate(SCRIPT):
        lengths = np.array([len(payload) for payload in step.payloads])
        payload_bytes[:, number] = lengths[variant % len(lengths)]
        header_bytes[number] = ETHERNET_BYTES + IP_BYTES + (40 if step.flags & SYN else 32)
    frame_bytes = header_bytes + payload_bytes

    order = np.argsort(when.ravel(), kind="stable")
    places = np.empty(connections * STEPS, np.int64)
    ends_of_records = (frame_bytes.ravel()[order] + 16).cumsum()
    places[order] = np.concatenate([[0], ends_of_records[:-1]])
    record_at = places.reshape(connections, STEPS)
    out = np.zeros(int(ends_of_records[-1]), np.uint8)

    isn = random.integers(0, 1 << 32, (2, connections))  # [0] the server's, [1] the client's
    sent = np.zeros((2, connections), np.int64)
    identification = random.integers(0, 1 << 16, (2, connections))
    clock = random.integers(0, 1 << 31, (2, connections))
    echo = np.zeros((2, connections), np.int64)
    for number, step in enumerate(SCRIPT):
        me, peer = (1, 0) if step.from_client else (0, 1)
        stamp = (clock[me] + when[:, number] // 1000) & 0xFFFFFFFF
        numbers = Numbers(
            sequence=(isn[me] + sent[me]) & 0xFFFFFFFF,
            acknowledgment=(isn[peer] + sent[peer]) & 0xFFFFFFFF if step.flags & ACK else sent[peer],
            identification=identification[me] & 0xFFFF,
            stamp=stamp,
            echo=echo[me],
        )
        for kind, payload in enumerate(step.payloads):
            rows = np.flatnonzero(variant % len(step.payloads) == kind)
            frames = _frames(
                step,
                payload,
                Endpoints(*(column[rows] for column in ends)),
                Numbers(*(column[rows] for column in numbers)),
                rows,
            )
            _place(out, record_at[rows, number], when[rows, number], frames)
        sent[me] += payload_bytes[:, number] + (1 if step.flags & (SYN | FIN) else 0)
        identification[me] += 1
        echo[peer] = stamp
    with path.open("wb") as stream:
        stream.write(file_header())
        stream.write(out.data)
    return {"connections": connections, "most_open_at_once": most_open(when)}


def _place(out: Bytes, at: Integers, when: Integers, frames: Bytes) -> None:
    """Write one record a row of ``frames`` at the offsets ``at``."""
    rows, size = frames.shape
    records = np.zeros((rows, 16 + size), np.uint8)
    headers = np.empty((rows, 4), "<u4")
    headers[:, 0] = FIRST_SECOND + when // 1_000_000
    headers[:, 1] = when % 1_000_000
    headers[:, 2:] = size
    records[:, :16] = headers.view(np.uint8)
    records[:, 16:] = frames
    out[at[:, None] + np.arange(16 + size)] = records
