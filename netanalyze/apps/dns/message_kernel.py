"""From bytes to columns: the header, the question and the records of DNS messages (RFC 1035 section 4).

Records of types A and AAAA are put in words here. Of all others the bytes are kept, each once, with the names
in them uncompressed; a library makes text of them when somebody looks (``texts.py``).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.apps.dns import answers as records
from netanalyze.apps.dns import fields

if cython.compiled:
    from cython.cimports.libc.string import memcpy
    from cython.cimports.netanalyze.apps.dns.text_kernel import Store
else:
    from netanalyze.apps.dns.text_kernel import Store  # noqa: TC001 - Cython needs it

FOLDED = cython.declare(cython.Py_ssize_t, fields.FOLDED)
TEXTS = cython.declare(cython.Py_ssize_t, fields.TEXTS)
POOL = cython.declare(cython.Py_ssize_t, fields.POOL)
MESSAGES = cython.declare(cython.Py_ssize_t, fields.MESSAGES)
ADDRESSES = cython.declare(cython.Py_ssize_t, fields.ADDRESSES)

M_ORIGIN = cython.declare(cython.Py_ssize_t, fields.M_ORIGIN)
M_PART = cython.declare(cython.Py_ssize_t, fields.M_PART)
M_NAME = cython.declare(cython.Py_ssize_t, fields.M_NAME)
M_FOLDED = cython.declare(cython.Py_ssize_t, fields.M_FOLDED)
M_QTYPE = cython.declare(cython.Py_ssize_t, fields.M_QTYPE)
M_QCLASS = cython.declare(cython.Py_ssize_t, fields.M_QCLASS)
M_ID = cython.declare(cython.Py_ssize_t, fields.M_ID)
M_FLAGS = cython.declare(cython.Py_ssize_t, fields.M_FLAGS)
M_RCODE = cython.declare(cython.Py_ssize_t, fields.M_RCODE)
M_QUESTIONS = cython.declare(cython.Py_ssize_t, fields.M_QUESTIONS)
M_ANSWERS = cython.declare(cython.Py_ssize_t, fields.M_ANSWERS)
M_FOUND = cython.declare(cython.Py_ssize_t, fields.M_FOUND)
M_TTL = cython.declare(cython.Py_ssize_t, fields.M_TTL)
M_ANSWER = cython.declare(cython.Py_ssize_t, fields.M_ANSWER)
M_PAYLOAD = cython.declare(cython.Py_ssize_t, fields.M_PAYLOAD)
M_EDNS = cython.declare(cython.Py_ssize_t, fields.M_EDNS)
M_OPTIONS = cython.declare(cython.Py_ssize_t, fields.M_OPTIONS)
M_PROBLEM = cython.declare(cython.Py_ssize_t, fields.M_PROBLEM)
M_SIZE = cython.declare(cython.Py_ssize_t, fields.M_SIZE)

SHORT = cython.declare(cython.int, fields.SHORT)
CUT_RECORD = cython.declare(cython.int, fields.CUT_RECORD)
MISSING_RECORDS = cython.declare(cython.int, fields.MISSING_RECORDS)
TRAILING = cython.declare(cython.int, fields.TRAILING)
BAD_OPTIONS = cython.declare(cython.int, fields.BAD_OPTIONS)
CUT_CAPTURE = cython.declare(cython.int, fields.CUT_CAPTURE)
MDNS = cython.declare(cython.int, fields.MDNS)
NBNS = cython.declare(cython.int, fields.NBNS)

REC_HI = cython.declare(cython.Py_ssize_t, records.HI)
REC_LO = cython.declare(cython.Py_ssize_t, records.LO)
REC_CLIENT_HI = cython.declare(cython.Py_ssize_t, records.CLIENT_HI)
REC_CLIENT_LO = cython.declare(cython.Py_ssize_t, records.CLIENT_LO)
REC_TIME = cython.declare(cython.Py_ssize_t, records.TIME)
REC_FRAME = cython.declare(cython.Py_ssize_t, records.FRAME)
REC_VERSION = cython.declare(cython.Py_ssize_t, records.VERSION)
REC_CLIENT_VERSION = cython.declare(cython.Py_ssize_t, records.CLIENT_VERSION)
REC_TTL = cython.declare(cython.Py_ssize_t, records.TTL)
REC_NAME = cython.declare(cython.Py_ssize_t, records.NAME)
REC_CHAIN = cython.declare(cython.Py_ssize_t, records.CHAIN)
REC_PROTOCOL = cython.declare(cython.Py_ssize_t, records.PROTOCOL)

A = cython.declare(cython.int, 1)
CNAME = cython.declare(cython.int, 5)
AAAA = cython.declare(cython.int, 28)
PTR = cython.declare(cython.int, 12)
NS = cython.declare(cython.int, 2)
OPT = cython.declare(cython.int, 41)
INTERNET = cython.declare(cython.int, 1)

MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
LOW56 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFF)
MULTICAST = cython.declare(cython.ulonglong, 0xE0000000)
LAST_MULTICAST = cython.declare(cython.ulonglong, 0xEFFFFFFF)
ALL_ONES = cython.declare(cython.ulonglong, 0xFFFFFFFF)

ROOM = cython.declare(cython.Py_ssize_t, 98304)
"""Bytes that a message can add to the pool of texts: at most 65535 of its records, and names."""
MOST_TEXTS = cython.declare(cython.Py_ssize_t, 256)
"""Texts that a message can add."""
MOST_PARTS = cython.declare(cython.int, 64)
"""Questions or records of one message of multicast DNS that are looked at."""
MOST_SHOWN = cython.declare(cython.int, 24)
"""Answers of one message that are put in words."""
MOST_RECORDS = cython.declare(cython.int, 8192)
BEGIN = cython.declare(cython.int, 1)
"""Before a reference in a text; decimal digits and ``FINISH`` follow. No name has these characters."""
FINISH = cython.declare(cython.int, 2)

WANT_ANSWERS = cython.declare(cython.int, 1)
WANT_ADDRESSES = cython.declare(cython.int, 2)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def word(store: Store, at: cython.Py_ssize_t) -> cython.int:
    return (store.data[at] << 8) | store.data[at + 1]


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def group_address(version: cython.int, hi: cython.ulonglong, lo: cython.ulonglong) -> cython.int:
    """Whether an address is a multicast one or the broadcast of all."""
    if version == 4:
        if lo >= MULTICAST and lo <= LAST_MULTICAST:
            return 1
        return 1 if lo == ALL_ONES else 0
    return 1 if (hi >> 56) == 255 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def read_name(
    store: Store,
    base: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    at: cython.Py_ssize_t,
    protocol: cython.int,
) -> cython.Py_ssize_t:
    """Read a name and keep it; ``store.number`` is its code. Returns where it ends, 0 if it is bad."""
    after: cython.Py_ssize_t
    store.tail = store.counters[POOL]
    if protocol == NBNS:
        after = at
        if (
            at + 1 < end
            and store.data[at] >= 192
            and base + (((store.data[at] & 63) << 8) | store.data[at + 1]) < at
        ):
            after = base + (((store.data[at] & 63) << 8) | store.data[at + 1])
        if store.netbios(after, end):
            store.number = store.intern_name()
            return store.name_end(end, at)
    after = store.name(base, end, at, 0)
    if after == 0:
        return 0
    store.number = store.intern_name()
    return after


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def read_records(
    store: Store,
    base: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    at: cython.Py_ssize_t,
    protocol: cython.int,
    row: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Walk over all records of a message and remember where the answers lie.

    ``spans`` gets a row for each of the first answers: code of the owner, type, class, ttl, where its data
    begin, and how long they are. EDNS is taken from the additional records.

    Returns:
        How many answers are in ``spans``.
    """
    counted: cython.int = store.messages[row, M_ANSWERS]
    total: cython.int = counted + word(store, base + 8) + word(store, base + 10)
    index: cython.int
    kind: cython.int
    size: cython.int
    ttl: cython.longlong
    kept: cython.Py_ssize_t = 0
    before: cython.Py_ssize_t
    options: cython.int = 0
    # To whom answers belong matters only where there is no question that says so.
    owners: cython.int = 1 if protocol == MDNS or store.messages[row, M_QUESTIONS] == 0 else 0
    for index in range(total):
        if index >= MOST_RECORDS:
            break
        if at >= end:
            store.problem = MISSING_RECORDS
            return kept
        before = at
        if owners and index < counted and kept < MOST_PARTS:
            at = read_name(store, base, end, at, protocol)
        else:
            at = store.name_end(end, at)
        if at == 0:
            return kept
        if at + 10 > end:
            store.problem = CUT_RECORD
            return kept
        kind = word(store, at)
        size = word(store, at + 8)
        ttl = (cython.cast(cython.longlong, word(store, at + 4)) << 16) | word(store, at + 6)
        if ttl > 0x7FFFFFFF:
            ttl = 0  # RFC 2181 section 8
        if at + 10 + size > end:
            store.problem = CUT_RECORD
            return kept
        if index < counted:
            store.messages[row, M_FOUND] += 1
            if store.messages[row, M_TTL] < 0 or ttl < store.messages[row, M_TTL]:
                store.messages[row, M_TTL] = cython.cast(cython.int, ttl)
            if kept < MOST_PARTS:
                store.spans[kept, 0] = store.number if owners else 0
                store.spans[kept, 1] = kind
                store.spans[kept, 2] = word(store, at + 2)
                store.spans[kept, 3] = ttl
                store.spans[kept, 4] = at + 10
                store.spans[kept, 5] = size
                kept += 1
        elif kind == OPT and store.data[before] == 0 and store.messages[row, M_PAYLOAD] < 0:
            store.messages[row, M_PAYLOAD] = word(store, at + 2)
            store.messages[row, M_RCODE] |= store.data[at + 4] << 4
            store.messages[row, M_EDNS] = word(store, at + 6)
            store.spans[MOST_PARTS, 4] = at + 10
            store.spans[MOST_PARTS, 5] = size
            before = at + 10
            while before + 4 <= at + 10 + size:
                before += 4 + word(store, before + 2)
            if before != at + 10 + size:
                options = BAD_OPTIONS
        at += 10 + size
    store.problem = TRAILING if at < end and total <= MOST_RECORDS else options
    return kept


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_name(kind: cython.int) -> cython.int:
    """Whether a record's data are a name that is put in words here."""
    return 1 if kind == CNAME or kind == PTR or kind == NS else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def put_type(store: Store, kind: cython.int) -> cython.int:
    """Write the name of one of these types, and a space."""
    if kind == CNAME:
        store.put(67)
        store.put(78)
        store.put(65)
        store.put(77)
        store.put(69)
    elif kind == PTR:
        store.put(80)
        store.put(84)
        store.put(82)
    else:
        store.put(78)
        store.put(83)
    store.put(32)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def word_answers(
    store: Store,
    base: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    kept: cython.Py_ssize_t,
    counted: cython.int,
    asked: cython.longlong,
) -> cython.longlong:
    """The code of a text about the answers: addresses, and references to the bytes of other records."""
    i: cython.Py_ssize_t
    shown: cython.Py_ssize_t = min(kept, MOST_SHOWN)
    kind: cython.int
    size: cython.Py_ssize_t
    refers: cython.int = 0
    code: cython.longlong
    if shown == 0:
        return 0
    for i in range(shown):
        kind = cython.cast(cython.int, store.spans[i, 1])
        size = store.spans[i, 5]
        store.spans[i, 6] = 0
        if is_name(kind):
            store.tail = store.counters[POOL]
            if store.name(base, end, store.spans[i, 4], 0) == store.spans[i, 4] + size:
                continue
        if (kind != A or size != 4) and (kind != AAAA or size != 16):
            store.spans[i, 6] = store.bytes_of(
                base, end, store.spans[i, 4], size, kind, cython.cast(cython.int, store.spans[i, 2])
            )
    store.tail = store.counters[POOL]
    for i in range(shown):
        kind = cython.cast(cython.int, store.spans[i, 1])
        if i:
            store.put(44)
            store.put(32)
        if store.spans[i, 6]:
            if kind != asked:
                store.put(BEGIN + 2)
                store.put_number(kind)
                store.put(FINISH)
            store.put(BEGIN)
            store.put_number(store.spans[i, 6])
            store.put(FINISH)
            refers = 1
        elif is_name(kind):
            if kind != asked:
                put_type(store, kind)
            store.name(base, end, store.spans[i, 4], 0)
        elif kind == A:
            store.put_a(store.spans[i, 4])
        else:
            store.put_aaaa(store.spans[i, 4])
    if counted > shown:
        for i in range(3):
            store.put(32 if i == 0 else 46)
        store.put(46)
        store.put(32)
        store.put(43)
        store.put_number(counted - shown)
    i = store.counters[TEXTS]
    code = store.intern()
    if refers and code == i:
        store.texts[code, FOLDED] = -1
    return code


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def note_addresses(
    store: Store,
    base: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    kept: cython.Py_ssize_t,
    asked: cython.longlong,
) -> cython.int:
    """A row for each address among the answers, with the name that was asked for and the way to it."""
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    k: cython.Py_ssize_t
    row: cython.Py_ssize_t
    place: cython.Py_ssize_t
    chain: cython.longlong = 0
    lowest: cython.longlong = 0x7FFFFFFF
    kind: cython.longlong
    # The names that CNAME records lead to, in the order of the records, which is that of the way.
    store.tail = store.counters[POOL]
    for i in range(kept):
        if store.spans[i, 1] != CNAME:
            continue
        lowest = min(lowest, store.spans[i, 3])
        if store.tail > store.counters[POOL]:
            store.put(32)
        if store.tail - store.counters[POOL] > 2048:
            break
        place = store.tail
        if store.name(base, end, store.spans[i, 4], 0) == 0:
            store.tail = place
    for j in range(store.counters[POOL], store.tail):
        if 65 <= store.pool[j, 0] <= 90:
            store.pool[j, 0] += 32
    if store.tail > store.counters[POOL]:
        chain = store.intern()
    for i in range(kept):
        kind = store.spans[i, 1]
        if (kind != A or store.spans[i, 5] != 4) and (kind != AAAA or store.spans[i, 5] != 16):
            continue
        row = store.counters[ADDRESSES]
        store.counters[ADDRESSES] = row + 1
        place = store.spans[i, 4]
        store.high = 0
        store.low = 0
        if kind == A:
            for k in range(4):
                store.low = (store.low << 8) | store.data[place + k]
        else:
            for k in range(8):
                store.high = ((store.high & LOW56) << 8) | store.data[place + k]
                store.low = ((store.low & LOW56) << 8) | store.data[place + 8 + k]
        store.words[row, REC_HI] = store.high
        store.words[row, REC_LO] = store.low
        store.numbers[row, REC_VERSION] = 4 if kind == A else 6
        store.numbers[row, REC_TTL] = cython.cast(cython.int, min(lowest, store.spans[i, 3]))
        store.numbers[row, REC_NAME] = cython.cast(
            cython.int, asked or store.texts[store.spans[i, 0], FOLDED]
        )
        store.numbers[row, REC_CHAIN] = cython.cast(cython.int, chain)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def copy_numbers(store: Store, row: cython.Py_ssize_t, source: cython.Py_ssize_t) -> cython.int:
    """Copy a row of messages from another one."""
    i: cython.Py_ssize_t
    if cython.compiled:
        memcpy(
            cython.address(store.messages[row, 0]),
            cython.address(store.messages[source, 0]),
            4 * store.messages.shape[1],
        )
    else:
        for i in range(store.messages.shape[1]):
            store.messages[row, i] = store.messages[source, i]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def read_message(
    store: Store,
    base: cython.Py_ssize_t,
    size: cython.Py_ssize_t,
    protocol: cython.int,
    row: cython.Py_ssize_t,
    want: cython.int,
) -> cython.Py_ssize_t:
    """Read one message into ``row`` and those behind. Returns how many rows it took."""
    end: cython.Py_ssize_t = base + size
    at: cython.Py_ssize_t = base + 12
    taken: cython.Py_ssize_t = 1
    kept: cython.Py_ssize_t
    i: cython.Py_ssize_t
    flags: cython.int
    asked: cython.longlong
    store.problem = 0
    if size < 12:
        store.problem = SHORT
        if size >= 2:
            store.messages[row, M_ID] = word(store, base)
        if size >= 4:
            store.messages[row, M_FLAGS] = word(store, base + 2)
        return 1
    flags = word(store, base + 2)
    store.messages[row, M_ID] = word(store, base)
    store.messages[row, M_FLAGS] = flags
    store.messages[row, M_RCODE] = flags & 15
    store.messages[row, M_QUESTIONS] = word(store, base + 4)
    store.messages[row, M_ANSWERS] = word(store, base + 6)
    for i in range(store.messages[row, M_QUESTIONS]):
        if i >= MOST_RECORDS:
            return taken
        if at >= end:
            store.problem = MISSING_RECORDS
            return taken
        if i > 0 and protocol == MDNS and flags & 0x8000 == 0 and taken < MOST_PARTS:
            copy_numbers(store, row + taken, row)
            store.messages[row + taken, M_PART] = cython.cast(cython.int, taken)
            taken += 1
        at = read_name(store, base, end, at, protocol) if i < taken else store.name_end(end, at)
        if at == 0:
            return taken
        if i < taken:
            store.messages[row + i, M_NAME] = cython.cast(cython.int, store.number)
            store.messages[row + i, M_FOLDED] = cython.cast(cython.int, store.texts[store.number, FOLDED])
        if at + 4 > end:
            store.problem = CUT_RECORD
            return taken
        if i < taken:
            store.messages[row + i, M_QTYPE] = word(store, at)
            store.messages[row + i, M_QCLASS] = word(store, at + 2)
        at += 4
    if word(store, base + 6) == 0 and word(store, base + 8) == 0 and word(store, base + 10) == 0:
        if at < end:
            store.problem = TRAILING
        return taken
    store.spans[MOST_PARTS, 4] = 0
    kept = read_records(store, base, end, at, protocol, row)
    if want & WANT_ANSWERS:
        if store.spans[MOST_PARTS, 4] and store.spans[MOST_PARTS, 5]:
            i = store.bytes_of(
                base, end, store.spans[MOST_PARTS, 4], store.spans[MOST_PARTS, 5], OPT, INTERNET
            )
            store.messages[row, M_OPTIONS] = cython.cast(cython.int, i)
        if flags & 0x8000:
            i = store.problem
            asked = store.messages[row, M_QTYPE]
            if asked < 0 and kept > 0:
                asked = store.spans[0, 1]
            asked = word_answers(store, base, end, kept, store.messages[row, M_FOUND], asked)
            store.messages[row, M_ANSWER] = cython.cast(cython.int, asked)
            store.problem = cython.cast(cython.int, i)
    if flags & 0x8000 == 0:
        for i in range(1, taken):
            store.messages[row + i, M_PAYLOAD] = store.messages[row, M_PAYLOAD]
            store.messages[row + i, M_EDNS] = store.messages[row, M_EDNS]
        return taken
    if want & WANT_ADDRESSES and store.messages[row, M_RCODE] == 0:
        i = store.problem
        note_addresses(store, base, end, kept, store.messages[row, M_FOLDED])
        store.problem = cython.cast(cython.int, i)
    if store.messages[row, M_QTYPE] < 0 or protocol == MDNS:
        # What it answers is told by its records alone.
        for i in range(kept if protocol == MDNS else min(kept, 1)):
            if i > 0:
                copy_numbers(store, row + i, row)
                store.messages[row + i, M_PART] = cython.cast(cython.int, i)
            store.messages[row + i, M_NAME] = cython.cast(cython.int, store.spans[i, 0])
            store.messages[row + i, M_FOLDED] = cython.cast(
                cython.int, store.texts[store.spans[i, 0], FOLDED]
            )
            store.messages[row + i, M_QTYPE] = cython.cast(cython.int, store.spans[i, 1])
            store.messages[row + i, M_QCLASS] = cython.cast(cython.int, store.spans[i, 2])
            taken = i + 1
    return taken


