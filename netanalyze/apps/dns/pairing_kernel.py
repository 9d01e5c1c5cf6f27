"""Queries and their answers: which belong together, which were sent again, which nobody asked for.

A row is a question of one port with one number (transaction id). Tables of a fixed size find the rows that a
message may belong to; a row that is older than ``WINDOW`` others is not found any more, so that what is done
and kept for a message is bounded. The rules stand in docs/dns.md.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.apps.dns import fields
from netanalyze.model import NULL

if cython.compiled:
    from cython.cimports.libc.string import memcpy

FIRST_FRAME = cython.declare(cython.Py_ssize_t, fields.FIRST_FRAME)
FIRST_NS = cython.declare(cython.Py_ssize_t, fields.FIRST_NS)
FRAME = cython.declare(cython.Py_ssize_t, fields.FRAME)
TIME = cython.declare(cython.Py_ssize_t, fields.TIME)
LAST_NS = cython.declare(cython.Py_ssize_t, fields.LAST_NS)
RESPONSE_FRAME = cython.declare(cython.Py_ssize_t, fields.RESPONSE_FRAME)
RESPONSE_NS = cython.declare(cython.Py_ssize_t, fields.RESPONSE_NS)
FLOW = cython.declare(cython.Py_ssize_t, fields.FLOW)
OTHER_FRAME = cython.declare(cython.Py_ssize_t, fields.OTHER_FRAME)
CLIENT_HI = cython.declare(cython.Py_ssize_t, fields.CLIENT_HI)
CLIENT_LO = cython.declare(cython.Py_ssize_t, fields.CLIENT_LO)
SERVER_HI = cython.declare(cython.Py_ssize_t, fields.SERVER_HI)
SERVER_LO = cython.declare(cython.Py_ssize_t, fields.SERVER_LO)
VERSION = cython.declare(cython.Py_ssize_t, fields.VERSION)
CLIENT_PORT = cython.declare(cython.Py_ssize_t, fields.CLIENT_PORT)
SERVER_PORT = cython.declare(cython.Py_ssize_t, fields.SERVER_PORT)
TRANSPORT = cython.declare(cython.Py_ssize_t, fields.TRANSPORT)
PROTOCOL = cython.declare(cython.Py_ssize_t, fields.PROTOCOL)
ID = cython.declare(cython.Py_ssize_t, fields.ID)
NAME = cython.declare(cython.Py_ssize_t, fields.NAME)
NAME_FOLDED = cython.declare(cython.Py_ssize_t, fields.NAME_FOLDED)
QTYPE = cython.declare(cython.Py_ssize_t, fields.QTYPE)
QCLASS = cython.declare(cython.Py_ssize_t, fields.QCLASS)
QUERY_FLAGS = cython.declare(cython.Py_ssize_t, fields.QUERY_FLAGS)
RESPONSE_FLAGS = cython.declare(cython.Py_ssize_t, fields.RESPONSE_FLAGS)
RCODE = cython.declare(cython.Py_ssize_t, fields.RCODE)
QUESTIONS = cython.declare(cython.Py_ssize_t, fields.QUESTIONS)
ANSWERS_COUNT = cython.declare(cython.Py_ssize_t, fields.ANSWERS_COUNT)
MIN_TTL = cython.declare(cython.Py_ssize_t, fields.MIN_TTL)
ANSWER_TEXT = cython.declare(cython.Py_ssize_t, fields.ANSWER_TEXT)
PAYLOAD_SIZE = cython.declare(cython.Py_ssize_t, fields.PAYLOAD_SIZE)
EDNS_FLAGS = cython.declare(cython.Py_ssize_t, fields.EDNS_FLAGS)
QUERY_OPTIONS = cython.declare(cython.Py_ssize_t, fields.QUERY_OPTIONS)
SERVER_PAYLOAD = cython.declare(cython.Py_ssize_t, fields.SERVER_PAYLOAD)
SERVER_OPTIONS = cython.declare(cython.Py_ssize_t, fields.SERVER_OPTIONS)
ATTEMPTS = cython.declare(cython.Py_ssize_t, fields.ATTEMPTS)
RESPONSES = cython.declare(cython.Py_ssize_t, fields.RESPONSES)
END = cython.declare(cython.Py_ssize_t, fields.END)
NOTE = cython.declare(cython.Py_ssize_t, fields.NOTE)
PROBLEM = cython.declare(cython.Py_ssize_t, fields.PROBLEM)
RESPONSE_SIZE = cython.declare(cython.Py_ssize_t, fields.RESPONSE_SIZE)
ANYONE = cython.declare(cython.Py_ssize_t, fields.ANYONE)
SENT = cython.declare(cython.Py_ssize_t, fields.SENT)
SIDE = cython.declare(cython.Py_ssize_t, fields.SIDE)
QUERY_SIZE = cython.declare(cython.Py_ssize_t, fields.QUERY_SIZE)
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
M_FOUND = cython.declare(cython.Py_ssize_t, fields.M_FOUND)
M_TTL = cython.declare(cython.Py_ssize_t, fields.M_TTL)
M_ANSWER = cython.declare(cython.Py_ssize_t, fields.M_ANSWER)
M_PAYLOAD = cython.declare(cython.Py_ssize_t, fields.M_PAYLOAD)
M_EDNS = cython.declare(cython.Py_ssize_t, fields.M_EDNS)
M_OPTIONS = cython.declare(cython.Py_ssize_t, fields.M_OPTIONS)
M_PROBLEM = cython.declare(cython.Py_ssize_t, fields.M_PROBLEM)
M_SIZE = cython.declare(cython.Py_ssize_t, fields.M_SIZE)

ANSWERED = cython.declare(cython.int, fields.ANSWERED)
TRUNCATED = cython.declare(cython.int, fields.TRUNCATED)
LATE = cython.declare(cython.int, fields.LATE)
UNANSWERED = cython.declare(cython.int, fields.UNANSWERED)
RETRIED = cython.declare(cython.int, fields.RETRIED)
DUPLICATE = cython.declare(cython.int, fields.DUPLICATE)
UNASKED = cython.declare(cython.int, fields.UNASKED)
ANNOUNCED = cython.declare(cython.int, fields.ANNOUNCED)
AFTER_TRUNCATED = cython.declare(cython.int, fields.AFTER_TRUNCATED)
OTHER_SERVER = cython.declare(cython.int, fields.OTHER_SERVER)
OTHER_PORT = cython.declare(cython.int, fields.OTHER_PORT)
NAME_DIFFERS = cython.declare(cython.int, fields.NAME_DIFFERS)
SERVER_DIFFERS = cython.declare(cython.int, fields.SERVER_DIFFERS)
CONTENT_DIFFERS = cython.declare(cython.int, fields.CONTENT_DIFFERS)
ASKED_NS = cython.declare(cython.Py_ssize_t, fields.ASKED_NS)
ASKED_AGAIN = cython.declare(cython.int, fields.ASKED_AGAIN)
AFTER_FAILURE = cython.declare(cython.int, fields.AFTER_FAILURE)
AT_ONCE = cython.declare(cython.int, fields.AT_ONCE)
DNS = cython.declare(cython.int, fields.DNS)
MDNS = cython.declare(cython.int, fields.MDNS)
LLMNR = cython.declare(cython.int, fields.LLMNR)
NBNS = cython.declare(cython.int, fields.NBNS)

NO_VALUE = cython.declare(cython.longlong, NULL)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
FACTOR = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
MULTICAST = cython.declare(cython.ulonglong, 0xE0000000)
ALL_ONES = cython.declare(cython.ulonglong, 0xFFFFFFFF)
RESPONSE = cython.declare(cython.int, 0x8000)
TC = cython.declare(cython.int, 0x0200)
BROADCAST = cython.declare(cython.int, 0x0010)
"""The flag B of NetBIOS names (RFC 1002 section 4.2.1.1)."""
MDNS_PORT = cython.declare(cython.int, 5353)
IXFR = cython.declare(cython.int, 251)
AXFR = cython.declare(cython.int, 252)
ANY_TYPE = cython.declare(cython.int, 255)
NXDOMAIN = cython.declare(cython.int, 3)
SERVFAIL = cython.declare(cython.int, 2)
NOTIMP = cython.declare(cython.int, 4)
REFUSED = cython.declare(cython.int, 5)
FORMERR = cython.declare(cython.int, 1)

NUMBER_MASK = cython.declare(cython.longlong, 0x7FFFFFFF)
"""Numbers of rows in the tables begin again after this many."""
WINDOW = cython.declare(cython.longlong, 65536)
"""Rows that a message may belong to."""
LOOK_BACK = cython.declare(cython.longlong, 256)
"""Rows among which the query of an answer with another question, or with none, is looked for."""
PROBES = cython.declare(cython.Py_ssize_t, 8)
"""Places for rows of the same hash, in one line of the cache; the oldest makes room."""
PARALLEL_NS = cython.declare(cython.longlong, 200000000)
"""What a client asks under another number sooner than this is a lookup of its own, not another attempt."""
ATTEMPT_NS = cython.declare(cython.longlong, 30000000000)
"""And what it asks later than this after the last attempt is, too."""
ANEW_NS = cython.declare(cython.longlong, 5000000000)
"""Wireshark measures anew from a query that is more than this later than the one it measured from."""
FAILOVER_NS = cython.declare(cython.longlong, 1000000000)
"""After an answer that is an error, another server is asked within this."""
MDNS_NS = cython.declare(cython.longlong, 10000000000)
"""Answers of multicast DNS have no number: later than this they are no answers to the query."""


@cython.final
@cython.cclass
class Pairs:
    """The rows and what finds them. Arrays come by ``use``; ``base`` is the number of the first row."""

    words: cython.longlong[:, ::1]
    addresses: cython.ulonglong[:, ::1]
    numbers: cython.int[:, ::1]
    by_transaction: cython.longlong[::1]
    by_lookup: cython.longlong[::1]
    hashes: cython.ulonglong[:, ::1]
    messages: cython.int[:, ::1]
    refused: cython.uchar[:, ::1]
    no_words: cython.longlong[::1]
    no_numbers: cython.int[::1]
    salt: cython.ulonglong
    base: cython.longlong
    count: cython.longlong
    touched: cython.longlong

    def __init__(
        self, salt: cython.ulonglong, no_words: cython.longlong[::1], no_numbers: cython.int[::1]
    ) -> None:
        """No rows.

        Args:
            salt: makes the hash one that nobody can prepare for.
            no_words: what a row holds of which nothing is known, in words,
            no_numbers: and in numbers.
        """
        self.no_words = no_words
        self.no_numbers = no_numbers
        self.salt = salt
        self.base = 0
        self.count = 0
        self.touched = 0

    def use(
        self,
        words: cython.longlong[:, ::1],
        addresses: cython.ulonglong[:, ::1],
        numbers: cython.int[:, ::1],
        by_transaction: cython.longlong[::1],
        by_lookup: cython.longlong[::1],
        hashes: cython.ulonglong[:, ::1],
        messages: cython.int[:, ::1],
        refused: cython.uchar[:, ::1],
    ) -> None:
        """Work with these arrays from now on.

        ``hashes`` has two for each message, for use in here; ``refused`` a byte for each UDP flow, 1 where an
        ICMP error came back.
        """
        self.refused = refused
        self.messages = messages
        self.words = words
        self.addresses = addresses
        self.numbers = numbers
        self.by_transaction = by_transaction
        self.by_lookup = by_lookup
        self.hashes = hashes

    def rows(self) -> cython.longlong:
        """How many rows there are in the arrays."""
        return self.count

    def let_go(self, rows: cython.longlong) -> None:
        """So many rows were taken from the front of the arrays."""
        self.base += rows
        self.count -= rows

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def row_of(self, entry: cython.longlong, hashed: cython.ulonglong) -> cython.longlong:
        """The row of an entry of a table; -1 if there is none or it is too old, -3 if of another hash."""
        back: cython.longlong
        if entry == 0:
            return -1
        back = (self.base + self.count - (entry & NUMBER_MASK)) & NUMBER_MASK
        if back >= WINDOW or back >= self.count:
            return -1
        if (entry >> 31) != cython.cast(cython.longlong, hashed >> 32):
            return -3
        return self.count - 1 - back

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def age_of(self, entry: cython.longlong) -> cython.longlong:
        """How many rows have come since that of an entry; very many if there is none."""
        return (self.base + self.count - (entry & NUMBER_MASK)) & NUMBER_MASK if entry else NUMBER_MASK + 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def entry(self, row: cython.longlong, hashed: cython.ulonglong) -> cython.longlong:
        """What a table has for a row: its number, and bits of its hash, which tell most others apart."""
        return (cython.cast(cython.longlong, hashed >> 32) << 31) | ((self.base + row + 1) & NUMBER_MASK)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def mixed(hashed: cython.ulonglong, value: cython.ulonglong) -> cython.ulonglong:
    """A hash with one more value in it."""
    hashed = ((hashed ^ value) * FACTOR) & MASK64
    return hashed ^ (hashed >> 29)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_group(version: cython.int, hi: cython.ulonglong, lo: cython.ulonglong) -> cython.int:
    """Whether an address is a multicast one or the broadcast of all."""
    if version == 4:
        return 1 if (lo >= MULTICAST and lo < MULTICAST + 0x10000000) or lo == ALL_ONES else 0
    return 1 if (hi >> 56) == 255 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def fill_answer(
    pairs: Pairs, row: cython.Py_ssize_t, m: cython.Py_ssize_t,
    frame: cython.longlong, time_ns: cython.longlong,
) -> cython.int:  # fmt: skip
    """Write down the answer."""
    pairs.words[row, RESPONSE_FRAME] = frame
    pairs.words[row, RESPONSE_NS] = time_ns
    pairs.numbers[row, RESPONSE_FLAGS] = pairs.messages[m, M_FLAGS]
    pairs.numbers[row, RCODE] = pairs.messages[m, M_RCODE]
    pairs.numbers[row, ANSWERS_COUNT] = pairs.messages[m, M_FOUND]
    pairs.numbers[row, MIN_TTL] = pairs.messages[m, M_TTL]
    pairs.numbers[row, ANSWER_TEXT] = pairs.messages[m, M_ANSWER]
    pairs.numbers[row, SERVER_PAYLOAD] = pairs.messages[m, M_PAYLOAD]
    pairs.numbers[row, SERVER_OPTIONS] = pairs.messages[m, M_OPTIONS]
    pairs.numbers[row, RESPONSE_SIZE] = pairs.messages[m, M_SIZE]
    pairs.numbers[row, RESPONSES] = 1
    if pairs.messages[m, M_PROBLEM]:
        pairs.numbers[row, PROBLEM] = pairs.messages[m, M_PROBLEM]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def fill_query(
    pairs: Pairs, row: cython.Py_ssize_t, m: cython.Py_ssize_t,
    frame: cython.longlong, time_ns: cython.longlong, side: cython.int,
) -> cython.int:  # fmt: skip
    """Write down the query; of one that comes after its answer, that it is answered."""
    pairs.words[row, FRAME] = frame
    pairs.words[row, FIRST_FRAME] = frame
    pairs.words[row, FIRST_NS] = time_ns
    pairs.words[row, ASKED_NS] = time_ns
    pairs.numbers[row, QUERY_FLAGS] = pairs.messages[m, M_FLAGS]
    pairs.numbers[row, PAYLOAD_SIZE] = pairs.messages[m, M_PAYLOAD]
    pairs.numbers[row, EDNS_FLAGS] = pairs.messages[m, M_EDNS] if pairs.messages[m, M_PAYLOAD] >= 0 else -1
    pairs.numbers[row, QUERY_OPTIONS] = pairs.messages[m, M_OPTIONS]
    pairs.numbers[row, QUERY_SIZE] = pairs.messages[m, M_SIZE]
    pairs.numbers[row, ATTEMPTS] = 1
    pairs.numbers[row, SENT] = 1
    pairs.numbers[row, SIDE] = side
    if pairs.words[row, RESPONSE_FRAME] != NO_VALUE:
        pairs.words[row, TIME] = time_ns
        pairs.words[row, LAST_NS] = time_ns
        pairs.numbers[row, END] = TRUNCATED if pairs.numbers[row, RESPONSE_FLAGS] & TC else ANSWERED
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def new_row(
    pairs: Pairs, m: cython.Py_ssize_t,
    frame: cython.longlong, time_ns: cython.longlong, flow: cython.longlong, side: cython.int,
    transport: cython.int, protocol: cython.int, version: cython.int,
    client_hi: cython.ulonglong, client_lo: cython.ulonglong,
    server_hi: cython.ulonglong, server_lo: cython.ulonglong, client_port: cython.int,
    server_port: cython.int,
) -> cython.Py_ssize_t:  # fmt: skip
    """A row with the question of a message, and nothing else yet."""
    row: cython.Py_ssize_t = pairs.count
    i: cython.Py_ssize_t
    pairs.count += 1
    if cython.compiled:
        memcpy(
            cython.address(pairs.words[row, 0]), cython.address(pairs.no_words[0]), 8 * pairs.words.shape[1]
        )
        memcpy(
            cython.address(pairs.numbers[row, 0]),
            cython.address(pairs.no_numbers[0]),
            4 * pairs.numbers.shape[1],
        )
    else:
        for i in range(pairs.words.shape[1]):
            pairs.words[row, i] = pairs.no_words[i]
        for i in range(pairs.numbers.shape[1]):
            pairs.numbers[row, i] = pairs.no_numbers[i]
    pairs.words[row, TIME] = time_ns
    pairs.words[row, LAST_NS] = time_ns
    pairs.words[row, FLOW] = flow
    pairs.addresses[row, CLIENT_HI] = client_hi
    pairs.addresses[row, CLIENT_LO] = client_lo
    pairs.addresses[row, SERVER_HI] = server_hi
    pairs.addresses[row, SERVER_LO] = server_lo
    pairs.numbers[row, VERSION] = version
    pairs.numbers[row, CLIENT_PORT] = client_port
    pairs.numbers[row, SERVER_PORT] = server_port
    pairs.numbers[row, TRANSPORT] = transport
    pairs.numbers[row, PROTOCOL] = protocol
    pairs.numbers[row, SIDE] = side
    pairs.numbers[row, ID] = pairs.messages[m, M_ID]
    pairs.numbers[row, NAME] = pairs.messages[m, M_NAME]
    pairs.numbers[row, NAME_FOLDED] = pairs.messages[m, M_FOLDED]
    pairs.numbers[row, QTYPE] = pairs.messages[m, M_QTYPE]
    pairs.numbers[row, QCLASS] = pairs.messages[m, M_QCLASS]
    pairs.numbers[row, QUESTIONS] = pairs.messages[m, M_QUESTIONS]
    pairs.numbers[row, PROBLEM] = pairs.messages[m, M_PROBLEM]
    return row


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def same_question(
    pairs: Pairs, row: cython.Py_ssize_t, m: cython.Py_ssize_t,
    transport: cython.int, protocol: cython.int, client_hi: cython.ulonglong, client_lo: cython.ulonglong,
    client_port: cython.int, version: cython.int, anyone: cython.int,
) -> cython.int:  # fmt: skip
    """Whether a message has the number and question of a row; of multicast DNS, the question only."""
    if (
        pairs.numbers[row, NAME_FOLDED] != pairs.messages[m, M_FOLDED]
        or pairs.numbers[row, PROTOCOL] != protocol
        or pairs.numbers[row, TRANSPORT] != transport
        or pairs.numbers[row, VERSION] != version
    ):
        return 0
    if anyone:
        return 1 if pairs.numbers[row, ANYONE] else 0
    return (
        1
        if (
            pairs.numbers[row, QTYPE] == pairs.messages[m, M_QTYPE]
            and pairs.numbers[row, ID] == pairs.messages[m, M_ID]
            and pairs.numbers[row, CLIENT_PORT] == client_port
            and pairs.addresses[row, CLIENT_LO] == client_lo
            and pairs.addresses[row, CLIENT_HI] == client_hi
        )
        else 0
    )


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def same_server(
    pairs: Pairs, row: cython.Py_ssize_t, server_hi: cython.ulonglong, server_lo: cython.ulonglong,
    server_port: cython.int,
) -> cython.int:  # fmt: skip
    return (
        1
        if (
            pairs.addresses[row, SERVER_LO] == server_lo
            and pairs.addresses[row, SERVER_HI] == server_hi
            and pairs.numbers[row, SERVER_PORT] == server_port
        )
        else 0
    )


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def is_refused(pairs: Pairs, row: cython.Py_ssize_t) -> cython.int:
    """Whether an ICMP error has told the client that nobody takes what it sent."""
    flow: cython.longlong = pairs.words[row, FLOW]
    if pairs.numbers[row, TRANSPORT] != 0 or flow >= pairs.refused.shape[0]:
        return 0
    return pairs.refused[flow, 0]


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def link(
    pairs: Pairs, row: cython.Py_ssize_t, before: cython.Py_ssize_t, time_ns: cython.longlong
) -> cython.int:
    """If a new row is another attempt of the lookup whose latest attempt is ``before``: say so."""
    number: cython.int = 0
    gone: cython.longlong = time_ns - pairs.words[before, LAST_NS]
    end: cython.int = pairs.numbers[before, END]
    rcode: cython.int = pairs.numbers[before, RCODE]
    same_port: cython.int = 1 if pairs.numbers[before, CLIENT_PORT] == pairs.numbers[row, CLIENT_PORT] else 0
    server: cython.int = same_server(
        pairs,
        before,
        pairs.addresses[row, SERVER_HI],
        pairs.addresses[row, SERVER_LO],
        pairs.numbers[row, SERVER_PORT],
    )
    if gone > ATTEMPT_NS or gone < 0:
        return 0
    if end == UNANSWERED or end == RETRIED:
        if gone >= PARALLEL_NS or (not server and is_refused(pairs, before)):
            pairs.numbers[before, END] = RETRIED
        elif same_port and not server and pairs.numbers[before, ID] == pairs.numbers[row, ID]:
            number = AT_ONCE
        else:
            return 0
    elif end == TRUNCATED and pairs.numbers[row, TRANSPORT] == 1 and pairs.numbers[before, TRANSPORT] == 0:
        number = AFTER_TRUNCATED
    elif (
        (end == ANSWERED or end == LATE)
        and (rcode == SERVFAIL or rcode == REFUSED or rcode == NOTIMP or rcode == FORMERR)
        and time_ns - pairs.words[before, RESPONSE_NS] <= FAILOVER_NS
        and (not server or rcode == FORMERR)
    ):
        number = AFTER_FAILURE
    else:
        return 0
    if not server and number != AT_ONCE:
        number |= OTHER_SERVER
    if not same_port:
        number |= OTHER_PORT
    pairs.numbers[row, NOTE] |= number
    pairs.numbers[row, ATTEMPTS] = pairs.numbers[before, ATTEMPTS] + 1
    pairs.words[row, FIRST_FRAME] = pairs.words[before, FIRST_FRAME]
    pairs.words[row, FIRST_NS] = pairs.words[before, FIRST_NS]
    pairs.words[row, OTHER_FRAME] = pairs.words[before, FRAME]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def enter(
    pairs: Pairs, table: cython.longlong[::1], hashed: cython.ulonglong, row: cython.Py_ssize_t
) -> cython.int:
    """Put a row into a table of one place for each hash."""
    table[cython.cast(cython.Py_ssize_t, hashed & cython.cast(cython.ulonglong, table.shape[0] - 1))] = (
        pairs.entry(row, hashed)
    )
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def found_in(pairs: Pairs, table: cython.longlong[::1], hashed: cython.ulonglong) -> cython.longlong:
    return pairs.row_of(
        table[cython.cast(cython.Py_ssize_t, hashed & cython.cast(cython.ulonglong, table.shape[0] - 1))],
        hashed,
    )


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def latest_attempt(pairs: Pairs, row: cython.Py_ssize_t, hashed: cython.ulonglong) -> cython.longlong:
    """The row that the same client asked the same in before; -1 if there is none."""
    before: cython.longlong = found_in(pairs, pairs.by_lookup, hashed)
    if before < 0 or (
        pairs.numbers[before, NAME_FOLDED] != pairs.numbers[row, NAME_FOLDED]
        or pairs.numbers[before, QTYPE] != pairs.numbers[row, QTYPE]
        or pairs.numbers[before, PROTOCOL] != pairs.numbers[row, PROTOCOL]
        or pairs.addresses[before, CLIENT_LO] != pairs.addresses[row, CLIENT_LO]
        or pairs.addresses[before, CLIENT_HI] != pairs.addresses[row, CLIENT_HI]
        or pairs.numbers[before, VERSION] != pairs.numbers[row, VERSION]
    ):
        return -1
    return before


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def send_again(
    pairs: Pairs, row: cython.Py_ssize_t, hashed: cython.ulonglong, time_ns: cython.longlong
) -> cython.int:
    """The query of a row was sent once more by the same port with the same number."""
    before: cython.longlong = latest_attempt(pairs, row, hashed)
    pairs.numbers[row, SENT] += 1
    pairs.numbers[row, ATTEMPTS] += 1
    pairs.words[row, LAST_NS] = time_ns
    if time_ns - pairs.words[row, ASKED_NS] > ANEW_NS:
        pairs.words[row, ASKED_NS] = time_ns
    if before >= 0 and before != row and pairs.words[before, FIRST_FRAME] == pairs.words[row, FIRST_FRAME]:
        pairs.numbers[row, ATTEMPTS] = max(pairs.numbers[row, ATTEMPTS], pairs.numbers[before, ATTEMPTS] + 1)
        if pairs.numbers[before, END] == UNANSWERED and time_ns - pairs.words[before, LAST_NS] >= PARALLEL_NS:
            pairs.numbers[before, END] = RETRIED
    pairs.numbers[row, END] = UNANSWERED
    enter(pairs, pairs.by_lookup, hashed, row)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def second_answer(pairs: Pairs, row: cython.Py_ssize_t, m: cython.Py_ssize_t) -> cython.int:
    """Count one more answer to a query. Returns whether it is one that was not to be expected."""
    qtype: cython.int = pairs.numbers[row, QTYPE]
    pairs.numbers[row, RESPONSES] += 1
    if (qtype == AXFR or qtype == IXFR) and pairs.numbers[row, TRANSPORT] == 1:
        pairs.numbers[row, ANSWERS_COUNT] += pairs.messages[m, M_FOUND]
        return 0
    if pairs.numbers[row, ANYONE]:
        return 0
    return 1 if pairs.numbers[row, RESPONSES] > pairs.numbers[row, SENT] else 0


def pair(
    pairs: Pairs,
    first: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    frame: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    flow: cython.longlong[::1],
    side: cython.uchar[::1],
    transport: cython.uchar[::1],
    protocol: cython.uchar[::1],
    version: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
) -> None:
    """Take rows of messages, each of which may add a row of queries and answers.

    The columns from ``frame`` on are those of ``apps.reading.Datagrams``.
    """
    m: cython.Py_ssize_t
    i: cython.Py_ssize_t
    matched: cython.int = 0
    with cython.nogil:
        # What the tables have is looked at once before, which lets the cache misses overlap.
        for m in range(first, first + count):
            i = pairs.messages[m, M_ORIGIN]
            if pairs.messages[m, M_FLAGS] >= 0 and pairs.messages[m, M_FLAGS] & RESPONSE:
                look_ahead(pairs, m, transport[i], protocol[i], dst_hi[i], dst_lo[i], dport[i], 0)
            else:
                look_ahead(pairs, m, transport[i], protocol[i], src_hi[i], src_lo[i], sport[i], 1)
        for m in range(first, first + count):
            i = pairs.messages[m, M_ORIGIN]
            if pairs.messages[m, M_PART] == 0:
                matched = 0
            if pairs.messages[m, M_FLAGS] >= 0 and pairs.messages[m, M_FLAGS] & RESPONSE:
                matched |= take_answer(
                    pairs, m, matched, frame[i], time_ns[i], flow[i], side[i], transport[i],
                    protocol[i], version[i], dst_hi[i], dst_lo[i], src_hi[i], src_lo[i], dport[i], sport[i],
                )  # fmt: skip
            else:
                take_query(
                    pairs, m, frame[i], time_ns[i], flow[i], side[i], transport[i], protocol[i],
                    version[i], src_hi[i], src_lo[i], dst_hi[i], dst_lo[i], sport[i], dport[i],
                )  # fmt: skip


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def port_hash(
    pairs: Pairs, transport: cython.int, protocol: cython.int, number: cython.int,
    client_hi: cython.ulonglong, client_lo: cython.ulonglong, client_port: cython.int,
) -> cython.ulonglong:  # fmt: skip
    """Of a client's port with a number."""
    hashed: cython.ulonglong = mixed(pairs.salt, client_hi)
    hashed = mixed(hashed, client_lo)
    return mixed(hashed, (((number + 1) * 65536 + client_port) * 8) + transport * 4 + protocol)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def lookup_hash(
    pairs: Pairs, name: cython.int, qtype: cython.int, client_hi: cython.ulonglong,
    client_lo: cython.ulonglong,
) -> cython.ulonglong:  # fmt: skip
    """Of what a client wants to know."""
    hashed: cython.ulonglong = mixed(mixed(pairs.salt, client_hi), client_lo)
    hashed = mixed(hashed, cython.cast(cython.ulonglong, name))
    return mixed(hashed, cython.cast(cython.ulonglong, qtype + 1))


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def line_of(pairs: Pairs, hashed: cython.ulonglong) -> cython.Py_ssize_t:
    """The first place for rows with a hash."""
    mask: cython.ulonglong = cython.cast(cython.ulonglong, pairs.by_transaction.shape[0] - PROBES)
    return cython.cast(cython.Py_ssize_t, hashed & mask)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def look_ahead(
    pairs: Pairs, m: cython.Py_ssize_t, transport: cython.int,
    protocol: cython.int, client_hi: cython.ulonglong, client_lo: cython.ulonglong, client_port: cython.int,
    asks: cython.int,
) -> cython.int:  # fmt: skip
    """Work out the hashes of a message, and touch what they lead to."""
    name: cython.ulonglong = cython.cast(cython.ulonglong, pairs.messages[m, M_FOLDED])
    hashed: cython.ulonglong
    if protocol == MDNS and client_port == MDNS_PORT:
        hashed = mixed(pairs.salt, name)
    else:
        hashed = mixed(
            port_hash(pairs, transport, protocol, pairs.messages[m, M_ID], client_hi, client_lo, client_port),
            name,
        )
    pairs.hashes[m, 0] = hashed
    pairs.touched ^= pairs.by_transaction[line_of(pairs, hashed)]
    if asks:
        pairs.hashes[m, 1] = lookup_hash(
            pairs, pairs.messages[m, M_FOLDED], pairs.messages[m, M_QTYPE], client_hi, client_lo
        )
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def settle(pairs: Pairs, row: cython.longlong) -> cython.int:
    """A lookup has its answer: what is asked later is another one, and need not look at this row."""
    hashed: cython.ulonglong
    place: cython.Py_ssize_t
    if pairs.numbers[row, RCODE] != 0 and pairs.numbers[row, RCODE] != NXDOMAIN:
        return 0
    hashed = lookup_hash(
        pairs, pairs.numbers[row, NAME_FOLDED], pairs.numbers[row, QTYPE], pairs.addresses[row, CLIENT_HI],
        pairs.addresses[row, CLIENT_LO],
    )  # fmt: skip
    place = cython.cast(
        cython.Py_ssize_t, hashed & cython.cast(cython.ulonglong, pairs.by_lookup.shape[0] - 1)
    )
    if pairs.by_lookup[place] == pairs.entry(row, hashed):
        pairs.by_lookup[place] = 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def take_query(
    pairs: Pairs, m: cython.Py_ssize_t,
    frame: cython.longlong, time_ns: cython.longlong, flow: cython.longlong, side: cython.int,
    transport: cython.int, protocol: cython.int, version: cython.int,
    client_hi: cython.ulonglong, client_lo: cython.ulonglong,
    server_hi: cython.ulonglong, server_lo: cython.ulonglong, client_port: cython.int,
    server_port: cython.int,
) -> cython.int:  # fmt: skip
    """A message that asks."""
    group: cython.int = is_group(version, server_hi, server_lo)
    hashed: cython.ulonglong = pairs.hashes[m, 0]
    lookup: cython.ulonglong = pairs.hashes[m, 1]
    line: cython.Py_ssize_t = line_of(pairs, hashed)
    probe: cython.Py_ssize_t
    place: cython.Py_ssize_t
    free: cython.Py_ssize_t = line
    age: cython.longlong
    oldest: cython.longlong = -1
    row: cython.longlong
    before: cython.longlong = -1
    for probe in range(PROBES):
        place = line + probe
        row = pairs.row_of(pairs.by_transaction[place], hashed)
        if row < 0:
            # Where nothing is free, the oldest makes room.
            age = pairs.age_of(pairs.by_transaction[place])
            if age > oldest:
                free = place
                oldest = age
            continue
        if (
            same_question(
                pairs, row, m, transport, protocol, client_hi, client_lo, client_port, version, 0
            )
            and same_server(pairs, row, server_hi, server_lo, server_port)
        ):  # fmt: skip
            before = row
            free = place
            break
    if before >= 0 and pairs.words[before, FRAME] == NO_VALUE:
        # Bytes of TCP that waited behind a hole come later than what was sent after them.
        return fill_query(pairs, before, m, frame, time_ns, side)
    if before >= 0 and (pairs.numbers[before, END] == UNANSWERED or pairs.numbers[before, END] == RETRIED):
        if protocol != MDNS or time_ns - pairs.words[before, LAST_NS] <= MDNS_NS:
            return send_again(pairs, before, lookup, time_ns)
    row = new_row(
        pairs, m, frame, time_ns, flow, side, transport, protocol, version,
        client_hi, client_lo, server_hi, server_lo, client_port, server_port,
    )  # fmt: skip
    fill_query(pairs, row, m, frame, time_ns, side)
    pairs.numbers[row, END] = UNANSWERED
    if group or protocol == MDNS or (protocol == NBNS and pairs.messages[m, M_FLAGS] & BROADCAST):
        pairs.numbers[row, ANYONE] = 1
    if before >= 0:
        if protocol == DNS and time_ns - pairs.words[before, LAST_NS] <= FAILOVER_NS * 10:
            pairs.numbers[row, NOTE] |= ASKED_AGAIN
            pairs.words[row, OTHER_FRAME] = pairs.words[before, FRAME]
    elif protocol != MDNS:
        before = latest_attempt(pairs, row, lookup)
        if before >= 0:
            link(pairs, row, before, time_ns)
    pairs.by_transaction[free] = pairs.entry(row, hashed)
    enter(pairs, pairs.by_lookup, lookup, row)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def latest_of_port(
    pairs: Pairs, number: cython.int, transport: cython.int, protocol: cython.int, version: cython.int,
    client_hi: cython.ulonglong, client_lo: cython.ulonglong, client_port: cython.int,
) -> cython.longlong:  # fmt: skip
    """The last query of a port with a number, among the latest rows; -1 if there is none."""
    row: cython.longlong = pairs.count - 1
    last: cython.longlong = max(pairs.count - LOOK_BACK, 0)
    while row >= last:
        if (
            pairs.numbers[row, ID] == number
            and pairs.numbers[row, CLIENT_PORT] == client_port
            and pairs.numbers[row, TRANSPORT] == transport
            and pairs.numbers[row, PROTOCOL] == protocol
            and pairs.numbers[row, VERSION] == version
            and pairs.words[row, FRAME] != NO_VALUE
            and pairs.addresses[row, CLIENT_LO] == client_lo
            and pairs.addresses[row, CLIENT_HI] == client_hi
        ):
            return row
        row -= 1
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def take_answer(
    pairs: Pairs, m: cython.Py_ssize_t, matched: cython.int,
    frame: cython.longlong, time_ns: cython.longlong, flow: cython.longlong, side: cython.int,
    transport: cython.int, protocol: cython.int, version: cython.int,
    client_hi: cython.ulonglong, client_lo: cython.ulonglong,
    server_hi: cython.ulonglong, server_lo: cython.ulonglong, client_port: cython.int,
    server_port: cython.int,
) -> cython.int:  # fmt: skip
    """A message that answers. Returns whether there is a query for it."""
    anyone: cython.int = 1 if protocol == MDNS and client_port == MDNS_PORT else 0
    hashed: cython.ulonglong = pairs.hashes[m, 0]
    line: cython.Py_ssize_t = line_of(pairs, hashed)
    probe: cython.Py_ssize_t
    place: cython.Py_ssize_t
    row: cython.longlong
    best: cython.longlong = -1
    elsewhere: cython.longlong = -1
    qtype: cython.int
    answered: cython.int = 0
    end: cython.int = UNASKED
    note: cython.int = 0
    for probe in range(PROBES):
        place = line + probe
        row = pairs.row_of(pairs.by_transaction[place], hashed)
        if row < 0 or not same_question(
            pairs, row, m, transport, protocol, client_hi, client_lo, client_port, version, anyone
        ):
            continue
        if anyone:
            qtype = pairs.numbers[row, QTYPE]
            if qtype != pairs.messages[m, M_QTYPE] and qtype != ANY_TYPE:
                continue
            if time_ns - pairs.words[row, LAST_NS] > MDNS_NS:
                continue
            if pairs.addresses[row, CLIENT_LO] == server_lo and pairs.addresses[row, CLIENT_HI] == server_hi:
                continue  # a host that probes for its own name (RFC 6762 section 8.1), and then announces it
            answered = 1
            if pairs.numbers[row, END] == UNANSWERED:
                fill_answer(pairs, row, m, frame, time_ns)
                pairs.numbers[row, END] = ANSWERED
                pairs.addresses[row, SERVER_HI] = server_hi
                pairs.addresses[row, SERVER_LO] = server_lo
            elif pairs.words[row, RESPONSE_FRAME] != frame and pairs.words[row, OTHER_FRAME] != frame:
                pairs.numbers[row, RESPONSES] += 1
                pairs.words[row, OTHER_FRAME] = frame
        elif pairs.numbers[row, ANYONE] or same_server(pairs, row, server_hi, server_lo, server_port):
            best = row
            break
        else:
            elsewhere = row
    if anyone:
        if answered or matched or pairs.messages[m, M_PART]:
            return answered
        end = ANNOUNCED
    elif best < 0:
        row = latest_of_port(
            pairs, pairs.messages[m, M_ID], transport, protocol, version, client_hi, client_lo, client_port
        )
        if row >= 0 and (
            pairs.numbers[row, ANYONE] or same_server(pairs, row, server_hi, server_lo, server_port)
        ):
            # Errors may come without the question, and so may the messages of a zone transfer.
            if pairs.messages[m, M_QUESTIONS] == 0 and protocol != NBNS:
                best = row
            else:
                note = NAME_DIFFERS
                elsewhere = row
        elif elsewhere >= 0:
            note = SERVER_DIFFERS
    if best >= 0 and pairs.words[best, FRAME] == NO_VALUE:
        best = -1  # nobody asked for the one before either
    if best >= 0:
        if pairs.words[best, RESPONSE_FRAME] == NO_VALUE:
            fill_answer(pairs, best, m, frame, time_ns)
            if pairs.numbers[best, ANYONE]:
                pairs.addresses[best, SERVER_HI] = server_hi
                pairs.addresses[best, SERVER_LO] = server_lo
                pairs.numbers[best, SERVER_PORT] = server_port
            if pairs.messages[m, M_FLAGS] & TC and protocol != NBNS:
                pairs.numbers[best, END] = TRUNCATED
            elif pairs.numbers[best, END] == RETRIED:
                pairs.numbers[best, END] = LATE
            else:
                pairs.numbers[best, END] = ANSWERED
                settle(pairs, best)
            return 1
        if not second_answer(pairs, best, m):
            return 1
        end = DUPLICATE
        elsewhere = best
        if (
            pairs.numbers[best, RCODE] != pairs.messages[m, M_RCODE]
            or pairs.numbers[best, ANSWERS_COUNT] != pairs.messages[m, M_FOUND]
            or pairs.numbers[best, ANSWER_TEXT] != pairs.messages[m, M_ANSWER]
        ):
            note = CONTENT_DIFFERS
    row = new_row(
        pairs, m, frame, time_ns, flow, 1 - side, transport, protocol, version,
        client_hi, client_lo, server_hi, server_lo, client_port, server_port,
    )  # fmt: skip
    fill_answer(pairs, row, m, frame, time_ns)
    pairs.numbers[row, END] = end
    pairs.numbers[row, NOTE] = note
    if elsewhere >= 0:
        pairs.words[row, OTHER_FRAME] = pairs.words[elsewhere, FRAME]
    if transport == 1 and end == UNASKED and note == 0:
        for probe in range(PROBES):
            place = line + probe
            if pairs.row_of(pairs.by_transaction[place], hashed) == -1:
                pairs.by_transaction[place] = pairs.entry(row, hashed)
                break
    return 0
