"""A bit of everything, as an ordinary computer on a small network sees it.

Three computers on a bridge, recorded at one of them: ARP, ping, DNS (dnsmasq), a page by its name (nginx),
a command over SSH (OpenSSH), Redis commands, a multicast DNS question that another computer answers, a
log line over UDP that nobody receives (ICMP port unreachable), and a connection that is refused.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from namespace import wait_until
from web import curl, nginx

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/mixed.pcapng --report protocols --report streams --report udp"

CLIENT, SERVER, NEIGHBOUR = "10.19.0.2", "10.19.0.1", "10.19.0.3"
MDNS_GROUP, MDNS_PORT = "224.0.0.251", 5353

SSHD_CONFIGURATION = f"""
ListenAddress {SERVER}
HostKey {{folder}}/host_key
AuthorizedKeysFile {{folder}}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PrintMotd no
PrintLastLog no
"""


def domain_name_server(lab: Lab, host: Namespace) -> None:
    """Start dnsmasq."""
    configuration = lab.folder / "dnsmasq.conf"
    lines = (
        "keep-in-foreground",
        "user=root",
        "pid-file=",
        "no-resolv",
        "no-hosts",
        "bind-interfaces",
        f"listen-address={SERVER}",
        "local=/lab.test/",
        f"host-record=www.lab.test,{SERVER}",
    )
    configuration.write_text("\n".join(lines) + "\n")
    program = lab.start(host, "dnsmasq", f"--conf-file={configuration}")
    program.ready(lambda: host.receives(53))


def ssh_server(lab: Lab, host: Namespace) -> None:
    """Make keys and start sshd, whose privilege separation needs a folder that may be missing."""
    for name in ("host_key", "user_key"):
        host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "sample", "-f", lab.folder / name)
    separation = Path("/run/sshd")
    if not separation.exists():
        separation.mkdir(mode=0o755)
        lab.later(separation.rmdir)
    (lab.folder / "sshd.conf").write_text(SSHD_CONFIGURATION.format(folder=lab.folder))
    # sshd wants to be called by its whole path, because it starts itself again.
    path = host.run("sh", "-c", "command -v sshd || echo /usr/sbin/sshd").stdout.strip()
    lab.start(host, path, "-D", "-e", "-f", lab.folder / "sshd.conf").ready(lambda: host.listens(22))


def redis_server(lab: Lab, host: Namespace) -> None:
    """Start Redis, which keeps nothing on disk."""
    options = (
        "--bind",
        SERVER,
        "--port",
        "6379",
        "--save",
        "",
        "--protected-mode",
        "no",
        "--dir",
        lab.folder,
    )
    lab.start(host, "redis-server", *options).ready(lambda: host.listens(6379))


def multicast_dns(client: Namespace, neighbour: Namespace) -> dict[str, int]:
    """Ask the group for web servers; the neighbour answers to the group."""
    from scapy.layers.dns import DNS, DNSQR, DNSRR  # noqa: PLC0415  (half a second)

    ends = []
    for host, address in ((client, CLIENT), (neighbour, NEIGHBOUR)):
        made = host.new_socket(kind=socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", MDNS_PORT))
        group, own = socket.inet_aton(MDNS_GROUP), socket.inet_aton(address)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        # RFC 6762 section 11.
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + own)
        ends.append(made)
    asking, answering = ends
    service = "_http._tcp.local."
    question = bytes(DNS(id=0, rd=0, qd=DNSQR(qname=service, qtype="PTR")))
    answer = bytes(
        DNS(id=0, qr=1, aa=1, rd=0, qd=[], an=DNSRR(rrname=service, type="PTR", rdata="printer." + service))
    )
    asking.sendto(question, (MDNS_GROUP, MDNS_PORT))
    answering.recv(2000)
    answering.sendto(answer, (MDNS_GROUP, MDNS_PORT))
    got = asking.recv(2000)
    asking.close()
    answering.close()
    return {"question_bytes": len(question), "answer_bytes": len(got)}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq", "sshd", "ssh", "ssh-keygen", "redis-server", "redis-cli", "ping")
    lab.uses_scapy()
    switch = lab.namespace("switch")
    lab.device(switch, "br0", "bridge", "mcast_snooping", "0")
    hosts = []
    for number, address in enumerate((CLIENT, SERVER, NEIGHBOUR), 1):
        host = lab.namespace(f"host{number}")
        lab.cable(host, switch, names=("eth0", f"port{number}"))
        host.address("eth0", f"{address}/24")
        switch.ip("link", "set", f"port{number}", "master", "br0")
        hosts.append(host)
    switch.ip("link", "set", "br0", "up")
    wait_until(lambda: switch.run("ip", "-d", "link").stdout.count("state forwarding") == 3, "the bridge")
    client, server, neighbour = hosts
    client.resolver(SERVER)
    domain_name_server(lab, server)
    nginx(lab, server, f"{SERVER}:80")
    ssh_server(lab, server)
    redis_server(lab, server)

    capture = Capture(lab, client, "eth0", "mixed.pcapng")
    truth: dict[str, Any] = {}
    ping = client.run("ping", "-c", "2", "-i", "0.2", SERVER).stdout
    truth["ping"] = {"sent": 2, "received": ping.count("bytes from")}
    truth["curl"] = curl(lab, client, ("--compressed", "http://www.lab.test/index.html"))
    options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
    words = [word for option in options for word in ("-o", option)]
    shell = client.run(
        "ssh", "-F", "none", "-i", lab.folder / "user_key", *words, f"root@{SERVER}", "echo hello"
    )
    truth["ssh"] = {"status": shell.returncode, "said": shell.stdout.strip()}
    redis = []
    for command in (("SET", "greeting", "hello"), ("GET", "greeting"), ("-r", "3", "INCR", "visits")):
        redis += client.run("redis-cli", "-h", SERVER, *command).stdout.split()
    truth["redis"] = redis
    truth["multicast_dns"] = multicast_dns(client, neighbour)
    log = client.new_socket(kind=socket.SOCK_DGRAM)
    log.connect((SERVER, 514))
    log.send(b"<13>1 - - sample - - - something happened")
    with contextlib.suppress(ConnectionRefusedError):
        log.recv(10)
    log.close()
    refused = client.new_socket()
    truth["refused_port_443"] = refused.connect_ex((SERVER, 443)) != 0
    refused.close()
    capture.finish(client.quiet, server.quiet)
    lab.truth = truth


if __name__ == "__main__":
    run(record, __file__)
