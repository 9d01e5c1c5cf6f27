"""Sixteen downloads, each with one fault of the network that is known to the segment, seen from both ends.

A relay between the two loses, holds back, repeats or delays the segments that it is told to, and nothing
else; the ports of the client, from 41001 on, tell the downloads apart. In order: none, segments lost, three
in a row, a segment and its repetition, the last segment, the last segment three times, the last ten and
the probe after them, acknowledgements lost, segments overtaken, one so late that it is sent again (the
original first, the repetition first), all acknowledgements late, frames delivered twice, a way that gets
longer, a receiver that does not read, and one whose news that it reads again are lost. The truth file says
for each what was done to which segment, what there is to be seen on each side of the relay, and what the
kernels counted. The first file was recorded at the server, which sends, and the second one at the client.
Headers only.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capturing import Capture
from faults import (
    CONGESTION_CONTROL,
    DELAY_S,
    MSS_BYTES,
    AcknowledgementsHeld,
    AcknowledgementsLost,
    Doubled,
    HeldUntilRepeated,
    Lost,
    Overtaken,
    Path,
    Slower,
    WindowUpdatesLost,
    through,
    usual,
)
from headers import SNAP_BYTES
from lab import ChanceError, Lab, run
from measure import await_probes, counted, everything, exactly, sending, tcp_info, tcp_only
from namespace import wait_until
from relay import Relay
from web import prose

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/injected-faults-receiver.pcap --report streams"

SERVER = ("10.27.0.1", 9127)
CLIENT = "10.27.0.2"
SEGMENTS = 24
RECEIVE_BUFFER_BYTES = 6000

RETRANSMITTED, FAST = "TcpRetransSegs", "TcpExtTCPFastRetrans"
PROBE, TIMEOUT = "TcpExtTCPLossProbes", "TcpExtTCPTimeouts"
DSACK, WINDOW_PROBE = "TcpExtTCPDSACKRecv", "TcpExtTCPWinProbe"
COUNTERS = (RETRANSMITTED, FAST, PROBE, TIMEOUT, DSACK, WINDOW_PROBE)
"""Counters of the server that must be as expected: 0 where nothing is said."""


@dataclass
class Download:
    """One stream and what is done to it.

    Attributes:
        fault: short name of it.
        path: the stream's way through the relay.
        segments: how much is sent, in full segments.
        probes: window probes that the client lets the server send before it reads; its buffer is small then.
        expected: counters of the server that are not 0.
    """

    fault: str
    path: Path
    segments: int = SEGMENTS
    probes: int = 0
    expected: dict[str, int] = field(default_factory=dict)


def downloads() -> list[Download]:
    """All of them, in order."""
    last = SEGMENTS
    return [
        Download("none", Path()),
        Download("loss", Lost((5, 1), (17, 1)), expected={RETRANSMITTED: 2, FAST: 2}),
        Download("burst loss", Lost((6, 1), (7, 1), (8, 1)), expected={RETRANSMITTED: 3, FAST: 3}),
        Download("loss of a retransmission", Lost((5, 1), (5, 2)), expected={RETRANSMITTED: 2, FAST: 2}),
        Download("tail loss", Lost((last, 1)), expected={RETRANSMITTED: 1, PROBE: 1}),
        Download(
            "timeouts",
            Lost((last, 1), (last, 2), (last, 3)),
            expected={RETRANSMITTED: 3, PROBE: 1, TIMEOUT: 2},
        ),
        Download(
            "loss of a flight",
            Lost(*((number, 1) for number in range(last - 9, last + 1)), (last, 2)),
            expected={RETRANSMITTED: 11, PROBE: 1, TIMEOUT: 1},
        ),
        Download("loss of acknowledgements", AcknowledgementsLost(3, 4, 8)),
        Download("reordering", Overtaken({5: 1, 16: 2})),
        Download(
            "late, original first",
            HeldUntilRepeated(5, first=True),
            expected={RETRANSMITTED: 1, FAST: 1, DSACK: 1},
        ),
        Download(
            "late, repetition first",
            HeldUntilRepeated(5, first=False),
            expected={RETRANSMITTED: 1, FAST: 1, DSACK: 1},
        ),
        Download(
            "late acknowledgements",
            AcknowledgementsHeld(),
            segments=10,
            expected={RETRANSMITTED: 2, PROBE: 1, TIMEOUT: 1, DSACK: 2},
        ),
        Download("duplication", Doubled({6: 0.0, 14: 0.03}), expected={DSACK: 2}),
        Download("longer way", Slower(11, 0.012)),
        Download("zero window", Path(), probes=3, expected={WINDOW_PROBE: 3}),
        Download("loss of window updates", WindowUpdatesLost(), probes=2, expected={WINDOW_PROBE: 3}),
    ]


def transfer(
    download: Download, client: Namespace, server: Namespace, relay: Relay, client_port: int
) -> dict[str, Any]:
    """Do one download and say what is known of it.

    Raises:
        ChanceError: a kernel did more, or less, than the fault made it do.
    """
    size, waited_s = download.segments * MSS_BYTES, 0.0
    with counted(client) as client_counters, counted(server) as server_counters:
        listener = server.listener(*SERVER)
        usual(listener)
        connection = client.new_socket()
        if download.probes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        connection.bind((CLIENT, client_port))
        connection.connect(SERVER)
        accepted, _ = listener.accept()
        with sending(accepted, prose(size, client_port).encode()[:size]):
            if download.probes:
                waited_s = await_probes(server, download.probes)
            received = len(exactly(connection, size))
        # What was delivered twice, and what is said of it.
        wait_until(relay.idle, "the relay to be empty")
        info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
        accepted.close()
        received += len(everything(connection))
        connection.close()
        listener.close()
        wait_until(lambda: client.quiet() and server.quiet() and relay.idle(), "the end of the download")
    found = {name: server_counters.get(name, 0) for name in COUNTERS}
    if found != {name: download.expected.get(name, 0) for name in COUNTERS}:
        msg = f"{download.fault}: not as expected: {found}"
        raise ChanceError(msg)
    path = download.path
    return {
        "client_port": client_port,
        "fault": download.fault,
        "sent_bytes": size,
        "received_bytes": received,
        "injected": path.injected,
        "seen_at": path.taps(),
        "zero_windows": path.zero_windows,
        "window_probes": path.probes,
        "client_waited_s": waited_s,
        "tcp_info": info,
        "client_counters": tcp_only(client_counters),
        "server_counters": tcp_only(server_counters),
    }


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    planned = {41001 + number: download for number, download in enumerate(downloads())}
    relay = Relay(lab, through({port: download.path for port, download in planned.items()}))
    relay.device("receiver", client, "eth0", f"{CLIENT}/24")
    relay.device("sender", server, "eth0", f"{SERVER[0]}/24")
    relay.start()
    at_sender = Capture(lab, server, "eth0", "injected-faults-sender.pcap", snap=SNAP_BYTES)
    at_receiver = Capture(lab, client, "eth0", "injected-faults-receiver.pcap", snap=SNAP_BYTES)
    streams = [transfer(download, client, server, relay, port) for port, download in planned.items()]
    at_sender.finish(snap_bytes=SNAP_BYTES, tap="at the server: data not yet through the relay")
    at_receiver.finish(snap_bytes=SNAP_BYTES, tap="at the client: data behind the relay")
    lab.truth = {
        "sender": "server",
        "delay_ms_each_way": DELAY_S * 1000,
        "mss_bytes": MSS_BYTES,
        "congestion_control": CONGESTION_CONTROL,
        "streams": streams,
    }


if __name__ == "__main__":
    run(record, __file__)
