"""What is lost of heavy traffic on loopback: netanalyze side by side with tcpdump, dumpcap and scapy's sniff.

``python benchmarks/live.py`` as root. Traffic and captures run in a network namespace of their own, so that
nothing else is captured. Every tool sees the same load in turn, some rounds of it; what the kernel counted as
received on the interface meanwhile is what there was to be captured.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

SETTLE_SECONDS = 0.5
SCAPY = """
import sys, time
from scapy.all import sniff, conf
count = 0
def seen(packet):
    global count
    count += 1
sniff(iface="lo", store=False, prn=seen, timeout=float(sys.argv[1]))
print(count)
"""


def received_packets() -> int:
    """Packets that loopback has taken in so far."""
    for line in Path("/proc/net/dev").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == "lo":
            return int(rest.split()[1])
    return 0


def wait_until_it_captures(process: subprocess.Popen[str]) -> None:
    """Wait for a packet socket that is bound."""
    for _ in range(300):
        sockets = Path("/proc/net/packet").read_text(encoding="ascii").splitlines()[1:]
        if any(line.split()[5] == "1" for line in sockets) or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(SETTLE_SECONDS)


class Load:
    """Servers, and programs that ask them for a while."""

    def __init__(self, folder: Path, kind: str) -> None:
        """Start the servers."""
        self.kind = kind
        self._folder = folder
        (folder / "www").mkdir(exist_ok=True)
        (folder / "www" / "small").write_text("hello\n", encoding="ascii")
        folder.chmod(0o755)
        conf = folder / "nginx.conf"
        conf.write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log /dev/null;\n"
            "events { worker_connections 2000; }\n"
            f"http {{ access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:8080; "
            f"root {folder}/www; }} }}\n",
            encoding="ascii",
        )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._servers = [
            subprocess.Popen([program("nginx"), "-c", str(conf), "-p", str(folder)], **quiet),
            subprocess.Popen(
                [
                    *(
                        program("dnsmasq"),
                        "--no-daemon",
                        "--no-resolv",
                        "--no-hosts",
                        "--conf-file=/dev/null",
                    ),
                    *("--port=5300", "--user=root", "--listen-address=127.0.0.1", "--bind-interfaces"),
                    *("--address=/live.test/192.0.2.1", "--cache-size=1000", "--dns-forward-max=1000"),
                ],
                **quiet,
            ),
        ]
        (folder / "queries").write_text("a.live.test A\n", encoding="ascii")
        time.sleep(0.5)

    def run(self, seconds: float) -> None:
        """Make traffic for so long."""
        whole = max(1, round(seconds))
        dns = [
            *("dnsperf", "-s", "127.0.0.1", "-p", "5300", "-d", str(self._folder / "queries")),
            *("-l", str(whole), "-c", "4", "-q", "200"),
        ]
        web = ["wrk", "-t", "1", "-c", "40", "-d", f"{whole}s", "http://127.0.0.1:8080/small"]
        commands = {"dns": [dns], "http": [web], "both": [dns, web]}[self.kind]
        running = [
            subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for one in commands
        ]
        for process in running:
            process.wait()

    def close(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            server.terminate()
            server.wait()


def program(name: str) -> str:
    """Where a program is, system folders included."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") or name


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """End a program with Ctrl-C; what it wrote to its outputs."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=300)


def netanalyze(folder: Path, load: Load, seconds: float, *tables: str, write: bool = False) -> int:
    """Frames that netanalyze took in, with some tables."""
    out = folder / "report.json"
    command = [str(Path(sys.executable).with_name("netanalyze")), "sniff", "lo", "-o", str(out), "-q"]
    command += ["-r", ",".join(("capture", *tables))] + (
        ["--write", str(folder / "n.pcapng")] if write else []
    )
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_it_captures(process)
    load.run(seconds)
    interrupted(process)
    (row,) = json.loads(out.read_text(encoding="utf-8"))["capture"]
    (folder / "n.pcapng").unlink(missing_ok=True)
    return int(row["frames"])


def on_screen(_folder: Path, load: Load, seconds: float, *, view: bool = True) -> int:
    """Frames that netanalyze took in on a terminal, with the screen on or off and the usual tables."""
    command = [str(Path(sys.executable).with_name("netanalyze")), "sniff", "lo"]
    command += [] if view else ["--no-view"]
    main, side = pty.openpty()
    termios.tcsetwinsize(side, (45, 160))
    process = subprocess.Popen(command, text=True, stdin=side, stdout=side, stderr=side)
    shown = bytearray()

    def read() -> None:
        while True:
            try:
                shown.extend(os.read(main, 65536))
            except OSError:
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_until_it_captures(process)
    load.run(seconds)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=300)
    os.close(side)
    reader.join(timeout=10)
    os.close(main)
    found = re.findall(rb"([0-9 ]+) frames,", shown.rpartition(b"live, ")[2])
    return int(found[0].replace(b" ", b""))


def tcpdump(folder: Path, load: Load, seconds: float) -> int:
    """Frames that tcpdump wrote."""
    command = ["tcpdump", "-i", "lo", "-w", str(folder / "t.pcap"), "-Z", "root"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_it_captures(process)
    load.run(seconds)
    _, told = interrupted(process)
    (folder / "t.pcap").unlink()
    return next(int(line.split()[0]) for line in told.splitlines() if "captured" in line)


def dumpcap(folder: Path, load: Load, seconds: float) -> int:
    """Frames that dumpcap wrote."""
    command = ["dumpcap", "-q", "-i", "lo", "-w", str(folder / "d.pcapng")]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_it_captures(process)
    load.run(seconds)
    _, told = interrupted(process)
    (folder / "d.pcapng").unlink()
    return next(int(line.split()[-1]) for line in told.splitlines() if line.startswith("Packets captured"))


def scapy(folder: Path, load: Load, seconds: float) -> int:
    """Packets that scapy's sniff handed over."""
    del folder
    command = [sys.executable, "-c", SCAPY, str(seconds + 3)]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_it_captures(process)
    load.run(seconds)
    return int(process.communicate()[0])


TOOLS = {
    "netanalyze -r streams": lambda *given: netanalyze(*given, "streams"),
    "netanalyze -r streams --write": lambda *given: netanalyze(*given, "streams", write=True),
    "netanalyze (overview)": lambda *given: netanalyze(*given, "protocols", "streams", "udp"),
    "netanalyze on a terminal": on_screen,
    "netanalyze on a terminal --no-view": lambda *given: on_screen(*given, view=False),
    "tcpdump -w": tcpdump,
    "dumpcap -w": dumpcap,
    "scapy sniff": scapy,
}


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", choices=("dns", "http", "both"), default="both")
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        again = [sys.executable, __file__, *sys.argv[1:], "--inside"]
        sys.exit(subprocess.call(["unshare", "--net", *again]))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    results: dict[str, list[tuple[int, int]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load = Load(folder, given.load)
        try:
            for _ in range(given.rounds):
                for tool in given.tools.split(","):
                    before = received_packets()
                    taken = TOOLS[tool](folder, load, given.seconds)
                    sent = received_packets() - before
                    results.setdefault(tool, []).append((sent, taken))
        finally:
            load.close()
    print("| tool | packets/s | packets | not captured | share |")
    print("|---|---|---|---|---|")
    for tool, rounds in results.items():
        for sent, taken in rounds:
            share = 100 * (sent - taken) / sent
            print(f"| {tool} | {sent / given.seconds:,.0f} | {sent:,} | {sent - taken:,} | {share:.2f} % |")


if __name__ == "__main__":
    main()
