"""One exchange in three files, as dumpcap writes them when it begins a new file every so many frames.

Four HTTP requests on one connection; requests, answers and the connection itself go on from file to
file. Given together, they are one capture: frames are numbered over all of them.
"""

from __future__ import annotations

from capturing import Capture
from lab import ChanceError, Lab, run
from web import curl, nginx

TRY = "netanalyze analyze captures/rotated_00001.pcap captures/rotated_00002.pcap captures/rotated_00003.pcap"

FILES, FRAMES_A_FILE = 3, 12


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.21.0.2/24", "10.21.0.1/24"))
    nginx(lab, server, "10.21.0.1:80")
    capture = Capture(lab, client, "eth0", "rotated.pcap", files_of=FRAMES_A_FILE)
    url = "http://10.21.0.1"
    names = ("index.html", "notes.txt", "people.json", "logo.png")
    transfers = curl(lab, client, *((f"{url}/{name}",) for name in names))
    capture.settle(client.quiet, server.quiet)
    if len(capture.files()) != FILES:
        msg = f"the exchange gave {len(capture.files())} files instead of {FILES}"
        raise ChanceError(msg)
    capture.stop()
    lab.truth = {"curl": transfers}


if __name__ == "__main__":
    run(record, __file__)
