"""Every frame recorded twice: on the ports of a bridge, and on the mirror port of a switch.

First file: dumpcap records both ports of a Linux bridge between client and server into one file with two
interfaces, so each frame is there as it comes in and as it goes out, a few microseconds apart; dumpcap
empties one port's buffer and then the other's, so the file is not in order of time. Second file: the same
traffic by tcpdump on `any`, in order. Third file: a switch (a relay in user space) copies each frame to a
mirror port once from the port it comes in by and once from the port it leaves by, and loses one segment
between the two, so that among the copies there is one real retransmission.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from measure import everything, exactly, sending, tcp_info
from namespace import wait_until
from relay import Relay
from web import curl, nginx, prose

TRY = "netanalyze analyze captures/duplicate-frames-mirror.pcap --report streams --report ledger"

SIZE = 20_000
LOST = 6
"""Which of the answer's full segments the switch loses, counted from 1."""
EGRESS_S = 0.00002


def bridge(lab: Lab) -> None:
    """Record on both ports of a bridge."""
    client, server, switch = lab.namespace("client"), lab.namespace("server"), lab.namespace("bridge")
    lab.device(switch, "br0", "bridge", "mcast_snooping", "0")
    for host, port, address in ((client, "port1", "10.22.0.2/24"), (server, "port2", "10.22.0.1/24")):
        lab.cable(host, switch, names=("eth0", port))
        host.address("eth0", address)
        switch.ip("link", "set", port, "master", "br0")
    switch.ip("link", "set", "br0", "up")
    # Ports learn before they forward.
    wait_until(lambda: switch.run("ip", "-d", "link").stdout.count("state forwarding") == 2, "the bridge")
    nginx(lab, server, "10.22.0.1:80")
    ports = Capture(lab, switch, ("port1", "port2"), "duplicate-frames-bridge.pcapng")
    everywhere = Capture(lab, switch, "any", "duplicate-frames-any.pcap")
    lab.truth["bridge"] = curl(lab, client, ("http://10.22.0.1/notes.txt",), ("http://10.22.0.1/logo.png",))
    ports.finish(client.quiet, server.quiet)
    everywhere.finish()


def mirror(lab: Lab) -> None:
    """Record on the mirror port of a switch that loses one segment."""
    client, server, monitor = (lab.namespace(name) for name in ("left", "right", "monitor"))
    full = 0

    def carry(port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        nonlocal full
        full += port == "server" and len(frame) == 1514
        copies = [("mirror", frame, 0.0)]
        if port == "server" and len(frame) == 1514 and full == LOST:
            return copies
        return [
            *copies,
            ("client" if port == "server" else "server", frame, 0.0),
            ("mirror", frame, EGRESS_S),
        ]

    relay = Relay(lab, carry)
    relay.device("client", client, "eth0", "10.22.1.2/24")
    relay.device("server", server, "eth0", "10.22.1.1/24")
    relay.device("mirror", monitor, "mirror0")
    relay.start()
    capture = Capture(lab, monitor, "mirror0", "duplicate-frames-mirror.pcap")
    listener = server.listener("10.22.1.1", 9122)
    connection = client.new_socket()
    connection.connect(("10.22.1.1", 9122))
    accepted, _ = listener.accept()
    with sending(accepted, prose(SIZE, 5).encode()[:SIZE]):
        received = len(exactly(connection, SIZE))
    info = tcp_info(accepted)
    accepted.close()
    received += len(everything(connection))
    connection.close()
    listener.close()
    capture.finish(client.quiet, server.quiet, relay.idle)
    lab.truth["mirror"] = {
        "sent_bytes": SIZE,
        "received_bytes": received,
        "segments_lost_by_switch": 1,
        "server_tcp_info": info,
    }


def record(lab: Lab) -> None:
    """Record both."""
    bridge(lab)
    mirror(lab)


if __name__ == "__main__":
    run(record, __file__)
