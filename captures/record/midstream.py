"""A capture that starts in the middle of a connection and stops before its end.

The kept connection to nginx had its handshake and two requests before the capture began: window scale
and roles have to be guessed. Two more requests follow, then one on a connection of its own that is there
from beginning to end. When the capture stops, the first is still open. Compressed with gzip.
"""

from __future__ import annotations

import http.client
from typing import Any

from capturing import Capture
from lab import Lab, run
from web import curl, nginx

TRY = "netanalyze analyze captures/midstream.pcap.gz --report streams --wide"


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.20.0.2/24", "10.20.0.1/24"))
    nginx(lab, server, "10.20.0.1:80")
    kept = http.client.HTTPConnection("10.20.0.1")
    kept.sock = client.new_socket()
    kept.sock.connect(("10.20.0.1", 80))

    def get(path: str) -> dict[str, Any]:
        kept.request("GET", path)
        answer = kept.getresponse()
        return {"path": path, "status": answer.status, "body_bytes": len(answer.read())}

    before = [get("/index.html"), get("/notes.txt")]
    capture = Capture(lab, client, "eth0", "midstream.pcap.gz")
    during = [get("/people.json"), get("/logo.png")]
    whole = curl(lab, client, ("http://10.20.0.1/small.txt",))
    port = kept.sock.getsockname()[1]
    capture.settle()
    capture.stop()
    kept.close()
    lab.truth = {"kept_port": port, "before_capture": before, "during_capture": during, "curl": whole}


if __name__ == "__main__":
    run(record, __file__)
