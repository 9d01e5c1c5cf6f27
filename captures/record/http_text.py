"""Text sent as it is, and the same text packed.

Two nginx serve the same site: in `http-text-plain.pcap` one that packs nothing, in `http-text-packed.pcap`
one that packs text with gzip. curl accepts gzip both times, and asks for the same six targets. The truth file
has the bytes that curl received of each, which are those that went over the wire.
"""

from __future__ import annotations

from typing import Any

from capturing import Capture
from lab import Lab, run
from web import curl, nginx

TRY = "netanalyze analyze captures/http-text-plain.pcap --report findings"

SERVER = "10.77.0.1"
FILES = ("index.html", "people.json", "notes.txt", "people.json?page=2", "index.html?again", "logo.png")
PLAIN = "gzip off;"


def scenario(lab: Lab, name: str, *, packs: bool) -> list[dict[str, Any]]:
    """Record one of the two and return what curl saw."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    lab.cable(client, server, ("10.77.0.2/24", f"{SERVER}/24"))
    nginx(lab, server, f"{SERVER}:80", locations="" if packs else PLAIN)
    capture = Capture(lab, client, "eth0", f"http-text-{name}.pcap")
    accept = ("-H", "Accept-Encoding: gzip")
    found = curl(lab, client, *((*accept, f"http://{SERVER}/{file}") for file in FILES))
    capture.finish(client.quiet, server.quiet)
    return found


def record(lab: Lab) -> None:
    """Record it."""
    lab.truth = {"plain": scenario(lab, "plain", packs=False), "packed": scenario(lab, "packed", packs=True)}


if __name__ == "__main__":
    run(record, __file__)
