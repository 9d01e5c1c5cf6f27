"""What goes wrong with captures: one exchange captured well, and badly in five ways.

Clients ask a server forty times, on two connections one after the other, with a pause of 1.2 seconds between
them. `capture-quality-whole.pcap` has all of it. `-one-side.pcap` was captured with the filter `src host
10.78.0.1`; `-short.pcap` with a snap length of 40, in which no TCP header fits; `-cut.pcap` is the whole
file without its last 100 bytes, as a copy made too early is; `-order.pcap` are the files of the two
connections, put together in the wrong order (`mergecap -a`). `-drops.pcapng.zst` is another story: dumpcap
was stopped (`SIGSTOP`) while datagrams kept coming, and its buffer of 1 MiB ran over; the file says how many
were dropped.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture, count_frames, without_host_options
from lab import ChanceError, Lab, run
from measure import exactly
from namespace import wait_until

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/capture-quality-one-side.pcap --report findings"

CLIENT, SERVER = "10.78.0.2", "10.78.0.1"
PORT, COLLECTOR = 9780, 9781
CONNECTIONS, QUESTIONS, PAUSE_S = 2, 20, 1.2
QUESTION, ANSWER = b"Q" * 40, b"A" * 90
SHORT_SNAP, MISSING = 40, 100
DATAGRAMS, DATAGRAM_SNAP = 15_000, 60


def ask(client: Namespace, server: Namespace) -> None:
    """One connection with its questions and answers."""
    listener = server.listener(SERVER, PORT)
    connection = client.new_socket()
    connection.connect((SERVER, PORT))
    accepted, _ = listener.accept()
    for _ in range(QUESTIONS):
        connection.sendall(QUESTION)
        exactly(accepted, len(QUESTION))
        accepted.sendall(ANSWER)
        exactly(connection, len(ANSWER))
    connection.close()
    accepted.recv(1)
    accepted.close()
    listener.close()


def one_side(lab: Lab, host: Namespace) -> Any:  # noqa: ANN401 - a program and its file
    """Begin to capture what the server sends."""
    path = lab.folder / "one-side.pcap"
    words = ["tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-i", "eth0", "-w", path]
    program = lab.start(host, *words, "src", "host", SERVER, stop=signal.SIGINT)
    return program.ready(lambda: "listening on" in program.said()), path


def drops(lab: Lab, client: Namespace, server: Namespace) -> dict[str, Any]:
    """Have dumpcap lose packets; returns what it says."""
    lab.require("dumpcap")
    path = lab.folder / "drops.pcapng"
    words = ["dumpcap", "-q", "-i", "eth0", "-B", "1", "-s", str(DATAGRAM_SNAP), "-w", path]
    program = lab.start(client, *words, stop=signal.SIGINT)
    program.ready(lambda: "File: " in program.said())
    collector, sender = server.datagrams(SERVER, COLLECTOR), client.datagrams(CLIENT)
    time.sleep(0.3)
    for number in range(DATAGRAMS):
        if number == DATAGRAMS // 30:
            program.process.send_signal(signal.SIGSTOP)
        sender.sendto(b"measurement", (SERVER, COLLECTOR))
    program.process.send_signal(signal.SIGCONT)
    last = [-1]

    def still() -> bool:
        before, last[0] = last[0], count_frames(path)
        time.sleep(0.3)
        return last[0] == before

    wait_until(still, "dumpcap to write what it has")
    said = program.stop()
    for one in (collector, sender):
        one.close()
    counted = re.search(r"received/dropped on interface '[^']*': (\d+)/(\d+)", said)
    if counted is None or not int(counted[2]):
        msg = f"dumpcap lost nothing: {said.strip()}"
        raise ChanceError(msg)
    without_host_options(path)
    lab.keep(path, "capture-quality-drops.pcapng.zst", count_frames(path), snap_bytes=DATAGRAM_SNAP)
    return {"sent": DATAGRAMS, "received": int(counted[1]), "dropped": int(counted[2])}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("tcpdump", "mergecap")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER}/24"))
    whole = Capture(lab, client, "eth0", "capture-quality-whole.pcap")
    short = Capture(lab, client, "eth0", "capture-quality-short.pcap", snap=SHORT_SNAP)
    side, side_path = one_side(lab, client)
    parts = []
    for number in range(CONNECTIONS):
        part = Capture(lab, client, "eth0", f"part-{number}.pcap")
        ask(client, server)
        part.settle(client.quiet, server.quiet)
        part.end()
        parts.append(part.path)
        time.sleep(PAUSE_S)
    whole.finish()
    short.finish(snap_bytes=SHORT_SNAP)
    said = side.stop()
    lab.keep(side_path, "capture-quality-one-side.pcap", count_frames(side_path))
    cut = lab.folder / "cut.pcap"
    cut.write_bytes(whole.path.read_bytes()[:-MISSING])
    lab.keep(cut, "capture-quality-cut.pcap", count_frames(cut), missing_bytes=MISSING)
    order = lab.folder / "order.pcap"
    subprocess.run(["mergecap", "-F", "pcap", "-a", "-w", order, *parts[::-1]], check=True)
    lab.keep(order, "capture-quality-order.pcap", count_frames(order))
    lab.truth = {
        "connections": CONNECTIONS,
        "questions": QUESTIONS,
        "pause_s": PAUSE_S,
        "one_side_said": said.strip().splitlines()[1:],
        "drops": drops(lab, client, server),
    }


if __name__ == "__main__":
    run(record, __file__)
