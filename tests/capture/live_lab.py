"""Real traffic in a network namespace of its own, captured while it happens.

Runs as ``unshare --net python live_lab.py SCENARIO FOLDER`` and prints JSON with what a test looks at.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import netanalyze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(sys.argv[2]) if len(sys.argv) > 2 else Path()


def shell(line: str) -> None:
    subprocess.run(line, shell=True, check=True)  # noqa: S602 - our own lines


def sniffed(
    traffic: Callable[[], None],
    interfaces: str | list[str] = "lo",
    **options: Any,  # noqa: ANN401
) -> tuple[netanalyze.Report, Path]:
    """The report on traffic that is made while an interface is captured, and the file of it."""
    path = FOLDER / "live.pcapng"
    begun, done = threading.Event(), threading.Event()

    def make() -> None:
        begun.wait()
        try:
            traffic()
        finally:
            done.set()

    def is_over() -> bool:  # asked while the capture goes on
        begun.set()
        return done.is_set()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        return netanalyze.sniff(interfaces, write=path, should_stop=is_over, **options), path
    finally:
        begun.set()
        thread.join()


def both(traffic: Callable[[], None], interfaces: str | list[str] = "lo", **options: Any) -> dict[str, Any]:  # noqa: ANN401
    """The reports on live traffic and on the file that was written of it."""
    live, path = sniffed(traffic, interfaces, **options)
    file = netanalyze.analyze(path, **{name: value for name, value in options.items() if name == "reports"})
    return {"live": tables(live), "file": tables(file), "warnings": live.warnings}


def tables(report: netanalyze.Report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.to_json())
    for row in found["capture"]:
        del row["file"], row["format"]
    return {name: rows for name, rows in found.items() if isinstance(rows, list)}


def tcp_pair(requests: int = 50) -> None:
    """Connections that are closed, refused, reset; some large, some of many small writes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(requests):
            peer, _ = server.accept()
            with peer, suppress(ConnectionResetError):
                size = int.from_bytes(peer.recv(4), "big")
                peer.sendall(b"x" * size)
                peer.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for number in range(requests):
        with socket.create_connection(server.getsockname()) as client:
            size = number * 20_000
            client.sendall(size.to_bytes(4, "big"))
            while size:
                size -= len(client.recv(1 << 16))
            if number % 5 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    thread.join()
    server.close()
    with socket.socket() as refused:
        refused.connect_ex(("127.0.0.1", 1))
    udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    udp[0].bind(("127.0.0.1", 0))
    for size in (0, 1, 1000, 30_000, 65_000):
        udp[1].sendto(bytes(size), udp[0].getsockname())
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six:
        socket.create_connection(six.getsockname()[:2]).close()


def trickle() -> None:
    """Datagrams, slow enough for anybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for size in range(50):
            sock.sendto(bytes(size), ("127.0.0.1", 9))
            time.sleep(0.01)


@contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - as above
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def connected(port: int) -> socket.socket:
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
    message = f"nobody listens on port {port}"
    raise TimeoutError(message)


def nginx() -> None:
    """Requests that nginx answers."""
    root = FOLDER / "www"
    root.mkdir()
    (root / "page.html").write_text("hello " * 5000)
    FOLDER.chmod(0o755)
    conf = FOLDER / "nginx.conf"
    conf.write_text(
        f"daemon off; master_process off; pid {FOLDER}/pid; error_log /dev/null;\n"
        f"events {{}}\nhttp {{ access_log off; client_body_temp_path {FOLDER}/t;\n"
        f"proxy_temp_path {FOLDER}/p; fastcgi_temp_path {FOLDER}/f;\n"
        f"uwsgi_temp_path {FOLDER}/u; scgi_temp_path {FOLDER}/s;\n"
        f"server {{ listen 127.0.0.1:8080; root {root}; }} }}\n"
    )
    with running(program("nginx"), "-c", str(conf), "-p", str(FOLDER)), connected(8080) as client:
        for number in range(60):
            target = "/page.html" if number % 3 else "/absent"
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: live.test\r\n\r\n".encode())
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += client.recv(1 << 16)
            head, _, body = answer.partition(b"\r\n\r\n")
            (length,) = (
                int(line.split()[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
            )
            while len(body) < length:
                body += client.recv(1 << 16)


def dnsmasq() -> None:
    """Queries that dnsmasq answers."""
    options = (
        "--no-daemon",
        "--no-resolv",
        "--no-hosts",
        "--conf-file=/dev/null",
        "--port=5300",
        "--user=root",
    )
    where = ("--listen-address=127.0.0.1", "--bind-interfaces", "--address=/live.test/192.0.2.1")
    with running(program("dnsmasq"), *options, *where):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(0.2)
        for number in range(200):
            query = (
                number.to_bytes(2, "big") + bytes.fromhex("01000001000000000000") + b"\4live\4test\0\0\1\0\1"
            )
            for _ in range(50):
                client.sendto(query, ("127.0.0.1", 5300))
                try:
                    client.recv(512)
                except OSError:
                    time.sleep(0.02)
                    continue
                break


def program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert found is not None
    return found


def pinged(interface: str, address: str = "192.0.2.2") -> None:
    """A datagram that leaves by an interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.sendto(b"hello " + interface.encode(), (address, 9))


def veth() -> None:
    shell("ip link add v0 type veth peer name v1")
    shell("ip addr add 192.0.2.1/24 dev v0 && ip link set v0 up && ip link set v1 up")
    shell("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent")


