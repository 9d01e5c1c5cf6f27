"""Bits that turn over on the way, and checksums that are left to a network card.

In `damaged-way.pcap` a relay between client and server turns one bit of the payload in some of the frames to
the client: TCP segments of a download, and datagrams. The client's kernel throws them away (it counts them),
and the server's sends the segments again. `damaged-whole.pcap` is the same without the relay's tricks.
`damaged-offload.pcap` was recorded where the kernel leaves checksums to a card (as most do): what both hosts
send has the sum of the pseudo-header alone, and nothing is damaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import ChanceError, Lab, run
from measure import counted, everything, exactly, sending, tcp_info
from relay import DELAY_S, Relay
from web import prose

if TYPE_CHECKING:
    from collections.abc import Iterable

TRY = "netanalyze analyze captures/damaged-way.pcap --report checksums --report damaged"

CLIENT, SERVER = "10.79.0.2", "10.79.0.1"
PORT, COLLECTOR = 9790, 9791
SIZE, DATAGRAMS = 24_000, 20
EVERY_SEGMENT, EVERY_DATAGRAM = 7, 9
ETHERNET, IP = 14, 20
TCP_NUMBER, UDP_NUMBER = 6, 17


class Way:
    """Carries frames, and turns a bit of the payload in one of so many that have any."""

    def __init__(self, *, damages: bool) -> None:
        """Nothing has passed yet."""
        self.damaged: list[dict[str, Any]] = []
        self._damages = damages
        self._passed = {TCP_NUMBER: 0, UDP_NUMBER: 0}

    def carry(self, port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        """See ``relay.Rule``."""
        if port == "client":
            return [("server", frame, DELAY_S)]
        number = frame[ETHERNET + 9]
        header = {
            TCP_NUMBER: (frame[ETHERNET + IP + 12] >> 4) * 4 if number == TCP_NUMBER else 0,
            UDP_NUMBER: 8,
        }
        if self._damages and frame[12:14] == b"\x08\x00" and number in header:
            begin = ETHERNET + IP + header[number]
            if len(frame) > begin:
                self._passed[number] += 1
                every = EVERY_SEGMENT if number == TCP_NUMBER else EVERY_DATAGRAM
                if self._passed[number] % every == 0:
                    at = begin + self._passed[number] % (len(frame) - begin)
                    bit = 1 << self._passed[number] % 8
                    frame = frame[:at] + bytes((frame[at] ^ bit,)) + frame[at + 1 :]
                    self.damaged.append({"protocol": number, "byte": at, "bit": bit})
        return [("client", frame, DELAY_S)]


def scenario(lab: Lab, name: str, *, damages: bool = False, offload: bool = False) -> dict[str, Any]:
    """Record one of the three and return what was measured."""
    client, server = lab.namespace(f"client-{name}"), lab.namespace(f"server-{name}")
    way = Way(damages=damages)
    if offload:
        lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER}/24"), offload=True)
    else:
        relay = Relay(lab, way.carry)
        relay.device("client", client, "eth0", f"{CLIENT}/24")
        relay.device("server", server, "eth0", f"{SERVER}/24")
        relay.start()
    capture = Capture(lab, client, "eth0", f"damaged-{name}.pcap")
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(SERVER, PORT)
        connection = client.new_socket()
        connection.connect((SERVER, PORT))
        accepted, _ = listener.accept()
        with sending(accepted, prose(SIZE, 9).encode()[:SIZE]):
            received = len(exactly(connection, SIZE))
        info = tcp_info(accepted)
        accepted.close()
        everything(connection)
        connection.close()
        listener.close()
        asking, answering = client.datagrams(CLIENT), server.datagrams(SERVER, COLLECTOR)
        asking.sendto(b"more", (SERVER, COLLECTOR))
        answering.recv(100)
        for number in range(DATAGRAMS):
            answering.sendto(b"measurement %d" % number, asking.getsockname())
        capture.finish(client.quiet, server.quiet, timeout_s=30)
        asking.close()
        answering.close()
    if not damages and info["total_retrans"]:
        msg = "a segment was sent twice, for want of speed"
        raise ChanceError(msg)
    return {
        "received_bytes": received,
        "damaged": way.damaged,
        "tcp_info": info,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.truth = {
        "way": scenario(lab, "way", damages=True),
        "whole": scenario(lab, "whole"),
        "offload": scenario(lab, "offload", offload=True),
    }


if __name__ == "__main__":
    run(record, __file__)
