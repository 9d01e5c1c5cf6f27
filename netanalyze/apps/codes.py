"""Numbers shared by what describes protocols, what flattens the descriptions and what matches them.

Apart from the descriptions, because those are not loaded to identify streams (see ``compiled``).
"""

from __future__ import annotations

import enum

TCP = "tcp"
UDP = "udp"
TRANSPORTS = (TCP, UDP)

HEAD_BYTES = 64
"""Bytes at the start of each direction of a TCP stream that decide which protocol it carries."""

# Kinds of checks.
BYTES = 0
NUMBER = 1
ONE_OF = 2
PRINTABLE = 3
FIND = 4
LENGTH = 5
SIZE = 6
LABELS = 7
SAME = 8
STEP = 9
WORD = 10
CHECK_COLUMNS = 8

# Columns of a signature's row.
CODE = 0
STRENGTH = 1
SENDER = 2
REPEAT = 3
FIRST_CHECK = 4
END_CHECK = 5
REACH = 6
PAIR = 7
SIGNATURE_COLUMNS = 8


class Strength(enum.IntEnum):
    """How much a signature that matches proves."""

    PORT = 0
    """It names the stream only on a port of the protocol: other protocols may look alike."""
    PAIRED = 1
    """As ``PORT``; on any port too, once the other direction matches a paired signature as well."""
    ALONE = 2
    """It names the stream on any port: chance or another protocol practically never look like this."""


class Sender(enum.IntEnum):
    """Who sends the bytes that a signature describes; asked only where the TCP handshake was seen."""

    EITHER = 0
    CLIENT = 1
    SERVER = 2


class Confidence(enum.IntEnum):
    """Why a stream has its name."""

    NONE = 0
    """It has none."""
    PORT = 1
    """Its port is the protocol's and the content could not be judged."""
    CONTENT = 2
    """A signature matches."""
    FORCED = 3
    """The user said so."""
