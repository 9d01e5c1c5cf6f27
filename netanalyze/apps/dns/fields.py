"""What is known of a DNS message, of a query with its answer, and of a text, as arrays of numbers.

Kernels fill them; the constants are the places in a row.
"""

from __future__ import annotations

PROTOCOLS = ("dns", "mdns", "llmnr", "nbns")
"""The protocols that share the format, by their numbers here."""
DNS, MDNS, LLMNR, NBNS = range(4)

# A text: a name, or what is said of records. Code 0 is no text.
START = 0
LENGTH = 1
FOLDED = 2
"""Code of the same name in lower case; -1 of a text with references in it (``texts.py``)."""
HASH = 3
TEXT_WORDS = 4

# Counters of ``message_kernel``.
TEXTS = 0
POOL = 1
MESSAGES = 2
ADDRESSES = 3
COUNTERS = 4

# What is wrong with a message: the first thing that was found.
SHORT = 1
BAD_POINTER = 2
BAD_LABEL = 3
LONG_NAME = 4
CUT_NAME = 5
CUT_RECORD = 6
MISSING_RECORDS = 7
TRAILING = 8
CUT_CAPTURE = 9
BAD_OPTIONS = 10
PROBLEMS: tuple[str | None, ...] = (
    None,
    "shorter than a header",
    "a compression pointer that does not point back",
    "a label of a reserved type",
    "a name of more than 255 bytes",
    "a name that ends outside of the message",
    "a record that ends outside of the message",
    "fewer records than its header says",
    "bytes after the last record",
    "cut off by the capture",
    "options of EDNS that do not fit",
)


# A message: a row of numbers. One of multicast DNS has a row for each question it asks, or for each record it
# answers with.
M_ORIGIN = 0
"""The datagram or message it is of."""
M_PART = 1
"""0 for the first row of a message, then 1 and up."""
M_NAME = 2
"""Code of the name asked for, or of the first record without a question; 0 if unknown."""
M_FOLDED = 3
"""The same in lower case."""
M_QTYPE = 4
"""And its type, -1 if unknown,"""
M_QCLASS = 5
"""and class."""
M_ID = 6
"""Of the header, -1 if that is not there, as"""
M_FLAGS = 7
"""its second word."""
M_RCODE = 8
"""With the upper bits that EDNS adds."""
M_QUESTIONS = 9
"""As the header counts them."""
M_ANSWERS = 10
"""Likewise."""
M_FOUND = 11
"""Answers that were read."""
M_TTL = 12
"""The lowest of the answers, -1 without any."""
M_ANSWER = 13
"""Code of a text about the answers."""
M_PAYLOAD = 14
"""What EDNS says the sender can take, -1 without EDNS."""
M_EDNS = 15
"""DO, and other flags of EDNS."""
M_OPTIONS = 16
"""Code of the options of EDNS, as bytes."""
M_PROBLEM = 17
"""What is wrong with it, or 0."""
M_SIZE = 18
"""Bytes of the message."""
M_NUMBERS = 19
M_UNKNOWN = frozenset({M_QTYPE, M_QCLASS, M_ID, M_FLAGS, M_TTL, M_PAYLOAD})
"""Those that are -1 until they are known; the others begin with 0."""

# A query with its answer: a row of words, ``NULL`` where there is none,
FIRST_FRAME = 0
"""Of the first attempt; that of this query if it is the first one."""
FIRST_NS = 1
FRAME = 2
TIME = 3
"""Of the query; where there is none, of the answer."""
LAST_NS = 4
"""When it was sent last by the same port with the same number."""
RESPONSE_FRAME = 5
RESPONSE_NS = 6
FLOW = 7
"""UDP flow or TCP stream of the query, or of the answer where there is no query."""
OTHER_FRAME = 8
"""What a note refers to."""
ASKED_NS = 9
"""When the query was sent that the time of the answer is measured from, as Wireshark has it."""
WORDS = 10
# one of addresses,
CLIENT_HI = 0
CLIENT_LO = 1
SERVER_HI = 2
SERVER_LO = 3
ADDRESS_WORDS = 4
# and one of numbers, -1 where there is none.
VERSION = 0
CLIENT_PORT = 1
SERVER_PORT = 2
TRANSPORT = 3
"""0 UDP, 1 TCP."""
PROTOCOL = 4
ID = 5
NAME = 6
NAME_FOLDED = 7
QTYPE = 8
QCLASS = 9
QUERY_FLAGS = 10
RESPONSE_FLAGS = 11
RCODE = 12
QUESTIONS = 13
ANSWERS_COUNT = 14
MIN_TTL = 15
ANSWER_TEXT = 16
PAYLOAD_SIZE = 17
"""What the client says it can take (EDNS)."""
EDNS_FLAGS = 18
"""Of the query; -1 without EDNS."""
QUERY_OPTIONS = 19
SERVER_PAYLOAD = 20
SERVER_OPTIONS = 21
ATTEMPTS = 22
"""Which attempt of the lookup it was that this port sent last."""
RESPONSES = 23
END = 24
NOTE = 25
PROBLEM = 26
RESPONSE_SIZE = 27
ANYONE = 28
"""Whether the query went to a group, so that anyone may answer."""
SENT = 29
"""How often it was sent by this port with this number."""
SIDE = 30
"""Of the flow or stream: the client's."""
QUERY_SIZE = 31
NUMBERS = 32

UNKNOWN = frozenset(
    {
        *(QUERY_FLAGS, RESPONSE_FLAGS, RCODE, ANSWERS_COUNT, MIN_TTL, PAYLOAD_SIZE, EDNS_FLAGS),
        *(SERVER_PAYLOAD, RESPONSE_SIZE, QUERY_SIZE),
    }
)
"""Numbers that are -1 until they are known; the others begin with 0."""

# How it ended.
ANSWERED = 0
TRUNCATED = 1
LATE = 2
UNANSWERED = 3
RETRIED = 4
OPEN = 5
DUPLICATE = 6
UNASKED = 7
ANNOUNCED = 8
ENDS = (
    "answered",
    "truncated",
    "late",
    "unanswered",
    "retried",
    "open",
    "duplicate",
    "unasked",
    "announced",
)

# What is counted of a server.
COUNT_QUERIES = 0
COUNT_SENT = 1
COUNT_MALFORMED = 2
COUNT_FIRST = 3
"""Frame of the first query or answer."""
COUNT_ENDS = 4
COUNT_RCODES = COUNT_ENDS + len(ENDS)
OTHER_RCODES = 6
"""Response codes from here on are counted together."""
COUNTS = COUNT_RCODES + OTHER_RCODES + 1

# Bits of NOTE.
AFTER_TRUNCATED = 1
OTHER_SERVER = 2
OTHER_PORT = 4
NAME_DIFFERS = 8
SERVER_DIFFERS = 16
CONTENT_DIFFERS = 32
ASKED_AGAIN = 64
AFTER_FAILURE = 128
AT_ONCE = 256
REFUSED_BY_ICMP = 512
