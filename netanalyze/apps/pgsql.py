"""PostgreSQL's frontend/backend protocol, version 3."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Printable
from netanalyze.apps.protocol import TCP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

PROTOCOL = Protocol(
    name="pgsql",
    title="PostgreSQL",
    transports=(TCP,),
    ports=frozenset({5432, 6432}),
    signatures=(
        # StartupMessage: length, version 3.0 or 3.2, names and values as strings.
        signature(Bytes(b"\x00\x00", 0), Bytes(b"\x00\x03\x00", 4), OneOf(7, b"\x00\x02"), Printable(8, 2)),
        # SSLRequest and GSSENCRequest, then CancelRequest.
        signature(Bytes(b"\x00\x00\x00\x08\x04\xd2\x16"), OneOf(7, b"\x2f\x30")),
        signature(Bytes(b"\x00\x00\x00\x10\x04\xd2\x16\x2e")),
        # AuthenticationRequest: which kind, 0 to 12.
        signature(
            Bytes(b"R\x00\x00", 0), Number(5, 4, 0, 12), strength=Strength.PAIRED, sender=Sender.SERVER
        ),
        # Any message: a letter and its length.
        signature(OneOf(0, b"123ABCDEFGHIKNPQRSTXZcdfnpst"), Bytes(b"\x00", 1), strength=Strength.PORT),
    ),
    # Section 55.7: a kind, then a length that counts itself; the first message has no kind.
    framing=both(length("u32be", offset=1, adjust=-4, short_zero=True)),
)
