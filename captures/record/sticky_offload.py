"""Messages in super-segments: the card is to cut what the kernel hands over, and joins what arrives.

A client sends messages of 3 to 20 kB in a write each, with segmentation left to the card (TSO, GSO), which
on this cable nobody has to do. So a frame is larger than an Ethernet frame can be, and boundaries of
messages seem to be those of segments although on a wire they would not. The truth file has the calls of
send() and recv().
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from logged import exchange, framed, quickly_switching
from sticky_writes import reading, writing

TRY = "netanalyze analyze captures/sticky-offload.pcap --report streams"

CLIENT, SERVER = ("10.34.0.2", 43301), ("10.34.0.1", 9134)
SIZES = (3000, 20_000, 100, 8000)


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT[0]}/24", f"{SERVER[0]}/24"), offload=True)
    capture = Capture(lab, client, "eth0", "sticky-offload.pcap")
    pieces = [framed(size, "l") for size in SIZES]
    with quickly_switching():
        logs = exchange(
            (client, server), (CLIENT, SERVER), (writing(*pieces, pause_s=0.06), reading(sum(SIZES)))
        )
    capture.finish(client.quiet, server.quiet, tap="at the client")
    lab.truth = {"streams": [{"client_port": CLIENT[1], "message_bytes": SIZES, **logs}]}


if __name__ == "__main__":
    run(record, __file__)
