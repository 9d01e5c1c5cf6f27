"""TLS, all versions (RFC 8446, RFC 5246)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, signature
from netanalyze.tcp.writes.framing import both, length

# RFC 5246 section 6.2: a record has a type, a version (3.0 to 3.4), a length of up to 2^14 + 2048.
_VERSION = (Bytes(b"\x03", 1), Number(2, 1, 0, 4))
_LONGEST = 18432

PROTOCOL = Protocol(
    name="tls",
    title="Transport Layer Security",
    transports=(TCP,),
    # HTTPS, and mail, directories, DNS, FTP, MQTT, AMQP and SIP over TLS.
    ports=frozenset(
        {443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 5061, 5671, 8443, 8883, 9443}
    ),
    signatures=(
        # Section 7.4: a handshake record with ClientHello or ServerHello, below 64 KiB.
        signature(
            Bytes(b"\x16"), *_VERSION, Number(3, 2, 4, _LONGEST), OneOf(5, b"\x01\x02"), Bytes(b"\x00", 6)
        ),
        # Section 7.2: an alert, warning or fatal.
        signature(Bytes(b"\x15"), *_VERSION, Bytes(b"\x00\x02", 3), OneOf(5, b"\x01\x02")),
        # Section 7.1: ChangeCipherSpec.
        signature(Bytes(b"\x14"), *_VERSION, Bytes(b"\x00\x01\x01", 3)),
        # Application data, where the beginning was not captured.
        signature(Bytes(b"\x17\x03"), Number(2, 1, 1, 4), Number(3, 2, 17, _LONGEST)),
        # Appendix E.2: a ClientHello in the form of SSL 2.0, which has no session id.
        signature(
            Bytes(b"\x80"),
            Bytes(b"\x01", 2),
            OneOf(3, b"\x03\x00"),
            OneOf(4, b"\x00\x01\x02\x03"),
            Number(5, 2, 3, 255),
            Bytes(b"\x00\x00", 7),
            Number(9, 2, 16, 32),
            sender=Sender.CLIENT,
        ),
    ),
    # Section 5.1: a type, a version and a length.
    framing=both(length("u16be", offset=3, most=_LONGEST + 5, type_at=0)),
)
