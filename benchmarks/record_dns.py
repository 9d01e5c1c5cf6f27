"""Record many real DNS questions and answers: dnsmasq and dnsperf on the loopback of a network namespace.

Three servers (two addresses, one of them on another port as well) are asked for names in proportions that
resolvers see: mostly A and AAAA, then PTR, TXT, MX and SRV, CNAMEs on the way, names that do not exist
(NXDOMAIN), types that a name does not have (empty answers), zones that nobody is responsible for (REFUSED),
half of them with EDNS. Needs root, Linux, dnsmasq, dnsperf, tcpdump and iproute2.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from record_http import RecordingError, end, run, wait_until_listening

NEEDED = ("ip", "dnsmasq", "dnsperf", "tcpdump")
SERVERS = (("127.0.0.1", 53), ("127.0.0.2", 53), ("127.0.0.2", 5300))
HOSTS = 8000
"""Names with an address; every fourth has an IPv6 address as well."""
QUESTIONS = 40_000
"""Lines of each server's file of questions, which is asked over and over again."""
SOCKETS = 100
BUFFER_KIB = 512 << 10
TIMEOUT_SECONDS = 900
QUIET_SECONDS = 2.0

ZONES = ("corp.example", "shop.example", "static.cdn.example", "eu-west.compute.internal.example")
WORDS = ("www", "api", "mail", "img", "auth", "db", "cache", "edge", "node", "worker", "login", "files")

SHARES = (
    ("A", 52),
    ("AAAA", 17),
    ("alias", 6),
    ("PTR", 6),
    ("missing", 8),
    ("TXT", 3),
    ("MX", 3),
    ("SRV", 3),
    ("foreign", 2),
)
"""Kinds of questions, in percent."""


def missing() -> list[str]:
    """The programs that would be needed and are not there; ``root`` where that is what is missing."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return absent if os.geteuid() == 0 else [*absent, "root"]


def _host(number: int) -> str:
    """A name."""
    return f"{WORDS[number % len(WORDS)]}-{number}.{ZONES[number % len(ZONES)]}"


def _address(number: int) -> tuple[int, int]:
    """The last two bytes of its address."""
    return number >> 8, number & 0xFF


def _configuration(folder: Path, address: str, port: int) -> Path:
    """The configuration of one server."""
    lines = [
        *("keep-in-foreground", "user=root", "pid-file=", "no-resolv", "no-hosts", "bind-interfaces"),
        *(f"listen-address={address}", f"port={port}", f"addn-hosts={folder / 'hosts'}"),
        *(f"local=/{zone}/" for zone in ZONES),
        *("local=/10.in-addr.arpa/", "cache-size=10000", "local-ttl=60", "min-port=20000"),
    ]
    for zone in ZONES:
        lines += [f"mx-host={zone},mail.{zone},10", f"mx-host={zone},mail2.{zone},20"]
        lines.append(f'txt-record={zone},"v=spf1 include:_spf.{zone} ip4:192.0.2.0/24 -all"')
        lines.append(f"srv-host=_sip._tcp.{zone},sip.{zone},5060,10,60")
    lines += [f"cname=alias-{number}.{ZONES[0]},{_host(number)}" for number in range(0, 400, 4)]
    path = folder / f"dnsmasq-{address}-{port}.conf"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _question(chance: random.Random, kind: str) -> str:
    """A line for dnsperf: name and type."""
    # A few names are asked for much more often than the rest, as everywhere.
    number = min(int(chance.paretovariate(0.6)) - 1, HOSTS * 4) % HOSTS
    zone = chance.choice(ZONES)
    high, low = _address(number)
    lines = {
        "alias": f"alias-{chance.randrange(0, 400, 4)}.{ZONES[0]} {chance.choice(('A', 'AAAA'))}",
        "PTR": f"{low}.{high}.20.10.in-addr.arpa PTR",
        "missing": f"{chance.choice(WORDS)}{chance.randrange(10**6)}.{zone} {chance.choice(('A', 'AAAA'))}",
        "TXT": f"{zone} TXT",
        "MX": f"{zone} MX",
        "SRV": f"_sip._tcp.{zone} SRV",
        "foreign": f"{chance.choice(WORDS)}.site{chance.randrange(500)}.test A",
    }
    return lines.get(kind, f"{_host(number)} {kind}")


def _write_questions(folder: Path, number: int) -> Path:
    """The questions to one server, the same ones in every recording."""
    chance = random.Random(number)
    kinds = chance.choices([kind for kind, _ in SHARES], [share for _, share in SHARES], k=QUESTIONS)
    path = folder / f"questions-{number}.txt"
    path.write_text("\n".join(_question(chance, kind) for kind in kinds) + "\n", encoding="ascii")
    return path


def _write_hosts(folder: Path) -> None:
    lines = []
    for number in range(HOSTS):
        high, low = _address(number)
        lines.append(f"10.20.{high}.{low} {_host(number)}")
        if number % 4 == 0:
            lines.append(f"fd00:20::{number:x} {_host(number)}")
    (folder / "hosts").write_text("\n".join(lines) + "\n", encoding="ascii")


def _settled(path: Path) -> None:
    """Return when a file has stopped growing."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        time.sleep(0.1)


