"""Node as in the tutorials: two writes, and one "data" event or two.

A client and a server of Node's `net` module. On the first connection the client corks its socket, so that two
writes go out in one segment and the server gets one event; on the second it writes twice in one turn of its
loop, four times; on the third it waits 50 ms between the two. The truth file has the client's writes and the
server's events with their times. The cards "do" checksums and segmentation, as on most computers.
"""

from __future__ import annotations

import json
from pathlib import Path

from capturing import Capture
from lab import Lab, run

TRY = "netanalyze analyze captures/sticky-node.pcap --report streams"

CLIENT, SERVER, PORT, FROM = "10.33.0.2", "10.33.0.1", "9133", "43201"
SCRIPT = Path(__file__).with_suffix(".mjs")


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("node")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER}/24"), offload=True)
    node = lab.start(server, "node", SCRIPT, "server", SERVER, PORT)
    node.ready(lambda: server.listens(int(PORT)))
    capture = Capture(lab, client, "eth0", "sticky-node.pcap")
    writes = json.loads(client.run("node", SCRIPT, "client", SERVER, PORT, FROM).stdout)
    node.process.wait(timeout=10)
    capture.finish(client.quiet, server.quiet, tap="at the client")
    lab.truth = {"writes": writes, "events": json.loads(node.said())}


if __name__ == "__main__":
    run(record, __file__)
