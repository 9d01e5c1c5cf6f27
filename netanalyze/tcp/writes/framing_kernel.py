"""Where messages end in the bytes of a half-stream, by a framing (``framing_fields``).

The bytes come in pieces of any size, and the answer does not depend on how they were cut. Lengths are what
the other side says: none is believed beyond ``MOST``, nothing is kept but numbers.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp.writes import framing_fields as fields

LENGTH = cython.declare(cython.longlong, fields.LENGTH)
DELIMITER = cython.declare(cython.longlong, fields.DELIMITER)
FIXED = cython.declare(cython.longlong, fields.FIXED)
VARINT = cython.declare(cython.longlong, fields.VARINT)
BER = cython.declare(cython.longlong, fields.BER)
RESP = cython.declare(cython.longlong, fields.RESP)
WEBSOCKET = cython.declare(cython.longlong, fields.WEBSOCKET)
KIND = cython.declare(cython.int, fields.KIND)
SIZE = cython.declare(cython.int, fields.SIZE)
OFFSET = cython.declare(cython.int, fields.OFFSET)
ADJUST = cython.declare(cython.int, fields.ADJUST)
LITTLE = cython.declare(cython.int, fields.LITTLE)
MASK = cython.declare(cython.int, fields.MASK)
FINAL = cython.declare(cython.int, fields.FINAL)
VALUE = cython.declare(cython.int, fields.VALUE)
MOST = cython.declare(cython.int, fields.MOST)
TEXT = cython.declare(cython.int, fields.TEXT)
TYPE_AT = cython.declare(cython.int, fields.TYPE_AT)
LAST_TYPE = cython.declare(cython.int, fields.LAST_TYPE)
SHORT_ZERO = cython.declare(cython.int, fields.SHORT_ZERO)
ONCE = cython.declare(cython.int, fields.ONCE)
POS = cython.declare(cython.int, fields.POS)
NEED = cython.declare(cython.int, fields.NEED)
FIELD = cython.declare(cython.int, fields.FIELD)
COUNT = cython.declare(cython.int, fields.COUNT)
FIRST = cython.declare(cython.int, fields.FIRST)
TYPE = cython.declare(cython.int, fields.TYPE)
AT = cython.declare(cython.int, fields.AT)
FAULT = cython.declare(cython.int, fields.FAULT)
TOO_SHORT = cython.declare(cython.longlong, fields.TOO_SHORT)
TOO_LONG = cython.declare(cython.longlong, fields.TOO_LONG)
NOT_TEXT = cython.declare(cython.longlong, fields.NOT_TEXT)
NOT_NUMBER = cython.declare(cython.longlong, fields.NOT_NUMBER)
ENDED = cython.declare(cython.longlong, fields.ENDED)
LIMIT = cython.declare(cython.longlong, 1 << 55)
"""A number above this is not shifted any further."""
LOWEST_TEXT = cython.declare(cython.int, 7)
HIGH_BIT = cython.declare(cython.int, 0x80)
VARINT_MOST = cython.declare(cython.longlong, 56)
BER_MOST = cython.declare(cython.longlong, 4)
SHORT_16 = cython.declare(cython.longlong, 126)
SHORT_64 = cython.declare(cython.longlong, 127)
BITS48 = cython.declare(cython.longlong, (1 << 48) - 1)
DEEP = cython.declare(cython.longlong, 1 << 24)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def take_length(
    state: cython.longlong[::1], pos: cython.longlong, total: cython.longlong, most: cython.longlong
) -> cython.bint:
    """A message of which ``pos`` bytes have come has ``total``; whether that can be."""
    if total < pos or total <= 0:
        state[FAULT] = TOO_SHORT
        return False
    if total > most:
        state[FAULT] = TOO_LONG
        return False
    state[NEED] = total - pos
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def header_byte(spec: cython.longlong[::1], state: cython.longlong[::1], b: cython.longlong) -> cython.bint:
    """Take a byte of a message whose length is not known yet; whether it can be one."""
    kind: cython.longlong = spec[KIND]
    pos: cython.longlong = state[POS]
    begin: cython.longlong = spec[OFFSET]
    size: cython.longlong = spec[SIZE]
    value: cython.longlong = state[FIELD]
    if pos == 0:
        state[FIRST] = b
        value = 0
    if pos == spec[TYPE_AT]:
        state[TYPE] = b
    state[POS] = pos + 1
    if kind == FIXED:
        return take_length(state, pos + 1, size, spec[MOST])
    if kind == LENGTH:
        if spec[SHORT_ZERO] and state[FIRST] == 0:
            begin = 0
        if pos < begin:
            return True
        if spec[LITTLE]:
            if pos - begin < 7:
                value |= b << (8 * (pos - begin))
            elif b:
                value |= LIMIT << 1
        else:
            if value > LIMIT:
                state[FAULT] = TOO_LONG
                return False
            value = value << 8 | b
        state[FIELD] = value
        if pos + 1 < begin + size:
            return True
        if spec[MASK]:
            value &= spec[MASK]
        if value > LIMIT:
            state[FAULT] = TOO_LONG
            return False
        return take_length(state, pos + 1, value + pos + 1 + spec[ADJUST], spec[MOST])
    if kind == VARINT:
        if pos < begin:
            return True
        if 7 * (pos - begin) >= VARINT_MOST:
            state[FAULT] = NOT_NUMBER
            return False
        value |= (b & 0x7F) << (7 * (pos - begin))
        state[FIELD] = value
        if b & HIGH_BIT:
            return True
        return take_length(state, pos + 1, value + pos + 1 + spec[ADJUST], spec[MOST])
    if kind == BER:
        if pos == 0:
            if b != spec[VALUE]:
                state[FAULT] = NOT_NUMBER
                return False
            return True
        if pos == 1:
            if not b & HIGH_BIT:
                return take_length(state, 2, b + 2, spec[MOST])
            state[COUNT] = b & 0x7F
            state[FIELD] = 0
            if state[COUNT] == 0 or state[COUNT] > BER_MOST:
                state[FAULT] = NOT_NUMBER
                return False
            return True
        value = value << 8 | b
        state[FIELD] = value
        if pos - 1 < state[COUNT]:
            return True
        return take_length(state, pos + 1, value + pos + 1, spec[MOST])
    # WEBSOCKET
    if pos == 0:
        return True
    if pos == 1:
        state[COUNT] = 4 if b & HIGH_BIT else 0
        value = b & 0x7F
        state[FIELD] = 0
        if value < SHORT_16:
            return take_length(state, 2, value + 2 + state[COUNT], spec[MOST])
        state[COUNT] |= 16 if value == SHORT_16 else 64
        return True
    if value > LIMIT:
        state[FAULT] = TOO_LONG
        return False
    value = value << 8 | b
    state[FIELD] = value
    if pos < (3 if state[COUNT] & 16 else 9):
        return True
    if value > LIMIT:
        state[FAULT] = TOO_LONG
        return False
    return take_length(state, pos + 1, value + pos + 1 + (state[COUNT] & 4), spec[MOST])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def resp_line(state: cython.longlong[::1], most: cython.longlong) -> cython.bint:
    """A line of RESP has ended: what it means for the message in hand; whether it can be one."""
    first: cython.longlong = state[FIRST]
    value: cython.longlong = state[FIELD]
    negative: cython.bint = value < 0
    if first == 42 or first == 126 or first == 62:  # *, ~ and >: an array, a set, a push
        state[COUNT] += 0 if negative else value
    elif first == 37 or first == 124:  # % and |: a map, attributes
        state[COUNT] += 0 if negative else 2 * value
        if first == 124:
            state[COUNT] += 1
    elif first == 36 or first == 61 or first == 33:  # $, = and !: as many bytes, and a line break
        if not negative:
            if value > most:
                state[FAULT] = TOO_LONG
                return False
            state[NEED] = value + 2
    if state[COUNT] > DEEP:
        state[FAULT] = TOO_LONG
        return False
    state[COUNT] -= 1
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def resp_byte(state: cython.longlong[::1], b: cython.longlong, most: cython.longlong) -> cython.bint:
    """Take a byte of a line of RESP; whether it can be one.

    In ``TYPE`` is what was before in this line: -1 nothing, 0 only digits or a sign, 1 anything, 2 a minus.
    """
    if state[POS] == 0:
        state[COUNT] = 1
        state[TYPE] = -1
    state[POS] += 1
    if state[TYPE] < 0:
        state[FIRST] = b
        state[FIELD] = 0
        state[TYPE] = 0
        return True
    if b == 10:
        if state[TYPE] == 2:
            state[FIELD] = -1
        state[TYPE] = -1
        return resp_line(state, most)
    if b == 13:
        return True
    if b == 45 and state[TYPE] == 0:
        state[TYPE] = 2
    elif 48 <= b <= 57:
        if state[FIELD] < LIMIT // 16:
            state[FIELD] = state[FIELD] * 10 + b - 48
    elif state[TYPE] == 0 and (first_is_number(state[FIRST])):
        state[FAULT] = NOT_NUMBER
        return False
    if state[POS] > most:
        state[FAULT] = TOO_LONG
        return False
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def first_is_number(first: cython.longlong) -> cython.bint:
    """Whether a line of RESP that begins with this goes on with a number."""
    return (
        first == 42
        or first == 36
        or first == 126
        or first == 62
        or first == 37
        or first == 61
        or first == 33
        or first == 124
    )


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def ended(spec: cython.longlong[::1], state: cython.longlong[::1]) -> cython.bint:
    """Whether the message in hand, of which all bytes have come, really ends; then the next one begins."""
    last: cython.bint = spec[LAST_TYPE] >= 0 and state[TYPE] == spec[LAST_TYPE]
    more: cython.bint = spec[FINAL] != 0 and not state[FIELD] & spec[FINAL]
    state[POS] = 0
    state[NEED] = -1
    state[FIELD] = 0
    state[TYPE] = -1
    if last:
        state[FAULT] = ENDED
    return not more


def cut(
    data: cython.const[cython.uchar][::1],
    begin: cython.Py_ssize_t,
    spec: cython.longlong[::1],
    state: cython.longlong[::1],
    ends: cython.longlong[::1],
) -> cython.Py_ssize_t:
    """Go through the bytes from ``begin`` on.

    ``ends`` has room for as many messages as there are bytes: where each message ends in ``data`` is written
    there. It stops early at a fault, and with ``ONCE`` behind a message; ``AT`` tells where.

    Returns:
        How many messages end.
    """
    size: cython.Py_ssize_t = data.shape[0]
    at: cython.Py_ssize_t = begin
    found: cython.Py_ssize_t = 0
    step: cython.longlong
    kind: cython.longlong = spec[KIND]
    length: cython.longlong = spec[SIZE]
    wanted: cython.longlong = spec[VALUE]
    text: cython.bint = spec[TEXT] != 0
    latest: cython.longlong
    pos: cython.longlong
    mask: cython.longlong = 0
    b: cython.uchar
    with cython.nogil:
        if kind == DELIMITER:
            latest = state[FIELD]
            pos = state[POS]
            mask = (cython.cast(cython.longlong, 1) << (8 * min(length, 7))) - 1
            while at < size:
                b = data[at]
                if text and b < LOWEST_TEXT:
                    state[FAULT] = NOT_TEXT
                    break
                at += 1
                pos += 1
                latest = (latest & BITS48) << 8 | b
                if (latest & mask) == wanted and pos >= length:
                    ends[found] = at
                    found += 1
                    pos = 0
                    latest = 0
                    if spec[ONCE]:
                        break
                elif pos > spec[MOST]:
                    state[FAULT] = TOO_LONG
                    break
            state[FIELD] = latest
            state[POS] = pos
        while kind != DELIMITER and at < size and state[FAULT] == 0:
            if state[NEED] > 0:
                step = min(state[NEED], size - at)
                if state[POS] <= spec[TYPE_AT] < state[POS] + step:
                    state[TYPE] = data[at + spec[TYPE_AT] - state[POS]]
                at += step
                state[POS] += step
                state[NEED] -= step
            elif kind == RESP:
                state[NEED] = -1
                b = data[at]
                at += 1
                if not resp_byte(state, b, spec[MOST]):
                    break
                if state[TYPE] >= 0 or state[NEED] > 0:
                    continue  # within a line, or bytes follow
                state[NEED] = 0
            else:
                b = data[at]
                at += 1
                if not header_byte(spec, state, b):
                    break
            if state[NEED] == 0:
                if kind == RESP and state[COUNT] > 0:
                    continue
                if ended(spec, state):
                    ends[found] = at
                    found += 1
                    if spec[ONCE]:
                        break
        state[AT] = at
    return found
