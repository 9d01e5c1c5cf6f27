"""HTTP over a way that loses, repeats and reorders, and recordings of it that lack something themselves.

A relay loses six to ten of a hundred frames each way and lets others be overtaken; the client's firewall
loses more, behind the tap. On the first connection `http.client` asks nginx for one thing after the other,
on the second a socket sends eight requests at once and closes after the last answer. All was recorded at
the client: `http-loss.pcap` is whole; `http-loss-snap.pcap` has 400 bytes of each frame, so that heads are
there and bodies cut; `http-loss-snap-heads.pcap` has 200 bytes, less than a head; from
`http-loss-gaps.pcap` some data segments were taken out that came only once (one in six), as if the
recording program had been too slow. `http-loss-midstream.pcap` began in the middle of a slow answer, and
ended before the end of another one.

The truth file has each exchange as the client got it: its port, method, target, status, content coding, bytes
and SHA-256 of the body on the wire (chunks taken apart) and decoded; what was lost where; for the file with
gaps (`captures`) the frames that were removed: number in the whole file, client port, sequence number, bytes;
for the last one (`midstream`) the exchange that began before it, those that are whole, and the one that is
unfinished, with how much the client had by then at least.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import random
import shutil
import struct
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from capturing import Capture, count_frames
from headers import Segment
from lab import ChanceError, Lab, run
from measure import counted, drops, everything, tcp_only
from relay import Relay
from web import nginx

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from namespace import Namespace

TRY = "netanalyze analyze captures/http-loss.pcap --report streams --report events"

SERVER = "10.57.0.1"
DELAY_S, OVERTAKEN_S = 0.005, 0.004
LOST, LOST_OF_CLIENT, OVERTAKEN, LOST_BEHIND = 0.1, 0.06, 0.08, "0.05"
SEED = 57
EVERY = 6
"""Of the data segments that came once, one in so many is taken out of the file with gaps."""
SLOW_BYTES, SLOW_PART = 18_000, 6_000
SLOW = f"location = /large.bin {{ limit_rate {SLOW_PART}; }}"
IN_TURN = ("index.html", "people.json", "notes.txt", "small.txt", "logo.png", "missing")
AT_ONCE = (
    *(("GET", name) for name in ("people.json", "small.txt", "index.html")),
    ("HEAD", "notes.txt"),
    *(("GET", name) for name in ("missing", "logo.png", "notes.txt", "small.txt")),
)


class Way:
    """Loses and reorders by chance.

    Attributes:
        lost: how many frames were lost, by the side that sent them.
        overtaken: how many frames were held back.
    """

    def __init__(self) -> None:
        """The same chance each time."""
        self._chance = random.Random(SEED)
        self.lost: Counter[str] = Counter()
        self.overtaken = 0

    def carry(self, port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        """The rule of the relay."""
        if Segment.of(frame) is None:
            return [("server" if port == "client" else "client", frame, DELAY_S)]
        chance = self._chance.random()
        if chance < (LOST if port == "server" else LOST_OF_CLIENT):
            self.lost[port] += 1
            return []
        late = port == "server" and chance > 1 - OVERTAKEN
        self.overtaken += late
        return [("server" if port == "client" else "client", frame, DELAY_S + OVERTAKEN_S * late)]


class _Stream(io.BytesIO):
    """Bytes that several responses are read from, one after the other."""

    def makefile(self, mode: str) -> _Stream:
        """As a socket does."""
        del mode
        return self

    def close(self) -> None:
        """Stay open for the next response."""


def exchange(port: int, method: str, target: str, answer: http.client.HTTPResponse) -> dict[str, Any]:
    """What the client got."""
    body = answer.read()
    coding = answer.getheader("Content-Encoding")
    decoded = gzip.decompress(body) if coding == "gzip" else body
    return {
        "client_port": port,
        "method": method,
        "target": target,
        "status": answer.status,
        "content_encoding": coding,
        "chunked": bool(answer.chunked),
        "wire_bytes": len(body),
        "wire_sha256": hashlib.sha256(body).hexdigest(),
        "decoded_bytes": len(decoded),
        "decoded_sha256": hashlib.sha256(decoded).hexdigest(),
    }


def connected(client: Namespace) -> http.client.HTTPConnection:
    """A connection to nginx."""
    made = http.client.HTTPConnection(SERVER, timeout=30)
    with client.entered():
        made.connect()
    return made


def one_by_one(client: Namespace) -> list[dict[str, Any]]:
    """Everything twice, packed and not, by http.client."""
    kept = connected(client)
    port, found = kept.sock.getsockname()[1], []
    for coding in ("gzip", "identity"):
        for name in IN_TURN:
            kept.request("GET", f"/{name}", headers={"Accept-Encoding": coding})
            found.append(exchange(port, "GET", f"/{name}", kept.getresponse()))
    kept.close()
    return found


def at_once(client: Namespace) -> list[dict[str, Any]]:
    """Pipelined requests from a socket."""
    connection = client.new_socket()
    connection.settimeout(30)
    connection.connect((SERVER, 80))
    last = len(AT_ONCE) - 1
    requests = [
        f"{method} /{name} HTTP/1.1\r\nHost: {SERVER}\r\nAccept-Encoding: gzip\r\n"
        f"Connection: {'close' if number == last else 'keep-alive'}\r\n\r\n"
        for number, (method, name) in enumerate(AT_ONCE)
    ]
    connection.sendall("".join(requests).encode())
    stream = _Stream(everything(connection))
    port, found = connection.getsockname()[1], []
    connection.close()
    for method, name in AT_ONCE:
        answer = http.client.HTTPResponse(stream, method=method)  # type: ignore[arg-type]
        answer.begin()
        found.append(exchange(port, method, f"/{name}", answer))
    return found


def records(path: Path) -> list[bytes]:
    """The records of a pcap file of this machine's byte order, each with its header."""
    data, at, found = path.read_bytes(), 24, []
    while at < len(data):
        end = at + 16 + struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at:end])
        at = end
    return found


