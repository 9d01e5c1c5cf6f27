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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, overload

from netanalyze.tcp.byte_streams import Consumer, Ending, StreamFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Application", "Asked", "Ending", "MadeWhenSeen", "Reader", "StreamFacts"]

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


class MadeWhenSeen(Sequence[Any]):
    """A column whose values are made of the objects behind them when somebody looks at them.

    Of a table of many rows and columns mostly a few are shown.
    """

    def __init__(self, objects: Sequence[Any], make: Callable[[Any], Any]) -> None:
        """Take an object for each row, which stays as it is from now on, and what makes its value."""
        self._objects = objects
        self._make = make

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._objects)

    @overload
    def __getitem__(self, index: int) -> Any: ...  # noqa: ANN401 - of any type

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        """A value, or a list of some."""
        found = self._objects[index]
        return list(map(self._make, found)) if isinstance(index, slice) else self._make(found)

    def __iter__(self) -> Iterator[Any]:
        """All values."""
        return map(self._make, self._objects)


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

        A column has an element for each row, None where there is no value; it may be ``MadeWhenSeen``.
        ``stream`` is among the columns wherever rows belong to one, so that the report can name the
        endpoints. ``client_side`` may be too: which side the bytes say is the client, None where they do not.
        """
