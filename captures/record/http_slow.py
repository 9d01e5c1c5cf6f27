"""A slow server, a slow way, and neither.

The same eight requests each time, to an origin in Python that writes down how long it worked on each. In
`http-slow-server.pcap` three of them have it work for more than a second. In `http-slow-way.pcap` it answers
at once, but a relay between client and server carries 20 kB a second only, so that a body of 24 kB takes
more than a second. `http-slow-healthy.pcap` has neither trouble. The truth file has the origin's times and
curl's.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import undisturbed
from origin import Answer, Request, serve
from relay import Relay
from web import curl

if TYPE_CHECKING:
    from collections.abc import Iterable

TRY = "netanalyze analyze captures/http-slow-server.pcap --report findings"

SERVER, PORT = "10.76.0.1", 8076
TARGETS = ("/", "/list", "/report/year", "/search", "/report/month", "/picture", "/report/week", "/")
WORKS_S = {"/report/year": 2.1, "/report/month": 1.4, "/report/week": 1.2}
PICTURE_BYTES, SMALL_BYTES = 24_000, 300
NARROW_BYTES_A_S = 20_000


class Site:
    """What the origin does, and its own log of it."""

    def __init__(self, *, slow: bool) -> None:
        """An origin that works long on reports, or not."""
        self.log: list[dict[str, Any]] = []
        self._slow = slow

    def answer(self, asked: Request) -> Answer:
        """Work on one request."""
        began = time.monotonic()
        time.sleep(WORKS_S.get(asked.target, 0.003) if self._slow else 0.003)
        size = PICTURE_BYTES if asked.target == "/picture" else SMALL_BYTES
        body = random.Random(size).randbytes(size)
        self.log.append({"target": asked.target, "worked_s": round(time.monotonic() - began, 6)})
        return Answer(headers=(("Content-Type", "application/octet-stream"),), body=body)


class NarrowWay:
    """Carries frames to the client one after the other, as a link of so many bytes a second does."""

    def __init__(self) -> None:
        """Nothing is on its way."""
        self._free = 0.0

    def carry(self, port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        """See ``relay.Rule``."""
        if port == "client":
            return [("server", frame, 0.0)]
        now = time.monotonic()
        self._free = max(self._free, now) + len(frame) / NARROW_BYTES_A_S
        return [("client", frame, self._free - now)]


def scenario(lab: Lab, name: str, *, slow: bool, narrow: bool) -> dict[str, Any]:
    """Record one of the three and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    if narrow:
        relay = Relay(lab, NarrowWay().carry)
        relay.device("client", client, "eth0", "10.76.0.2/24")
        relay.device("server", server, "eth0", f"{SERVER}/24")
        relay.start()
    else:
        lab.cable(client, server, ("10.76.0.2/24", f"{SERVER}/24"))
    site = Site(slow=slow)
    serve(lab, server, SERVER, PORT, site.answer)
    capture = Capture(lab, client, "eth0", f"http-slow-{name}.pcap")
    with undisturbed(client, server):
        transfers = curl(lab, client, *((f"http://{SERVER}:{PORT}{target}",) for target in TARGETS))
        capture.finish(client.quiet)
    return {"origin": site.log, "curl": transfers}


def record(lab: Lab) -> None:
    """Record it."""
    lab.truth = {
        "narrow_bytes_a_s": NARROW_BYTES_A_S,
        "server": scenario(lab, "server", slow=True, narrow=False),
        "way": scenario(lab, "way", slow=False, narrow=True),
        "healthy": scenario(lab, "healthy", slow=False, narrow=False),
    }


if __name__ == "__main__":
    run(record, __file__)
