"""What an application protocol is: its name, its ports, and the signatures of its first bytes.

Each protocol is one file of this package with one ``PROTOCOL`` in it; ``registry`` lists them. How
signatures and ports decide together is told in ``identify_kernel``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.apps.checks import DATAGRAM_ONLY, REPEATED_ONLY, Check
from netanalyze.apps.codes import HEAD_BYTES, TCP, TRANSPORTS, UDP, Sender, Strength

if TYPE_CHECKING:
    from netanalyze.tcp.writes.framing import StreamFraming

__all__ = ["TCP", "TRANSPORTS", "UDP", "Protocol", "Sender", "Signature", "Strength", "signature"]


class Signature(Struct, frozen=True):
    """Checks that all hold for the first bytes of one direction of a protocol.

    Attributes:
        checks: the checks.
        strength: what a match proves.
        sender: whose bytes these are.
        repeat: how many datagrams of the sender must match, each compared with the one before that
            matched; 1 for byte streams.
        transports: over which transports; all those of the protocol if empty.
    """

    checks: tuple[Check, ...]
    strength: Strength = Strength.ALONE
    sender: Sender = Sender.EITHER
    repeat: int = 1
    transports: tuple[str, ...] = ()

    @property
    def reach(self) -> int:
        """Bytes that must be there before the signature can match, at least 1."""
        return max(1, *(check.reach for check in self.checks))

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the signature can match."""
        return frozenset.intersection(*(check.first_bytes() for check in self.checks))


def signature(
    *checks: Check,
    strength: Strength = Strength.ALONE,
    sender: Sender = Sender.EITHER,
    repeat: int = 1,
    over: str = "",
) -> Signature:
    """A ``Signature``, shorter to write; ``over`` names its transport where the protocol has two."""
    return Signature(checks, strength, sender, repeat, (over,) if over else ())


class Protocol(Struct, frozen=True):
    """An application protocol.

    Attributes:
        name: short lower-case name, as tshark has it where tshark knows the protocol.
        title: name for people.
        transports: ``tcp``, ``udp`` or both.
        ports: ports its servers listen on.
        signatures: what its first bytes look like.
        confirmable: whether nearly every conversation begins with bytes that a signature matches.
            If so, a stream on one of ``ports`` that begins otherwise does not get the name.
        framing: how the receiver of a byte stream finds out where messages end, if that is simple.
    """

    name: str
    title: str
    transports: tuple[str, ...]
    ports: frozenset[int]
    signatures: tuple[Signature, ...] = ()
    confirmable: bool = True
    framing: StreamFraming | None = None

    def __post_init__(self) -> None:
        """Refuse what the kernel cannot do.

        Raises:
            ValueError: a contradiction in the definition, which is a mistake in this package.
        """
        if not self.transports or not set(self.transports) <= set(TRANSPORTS):
            msg = f"{self.name}: transports are {TRANSPORTS}, not {self.transports}"
            raise ValueError(msg)
        for number, entry in enumerate(self.signatures):
            self._check_signature(entry, f"{self.name}, signature {number}")

    def _check_signature(self, entry: Signature, where: str) -> None:
        over = self.over(entry)
        if not entry.checks or not set(over) <= set(self.transports):
            msg = f"{where}: needs checks, and transports out of {self.transports}"
            raise ValueError(msg)
        if TCP in over and (
            entry.reach > HEAD_BYTES
            or entry.repeat != 1
            or any(isinstance(check, DATAGRAM_ONLY) for check in entry.checks)
        ):
            msg = f"{where}: not for a byte stream of which {HEAD_BYTES} bytes are looked at"
            raise ValueError(msg)
        for check in entry.checks:
            if isinstance(check, REPEATED_ONLY) and (entry.repeat == 1 or check.reach > HEAD_BYTES):
                msg = f"{where}: {check} compares datagrams, which needs repeat and {HEAD_BYTES} bytes"
                raise ValueError(msg)

    def over(self, entry: Signature) -> tuple[str, ...]:
        """The transports of one of the protocol's signatures."""
        return entry.transports or self.transports
