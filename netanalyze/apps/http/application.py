"""HTTP as an application: opens connections, collects exchanges, makes the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.apps.http.bodies import Limits
from netanalyze.apps.http.connection import Connection
from netanalyze.apps.http.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.http.websocket import Frame
    from netanalyze.apps.reading import StreamFacts

TABLES = frozenset({"http"})
"""Tables that this application makes."""


class Http:
    """What a run keeps of HTTP."""

    def __init__(
        self,
        tables: frozenset[str] = TABLES,
        *,
        limits: Limits | None = None,
        sinks: Any = None,  # noqa: ANN401
        raw_sinks: bool = False,
    ) -> None:
        self.tables = tables
        self.limits = limits or Limits()
        self.sinks = sinks
        self.raw_sinks = raw_sinks
        self.texts = Texts()
        self.codings: dict[bytes, tuple[str, ...]] = {}
        self.exchanges: list[Exchange] = []
        self.frames: list[Frame] = []
        self.keep_fields = False
        self.watch: Any = None

    def open(self, stream: StreamFacts) -> Connection:
        return Connection(self, stream)

    def connection_ended(self, connection: Connection) -> None:
        pass

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        return {}
