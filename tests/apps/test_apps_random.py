"""Random bytes get no name, hostile packets do no harm, and both ways to run the kernel agree."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from app_streams import ANY_PORT, CLIENT_PORT, Row, make_packets, names_of, talk
from examples import COUNTEREXAMPLES, EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze import kernels
from netanalyze.apps import identify, identify_kernel
from netanalyze.apps.identify import Identifier
from netanalyze.apps.protocol import TCP, UDP
from netanalyze.wire.packets import Packets

if TYPE_CHECKING:
    from types import ModuleType

STREAMS = 20000 if kernels.kind() == "compiled" else 1500
PAYLOAD = 64


def random_packets(
    random: np.random.Generator, transport: str, size: int, turn: int
) -> tuple[Packets, memoryview]:
    """One payload for each of ``STREAMS`` streams on ports that nobody listens on."""
    packets = Packets(STREAMS)
    columns = packets.arrays
    columns["protocol"][:] = 6 if transport == TCP else 17
    columns["stream"][:] = np.arange(STREAMS)
    columns["side"][:] = turn & 1
    columns["sport"][:] = ANY_PORT if turn & 1 else CLIENT_PORT
    columns["dport"][:] = CLIENT_PORT if turn & 1 else ANY_PORT
    columns["seq"][:] = turn * 1000
    columns["payload_bytes"][:] = columns["payload_captured"][:] = size
    columns["payload_offset"][:] = np.arange(STREAMS) * size
    packets.count = STREAMS
    return packets, memoryview(random.bytes(STREAMS * size))


@pytest.mark.parametrize("transport", [TCP, UDP])
@pytest.mark.parametrize("size", [PAYLOAD, 48, 148, 20])
def test_random_payloads_have_no_name(transport: str, size: int) -> None:
    """Below one in a thousand is asked for; sizes are those that some protocols look for."""
    random = np.random.default_rng(4242 + size)
    identifier = Identifier()
    named = []
    for turn in range(12):  # six each way: all that is ever looked at
        identifier.feed(*random_packets(random, transport, size, turn))
        codes, _ = identifier.tcp_apps() if transport == TCP else identifier.udp_apps()
        named.append(np.count_nonzero(codes) / STREAMS)
    assert named[0] < 0.001
    assert named[-1] < 0.001


@pytest.fixture(scope="module")
def from_source() -> ModuleType:
    """The kernel's source as a module of its own, beside whichever was imported."""
    source = Path(identify.__file__).with_name("identify_kernel.py")
    spec = importlib.util.spec_from_file_location("identify_kernel_from_source", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_source_does_what_the_kernel_does(from_source: ModuleType) -> None:
    """Trivially so where the kernel was not compiled."""
    both = (*EXAMPLES, *COUNTEREXAMPLES)
    conversations = [talk(e.transport, e.payloads, port=e.port) for e in both]
    conversations += [talk(e.transport, e.payloads, port=e.port, handshake=False) for e in both]
    expected = names_of(conversations, batch=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identify, "identify_kernel", from_source)
        assert names_of(conversations, batch=500) == expected


payloads = st.binary(max_size=80) | st.sampled_from([payload for e in EXAMPLES for _, payload in e.payloads])
ports = st.sampled_from([22, 23, 53, 80, 443, 5353, 4500, ANY_PORT])
rows = st.lists(
    st.builds(
        Row,
        payload=payloads,
        side=st.integers(0, 1),
        stream=st.integers(-1, 2),
        transport=st.sampled_from([TCP, UDP]),
        flags=st.sampled_from([0x02, 0x10, 0x12, 0xFFF]),
        seq=st.integers(0, 20) | st.integers(0, 2**32 - 1),
        ack=st.integers(0, 20) | st.integers(0, 2**32 - 1),
        server_port=ports,
        client_port=ports,
        wire_bytes=st.just(-1) | st.integers(0, 100),
        duplicate=st.integers(0, 1),
        role=st.integers(0, 2),
        source=st.integers(0, 1),
    ),
    max_size=30,
)


def outcome(packets: list[Row], kernel: ModuleType) -> list[list[int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identify, "identify_kernel", kernel)
        identifier = Identifier()
        seen = []
        for start in range(0, len(packets), 7):
            columns, data = make_packets(packets[start : start + 7])
            app = np.zeros(columns.count, np.int16)
            identifier.feed(columns, data, memoryview(app))
            seen.append(app.tolist())
        tcp, udp = identifier.tcp_apps()[0].tolist(), identifier.udp_apps()[0].tolist()
        confidences = [identifier.tcp_confidences().tolist(), identifier.udp_confidences().tolist()]
        return [*seen, tcp, udp, *confidences]


@settings(max_examples=100, deadline=None)
@given(packets=rows)
def test_any_packets_at_all(from_source: ModuleType, packets: list[Row]) -> None:
    found = outcome(packets, identify_kernel)
    assert found == outcome(packets, from_source)
    tcp, udp, tcp_confidences, udp_confidences = found[-4:]
    assert [code > 0 for code in tcp + udp] == [reason > 0 for reason in tcp_confidences + udp_confidences]
