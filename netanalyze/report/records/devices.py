"""Records about the network interfaces of this machine."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, Unit, column


class NetworkInterface(Record, frozen=True):
    """One interface that sniff can capture on."""

    name: Annotated[str, column("Name, as sniff takes it", show=0)]
    state: Annotated[
        str,
        column(
            "up, down, lowerlayerdown, … (RFC 2863), as its driver says; where that says nothing, up or down"
            " as it is switched on or off",
            show=0,
        ),
    ]
    addresses: Annotated[
        str | None, column("IP addresses with the lengths of their prefixes, separated by commas", show=0)
    ]
    mac: Annotated[str | None, column("Link address, null if it has none", show=2)]
    mtu_bytes: Annotated[int | None, column("Largest packet that it takes", Unit.BYTES, show=1)]
    link_type: Annotated[str, column("What its frames begin with: a name of tcpdump's registry", show=1)]
    loopback: Annotated[bool, column("Whether it leads to this machine only", Unit.TRUTH, show=1)]
