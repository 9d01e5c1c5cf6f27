"""Captures for minutes under changing load: memory must stay flat, the report equal tcpdump's file's.

``python benchmarks/soak.py`` as root; ten minutes unless ``--seconds`` says otherwise. Runs in a network
namespace of its own. Needs tcpdump.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from live import wait_until_it_captures

TABLES = "ledger,protocols,closers,listeners"
"""Without a row for each stream: those would be the newest in the live report, and all in the file's."""
MAX_STREAMS = 20_000
SAMPLES = 20


def serve(server: socket.socket) -> None:
    """Answer each connection with as many bytes as it asks for."""
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            try:
                peer.sendall(bytes(int.from_bytes(peer.recv(4), "big")))
            except OSError:
                continue


def talk(port: int, until: float) -> None:
    """Connections and datagrams, now few, now many."""
    noise = random.Random(1)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while time.monotonic() < until:
        for _ in range(noise.choice((5, 20, 100))):
            size = noise.choice((0, 100, 10_000, 300_000))
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    client.sendall(size.to_bytes(4, "big"))
                    while size and (got := len(client.recv(1 << 16))):
                        size -= got
            except OSError:
                pass
            udp.sendto(bytes(noise.randrange(1400)), ("127.0.0.1", 9))
        time.sleep(noise.choice((0.01, 0.1, 0.5)))


def memory_kb(pid: int) -> int:
    """Memory of a process that is its own: the ring is shared with the kernel."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    )
    return int(fields["RssAnon"].split()[0])


def tables(path: Path, names: str) -> dict[str, list[dict[str, Any]]]:
    """A report without times: every packet socket takes its own, half a microsecond apart."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: [
            {
                key: value
                for key, value in row.items()
                if not key.endswith(("_ns", "_process")) and key != "tap_evidence"
            }
            for row in report[name]
        ]
        for name in names.split(",")
    }


def main() -> None:
    """Run, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--tables", default=TABLES, help="%(default)s")
    parser.add_argument("--max-streams", type=int, default=MAX_STREAMS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        sys.exit(subprocess.call(["unshare", "--net", sys.executable, __file__, *sys.argv[1:], "--inside"]))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # A background job of a script ignores SIGINT, and so would the programs that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = str(Path(sys.executable).with_name("netanalyze"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dump = subprocess.Popen(
            # -B: as much memory as netanalyze has
            ["tcpdump", "-i", "lo", "-w", str(folder / "t.pcap"), "-Z", "root", "-B", "65536",
             "--time-stamp-precision=nano"],
            text=True, stderr=subprocess.PIPE,
        )  # fmt: skip
        wait_until_it_captures(dump)
        sniff = subprocess.Popen(
            [program, "sniff", "lo", "-r", given.tables, "-o", str(folder / "live.json"), "--max-streams",
             str(given.max_streams)],
            text=True, stderr=subprocess.PIPE,
        )  # fmt: skip
        time.sleep(3)
        server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        began = time.monotonic()
        talker = threading.Thread(target=talk, args=(server.getsockname()[1], began + given.seconds))
        talker.start()
        used = []
        while talker.is_alive():
            talker.join(max(1.0, given.seconds / SAMPLES))
            used.append(memory_kb(sniff.pid))
            print(f"{time.monotonic() - began:6.0f} s  {used[-1] / 1000:.1f} MB", flush=True)
        time.sleep(1)
        for process in (sniff, dump):
            process.send_signal(signal.SIGINT)
        told = sniff.communicate()[1]
        dumped = dump.communicate()[1]
        subprocess.run(
            [
                program,
                "analyze",
                str(folder / "t.pcap"),
                "-q",
                "-r",
                given.tables,
                "-o",
                str(folder / "file.json"),
            ],
            check=True,
        )
        live, file = (tables(folder / name, given.tables) for name in ("live.json", "file.json"))
        frames = sum(row["frames"] for row in live["ledger"])
        print(
            f"{frames} frames, {len(live.get('streams', ()))} streams", told.strip(), dumped.strip(), sep="\n"
        )
        print("the reports are", "equal" if live == file else "DIFFERENT")
        for table in live:
            rows = zip(live[table], file[table], strict=False)
            for one, other in [pair for pair in rows if pair[0] != pair[1]][:3]:
                print(table, {key: (one[key], other[key]) for key in one if one[key] != other[key]})
        sys.exit(live != file)


if __name__ == "__main__":
    main()