def read_messages(
    store: Store,
    first: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    arena: cython.const[cython.uchar][::1],
    source: cython.uchar[::1],
    offset: cython.longlong[::1],
    captured: cython.longlong[::1],
    wire: cython.longlong[::1],
    protocol: cython.uchar[::1],
    frame: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    version: cython.uchar[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    want: cython.int,
) -> cython.Py_ssize_t:
    """Read messages from ``first`` on, as long as there is room for what they can bring.

    The columns from ``source`` to ``dst_lo`` are those of ``apps.reading.Datagrams``. Of the arrays of
    ``Store.use_rows``, ``messages`` gets rows from ``counters[MESSAGES]`` on, and its last row is one of
    which nothing is known; ``words`` and ``numbers`` get those of address records (``answers``), if ``want``
    has ``WANT_ADDRESSES``; ``spans`` has ``MOST_PARTS`` + 1 rows of 7, for use in here.

    Returns:
        The first message that was not read.
    """
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    row: cython.Py_ssize_t
    taken: cython.Py_ssize_t
    known: cython.longlong
    stopped: cython.Py_ssize_t = count
    reading: cython.int = -1
    with cython.nogil:
        for i in range(first, count):
            row = store.counters[MESSAGES]
            if (
                store.counters[POOL] + ROOM > store.pool.shape[0]
                or store.counters[TEXTS] + MOST_TEXTS > store.texts.shape[0]
                or 2 * (store.counters[TEXTS] + MOST_TEXTS) > store.slots.shape[0]
                or row + MOST_PARTS >= store.messages.shape[0]
                or (want & WANT_ADDRESSES and store.counters[ADDRESSES] + MOST_PARTS > store.words.shape[0])
            ):
                stopped = i
                break
            if source[i] != reading:
                reading = source[i]
                if reading == 0:
                    store.data = data
                else:
                    store.data = arena
            known = store.counters[ADDRESSES]
            copy_numbers(store, row, store.messages.shape[0] - 1)
            store.messages[row, M_ORIGIN] = cython.cast(cython.int, i)
            taken = read_message(
                store,
                offset[i],
                min(captured[i], wire[i]),
                protocol[i],
                row,
                want,
            )
            if captured[i] < wire[i] and store.problem != 0:
                store.problem = CUT_CAPTURE
            for j in range(row, row + taken):
                store.messages[j, M_PROBLEM] = store.problem
                store.messages[j, M_SIZE] = cython.cast(cython.int, min(wire[i], 0x7FFFFFFF))
            for j in range(known, store.counters[ADDRESSES]):
                store.words[j, REC_TIME] = cython.cast(cython.ulonglong, time_ns[i]) & MASK64
                store.words[j, REC_FRAME] = cython.cast(cython.ulonglong, frame[i])
                store.words[j, REC_CLIENT_HI] = dst_hi[i]
                store.words[j, REC_CLIENT_LO] = dst_lo[i]
                store.numbers[j, REC_CLIENT_VERSION] = (
                    0 if group_address(version[i], dst_hi[i], dst_lo[i]) else version[i]
                )
                store.numbers[j, REC_PROTOCOL] = protocol[i]
            store.counters[MESSAGES] = row + taken
    return stopped
