"""The kernel that gathers evidence: compiled as interpreted, for any traffic and any batches."""

from __future__ import annotations

import importlib.util
import random
import struct
from typing import TYPE_CHECKING, Any

import pytest
from crafting import ACK, SRC, SYN, ethernet_of, ip4, ones_complement, tcp
from frames import Frame
from handshakes import (
    CLIENT6,
    FAR_TIMES,
    LEFT,
    MS,
    SERVER6,
    START_NS,
    VALID,
    WRONG,
    Connection,
    Side,
    evidence,
    only,
    pseudo_header,
    with_checksum,
)
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.kernels import _PACKAGE
from netanalyze.tcp import tap, tap_kernel

if TYPE_CHECKING:
    from collections.abc import Callable


def interpreted() -> Callable[..., int]:
    """The kernel's source, run as it is."""
    spec = importlib.util.spec_from_file_location("tap_kernel_source", _PACKAGE / "tcp" / "tap_kernel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., int] = module.note_taps
    return found


KERNELS = {"installed": tap_kernel.note_taps, "interpreted": interpreted()}


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "note_taps", KERNELS[request.param])


def gathered(frames: list[Frame], name: str, size: int | None = None) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tap, "note_taps", KERNELS[name])
        return evidence(frames, size)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("version", [4, 6])
def test_either_kernel_sees_all_there_is(version: int) -> None:
    connection = Connection(20 * MS, 50_000, server_bytes=5000).but({"checksum": LEFT}, {"ttl": 60})
    if version == 6:
        connection = Connection(20 * MS, 50_000, client=CLIENT6, server=SERVER6, server_bytes=5000)
        connection = connection.but({"checksum": LEFT}, {"ttl": 60})
    row = only(connection.frames())
    assert row == {
        "syns": 1, "syn_acks": 1, "ack_with_data": False, "one_host": False,
        "syn_ack_ns": 20 * MS, "ack_ns": 50_000,
        "client_ttl": 64, "client_hops": 0, "client_left": True, "client_mss": 1460, "client_large": 0,
        "server_ttl": 60, "server_hops": 4, "server_left": False, "server_mss": 1460, "server_large": 5000,
        "tap": "client",
    }  # fmt: skip


@pytest.mark.usefixtures("kernel")
def test_a_syn_put_together_from_fragments_is_summed_up_where_it_lies() -> None:
    connection = Connection(20 * MS, 50_000)
    client, server = connection.client, connection.server
    for kind in (LEFT, VALID, WRONG):
        syn = tcp(b"", client.port, server.port, 999, 0, SYN, options=b"\x02\x04\x05\xb4" + bytes(8))
        syn = with_checksum(syn, client.address, server.address, kind)
        row = only([*in_two(syn, client, server), *connection.frames()[1:]])
        assert row["syn_ack_ns"] == 20 * MS
        assert row["client_left"] == (kind == LEFT)


def in_two(segment: bytes, sender: Side, receiver: Side) -> list[Frame]:
    """The segment in two IP fragments."""
    pieces = [
        ip4(segment[:24], 6, sender.address, receiver.address, bits=1),
        ip4(segment[24:], 6, sender.address, receiver.address, offset=24),
    ]
    return [Frame(ethernet_of(piece), time_ns=START_NS) for piece in pieces]


@pytest.mark.usefixtures("kernel")
def test_a_right_checksum_may_equal_the_sum_of_the_pseudo_header() -> None:
    connection = Connection(20 * MS, 50_000)
    client, server = connection.client, connection.server
    options = b"\x02\x04\x05\xb4" + bytes(8)
    pseudo = ~ones_complement(pseudo_header(client.address, server.address, 32)) & 0xFFFF

    def syn(filling: int) -> bytes:
        made = tcp(b"", client.port, server.port, 999, filling, SYN, options=options)
        return with_checksum(made, client.address, server.address, VALID)

    # The acknowledgement number, which a SYN does not use, makes up for the difference.
    (right,) = struct.unpack(">H", syn(0)[16:18])
    made = syn((right - pseudo) % 0xFFFF)
    assert struct.unpack(">H", made[16:18]) == (pseudo,)
    for frames in (in_two(made, client, server), [Frame(ethernet_of(ip4(made)), time_ns=START_NS)]):
        row = only([*frames, *connection.frames()[1:]])
        assert row["syn_ack_ns"] == 20 * MS
        assert not row["client_left"]


@pytest.mark.usefixtures("kernel")
def test_a_syn_with_data_is_not_summed_up() -> None:
    connection = Connection(20 * MS, 50_000)
    client, server = connection.client, connection.server
    bare = tcp(b"", client.port, server.port, 999, 0, SYN)
    left = with_checksum(bare, client.address, server.address, LEFT)
    frame = Frame(ethernet_of(ip4(left + b"data")), time_ns=START_NS)
    row = only([frame, *connection.frames()[1:]])
    assert row["syn_ack_ns"] == 20 * MS
    assert not row["client_left"]


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_batches_change_nothing(size: int) -> None:
    connection = Connection(20 * MS, 50_000, client_bytes=2000).but({"checksum": LEFT}, {"ttl": 60})
    frames = connection.frames()
    assert evidence(frames, size) == evidence(frames)


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("absurd", FAR_TIMES)
def test_times_at_the_end_of_all_time(absurd: int) -> None:
    for place in range(3):
        frames = Connection().frames()
        frames[place] = frames[place]._replace(time_ns=absurd)
        assert only(frames)["tap"] is None


@given(st.integers(0, 2**32))
def test_kernels_agree_on_any_order_of_any_segments(seed: int) -> None:
    rng = random.Random(seed)
    frames = []
    for _ in range(rng.randrange(1, 25)):
        connection = Connection().but(
            {
                "ttl": rng.randrange(256),
                "checksum": rng.choice((VALID, LEFT, WRONG)),
                "port": rng.choice((9, 10)),
            },
            {"mss": rng.choice((None, 0, 1, 1460, 65535)), "ttl": rng.choice((0, 64, 255))},
        )
        sender, receiver = connection.client, connection.server
        if rng.random() < 0.5:
            sender, receiver = receiver, sender
        frame = sender.frame(
            receiver,
            rng.choice((0, START_NS, START_NS + rng.randrange(10**10), *FAR_TIMES)),
            rng.choice((SYN, SYN | ACK, ACK, ACK, rng.randrange(256))),
            rng.choice((999, 1000, 4999, 5000, rng.randrange(2**32))),
            rng.choice((999, 1000, 5000, rng.randrange(2**32))),
            bytes(rng.choice((0, 0, 1, 1460, 1461, 30_000))),
        )
        if rng.random() < 0.2:
            frame = frame.cut(rng.randrange(len(frame.data)))
        frames.append(frame)
    size = rng.choice((1, 3, 100))
    rows = gathered(frames, "interpreted", size)
    assert rows == gathered(frames, "installed", size) == gathered(frames, "installed")
    for row in rows:
        assert row["tap"] in {None, *tap.TAPS}
        for name in ("syn_ack_ns", "ack_ns"):
            assert row[name] < 0 or row[name] <= tap.LONGEST_NS


def test_segments_that_tell_nothing_are_not_looked_at_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    monkeypatch.setattr(tap, "note_taps", lambda *columns: looked.append(tap_kernel.note_taps(*columns)))
    connection = Connection()
    client, server = connection.client, connection.server
    more = [client.frame(server, START_NS + MS, ACK, 1000 + n, 5000, b"x") for n in range(50)]
    quoted = Frame(ethernet_of(ip4(b"no TCP", 17, SRC)))
    evidence([*connection.frames(), *more, quoted])
    assert looked == [3]
