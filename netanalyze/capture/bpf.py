"""Capture filters in the language of tcpdump (pcap-filter(7)): ``--filter "tcp port 80"``.

libpcap compiles the expression into a program of the BPF machine, for each link type that the capture
holds; ``bpf_kernel`` runs it. libpcap never sees a frame, and no interface is opened: the compiler is
told that it reads a file, so it only asks for what is in a frame's bytes.

Differences from ``tcpdump -r``: link layers may differ within one capture; BSD loopback frames are
told apart by their own byte order, not by the file's; ``ip broadcast`` is an error, because a file
does not hold the netmask, and so is ``protochain``, whose programs have loops. An expression with
host names makes libpcap ask the resolver.
"""

from __future__ import annotations

import ctypes
import os
import struct
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netanalyze.capture import bpf_kernel
from netanalyze.columns import distinct
from netanalyze.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netanalyze.capture.batch import Batch

MAX_INSTRUCTIONS = 4096
"""Longest program that runs, as in the BSD and Linux kernels."""

MAX_SNAP_BYTES = 262_144

_WORDS = 16
_MISSING = (
    "capture filters need libpcap, which is not installed: install the package libpcap0.8 (Debian, Ubuntu), "
    "libpcap (Fedora, Arch, Alpine) or Npcap (Windows)"
)
_LOADS = {0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xB1}  # ld, ldh, ldb of [k] and of [x+k]; ldxb
_MEMORY = {0x60, 0x61, 0x02, 0x03}
_RETURNS = {0x06, 0x16}
_JUMP = 0x05
_BRANCHES = {0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D}
_DIVISIONS = {0x34, 0x94}
_OTHERS = {0x00, 0x01, 0x80, 0x81, 0x07, 0x87, 0x84, 0x04, 0x0C, 0x14, 0x1C, 0x24, 0x2C, 0x3C, 0x9C}
_OTHERS |= {0x44, 0x4C, 0x54, 0x5C, 0xA4, 0xAC, 0x64, 0x6C, 0x74, 0x7C}
OPCODES = frozenset(_LOADS | _MEMORY | _RETURNS | {_JUMP} | _BRANCHES | _DIVISIONS | _OTHERS)
"""Every instruction there is."""

_NO_NETMASK = -1  # PCAP_NETMASK_UNKNOWN
_ANCILLARY = 1 << 31  # loads from here on are negative offsets to Linux: data beside the frame

_BACKWARD = 1 << 31  # jumps from here on are negative to libpcap
_LAST_LINK_TYPE = 0xFFFF  # what the header of a capture file has room for
_ETHERNET = 1
_LOOPBACK = 0
_LOOPBACK_BIG = -2  # not a link type: loopback frames whose header is in big-endian order
# Link types with words of their own, by which a valid expression is known that is not for Ethernet:
# 802.11, Linux cooked v1 and v2, PF log, ATM, MTP2, SLIP.
_SPECIAL = (127, 113, 276, 117, 123, 140, 8)


class Instruction(NamedTuple):
    """One of a program: operation, jumps where true and where false, constant."""

    code: int
    jt: int
    jf: int
    k: int


class Program:
    """A validated BPF program."""

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        """Check a program before it may run.

        Raises:
            FilterError: it is empty or too long, an instruction does not exist, a jump leaves the
                program, it may run off its end, it uses memory that there is not, divides by the
                constant zero, or asks for what is not in a frame's bytes.
        """
        _validate(instructions)
        self.instructions = tuple(instructions)
        words = max((step.k + 1 for step in instructions if step.code in _MEMORY), default=0)
        columns = [memoryview(array("q", column)) for column in zip(*self.instructions, strict=True)]
        self._machine = (*columns, memoryview(array("Q", bytes(8 * words))))

    def select(self, batch: Batch, link_type: int, link_types: memoryview | None = None) -> int:
        """Clear ``keep`` of the frames of one link type that do not match; returns how many.

        ``link_types`` stands in for the batch's column of that name.
        """
        offset, captured, wire, column, keep = batch.pick(
            "offset", "captured_bytes", "wire_bytes", "link_type", "keep"
        )
        column = column if link_types is None else link_types
        frames = (batch.data, offset, captured, wire, column, keep, batch.count, link_type)
        rejected: int = bpf_kernel.select_frames(*frames, *self._machine)
        return rejected