def vlan_tags() -> dict[str, Any]:
    """A tag that the kernel takes out of what it receives, with and without a filter that asks for it."""
    veth()

    def traffic() -> None:
        pinged("v0")
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("v0", 0))
            packet = bytes.fromhex("4500001e000040004011b7adc0000201c00002020009000a000a0000") + b"hi"
            sock.send(b"\2\0\0\0\0\2\2\0\0\0\0\1\x81\0\x60\5\x08\0" + packet)

    found: dict[str, Any] = {}
    for expression in ("udp", "vlan 5", "vlan 6"):
        live, path = sniffed(traffic, "v1", reports=["protocols"], filter=expression)
        file = netanalyze.analyze(path, reports=["protocols"])
        path.unlink()
        found[expression] = tables(live)["protocols"], tables(file)["protocols"]
    return found


def several() -> dict[str, Any]:
    """Interfaces with several link types, by name and all of them."""
    veth()
    shell("ip tuntap add t0 mode tun && ip addr add 203.0.113.1/24 dev t0")
    import fcntl  # noqa: PLC0415 - Linux only
    import struct  # noqa: PLC0415

    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"t0", 0x1001))
    shell("ip link set t0 up")

    def traffic() -> None:
        pinged("v0")
        pinged("t0", "203.0.113.2")
        tcp_pair(3)

    found: dict[str, Any] = {}
    for names in (["any"], ["t0", "v1"], ["lo", "t0"]):
        found["+".join(names)] = both(traffic, names, filter="udp or tcp")
        (FOLDER / "live.pcapng").unlink()
    os.close(tun)
    return found


def changes() -> dict[str, Any]:
    """An interface that goes down, comes up, goes, and comes back."""
    veth()

    def traffic() -> None:
        pinged("v0")
        shell("ip link set v1 down")
        time.sleep(1.5)
        shell("ip link set v1 up")
        time.sleep(1.5)
        pinged("v0")
        shell("ip link del v0")
        time.sleep(1.5)
        veth()
        time.sleep(1.5)
        pinged("v0")
        time.sleep(0.2)

    live, _ = sniffed(traffic, "v1", reports=["udp"], filter="udp port 9")
    return {"warnings": live.warnings, "udp": tables(live)["udp"]}


def limits() -> dict[str, Any]:
    """When a capture ends by itself."""
    found: dict[str, Any] = {}
    ended = threading.Event()

    def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not ended.wait(0.01):
                sock.sendto(b"x" * 1000, ("127.0.0.1", 9))

    thread = threading.Thread(target=talk)
    thread.start()
    for name, options in {
        "frames": {"frames": 7},
        "seconds": {"seconds": 0.5},
        "snap": {"frames": 3, "snap_bytes": 100},
        "filter": {"seconds": 0.5, "filter": "icmp"},
    }.items():
        began = time.monotonic()
        report = netanalyze.sniff("lo", reports=["capture"], **options)
        found[name] = {**report["capture"].to_dicts()[0], "seconds": time.monotonic() - began}
    ended.set()
    thread.join()
    began = time.monotonic()
    netanalyze.sniff("lo", reports=["capture"], idle_seconds=0.5)
    found["idle"] = {"seconds": time.monotonic() - began}
    shell("ip link add v0 type veth peer name v1")
    found["down"] = {"warnings": netanalyze.sniff("v1", reports=["capture"], seconds=0.1).warnings}
    return found


def overrun() -> dict[str, Any]:
    """More than a small buffer holds while nobody reads it."""
    from netanalyze.capture import open_live  # noqa: PLC0415
    from netanalyze.capture.live.options import LiveOptions  # noqa: PLC0415

    asked = LiveOptions(buffer_bytes=1 << 21, duration_ns=10**8)
    with open_live(["lo"], asked) as capture:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(1000):
                sock.sendto(bytes(10_000), ("127.0.0.1", 9))
        frames = sum(batch.count for batch in capture)
        row = capture.files[0]
        return {
            "frames": frames,
            "received": row.received,
            "dropped": row.dropped,
            "warnings": capture.warnings,
        }


def behind() -> dict[str, Any]:
    """Analysis that is slower than packets come, while they are written."""
    from netanalyze.capture import open_live  # noqa: PLC0415
    from netanalyze.capture.live import capture as live_capture  # noqa: PLC0415
    from netanalyze.capture.live.options import LiveOptions  # noqa: PLC0415
    from netanalyze.capture.writer import Recording  # noqa: PLC0415
    from netanalyze.pipeline import Engine, Options  # noqa: PLC0415

    live_capture.BATCH_FRAMES = 64
    over = threading.Event()
    path = FOLDER / "live.pcapng"

    def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for _ in range(300):
                for _ in range(100):
                    sock.sendto(bytes(100), ("127.0.0.1", 9))
                time.sleep(0.005)
        over.set()

    asked = LiveOptions(buffer_bytes=1 << 21, filter="udp", recording=Recording(str(path)))
    with open_live(["lo"], asked, should_stop=over.is_set) as capture:
        threading.Thread(target=talk, daemon=True).start()
        engine = Engine(Options(("udp",)))
        for batch in capture:
            engine.feed(batch)
            if batch.count and not batch.passed_over and not over.is_set():
                time.sleep(0.02)
        report = engine.finish(capture)
        again = netanalyze.analyze(path, reports=["udp"])
        return {
            "live": tables(report),
            "file": tables(again),
            "passed_over": capture.passed_over,
            "warnings": report.warnings,
        }


SCENARIOS: dict[str, Callable[[], dict[str, Any]]] = {
    "pair": lambda: both(tcp_pair),
    "scapy": lambda: both(trickle, reports=["ledger", "udp"], filter="udp"),
    "nginx": lambda: both(nginx),
    "dnsmasq": lambda: both(dnsmasq),
    "vlan": vlan_tags,
    "several": several,
    "changes": changes,
    "limits": limits,
    "overrun": overrun,
    "behind": behind,
}

if __name__ == "__main__":
    socket.setdefaulttimeout(10)
    shell("ip link set lo up")
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]]()))
