"""A download of 400 kB while a router loses packets at random in both directions, seen from both ends.

Client, router, server; the router drops a few of a hundred packets each way (iptables `statistic`), and
a relay between client and router makes the round trip 20 ms long. The file recorded at the server shows
what was sent: lost segments twice or more, acknowledgements missing. The file recorded at the client
shows what arrived: holes, duplicate acknowledgements with SACK, late repairs. Only the first 112 bytes
of each frame were kept.
"""

from __future__ import annotations

from capturing import Capture
from lab import ChanceError, Lab, run
from measure import counted, drops, everything, exactly, sending, tcp_info
from relay import Relay
from web import prose

TRY = "netanalyze analyze captures/lossy-transfer-server.pcap --report capture --report streams"

SIZE = 400_000
DELAY_S = 0.01
PORT = 8080


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("iptables")
    client, server = lab.namespace("client"), lab.namespace("server")
    router = lab.namespace("router", forwards=True)
    relay = Relay(lab, lambda port, frame: [("router" if port == "client" else "client", frame, DELAY_S)])
    relay.device("client", client, "eth0", "10.3.0.2/24")
    relay.device("router", router, "eth0", "10.3.0.1/24")
    relay.start()
    lab.cable(router, server, ("10.3.1.1/24", "10.3.1.2/24"), names=("eth1", "eth0"))
    client.ip("route", "add", "default", "via", "10.3.0.1")
    server.ip("route", "add", "default", "via", "10.3.1.1")
    for way, probability in (("eth0", "0.03"), ("eth1", "0.025")):
        random_loss = ["-m", "statistic", "--mode", "random", "--probability", probability]
        router.run("iptables", "-A", "FORWARD", "-i", way, *random_loss, "-j", "DROP")

    at_server = Capture(lab, server, "eth0", "lossy-transfer-server.pcap", snap=112)
    at_client = Capture(lab, client, "eth0", "lossy-transfer-client.pcap", snap=112)
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener("10.3.1.2", PORT)
        connection = client.new_socket()
        connection.connect(("10.3.1.2", PORT))
        accepted, _ = listener.accept()
        connection.sendall(b"get 400000\n")
        accepted.recv(100)
        accepted.settimeout(60)
        with sending(accepted, prose(SIZE, 3).encode()[:SIZE]):
            received = len(exactly(connection, SIZE))
        info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
        accepted.close()
        received += len(everything(connection))
        connection.close()
        listener.close()
        at_server.finish(client.quiet, server.quiet, relay.idle, timeout_s=60, snap_bytes=112)
        at_client.finish(snap_bytes=112)
    lost = drops(router, "FORWARD")
    if info["server"]["total_retrans"] < 4 or not all(rule["packets"] for rule in lost):
        msg = "chance has lost too few packets"
        raise ChanceError(msg)
    lab.truth = {
        "sent_bytes": SIZE,
        "received_bytes": received,
        "tcp_info": info,
        "router_drops": lost,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
