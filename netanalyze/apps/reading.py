"""What a reader of an application protocol is told of a stream, and what it gives back.

The reassembly of TCP hands over the bytes of both half-streams in their order, each once, as soon as
they are in order; what is missing comes as a ``Gap``. A protocol's file has an ``Application``: one
for a run, which opens a ``Reader`` for each stream that speaks the protocol and makes tables of what
the readers found. ``readers.py`` lists them.

Rules of a reader: it never raises because of what it reads; it keeps no view of the data it was
given beyond the call; what it keeps is bounded; after a gap it says what it does not know any more,
and starts again where a message provably begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from netanalyze.tcp.byte_streams import Consumer, Ending, StreamFacts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Application", "Asked", "Ending", "Forgetting", "Reader", "StreamFacts"]

MAX_BODY_BYTES = 1 << 28
"""Decoded bytes of one body, unless the user asks for more or less."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the applications of a run.

    Attributes:
        tables: names of those wanted.
        max_body_bytes: what one body may grow to when it is decoded.
        bodies: takes the bodies of messages, if somebody wants them; see the protocol's ``sinks``.
        raw_bodies: whether it takes them with their content codings.
    """

    tables: frozenset[str]
    max_body_bytes: int = MAX_BODY_BYTES
    bodies: Any = None
    raw_bodies: bool = False


class Reader(Consumer, Protocol):
    """Reads one stream; what it is told is described with ``Consumer``."""


class Application(Protocol):
    """What a run keeps of one protocol that TCP carries.

    A protocol of datagrams will have a contract of its own beside this one; its tables are made the same
    way.
    """

    def open(self, stream: StreamFacts) -> Reader:
        """A reader for a stream."""

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """What the readers found, by table and column; called after every reader's ``finish``.

        A column has an element for each row, None where there is no value. ``stream`` is among the
        columns wherever rows belong to one, so that the report can name the endpoints. ``client_side``
        may be too: which side the bytes say is the client, None where they do not.
        """


@runtime_checkable
class Forgetting(Protocol):
    """An application whose rows can be taken while it goes on, so that a run without end is possible.

    An application may have these methods besides; the rows of one that has not come at the end.
    """

    def taken(self, over: Collection[int] = ()) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """Rows that are complete and were not taken before, as in ``columns``, where they stay.

        Only tables are there whose rows do not depend on each other.

        Args:
            over: numbers of streams of which every row is complete now: their readers have finished.
        """

    def forget(self, streams: Collection[int], most: int) -> int:
        """Keep no row of these streams, and of all others that were taken the newest ones only.

        Args:
            streams: by their numbers.
            most: rows of a table to keep, where these were taken.

        Returns:
            How many rows of other streams were let go of.
        """
