"""Who takes bodies as they are decoded: a protocol for ``netanalyze extract`` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from netanalyze.apps.http.bodies import Sink
    from netanalyze.apps.http.exchange import Exchange


class Sinks(Protocol):
    """Opens a sink for each body."""

    def open(self, exchange: Exchange | None, *, request: bool) -> Sink | None:
        """What takes this body: None if nobody wants it.

        Args:
            exchange: that the body is part of; its head has been read.
            request: whether it is the request's body.
        """
