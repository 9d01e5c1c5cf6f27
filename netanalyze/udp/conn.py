"""Which endpoints of a UDP flow spoke, in Zeek's words: ``conn_state``.

The originator is the sender of the first datagram, unless its port is a well-known server's and the
other is not. Zeek also ends a flow after a minute of silence and counts what follows as another one; a
flow here is what Wireshark numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import found_in
from netanalyze.flow import fields
from netanalyze.flow.table import ports

if TYPE_CHECKING:
    from netanalyze.flow.table import Conversations

SERVER_PORTS = (
    53, 67, 68, 88, 123, 137, 161, 162, 443, 514, 784, 1812, 2123, 2152, 3544, 4011, 4789, 5060, 5072, 5353,
    5355, 6081,
)  # fmt: skip
"""UDP ports at which Zeek, with the scripts that it loads by default, expects servers."""

STATES = ("OTH", "S0", "SHR", "SF")
"""Who spoke: nobody (only an ICMP error tells of the flow), the originator, the responder, both."""


def state_columns(flows: Conversations) -> dict[str, Any]:
    """The column ``conn_state`` of each flow."""
    first, second = ports(flows)
    flipped = found_in(first, SERVER_PORTS) & ~found_in(second, SERVER_PORTS)
    spoke = [flows.word(fields.PACKETS + side) > 0 for side in (0, 1)]
    originator = np.where(flipped, spoke[1], spoke[0])
    responder = np.where(flipped, spoke[0], spoke[1])
    return {"conn_state": originator + 2 * responder, "conn_state_names": STATES}
