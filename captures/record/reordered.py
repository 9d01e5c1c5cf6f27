"""A download whose segments overtake each other, without any loss.

A relay holds every twentieth data segment back, some so long that the sender takes them for lost and
sends them again for nothing (the receiver says so with D-SACK). Recorded at the client; only the first
112 bytes of each frame were kept.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from measure import counted, everything, exactly, sending, tcp_info
from relay import Relay
from web import prose

TRY = "netanalyze analyze captures/reordered.pcap --report streams"

SIZE = 200_000
DELAY_S = 0.008
SHORT_S, LONG_S = 0.0005, 0.012


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    held = {"short": 0, "long": 0}
    data_segments = 0

    def carry(port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        nonlocal data_segments
        if port == "client":
            return [("server", frame, DELAY_S)]
        delay_s = DELAY_S
        if len(frame) == 1514:
            data_segments += 1
            if data_segments % 20 == 15:
                kind = "short" if data_segments % 40 == 15 else "long"
                held[kind] += 1
                delay_s += SHORT_S if kind == "short" else LONG_S
        return [("client", frame, delay_s)]

    relay = Relay(lab, carry)
    relay.device("client", client, "eth0", "10.26.0.2/24")
    relay.device("server", server, "eth0", "10.26.0.1/24")
    relay.start()
    capture = Capture(lab, client, "eth0", "reordered.pcap", snap=112)
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener("10.26.0.1", 9126)
        connection = client.new_socket()
        connection.connect(("10.26.0.1", 9126))
        accepted, _ = listener.accept()
        with sending(accepted, prose(SIZE, 7).encode()[:SIZE]):
            received = len(exactly(connection, SIZE))
        info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
        accepted.close()
        received += len(everything(connection))
        connection.close()
        listener.close()
        capture.finish(client.quiet, server.quiet, relay.idle, snap_bytes=112)
    lab.truth = {
        "sent_bytes": SIZE,
        "received_bytes": received,
        "segments_held_back": held,
        "tcp_info": info,
        "client_counters": client_counters,
        "server_counters": server_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
