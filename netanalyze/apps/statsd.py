"""StatsD: counters and timers that programs report."""

from __future__ import annotations

from netanalyze.apps.checks import Find, Printable
from netanalyze.apps.protocol import UDP, Protocol, Strength, signature

PROTOCOL = Protocol(
    name="statsd",
    title="StatsD",
    transports=(UDP,),
    ports=frozenset({8125}),
    # A name, a colon, a value, a bar and the kind of metric: counter, gauge, timer, set, histogram …
    signatures=tuple(
        signature(Printable(0, 5), Find(b":", 1), Find(kind, 3), strength=Strength.PORT)
        for kind in (b"|c", b"|g", b"|ms", b"|s", b"|h", b"|d", b"|m")
    ),
)