def record_dns(path: Path, datagrams: int) -> dict[str, str | int]:
    """Record about ``datagrams`` datagrams to ``path``; return how it was done, and dnsperf's own figures.

    Raises:
        RecordingError: a program failed, or tcpdump dropped frames.
    """
    name = f"nabench-dns-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nabench-")))
        run("ip", "netns", "add", name)
        stack.callback(subprocess.run, ("ip", "netns", "del", name), check=False, capture_output=True)
        run("ip", "-n", name, "link", "set", "lo", "up")
        inside = ("ip", "netns", "exec", name)
        _write_hosts(folder)
        for address, port in SERVERS:
            conf = _configuration(folder, address, port)
            started = subprocess.Popen([*inside, "dnsmasq", f"--conf-file={conf}"])
            stack.callback(end, started, signal.SIGTERM)
        time.sleep(2)  # they read their hosts
        capture = ("tcpdump", "-i", "lo", "-n", "-s", "0", "-B", str(BUFFER_KIB), "-Z", "root", "-w")
        words = [*inside, *capture, str(path), "udp"]
        tcpdump = subprocess.Popen(words, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        stack.callback(end, tcpdump, signal.SIGINT)
        wait_until_listening(tcpdump)
        rounds = max(1, round(datagrams / 2 / len(SERVERS) / QUESTIONS))
        loads = []
        for number, (address, port) in enumerate(SERVERS):
            load = [*inside, "dnsperf", "-s", address, "-p", str(port), "-c", str(SOCKETS), "-q", "60"]
            load += ["-d", str(_write_questions(folder, number)), "-n", str(rounds)]
            # EDNS with a payload size where the number is odd, and DNSSEC wanted for one of them.
            load += [["-t", "2"], ["-e", "-t", "2"], ["-e", "-D", "-t", "2"]][number]
            loads.append(subprocess.Popen(load, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        said = [load.communicate(timeout=TIMEOUT_SECONDS)[0] for load in loads]
        if any(load.returncode for load in loads):
            message = f"dnsperf failed: {said[0].strip()}"
            raise RecordingError(message)
        _settled(path)
        tcpdump.send_signal(signal.SIGINT)
        _, lost = tcpdump.communicate(timeout=TIMEOUT_SECONDS)
    dropped = re.search(r"(\d+) packets? dropped by kernel", lost)
    if dropped is None or int(dropped[1]):
        message = f"tcpdump did not capture everything: {lost.strip()}"
        raise RecordingError(message)
    return {"dropped_by_tcpdump": 0, **_figures(said)}


def _figures(said: list[str]) -> dict[str, int]:
    """What dnsperf counted, all loads together."""
    counts: collections.Counter[str] = collections.Counter()
    for text in said:
        for what in ("sent", "completed", "lost"):
            found = re.search(rf"Queries {what}:\s+(\d+)", text)
            counts[f"queries_{what}"] += int(found[1]) if found else 0
        for rcode, count in re.findall(r"([A-Z]+) (\d+) \([\d.]+%\)", text):
            counts[f"rcode_{rcode}"] += int(count)
    return dict(sorted(counts.items()))
