"""HTTP/1 as servers of programs speak it: codings, chunks with a trailer, pipelining, and broken answers.

Against a server in Node.js: answers packed with Brotli, deflate and gzip; chunks and a trailer; an answer
that takes 150 ms to begin; an upload announced with `Expect: 100-continue`; an upload in chunks; an
HTTP/1.0 request; an answer that ends before its `Content-Length`; and three requests in one segment.
"""

from __future__ import annotations

from capturing import Capture
from lab import HERE, Lab, run
from measure import everything
from web import curl

TRY = "netanalyze analyze captures/http-variety.pcap --report streams --report protocols"

SERVER, PORT, PORT_OF_HTTP2 = "10.27.0.1", 8080, 8082


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("node")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.27.0.2/24", f"{SERVER}/24"))
    program = lab.start(server, "node", HERE / "http_server.mjs", SERVER, str(PORT), str(PORT_OF_HTTP2))
    program.ready(lambda: server.listens(PORT))
    upload = lab.folder / "upload.txt"
    upload.write_bytes(b"0123456789abcdef" * 128)
    url = f"http://{SERVER}:{PORT}"
    capture = Capture(lab, client, "eth0", "http-variety.pcap")
    transfers = [
        *curl(
            lab,
            client,
            *(("--compressed", f"{url}/{coding}") for coding in ("br", "deflate", "gzip")),
            (f"{url}/chunks",),
            (f"{url}/slow",),
            ("-H", "Expect: 100-continue", "--data-binary", f"@{upload}", f"{url}/upload"),
            ("-H", "Transfer-Encoding: chunked", "-T", str(upload), f"{url}/upload"),
        ),
        *curl(lab, client, ("--http1.0", f"{url}/gzip")),
        # The answer is cut short, and curl says so with its exit code.
        *curl(lab, client, (f"{url}/broken",), check=False),
    ]
    pipeline = client.new_socket()
    pipeline.connect((SERVER, PORT))
    paths = ("/chunks", "/missing", "/gzip")
    requests = [f"GET {path} HTTP/1.1\r\nHost: {SERVER}:{PORT}\r\n" for path in paths]
    pipeline.sendall("\r\n".join([*requests[:2], requests[2] + "Connection: close\r\n\r\n"]).encode())
    answers = everything(pipeline)
    pipeline.close()
    capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "curl": transfers,
        "pipeline": {
            "paths": list(paths),
            "statuses": [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]],
            "answer_bytes": len(answers),
        },
    }


if __name__ == "__main__":
    run(record, __file__)
