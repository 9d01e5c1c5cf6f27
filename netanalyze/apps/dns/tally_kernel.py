"""Rows of queries and answers, counted by server."""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.apps.dns import fields
from netanalyze.model import NULL

FRAME = cython.declare(cython.Py_ssize_t, fields.FRAME)
ASKED_NS = cython.declare(cython.Py_ssize_t, fields.ASKED_NS)
RESPONSE_FRAME = cython.declare(cython.Py_ssize_t, fields.RESPONSE_FRAME)
RESPONSE_NS = cython.declare(cython.Py_ssize_t, fields.RESPONSE_NS)
SERVER_HI = cython.declare(cython.Py_ssize_t, fields.SERVER_HI)
SERVER_LO = cython.declare(cython.Py_ssize_t, fields.SERVER_LO)
VERSION = cython.declare(cython.Py_ssize_t, fields.VERSION)
SERVER_PORT = cython.declare(cython.Py_ssize_t, fields.SERVER_PORT)
TRANSPORT = cython.declare(cython.Py_ssize_t, fields.TRANSPORT)
PROTOCOL = cython.declare(cython.Py_ssize_t, fields.PROTOCOL)
NAME_FOLDED = cython.declare(cython.Py_ssize_t, fields.NAME_FOLDED)
RCODE = cython.declare(cython.Py_ssize_t, fields.RCODE)
END = cython.declare(cython.Py_ssize_t, fields.END)
SENT = cython.declare(cython.Py_ssize_t, fields.SENT)
PROBLEM = cython.declare(cython.Py_ssize_t, fields.PROBLEM)

COUNT_QUERIES = cython.declare(cython.Py_ssize_t, fields.COUNT_QUERIES)
COUNT_SENT = cython.declare(cython.Py_ssize_t, fields.COUNT_SENT)
COUNT_MALFORMED = cython.declare(cython.Py_ssize_t, fields.COUNT_MALFORMED)
COUNT_FIRST = cython.declare(cython.Py_ssize_t, fields.COUNT_FIRST)
COUNT_RCODES = cython.declare(cython.Py_ssize_t, fields.COUNT_RCODES)
COUNT_ENDS = cython.declare(cython.Py_ssize_t, fields.COUNT_ENDS)
OTHER_RCODES = cython.declare(cython.int, fields.OTHER_RCODES)

KIND = cython.declare(cython.Py_ssize_t, 2)
"""Of a server's row of three words: protocol, transport, IP version and port; before it the address."""
NO_VALUE = cython.declare(cython.longlong, NULL)
NXDOMAIN = cython.declare(cython.int, 3)
FACTOR = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def server_of(
    hi: cython.ulonglong, lo: cython.ulonglong, kind: cython.ulonglong, salt: cython.ulonglong,
    servers: cython.ulonglong[:, ::1], slots: cython.int[::1], known: cython.longlong[::1],
) -> cython.Py_ssize_t:  # fmt: skip
    """The number of a server; a new one if it is not known yet, for which there is room."""
    mask: cython.ulonglong = cython.cast(cython.ulonglong, slots.shape[0] - 1)
    hashed: cython.ulonglong = ((hi ^ salt) * FACTOR) & MASK64
    place: cython.Py_ssize_t
    number: cython.Py_ssize_t
    hashed ^= hashed >> 29
    hashed = ((hashed ^ lo) * FACTOR) & MASK64
    hashed ^= hashed >> 29
    hashed = ((hashed ^ kind) * FACTOR) & MASK64
    hashed ^= hashed >> 32
    place = cython.cast(cython.Py_ssize_t, hashed & mask)
    while slots[place] != 0:
        number = slots[place] - 1
        if servers[number, 0] == hi and servers[number, 1] == lo and servers[number, KIND] == kind:
            return number
        place = (place + 1) & cython.cast(cython.Py_ssize_t, mask)
    number = known[0]
    known[0] = number + 1
    slots[place] = cython.cast(cython.int, number + 1)
    servers[number, 0] = hi
    servers[number, 1] = lo
    servers[number, KIND] = kind
    return number


def enter_servers(
    count: cython.Py_ssize_t,
    servers: cython.ulonglong[:, ::1],
    slots: cython.int[::1],
    salt: cython.ulonglong,
    again: cython.longlong[::1],
) -> None:
    """Enter servers into new and empty ``slots``; ``again`` counts them, from 0."""
    i: cython.Py_ssize_t
    with cython.nogil:
        for i in range(count):
            server_of(servers[i, 0], servers[i, 1], servers[i, KIND], salt, servers, slots, again)


def tally(
    rows: cython.Py_ssize_t,
    words: cython.longlong[:, ::1],
    addresses: cython.ulonglong[:, ::1],
    numbers: cython.int[:, ::1],
    salt: cython.ulonglong,
    servers: cython.ulonglong[:, ::1],
    slots: cython.int[::1],
    known: cython.longlong[::1],
    counts: cython.longlong[:, ::1],
    number_of: cython.int[::1],
    took_ns: cython.longlong[::1],
    failed: cython.int[::1],
) -> None:
    """Count rows.

    Args:
        rows: how many there are.
        words: of the rows (``fields``),
        addresses: their addresses,
        numbers: and their numbers.
        salt: of the hash.
        servers: the address and kind of each server; with room for as many more as there are rows.
        slots: the hash table, with room likewise.
        known: how many servers are known.
        counts: by server (``fields.COUNT_…``).
        number_of: gets the server of each row,
        took_ns: the time of the answer, ``NULL`` without,
        failed: and the name, if it does not exist, else 0.
    """
    row: cython.Py_ssize_t
    server: cython.Py_ssize_t = 0
    kind: cython.ulonglong
    rcode: cython.int
    frame: cython.longlong
    with cython.nogil:
        for row in range(rows):
            kind = cython.cast(
                cython.ulonglong,
                ((numbers[row, PROTOCOL] * 2 + numbers[row, TRANSPORT]) * 8 + numbers[row, VERSION]) * 65536
                + numbers[row, SERVER_PORT],
            )
            if (
                row == 0
                or servers[server, KIND] != kind
                or servers[server, 1] != addresses[row, SERVER_LO]
                or servers[server, 0] != addresses[row, SERVER_HI]
            ):  # else the same as before
                server = server_of(
                    addresses[row, SERVER_HI], addresses[row, SERVER_LO], kind, salt, servers, slots, known
                )
            number_of[row] = cython.cast(cython.int, server)
            took_ns[row] = NO_VALUE
            failed[row] = 0
            frame = words[row, FRAME]
            counts[server, COUNT_ENDS + numbers[row, END]] += 1
            if numbers[row, PROBLEM] != 0:
                counts[server, COUNT_MALFORMED] += 1
            if frame == NO_VALUE:
                frame = words[row, RESPONSE_FRAME]
            else:
                counts[server, COUNT_QUERIES] += 1
                counts[server, COUNT_SENT] += numbers[row, SENT]
                rcode = numbers[row, RCODE]
                if rcode >= 0:
                    counts[server, COUNT_RCODES + (min(OTHER_RCODES, rcode))] += 1
                    if rcode == NXDOMAIN:
                        failed[row] = numbers[row, NAME_FOLDED]
                if words[row, RESPONSE_NS] != NO_VALUE:
                    took_ns[row] = words[row, RESPONSE_NS] - words[row, ASKED_NS]
            if counts[server, COUNT_FIRST] == 0 or frame < counts[server, COUNT_FIRST]:
                counts[server, COUNT_FIRST] = frame
