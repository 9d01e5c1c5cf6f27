"""The classic BPF machine: runs a capture filter over the frames of a batch.

S. McCanne and V. Jacobson, "The BSD Packet Filter" (1993), with MOD and XOR as Linux and libpcap added
them. An accumulator, an index register, sixteen words of scratch memory, all of 32 unsigned bits and
all zero at the start. A load beyond the captured bytes, a division by zero, or an instruction that
does not exist rejects the frame. Jumps only go forward (``bpf.Program`` saw to it), so that a program
of n instructions ends after n steps at most.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
CARRY = cython.declare(cython.ulonglong, 0x100000000)


@cython.cfunc
@cython.nogil
@cython.inline
def byte(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.ulonglong:
    """Eight bits."""
    return data[at]


@cython.cfunc
@cython.nogil
@cython.inline
def be16(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.ulonglong:
    """Sixteen bits in network order."""
    return (byte(data, at) << 8) | byte(data, at + 1)


@cython.cfunc
@cython.nogil
@cython.inline
def be32(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.ulonglong:
    """Thirty-two bits in network order."""
    return (be16(data, at) << 16) | be16(data, at + 2)


@cython.cfunc
@cython.nogil
@cython.inline
def run(
    data: cython.const[cython.uchar][::1],
    base: cython.longlong,
    size: cython.longlong,
    wire_bytes: cython.ulonglong,
    code: cython.longlong[::1],
    jt: cython.longlong[::1],
    jf: cython.longlong[::1],
    constant: cython.longlong[::1],
    scratch: cython.ulonglong[::1],
) -> cython.ulonglong:
    """What the program returns for the ``size`` bytes at ``base``: 0 rejects the frame."""
    a: cython.ulonglong = 0
    x: cython.ulonglong = 0
    k: cython.ulonglong
    at: cython.longlong
    op: cython.longlong
    pc: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t = code.shape[0]
    taken: cython.bint
    word: cython.Py_ssize_t
    for word in range(scratch.shape[0]):
        scratch[word] = 0
    while pc < length:
        op = code[pc]
        k = constant[pc]
        pc += 1
        # A chain over one number: C makes a jump table of it. The most frequent come first for the
        # sake of the interpreter.
        if op == 0x15:  # jeq k
            taken = a == k
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x28:  # ldh [k]
            at = k
            if at + 2 > size:
                return 0
            a = be16(data, base + at)
        elif op == 0x30:  # ldb [k]
            at = k
            if at + 1 > size:
                return 0
            a = byte(data, base + at)
        elif op == 0x20:  # ld [k]
            at = k
            if at + 4 > size:
                return 0
            a = be32(data, base + at)
        elif op == 0x06:  # ret k
            return k
        elif op == 0x45:  # jset k
            taken = (a & k) != 0
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0xB1:  # ldxb 4*([k]&0xf)
            at = k
            if at + 1 > size:
                return 0
            x = (byte(data, base + at) & 15) << 2
        elif op == 0x48:  # ldh [x+k]
            at = x + k
            if at + 2 > size:
                return 0
            a = be16(data, base + at)
        elif op == 0x50:  # ldb [x+k]
            at = x + k
            if at + 1 > size:
                return 0
            a = byte(data, base + at)
        elif op == 0x40:  # ld [x+k]
            at = x + k
            if at + 4 > size:
                return 0
            a = be32(data, base + at)
        elif op == 0x54:  # and k
            a &= k
        elif op == 0x35:  # jge k
            taken = a >= k
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x25:  # jgt k
            taken = a > k
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x05:  # ja k
            pc += k
        elif op == 0x1D:  # jeq x
            taken = a == x
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x2D:  # jgt x
            taken = a > x
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x3D:  # jge x
            taken = a >= x
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x4D:  # jset x
            taken = (a & x) != 0
            pc += jt[pc - 1] if taken else jf[pc - 1]
        elif op == 0x80:  # ld len
            a = wire_bytes & MASK32
        elif op == 0x81:  # ldx len
            x = wire_bytes & MASK32
        elif op == 0x00:  # ld #k
            a = k
        elif op == 0x01:  # ldx #k
            x = k
        elif op == 0x60:  # ld M[k]
            a = scratch[k]
        elif op == 0x61:  # ldx M[k]
            x = scratch[k]
        elif op == 0x02:  # st M[k]
            scratch[k] = a
        elif op == 0x03:  # stx M[k]
            scratch[k] = x
        elif op == 0x07:  # tax
            x = a
        elif op == 0x87:  # txa
            a = x
        elif op == 0x04:  # add k
            a = (a + k) & MASK32
        elif op == 0x0C:  # add x
            a = (a + x) & MASK32
        elif op == 0x14:  # sub k
            a = (a + CARRY - k) & MASK32
        elif op == 0x1C:  # sub x
            a = (a + CARRY - x) & MASK32
        elif op == 0x24:  # mul k
            a = (a * k) & MASK32
        elif op == 0x2C:  # mul x
            a = (a * x) & MASK32
        elif op == 0x34:  # div k
            if k == 0:
                return 0
            a = a // k
        elif op == 0x3C:  # div x
            if x == 0:
                return 0
            a = a // x
        elif op == 0x94:  # mod k
            if k == 0:
                return 0
            a = a % k
        elif op == 0x9C:  # mod x
            if x == 0:
                return 0
            a = a % x
        elif op == 0x44:  # or k
            a |= k
        elif op == 0x4C:  # or x
            a |= x
        elif op == 0x5C:  # and x
            a &= x
        elif op == 0xA4:  # xor k
            a ^= k
        elif op == 0xAC:  # xor x
            a ^= x
        elif op == 0x64:  # lsh k
            a = (a << k) & MASK32 if k < 32 else 0
        elif op == 0x6C:  # lsh x
            a = (a << x) & MASK32 if x < 32 else 0
        elif op == 0x74:  # rsh k
            a = a >> k if k < 32 else 0
        elif op == 0x7C:  # rsh x
            a = a >> x if x < 32 else 0
        elif op == 0x84:  # neg
            a = (CARRY - a) & MASK32
        elif op == 0x16:  # ret a
            return a
        else:
            return 0
    return 0


def select_frames(
    data: cython.const[cython.uchar][::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    link_type: cython.int[::1],
    keep: cython.uchar[::1],
    count: cython.Py_ssize_t,
    wanted_link_type: cython.longlong,
    code: cython.longlong[::1],
    jt: cython.longlong[::1],
    jf: cython.longlong[::1],
    constant: cython.longlong[::1],
    scratch: cython.ulonglong[::1],
) -> cython.longlong:
    """Clear ``keep`` of the first ``count`` frames where the program rejects them.

    Looks only at frames of one link type whose ``keep`` is set. ``scratch`` has as many words as the
    program uses. Returns how many frames were rejected.
    """
    i: cython.Py_ssize_t
    base: cython.longlong
    size: cython.longlong
    limit: cython.longlong = data.shape[0]
    rejected: cython.longlong = 0
    with cython.nogil:
        for i in range(count):
            if keep[i] == 0 or link_type[i] != wanted_link_type:
                continue
            base = offset[i]
            size = captured_bytes[i]
            if base < 0 or base > limit:
                base = 0
                size = 0
            size = min(size, limit - base)
            if run(data, base, size, wire_bytes[i], code, jt, jf, constant, scratch) == 0:
                keep[i] = 0
                rejected += 1
    return rejected
