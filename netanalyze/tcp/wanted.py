"""Which tables need which stages of TCP."""

from __future__ import annotations

WAIT_TABLES = frozenset({"stalls", "waits", "nagle"})
SEQUENCE_TABLES = WAIT_TABLES | {
    *("streams", "directions", "limits", "events", "windows", "transitions", "writes", "messages"),
}
MOVE_TABLES = frozenset({"transitions", "populations", "closers"})
"""These need every change of a state; for ``streams`` the last ones will do."""
SUM_TABLES = frozenset({"populations", "closers", "listeners"})
"""These have no row for each stream: streams that are finished are added up and let go of."""
NO_STREAM_TABLES = frozenset({"capture", "ledger", "protocols", "udp", "checksums", "damaged"})
"""These know nothing of TCP streams; all others keep them."""
TAP_TABLES = frozenset({"streams", "directions", "events", "transitions"})
"""Tables that say something about where a connection was captured."""
TABLES = SEQUENCE_TABLES | MOVE_TABLES | {"listeners"}
"""Tables for which TCP has to be analysed."""
