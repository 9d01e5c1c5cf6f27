"""Records about what the program knows, whatever capture is read."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, column


class KnownProtocol(Record, frozen=True):
    """One application protocol that streams and flows are told to carry."""

    name: Annotated[str, column("Name, as in the column app and for --decode-as", show=0)]
    title: Annotated[str, column("What it is called", show=0)]
    transports: Annotated[str, column("What carries it: tcp, udp or both", show=1)]
    ports: Annotated[str | None, column("Ports its servers listen on, null if none are usual", show=2)]
    recognised: Annotated[
        str,
        column(
            "What tells it: bytes (the first ones, on any port), both (the first ones, on its ports only),"
            " port (that alone), either (bytes, or the port, because most of its conversations begin with"
            " nothing typical); where the first bytes were not captured, always the port",
            show=1,
        ),
    ]
    tables: Annotated[
        str | None, column("Tables of its messages, null if it is recognised and not read", show=2)
    ]
