"""How a framing is told to the kernel, and what the kernel remembers of a half-stream that it cuts."""

from __future__ import annotations

# Kinds of framings.
LENGTH = 1
"""A field of ``SIZE`` bytes at ``OFFSET`` tells how long the message is."""
DELIMITER = 2
"""``SIZE`` bytes (at most 7), whose value is ``VALUE``, end the message."""
FIXED = 3
"""Every message has ``SIZE`` bytes."""
VARINT = 4
"""As ``LENGTH``, but the field is a base 128 number, the lowest seven bits first (protobuf, MQTT)."""
BER = 5
"""A tag, ``VALUE``, and a length by the basic encoding rules (ITU-T X.690 section 8.1.3)."""
RESP = 6
"""Values of Redis' protocol, of which arrays contain others; a line that begins none is a message."""
WEBSOCKET = 7
"""Frames of RFC 6455 section 5.2."""

# Words of a framing.
KIND = 0
SIZE = 1
OFFSET = 2
ADJUST = 3
"""Added to the field's value; with the place behind the field that is the message's length."""
LITTLE = 4
"""1: the lowest byte comes first."""
MASK = 5
"""Bits of the field that are the length; 0 for all."""
FINAL = 6
"""A bit of the field: the message goes on in the next record unless it is set; 0 for none."""
VALUE = 7
MOST = 8
"""Bytes of the longest message."""
TEXT = 9
"""1: control characters that no text has end the framing for good."""
TYPE_AT = 10
"""Place of the byte that tells what a message is; -1 for none."""
LAST_TYPE = 11
"""A message with this there is the last one of this framing; -1 for none."""
SHORT_ZERO = 12
"""1: where a message's first byte is zero the length field begins there (PostgreSQL's first message)."""
ONCE = 13
"""1: stop behind each message."""
WORDS = 14

# Words of a half-stream.
POS = 0
"""Bytes of the message in hand so far."""
NEED = 1
"""Bytes that it still takes, -1 while that is not known."""
FIELD = 2
"""The part of a number that has been read; of a delimiter, the latest bytes."""
COUNT = 3
"""RESP: values that the message still takes."""
FIRST = 4
"""First byte: of the message, or for RESP of the line."""
TYPE = 5
"""The byte at ``TYPE_AT`` of the message in hand, -1 before it came."""
AT = 6
"""How far the last call went in its data."""
FAULT = 7
"""0, or why the bytes cannot be messages of this framing, from one of these:"""
TOO_SHORT = 1
"""A length below that of the header."""
TOO_LONG = 2
"""A length above ``MOST``."""
NOT_TEXT = 3
NOT_NUMBER = 4
"""A length that is none, or a tag that is another."""
ENDED = 5
"""``LAST_TYPE`` has been seen."""
STATE_WORDS = 8

FAULTS = ("", "length below the header's", "length too large", "not text", "no length", "ended")
