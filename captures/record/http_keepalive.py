"""Ten HTTP requests on one kept connection and one on a second, with packed and plain answers.

curl asks nginx for text and JSON (packed with gzip, so sent in chunks), a PNG image and a text too small
to pack (sent as they are), with HEAD, with `If-None-Match` (304), for something that is not there (404),
for something that moved (301), and posts a form. The second connection is closed by the server because
the request says `Connection: close`. The cards "do" the checksums and the segmentation, as on most
computers: TCP checksums of sent frames are not yet filled in, and frames may be longer than 1514 bytes.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from measure import counted
from web import SITE_TIME, curl, nginx

TRY = "netanalyze analyze captures/http-keepalive.pcapng --report streams --report protocols"


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.1.0.2/24", "10.1.0.1/24"), offload=True)
    nginx(lab, server, "10.1.0.1:80")
    capture = Capture(lab, client, "eth0", "http-keepalive.pcapng")
    url = "http://10.1.0.1"
    # nginx makes an ETag of the file's time and size; that of small.txt, 30 bytes:
    tag = f'"{SITE_TIME:x}-{30:x}"'
    with counted(client) as client_counters:
        kept = curl(
            lab,
            client,
            ("--compressed", f"{url}/index.html"),
            ("--compressed", f"{url}/people.json"),
            (f"{url}/notes.txt",),
            ("--compressed", f"{url}/logo.png"),
            ("--compressed", f"{url}/small.txt"),
            ("-H", f"If-None-Match: {tag}", f"{url}/small.txt"),
            ("--head", f"{url}/people.json"),
            (f"{url}/missing.html",),
            (f"{url}/old",),
            ("-d", "name=user1&comment=" + "good+" * 60, f"{url}/form"),
        )
        closed = curl(lab, client, ("-H", "Connection: close", f"{url}/notes.txt"))
        capture.finish(client.quiet, server.quiet)
    lab.truth = {"curl": [*kept, *closed], "client_counters": client_counters}


if __name__ == "__main__":
    run(record, __file__)
