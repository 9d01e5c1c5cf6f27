"""HTTP/2 without encryption, begun with prior knowledge: six requests at once on one connection.

Client and server are Node.js. Requests and answers share the connection as streams, with packed headers
(HPACK); the answer that takes 150 ms to begin was asked for first and comes last.
"""

from __future__ import annotations

import json

from capturing import Capture
from lab import HERE, Lab, run

TRY = "netanalyze analyze captures/http2-cleartext.pcap --report streams"

SERVER, PORT, PORT_OF_HTTP2 = "10.28.0.1", 8080, 8082


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("node")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.28.0.2/24", f"{SERVER}/24"))
    program = lab.start(server, "node", HERE / "http_server.mjs", SERVER, str(PORT), str(PORT_OF_HTTP2))
    program.ready(lambda: server.listens(PORT_OF_HTTP2))
    capture = Capture(lab, client, "eth0", "http2-cleartext.pcap")
    paths = ("/slow", "/br", "/gzip", "/chunks", "/deflate", "/missing")
    said = client.run("node", HERE / "http2_client.mjs", f"http://{SERVER}:{PORT_OF_HTTP2}", *paths).stdout
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"answers": json.loads(said)}


if __name__ == "__main__":
    run(record, __file__)
