"""What a reader of an application protocol is told of a stream or of datagrams, and what it gives back.

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
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, overload, runtime_checkable

from msgspec import Struct, field

from netanalyze.columns import Columns
from netanalyze.tcp.byte_streams import Consumer, Ending, StreamFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Application", "Asked", "DatagramApplication", "Datagrams", "Ending", "Forgetting", "MadeWhenSeen",
    "ManyRows", "Pool", "Reader", "StreamFacts",
]  # fmt: skip

MAX_BODY_BYTES = 1 << 28
"""Decoded bytes of one body, unless the user asks for more or less."""


class Asked(Struct, frozen=True):
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


Rows: TypeAlias = "slice | NDArray[np.int64]"
"""Which rows of a table: a slice, or their indices."""


class Pool(Struct, frozen=True):
    """Texts by number in one array of bytes; number 0 is no text.

    Attributes:
        data: the texts, printable ASCII.
        start: where each begins,
        length: and how long it is.
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]

    def words(self, codes: NDArray[Any]) -> list[str | None]:
        """The texts of some numbers, None for 0."""
        flat, starts = memoryview(self.data), self.start[codes]  # type: ignore[arg-type] # numpy and 3.11
        ends = starts + self.length[codes]
        return [
            str(flat[start:end], "ascii") or None
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]


class ManyRows(Struct, frozen=True):
    """A table of so many rows that its columns are made for those that are asked for.

    Attributes:
        length: how many there are.
        compute: for some rows the columns by name, as ``report.tables.table_of_columns`` takes them: 64-bit
            integers with ``NULL`` for no value, flags, three arrays for an address, numbers of texts.
        texts: for the columns whose numbers stand in a list, -1 for no value, that list.
        pooled: for those that are numbers of texts in a pool, that pool; one for all.
        worded: for those whose numbers only their maker can put in words, 0 for no value, what does:
            numbers in, texts out.
    """

    length: int
    compute: Callable[[Rows], Mapping[str, NDArray[Any]]]
    texts: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    pooled: Mapping[str, Pool] = field(default_factory=dict)
    worded: Mapping[str, Callable[[NDArray[np.int64]], list[str | None]]] = field(default_factory=dict)


class Application(Protocol):
    """What a run keeps of one protocol that TCP carries."""

    def open(self, stream: StreamFacts) -> Reader:
        """A reader for a stream."""

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]] | ManyRows]:
        """What the readers found, by table and column; called after every reader's ``finish``.

        A column has an element for each row, None where there is no value; it may be ``MadeWhenSeen``.
        ``stream`` is among the columns wherever rows belong to one, so that the report can name the
        endpoints. ``client_side`` may be too: which side the bytes say is the client, None where they do not.
        """


@runtime_checkable
class Forgetting(Protocol):
    """An application whose rows can be taken while it goes on, so that a run without end is possible.

    An application may have these methods besides; the rows of one that has not come at the end.
    """

    def taken(self, over: Collection[int] = ()) -> Mapping[str, Mapping[str, Sequence[Any]] | ManyRows]:
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


class Datagrams(Columns):
    """Datagrams that carry a protocol, in order of their frames; the first ``count`` rows are valid.

    Attributes:
        count: rows in use.
        data: where those with ``source`` 0 lie,
        arena: and where those with 1 do, which were put together from fragments, or kept.

    Columns:
        frame, time_ns: that had it, or its last fragment.
        flow, side: number of the UDP flow, and the side that sent it (``wire.packets``).
        transport: 0 for UDP. A protocol that TCP carries too may fill in rows of its own with 1.
        protocol: place of its protocol in ``DatagramApplication.datagrams``.
        source, offset, captured, wire: the payload: where it lies, bytes captured and on the wire.
        version, src_hi, src_lo, dst_hi, dst_lo, sport, dport: the endpoints.
    """

    FIELDS: ClassVar = {
        "frame": "i8",
        "time_ns": "i8",
        "flow": "i8",
        "side": "u1",
        "transport": "u1",
        "protocol": "u1",
        "source": "u1",
        "offset": "i8",
        "captured": "i8",
        "wire": "i8",
        "version": "u1",
        "src_hi": "u8",
        "src_lo": "u8",
        "dst_hi": "u8",
        "dst_lo": "u8",
        "sport": "i4",
        "dport": "i4",
    }

    def __init__(self, capacity: int) -> None:
        """No datagrams yet."""
        super().__init__(capacity)
        self.count = 0
        self.data: memoryview = memoryview(b"")
        self.arena: memoryview = memoryview(b"")


class DatagramApplication(Application, Protocol):
    """What a run keeps of protocols that UDP carries; one that TCP carries, too, opens readers as well.

    Rules: as for readers. What it is given is valid during the call.

    Attributes:
        datagrams: names of the protocols whose datagrams it takes.
    """

    datagrams: Sequence[str]

    def take(self, datagrams: Datagrams) -> None:
        """Read some datagrams. Those of a flow come in order; a flow that got its name late comes late."""

    def refuse(self, flows: NDArray[np.int64]) -> None:
        """Take note that ICMP errors came back for datagrams of these flows, whatever they carry."""

    def finish(self) -> None:
        """Nothing more comes; comes before ``columns``, and after the readers' ``finish``."""
