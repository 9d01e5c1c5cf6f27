"""Capture filters: the machine against libpcap's, whole filters against tcpdump."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.capture import bpf_kernel
from netanalyze.capture.batch import Batch
from netanalyze.capture.bpf import (
    MAX_INSTRUCTIONS,
    OPCODES,
    CaptureFilter,
    Instruction,
    Program,
    compile_expression,
)
from netanalyze.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

NULL, ETHERNET, RAW, COOKED, WIFI, USB = 0, 1, 101, 113, 105, 189
RET_A, RET_K, JA, STORE, JEQ = 0x16, 0x06, 0x05, 0x02, 0x15
RETURN_ONE, RETURN_ZERO = Instruction(RET_K, 0, 0, 1), Instruction(RET_K, 0, 0, 0)
BRANCHES = (0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D)

needs_libpcap = pytest.mark.skipif(
    ctypes.util.find_library("pcap") is None, reason="libpcap is not installed"
)
needs_tcpdump = pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")


def source_kernel() -> ModuleType:
    """The kernel interpreted, whatever the package runs."""
    spec = importlib.util.spec_from_file_location(
        "bpf_source", Path(bpf_kernel.__file__).parent / "bpf_kernel.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KERNELS = [bpf_kernel, source_kernel()]


def batch_of(frames: Sequence[bytes], *, link_types: Sequence[int] = (ETHERNET,), extra: int = 0) -> Batch:
    """A batch of these frames; link types are repeated, ``extra`` bytes of each were not captured."""
    batch = Batch(len(frames))
    batch.count = len(frames)
    batch.data = memoryview(b"".join(frames))
    at = 0
    for row, frame in enumerate(frames):
        batch.arrays["offset"][row] = at
        batch.arrays["captured_bytes"][row] = len(frame)
        batch.arrays["wire_bytes"][row] = len(frame) + extra
        batch.arrays["link_type"][row] = link_types[row % len(link_types)]
        at += len(frame)
    batch.arrays["keep"][:] = 1
    return batch


def kept(batch: Batch) -> list[int]:
    return batch.arrays["keep"][: batch.count].tolist()


def run(kernel: ModuleType, program: Program, frames: Sequence[bytes], extra: int = 0) -> list[int]:
    batch = batch_of(frames, extra=extra)
    columns = batch.pick("offset", "captured_bytes", "wire_bytes", "link_type", "keep")
    rejected = kernel.select_frames(batch.data, *columns, batch.count, ETHERNET, *program._machine)
    assert rejected == len(frames) - sum(kept(batch))
    return kept(batch)


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )


def libpcap_result(steps: Sequence[Instruction], frame: bytes, wire_bytes: int) -> int:
    machine = ctypes.CDLL(ctypes.util.find_library("pcap")).bpf_filter
    machine.restype = ctypes.c_uint32
    result: int = machine((_Step * len(steps))(*map(tuple, steps)), frame, wire_bytes, len(frame))
    return result


constants = st.one_of(
    st.integers(0, 40), st.integers(0, (1 << 32) - 1), st.sampled_from([0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
)


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    """Valid ones that do something: memory is set first because libpcap leaves it as it is."""
    steps = [Instruction(STORE, 0, 0, word) for word in range(16)]
    length = draw(st.integers(1, 24))
    for left in range(length, 0, -1):  # as many follow, the final return among them
        code = draw(st.sampled_from(sorted(OPCODES - {RET_A, RET_K})))
        k = draw(constants)
        if code in {0x60, 0x61, 0x02, 0x03}:
            k %= 16
        elif code in {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xB1}:
            k &= draw(st.sampled_from([0x1F, 0x7FFFFFFF]))
        elif code in {0x64, 0x74}:
            k %= 32  # more is undefined in C
        elif code in {0x34, 0x94}:
            k = k or 1
        elif code == JA:
            k %= left
        jumps = [draw(st.integers(0, left - 1)) if code in BRANCHES else 0 for _ in range(2)]
        steps.append(Instruction(code, *jumps, k))
    return steps


@needs_libpcap
@settings(max_examples=250)
@given(steps=programs(), frame=st.binary(max_size=48), extra=st.integers(0, 2000))
def test_the_machine_agrees_with_libpcap(steps: list[Instruction], frame: bytes, extra: int) -> None:
    value = libpcap_result([*steps, Instruction(RET_A, 0, 0, 0)], frame, len(frame) + extra)
    equal = [*steps, Instruction(JEQ, 0, 1, value), RETURN_ONE, RETURN_ZERO]
    for kernel in KERNELS:
        assert run(kernel, Program([*steps, Instruction(RET_A, 0, 0, 0)]), [frame], extra) == [value != 0]
        assert run(kernel, Program(equal), [frame], extra) == [
            libpcap_result(equal, frame, len(frame) + extra) != 0
        ]


@given(
    steps=st.lists(
        st.builds(
            Instruction,
            st.one_of(st.sampled_from(sorted(OPCODES)), st.integers(0, 0xFFFF)),
            st.integers(0, 6),
            st.integers(0, 6),
            constants,
        ),
        max_size=30,
    ),
    frames=st.lists(st.binary(max_size=40), min_size=1, max_size=3),
)
def test_any_instructions_are_refused_or_end(steps: list[Instruction], frames: list[bytes]) -> None:
    try:
        program = Program(steps)
    except FilterError:
        return
    compiled, interpreted = (run(kernel, program, frames) for kernel in KERNELS)
    assert compiled == interpreted


def arithmetic(code: int, a: int, k: int, x: int = 0) -> list[Instruction]:
    """Load both registers, apply one instruction, return the accumulator."""
    return [
        Instruction(0x01, 0, 0, x),
        Instruction(0x00, 0, 0, a),
        Instruction(code, 0, 0, k),
    ]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (arithmetic(0x04, 0xFFFFFFFF, 2), 1),  # add
        (arithmetic(0x1C, 1, 0, x=2), 0xFFFFFFFF),  # sub x
        (arithmetic(0x2C, 0xFFFFFFFF, 0, x=0xFFFFFFFF), 1),  # mul x
        (arithmetic(0x34, 0xFFFFFFFF, 2), 0x7FFFFFFF),  # div
        (arithmetic(0x9C, 17, 0, x=5), 2),  # mod x
        (arithmetic(0x84, 1, 0), 0xFFFFFFFF),  # neg
        (arithmetic(0x84, 0, 0), 0),
        (arithmetic(0x64, 3, 31), 0x80000000),  # lsh
        (arithmetic(0x64, 3, 32), 0),
        (arithmetic(0x7C, 0x80000000, 0, x=31), 1),  # rsh x
        (arithmetic(0x7C, 0x80000000, 0, x=99), 0),
        (arithmetic(0xA4, 0xFF, 0x0F), 0xF0),  # xor
        (arithmetic(0x80, 9, 0), 1006),  # len: on the wire
        (arithmetic(0x20, 9, 2), 0xFE040506),  # the last word of the frame
        (arithmetic(0x50, 9, 2, x=3), 6),  # ldb [x+2]
        ([*arithmetic(0xB1, 9, 2), Instruction(0x87, 0, 0, 0)], 56),  # ldxb, txa
        (
            [*arithmetic(STORE, 9, 2, x=5), Instruction(0x61, 0, 0, 2), Instruction(0x87, 0, 0, 0)],
            9,
        ),  # ldx M[2]
        ([*arithmetic(0x03, 9, 7, x=5), Instruction(0x60, 0, 0, 7)], 5),  # stx, ld M[7]
        (arithmetic(0x60, 9, 15), 0),  # memory is zero at the start
    ],
)
def test_instructions(kernel: ModuleType, steps: list[Instruction], value: int) -> None:
    frame = bytes([1, 2, 0xFE, 4, 5, 6])
    assert run(
        kernel, Program([*steps, Instruction(JEQ, 0, 1, value), RETURN_ONE, RETURN_ZERO]), [frame], 1000
    ) == [1]
    assert run(
        kernel, Program([*steps, Instruction(JEQ, 1, 0, value), RETURN_ONE, RETURN_ZERO]), [frame], 1000
    ) == [0]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    "steps",
    [
        arithmetic(0x20, 9, 3),  # one byte beyond the frame, where the next frame lies
        arithmetic(0x28, 9, 5),
        arithmetic(0x30, 9, 6),
        arithmetic(0xB1, 9, 6),
        arithmetic(0x50, 9, 1, x=0xFFFFFFFF),  # an index does not wrap around
        arithmetic(0x40, 9, 0x7FFFFFFF, x=0xFFFFFFFF),
        arithmetic(0x3C, 9, 0, x=0),
        arithmetic(0x9C, 9, 0, x=0),
    ],
)
def test_what_cannot_be_done_rejects_the_frame(kernel: ModuleType, steps: list[Instruction]) -> None:
    program = Program([*steps, RETURN_ONE])
    frames = [bytes([1, 2, 3, 4, 5, 6]), bytes(6)]
    assert run(kernel, program, frames) == [0, 0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_memory_does_not_survive_a_frame(kernel: ModuleType) -> None:
    load, store = Instruction(0x60, 0, 0, 3), Instruction(STORE, 0, 0, 3)
    one = Instruction(0x00, 0, 0, 1)
    skip = Instruction(JEQ, 0, 1, 0)
    program = Program([load, skip, Instruction(JA, 0, 0, 1), RETURN_ZERO, one, store, RETURN_ONE])
    assert run(kernel, program, [b"a", b"b", b"c"]) == [1, 1, 1]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_frame_that_does_not_lie_in_the_buffer_is_read_as_far_as_it_does(kernel: ModuleType) -> None:
    program = Program([Instruction(0x30, 0, 0, 3), RETURN_ONE])
    batch = batch_of([b"abcd", b"abcd", b"abcd", b"abcd"])
    batch.arrays["offset"][:] = [0, 13, 99, -1]
    columns = batch.pick("offset", "captured_bytes", "wire_bytes", "link_type", "keep")
    kernel.select_frames(batch.data, *columns, batch.count, ETHERNET, *program._machine)
    assert kept(batch) == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "0 instructions"),
        ([RETURN_ONE] * (MAX_INSTRUCTIONS + 1), "4097 instructions"),
        ([Instruction(0x0E, 0, 0, 0), RETURN_ONE], "instruction 0 .* is none there is: 0xe"),
        ([Instruction(0x00, 0, 0, 1 << 32), RETURN_ONE], "more than 32 bits"),
        ([Instruction(0x00, 0, 0, -1), RETURN_ONE], "more than 32 bits"),
        ([Instruction(0x28, 0, 0, 0xFFFFF000), RETURN_ONE], "not in the frame's bytes"),
        ([Instruction(0x60, 0, 0, 16), RETURN_ONE], "word 16 of a memory of 16"),
        ([Instruction(0x94, 0, 0, 0), RETURN_ONE], "divides by zero"),
        ([Instruction(JA, 0, 0, 1), RETURN_ONE], "jumps out"),
        ([Instruction(JA, 0, 0, 0xFFFFFFFF), RETURN_ONE], "jumps back"),
        ([RETURN_ONE, Instruction(JEQ, 0, 1, 0), RETURN_ONE], "instruction 1 .* jumps out"),
        ([Instruction(JEQ, 1, 0, 0), RETURN_ONE], "jumps out"),
        ([Instruction(JEQ, -1, 0, 0), RETURN_ONE], "jumps out"),
        ([Instruction(0x00, 0, 0, 1)], "does not return"),
    ],
)
def test_programs_that_are_refused(steps: list[Instruction], problem: str) -> None:
    with pytest.raises(FilterError, match=problem):
        Program(steps)


def test_the_longest_program_runs() -> None:
    program = Program([Instruction(0x04, 0, 0, 1)] * (MAX_INSTRUCTIONS - 1) + [Instruction(RET_A, 0, 0, 0)])
    assert run(bpf_kernel, program, [b""]) == [1]


def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
    return bytes(range(12)) + ethertype.to_bytes(2) + payload


def ipv4(payload: bytes, protocol: int, last: int = 1, fragment: int = 0) -> bytes:
    fields = (
        0x45,
        0,
        20 + len(payload),
        7,
        fragment,
        64,
        protocol,
        0,
        bytes([10, 0, 0, last]),
        b"\x0a\0\0\2",
    )
    return struct.pack("!BBHHHBBH4s4s", *fields) + payload


def ipv6(payload: bytes, protocol: int) -> bytes:
    return (
        struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
        + bytes(15)
        + b"\1"
        + bytes(15)
        + b"\2"
        + payload
    )


def tcp(sport: int, dport: int, flags: int = 0x10) -> bytes:
    return struct.pack("!HHIIBBHHH", sport, dport, 1, 2, 0x50, flags, 512, 0, 0) + b"text"


def udp(sport: int, dport: int) -> bytes:
    return struct.pack("!HHHH", sport, dport, 12, 0) + b"data"


IP_PACKETS = [
    ipv4(tcp(1234, 80), 6),
    ipv4(tcp(80, 1234, 0x12), 6, last=9),
    ipv4(tcp(1234, 443, 0x02), 6),
    ipv4(udp(5353, 53), 17),
    ipv4(udp(53, 5353), 17, last=77),
    ipv4(b"\x08\x00abcdef", 1),
    ipv4(udp(5, 53), 17, fragment=0x2000),
    ipv4(udp(5, 53), 17, fragment=0x0010),
]
IP6_PACKETS = [ipv6(tcp(1234, 80), 6), ipv6(udp(53, 9), 17), ipv6(b"\x80\x00abcdef", 58)]


def sample(link_type: int) -> list[bytes]:
    """Whole frames, the same with a few bytes cut, and noise."""
    rng = random.Random(link_type)
    if link_type == RAW:
        whole = IP_PACKETS + IP6_PACKETS
    elif link_type == COOKED:
        start = struct.pack("!HHH8s", 0, 1, 6, bytes(8))
        whole = [start + b"\x08\x00" + packet for packet in IP_PACKETS]
        whole += [start + b"\x86\xdd" + packet for packet in IP6_PACKETS]
    elif link_type == NULL:
        whole = [struct.pack("<I", 2) + packet for packet in IP_PACKETS]
        whole += [struct.pack("<I", family) + packet for packet in IP6_PACKETS for family in (24, 28, 30)]
    else:
        plain = [(0x0800, packet) for packet in IP_PACKETS] + [(0x86DD, packet) for packet in IP6_PACKETS]
        whole = [ethernet(packet, kind) for kind, packet in plain]
        tagged = [ethernet(b"\0\7" + kind.to_bytes(2) + packet, 0x8100) for kind, packet in plain]
        whole += [*tagged, ethernet(bytes(28), 0x0806)]
    return (
        whole
        + [frame[: rng.randrange(len(frame))] for frame in whole]
        + [rng.randbytes(rng.randrange(4 if link_type == NULL else 80)) for _ in range(30)]
    )


EXPRESSIONS = {
    ETHERNET: [
        "ether host 06:07:08:09:0a:0b",
        "arp",
        "vlan",
        "vlan 7 and tcp port 80",
        "ether[12:2] = 0x8100",
    ],
    RAW: [],
    COOKED: ["inbound"],
    NULL: [],
}
EVERYWHERE = [
    "",
    "tcp port 80",
    "not udp",
    "ip6",
    "host 10.0.0.9 or net 10.0.0.64/26",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
    "portrange 50-100 and not icmp",
    "ip[6:2] & 0x1fff != 0",
    "len > 60 and less 70",
    "ip[2:2] * 3 - ip[0] % 7 > (ip[8] << 1) ^ 5",
    "udp[ip[8] - 60:2] = 12",
    "icmp[icmptype] = icmp-echo or icmp6",
]
CASES = [(link, text) for link, more in EXPRESSIONS.items() for text in EVERYWHERE + more]


@needs_libpcap
@needs_tcpdump
@pytest.mark.parametrize(("link_type", "expression"), CASES)
def test_filters_agree_with_tcpdump(tmp_path: Path, link_type: int, expression: str) -> None:
    frames = sample(link_type)
    capture = tmp_path / "in.pcap"
    capture.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
        + b"".join(
            struct.pack("<IIII", number, 0, len(frame), len(frame) + 3) + frame
            for number, frame in enumerate(frames)
        )
    )
    command = ["tcpdump", "-r", str(capture), "-w", "-", expression]
    output = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - our own file
    expected, at = [0] * len(frames), 24
    while at < len(output):
        number, _, captured, _ = struct.unpack_from("<IIII", output, at)
        expected[number] = 1
        at += 16 + captured
    chosen = CaptureFilter(expression)
    batch = batch_of(frames, link_types=[link_type], extra=3)
    chosen.apply(batch)
    assert kept(batch) == expected
    for kernel in KERNELS:
        copy = batch_of(frames, extra=3)
        columns = copy.pick("offset", "captured_bytes", "wire_bytes", "link_type", "keep")
        program = compile_expression(expression, link_type)
        kernel.select_frames(copy.data, *columns, copy.count, ETHERNET, *program._machine)
        assert kept(copy) == expected


@needs_libpcap
def test_each_frame_is_judged_by_its_link_type() -> None:
    frames = [ethernet(IP_PACKETS[0]), IP_PACKETS[0], ethernet(IP_PACKETS[3]), IP_PACKETS[3]]
    batch = batch_of(frames, link_types=[ETHERNET, RAW])
    CaptureFilter("tcp port 80").apply(batch)
    assert kept(batch) == [1, 1, 0, 0]


@needs_libpcap
@pytest.mark.parametrize(
    ("expression", "expected"), [("ip", [1, 1, 0, 0, 0, 0]), ("not ip6", [1, 1, 0, 0, 1, 1])]
)
def test_loopback_frames_of_both_byte_orders(expression: str, expected: list[int]) -> None:
    frames = [
        *(struct.pack(order + "I", 2) + IP_PACKETS[0] for order in "<>"),
        *(struct.pack(order + "I", 30) + IP6_PACKETS[0] for order in "<>"),
        *(struct.pack(order + "I", 7) + b"appletalk" for order in "<>"),
    ]
    batch = batch_of(frames, link_types=[NULL])
    CaptureFilter(expression).apply(batch)
    assert kept(batch) == expected
    assert (batch.arrays["link_type"] == NULL).all()


@needs_libpcap
def test_empty_frames_are_frames() -> None:
    for link_type in (NULL, ETHERNET):
        batch = batch_of([b"", b""], link_types=[link_type])
        CaptureFilter("not tcp").apply(batch)
        assert kept(batch) == [0, 0]
        batch = batch_of([b"", b""], link_types=[link_type])
        CaptureFilter("len < 5").apply(batch)
        assert kept(batch) == [1, 1]


@needs_libpcap
def test_frames_left_out_before_stay_out_and_an_empty_batch_is_nothing() -> None:
    chosen = CaptureFilter("tcp")
    batch = batch_of([ethernet(IP_PACKETS[0])] * 3)
    batch.arrays["keep"][1] = 0
    chosen.apply(batch)
    assert kept(batch) == [1, 0, 1]
    assert compile_expression("udp", ETHERNET).select(batch, ETHERNET) == 2
    chosen.apply(Batch(4))
    chosen.finish()


@needs_libpcap
def test_frames_that_no_program_can_judge_are_left_out_with_one_warning() -> None:
    warnings: list[str] = []
    chosen = CaptureFilter("tcp port 80", warnings.append)
    for _ in range(2):
        batch = batch_of([ethernet(IP_PACKETS[0]), bytes(64)] * 2, link_types=[ETHERNET, USB])
        batch.arrays["keep"][2:] = 0
        chosen.apply(batch)
        assert kept(batch) == [1, 0, 0, 0]
    assert len(warnings) == 1
    assert "USB link-layer type" in warnings[0]
    assert "(link type 189)" in warnings[0]
    assert chosen.left_out == {USB: 2}
    chosen.finish()


@needs_libpcap
@pytest.mark.parametrize("link_type", [USB, -1, 60_000, 1 << 28])
def test_a_capture_of_which_no_link_type_can_be_judged_is_an_error(link_type: int) -> None:
    warnings: list[str] = []
    chosen = CaptureFilter("tcp port 80", warnings.append)
    batch = batch_of([bytes(64)], link_types=[link_type])
    chosen.apply(batch)
    assert kept(batch) == [0]
    assert len(warnings) == 1
    with pytest.raises(FilterError, match=rf"tcp port 80.*link type {link_type}"):
        chosen.finish()
    with pytest.raises(FilterError, match=rf"link type {link_type}"):
        CaptureFilter("tcp port 80").apply(batch_of([bytes(64)], link_types=[link_type]))


@needs_libpcap
def test_no_frames_are_no_error() -> None:
    CaptureFilter("tcp").finish()


@needs_libpcap
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("tcp prot 80", "syntax error"),
        ("1/0 = 1", "division by zero"),
        ("tcp\0udp", "zero byte"),
        ("port " + "9" * 5000, "port"),
        ("tcp port \N{SNOWMAN} \ud800", "tcp port"),
    ],
)
def test_an_expression_that_makes_no_sense(expression: str, message: str) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        CaptureFilter(expression)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


@needs_libpcap
@pytest.mark.parametrize("expression", ["wlan type data", "vpi 3", "inbound"])
def test_an_expression_for_another_link_type_is_only_an_error_where_it_is_used(expression: str) -> None:
    chosen = CaptureFilter(expression)
    with pytest.raises(FilterError, match=r"\(link type 1\)"):
        chosen.apply(batch_of([bytes(60)]))


@needs_libpcap
def test_programs_that_could_not_be_run_faithfully_are_refused() -> None:
    with pytest.raises(FilterError, match="not in the frame's bytes"):
        compile_expression("ether[4294967295] = 1", ETHERNET)
    with pytest.raises(FilterError, match="as protochain does"):
        compile_expression("ip protochain 6", ETHERNET)
    with pytest.raises(FilterError, match="inbound"):
        compile_expression("inbound", ETHERNET)


@needs_libpcap
def test_without_a_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(FilterError, match="folder for temporary files"):
        CaptureFilter("tcp")


def test_without_libpcap_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    libs = pytest.importorskip("scapy.libs")
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    monkeypatch.delitem(sys.modules, "scapy.libs.winpcapy", raising=False)
    monkeypatch.delattr(libs, "winpcapy", raising=False)
    with pytest.raises(FilterError, match=r"libpcap, which is not installed: install .*libpcap0\.8"):
        CaptureFilter("tcp")


def test_a_filter_is_loaded_without_the_whole_of_scapy() -> None:
    program = (
        "import sys; from netanalyze.capture import bpf; assert 'scapy' not in sys.modules\n"
        "try: bpf.CaptureFilter('tcp')\n"
        "except bpf.FilterError: pass\n"
        "assert not {'scapy.all', 'scapy.arch', 'scapy.packet'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])  # noqa: S603 - our own