MAX_WARNINGS = 5
"""So many link types that the expression does not compile for are named."""


class CaptureFilter:
    """An expression, and a program for each link type met so far."""

    def __init__(self, expression: str, warn: Callable[[str], None] | None = None) -> None:
        """Make sure that the expression makes sense for some link type.

        Args:
            expression: as tcpdump takes it; an empty one matches every frame.
            warn: told, once for each link type, that frames are left out because the expression does
                not compile for their link type. Without it such a link type is an error.

        Raises:
            FilterError: libpcap is not installed, or the expression compiles for no link type.
        """
        self.expression = expression
        self.left_out: dict[int, int] = {}
        """Frames left out because no program could judge them, by link type."""
        self._warn = warn
        self._failures = 0
        self._programs: dict[int, Program | None] = {}
        self._first_failure = ""
        self._check()

    def apply(self, batch: Batch) -> None:
        """Clear ``keep`` of the frames that do not match.

        Raises:
            FilterError: the expression does not compile for a link type, and nobody is warned.
        """
        kinds, column = _kinds(batch)
        for kind in kinds:
            if kind not in self._programs:
                self._programs[kind] = self._compile(kind)
            program = self._programs[kind]
            if program is not None:
                program.select(batch, kind, column)
            else:
                self._leave_out(batch, kind)

    def finish(self) -> None:
        """To be called after the last batch.

        Raises:
            FilterError: there were frames, and the expression compiled for none of their link types.
        """
        if self._programs and not any(self._programs.values()):
            raise FilterError(self._first_failure)

    def _check(self) -> None:
        _libpcap()
        try:
            compile_expression(self.expression, _ETHERNET)
        except FilterError as error:
            # Asking the resolver again and again would take long and change nothing.
            if "unknown host" not in str(error) and any(map(self._compiles, _SPECIAL)):
                return
            raise

    def _compiles(self, link_type: int) -> bool:
        try:
            compile_expression(self.expression, link_type)
        except FilterError:
            return False
        return True

    def _compile(self, kind: int) -> Program | None:
        link_type = _LOOPBACK if kind == _LOOPBACK_BIG else kind
        try:
            return compile_expression(self.expression, link_type, big_endian=kind == _LOOPBACK_BIG)
        except FilterError as error:
            problem = f"{error} (link type {link_type})"
            self._first_failure = self._first_failure or problem
            if self._warn is None:
                raise FilterError(problem) from error
            self._failures += 1
            if self._failures <= MAX_WARNINGS:
                last = "; there are more such link types" if self._failures == MAX_WARNINGS else ""
                self._warn(f"{problem}; such frames are left out{last}")
            return None

    def _leave_out(self, batch: Batch, kind: int) -> None:
        link_type = _LOOPBACK if kind == _LOOPBACK_BIG else kind
        keep = batch.arrays["keep"][: batch.count]
        chosen = (batch.arrays["link_type"][: batch.count] == link_type) & (keep != 0)
        keep[chosen] = 0
        self.left_out[link_type] = self.left_out.get(link_type, 0) + int(np.count_nonzero(chosen))


def compile_expression(expression: str, link_type: int, *, big_endian: bool = False) -> Program:
    """Compile for one link type.

    Args:
        expression: as tcpdump takes it.
        link_type: LINKTYPE_ number.
        big_endian: the byte order of the host that captured, where headers follow it (BSD loopback).

    Raises:
        FilterError: with libpcap's own words, or because libpcap is not installed.
    """
    lib = _libpcap()
    try:
        return Program(_instructions(lib, expression, link_type, big_endian=big_endian))
    except FilterError as error:
        message = f"capture filter {_quoted(expression)}: {error}"
        raise FilterError(message) from error


def _libpcap() -> Any:  # noqa: ANN401 - a module without type information
    """The functions of libpcap. Imported when wanted: it takes 20 ms, and most runs have no filter."""
    try:
        from scapy.libs import winpcapy  # noqa: PLC0415 - see above
    except (OSError, AttributeError) as error:  # no library, or one so old that functions are missing
        raise FilterError(_MISSING) from error
    return winpcapy


