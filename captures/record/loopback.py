"""A transfer of two megabytes over the loopback interface, in segments of up to 64 KB.

On `lo` nothing cuts data into frames of an Ethernet's size, and checksums are never filled in. Only the
first 96 bytes of each frame were kept; time stamps are in nanoseconds. A UDP datagram of 9000 bytes goes
in one piece.
"""

from __future__ import annotations

import os

from capturing import Capture
from lab import Lab, run
from measure import everything, exactly, sending, tcp_info
from web import prose

TRY = "netanalyze analyze captures/loopback.pcap --report capture --report streams"

SIZE = 2_000_000


def record(lab: Lab) -> None:
    """Record it."""
    # On one processor, so that segments do not overtake each other on their way to the capture.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    host = lab.namespace("host")
    capture = Capture(lab, host, "lo", "loopback.pcap", snap=96, nano=True)
    listener = host.listener("127.0.0.1", 8400)
    connection = host.new_socket()
    connection.connect(("127.0.0.1", 8400))
    accepted, _ = listener.accept()
    connection.sendall(b"get 2000000\n")
    accepted.recv(100)
    with sending(accepted, prose(SIZE, 4).encode()[:SIZE]):
        received = len(exactly(connection, SIZE))
    info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
    accepted.close()
    received += len(everything(connection))
    connection.close()
    listener.close()
    asking, answering = host.datagrams("127.0.0.1"), host.datagrams("127.0.0.1", 8401)
    asking.sendto(bytes(9000), ("127.0.0.1", 8401))
    datagram = len(answering.recv(65536))
    asking.close()
    answering.close()
    capture.finish(host.quiet, snap_bytes=96)
    lab.truth = {"sent_bytes": SIZE, "received_bytes": received, "udp_bytes": datagram, "tcp_info": info}


if __name__ == "__main__":
    run(record, __file__)