def with_gaps(whole: Path, path: Path) -> list[dict[str, int]]:
    """Write a capture again without some data segments of the server; which ones."""
    kept, removed = [whole.read_bytes()[:24]], []
    segments = [Segment.of(record[16:]) for record in records(whole)]
    data = [one for one in segments if one is not None and one.source_port == 80 and one.payload_bytes]
    starts = Counter((one.destination_port, one.sequence) for one in data)
    once = 0
    for number, (record, one) in enumerate(zip(records(whole), segments, strict=True), 1):
        if one in data and starts[one.destination_port, one.sequence] == 1:  # type: ignore[union-attr]
            once += 1
            if once % EVERY == 0:
                removed.append(
                    {
                        "frame": number,
                        "client_port": one.destination_port,  # type: ignore[union-attr]
                        "sequence": one.sequence,  # type: ignore[union-attr]
                        "payload_bytes": one.payload_bytes,  # type: ignore[union-attr]
                    }
                )
                continue
        kept.append(record)
    path.write_bytes(b"".join(kept))
    return removed


def midstream(lab: Lab, client: Namespace) -> dict[str, Any]:
    """Begin to record in one body and end in another."""
    kept = connected(client)
    port = kept.sock.getsockname()[1]
    kept.request("GET", "/large.bin")
    answer = kept.getresponse()
    time.sleep(0.3)
    capture = Capture(lab, client, "tap0", "http-loss-midstream.pcap")
    body = answer.read()
    first = {
        "client_port": port,
        "method": "GET",
        "target": "/large.bin",
        "status": answer.status,
        "content_encoding": None,
        "chunked": False,
        "wire_bytes": len(body),
        "wire_sha256": hashlib.sha256(body).hexdigest(),
        "response_began_before": True,
        "sent_before_bytes": SLOW_PART,
    }
    whole = []
    for name in ("people.json", "small.txt", "logo.png"):
        kept.request("GET", f"/{name}", headers={"Accept-Encoding": "gzip"})
        whole.append(exchange(port, "GET", f"/{name}", kept.getresponse()))
    kept.request("GET", "/large.bin")
    answer = kept.getresponse()
    answer.read(SLOW_PART)
    time.sleep(0.3)
    capture.end()
    lab.keep(capture.path, capture.name, count_frames(capture.path))
    answer.read()
    kept.close()
    last = {
        "client_port": port,
        "method": "GET",
        "target": "/large.bin",
        "status": answer.status,
        "wire_bytes": None,
        "at_least_bytes": SLOW_PART,
    }
    return {"before": first, "whole": whole, "unfinished": last}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    client, server = lab.namespace("client"), lab.namespace("server")
    way = Way()
    relay = Relay(lab, way.carry)
    relay.device("client", client, "tap0", "10.57.0.2/24")
    relay.device("server", server, "tap0", f"{SERVER}/24")
    relay.start()
    random_loss = ["-m", "statistic", "--mode", "random", "--probability", LOST_BEHIND]
    client.run("iptables", "-A", "INPUT", "-p", "tcp", *random_loss, "-j", "DROP")
    nginx(lab, server, f"{SERVER}:80", large_bytes=SLOW_BYTES, locations=SLOW)
    whole = Capture(lab, client, "tap0", "http-loss.pcap")
    bodies = Capture(lab, client, "tap0", "http-loss-snap.pcap", snap=400)
    heads = Capture(lab, client, "tap0", "http-loss-snap-heads.pcap", snap=200)
    with counted(client) as client_counters, counted(server) as server_counters:
        exchanges = [*one_by_one(client), *at_once(client)]
        whole.finish(client.quiet, server.quiet, relay.idle, timeout_s=60)
    bodies.finish(snap_bytes=400)
    heads.finish(snap_bytes=200)
    gaps = lab.folder / "gaps.pcap"
    shutil.copyfile(whole.path, gaps)
    removed = with_gaps(whole.path, gaps)
    lab.keep(gaps, "http-loss-gaps.pcap", count_frames(gaps), removed=removed)
    lost_behind = drops(client, "INPUT")
    lab.truth = {
        "delay_ms_each_way": DELAY_S * 1000,
        "lost_before_tap": way.lost["server"],
        "lost_of_client": way.lost["client"],
        "lost_behind_tap": lost_behind,
        "overtaken": way.overtaken,
        "client_counters": tcp_only(client_counters),
        "server_counters": tcp_only(server_counters),
        "exchanges": exchanges,
        "midstream": midstream(lab, client),
    }
    if not (all(way.lost.values()) and way.overtaken and lost_behind[0]["packets"] and removed):
        msg = "chance has lost too few frames"
        raise ChanceError(msg)


if __name__ == "__main__":
    run(record, __file__)