def _instructions(
    lib: Any,  # noqa: ANN401 - as above
    expression: str,
    link_type: int,
    *,
    big_endian: bool,
) -> list[Instruction]:
    if "\0" in expression:
        message = "there is a zero byte in it"
        raise FilterError(message)
    if not 0 <= link_type <= _LAST_LINK_TYPE:
        message = "the link type is not known"
        raise FilterError(message)
    handle = _open(lib, link_type, big_endian=big_endian)
    program = lib.bpf_program()
    try:
        text = expression.encode("utf-8", "replace")
        if lib.pcap_compile(handle, ctypes.byref(program), text, 1, _NO_NETMASK) != 0:
            raise FilterError(_line(lib.pcap_geterr(handle)))
        steps = [program.bf_insns[index] for index in range(program.bf_len)]
        return [Instruction(step.code, step.jt, step.jf, step.k & 0xFFFFFFFF) for step in steps]
    finally:
        lib.pcap_freecode(ctypes.byref(program))  # nothing happens where there is no code
        lib.pcap_close(handle)


def _open(lib: Any, link_type: int, *, big_endian: bool) -> Any:  # noqa: ANN401 - as above
    """A capture file without frames: libpcap then translates the link type, and knows it is a file."""
    order = ">" if big_endian else "<"
    header = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, MAX_SNAP_BYTES, link_type)
    problem = ctypes.create_string_buffer(512)
    try:
        with tempfile.TemporaryDirectory(prefix="netanalyze-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, "header.pcap")
            file.write_bytes(header)
            handle = lib.pcap_open_offline(os.fsencode(file), problem)
    except OSError as error:
        message = f"it cannot be compiled without a folder for temporary files: {error}"
        raise FilterError(message) from error
    if not handle:
        raise FilterError(_line(problem.value))
    return handle


def _kinds(batch: Batch) -> tuple[list[int], memoryview | None]:
    """The link types in a batch, and the column to read them from if not the batch's own."""
    count = batch.count
    column = batch.arrays["link_type"][:count]
    if count == 0:
        return [], None
    kinds = [int(column[0])] if (column == column[0]).all() else distinct(column).tolist()
    if _LOOPBACK not in kinds:
        return kinds, None
    # The address family fills four bytes and is below 256: its first byte is zero in big-endian order.
    rows = np.flatnonzero((column == _LOOPBACK) & (batch.arrays["captured_bytes"][:count] > 0))
    first = np.frombuffer(batch.data, np.uint8)[batch.arrays["offset"][rows]]
    column = column.copy()
    column[rows[first == 0]] = _LOOPBACK_BIG
    return distinct(column).tolist(), column.data


def _validate(instructions: Sequence[Instruction]) -> None:
    count = len(instructions)
    if not 0 < count <= MAX_INSTRUCTIONS:
        message = f"the filter's program has {count} instructions; it must have 1 to {MAX_INSTRUCTIONS}"
        raise FilterError(message)
    for at, step in enumerate(instructions):
        problem = _problem(step, count - at - 1)
        if problem:
            message = f"instruction {at} of the filter's program {problem}"
            raise FilterError(message)


def _problem(step: Instruction, left: int) -> str:
    """What is wrong with an instruction that ``left`` others follow; "" if nothing is."""
    code, jt, jf, k = step
    checks = (
        (code not in OPCODES, f"is none there is: {code:#x}"),
        (not 0 <= k < 1 << 32, "has a constant of more than 32 bits"),
        (
            code in _LOADS and k >= _ANCILLARY,
            "asks for something that is not in the frame's bytes, such as its direction or interface",
        ),
        (code in _MEMORY and k >= _WORDS, f"uses word {k} of a memory of {_WORDS}"),
        (code in _DIVISIONS and k == 0, "divides by zero"),
        (code == _JUMP and k >= _BACKWARD, "jumps back, as protochain does: it might never end"),
        (code == _JUMP and k >= left, "jumps out of the program"),
        (code in _BRANCHES and not (0 <= jt < left and 0 <= jf < left), "jumps out of the program"),
        (left == 0 and code not in _RETURNS, "is the last and does not return"),
    )
    return next((problem for wrong, problem in checks if wrong), "")


def _quoted(expression: str) -> str:
    """The expression for a message: short and on one line."""
    shown = expression if len(expression) <= 80 else expression[:77] + "..."  # noqa: PLR2004 - a line
    return repr(shown)


def _line(text: bytes | None) -> str:
    return " ".join((text or b"").decode("utf-8", "replace").split()) or "no reason given"
