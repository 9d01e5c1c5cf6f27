"""DNS questions to dnsmasq: many types, errors, a truncated answer asked again over TCP, one never answered.

dig asks for A, AAAA, CNAME, MX, TXT, SRV and PTR records, for a name that does not exist (NXDOMAIN), for
a type that the name does not have (an empty answer), and for a name that the server does not care for
(REFUSED). A TXT answer too large for a plain UDP message comes truncated, and dig asks again over TCP.
The C library's resolver asks for A and AAAA at once. The last question goes on to a server which says
nothing, so dig tries twice in vain. Recorded at the client.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from capturing import Capture
from lab import Lab, run
from web import prose

TRY = "netanalyze analyze captures/dns-dnsmasq.pcap --report udp --report streams"

SERVER = "10.2.0.1"
SILENT = "10.2.1.9"

CONFIGURATION = f"""
keep-in-foreground
user=root
pid-file=
no-resolv
no-hosts
bind-interfaces
listen-address={SERVER}
local=/lab.test/
local=/2.10.in-addr.arpa/
host-record=www.lab.test,10.2.0.80,fd00:2::80
host-record=mail.lab.test,10.2.0.25
address=/many.lab.test/10.2.0.101
host-record=one.lab.test,10.2.0.102
cname=alias.lab.test,www.lab.test
mx-host=lab.test,mail.lab.test,10
mx-host=lab.test,www.lab.test,20
txt-record=lab.test,"v=spf1 mx -all"
srv-host=_http._tcp.lab.test,www.lab.test,80,0,5
ptr-record=80.0.2.10.in-addr.arpa,www.lab.test
server=/silent.test/{SILENT}
"""

QUESTIONS = (
    ("www.lab.test", "A"),
    ("www.lab.test", "AAAA"),
    ("alias.lab.test", "A"),
    ("lab.test", "MX"),
    ("lab.test", "TXT"),
    ("_http._tcp.lab.test", "SRV"),
    ("-x", "10.2.0.80"),
    ("nothing.lab.test", "A"),
    ("mail.lab.test", "AAAA"),
    ("elsewhere.example", "A"),
    ("large.lab.test", "TXT", "+noedns"),
    ("www.silent.test", "A", "+tries=2", "+timeout=1"),
)
"""dig's arguments, one question each."""


def told(arguments: tuple[str, ...], output: str) -> dict[str, Any]:
    """What dig says of one question and its answer."""
    status = re.search(r"status: (\w+), id: (\d+)", output)
    answers = re.search(r"ANSWER: (\d+)", output)
    size = re.search(r"MSG SIZE\s+rcvd: (\d+)", output)
    return {
        "dig": list(arguments),
        "status": status[1] if status else None,
        "id": int(status[2]) if status else None,
        "answers": int(answers[1]) if answers else None,
        "answer_bytes": int(size[1]) if size else None,
        "truncated_first": "Truncated, retrying in TCP mode" in output,
        "timed_out": "timed out" in output,
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq", "dig")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.2.0.2/24", f"{SERVER}/24"))
    # The forwarder's server is on a network of its own and takes questions without answering any.
    silent = lab.namespace("silent")
    lab.cable(server, silent, ("10.2.1.1/24", f"{SILENT}/24"), names=("eth1", "eth0"))
    mute = silent.datagrams(SILENT, 53)
    # A record's text is at most 255 bytes a string.
    texts = "".join(
        f'txt-record=large.lab.test,"{prose(160, number)[:180].strip()}"\n' for number in range(6)
    )
    configuration = lab.folder / "dnsmasq.conf"
    configuration.write_text(
        CONFIGURATION + texts.replace("\n", " ").replace(" txt-record", "\ntxt-record") + "\n"
    )
    program = lab.start(server, "dnsmasq", f"--conf-file={configuration}")
    program.ready(lambda: server.receives(53) and server.listens(53))
    client.resolver(SERVER)

    capture = Capture(lab, client, "eth0", "dns-dnsmasq.pcap")
    digs = [
        told(question, client.run("dig", f"@{SERVER}", *question, check=False).stdout)
        for question in QUESTIONS[:-2]
    ]
    script = "import socket; print(len(socket.getaddrinfo('www.lab.test', 80, type=socket.SOCK_STREAM)))"
    resolved = client.run(sys.executable, "-c", script).stdout
    digs += [
        told(question, client.run("dig", f"@{SERVER}", *question, check=False).stdout)
        for question in QUESTIONS[-2:]
    ]
    capture.finish(client.quiet, server.quiet)
    mute.close()
    lab.truth = {"dig": digs, "getaddrinfo": {"name": "www.lab.test", "addresses": int(resolved)}}


if __name__ == "__main__":
    run(record, __file__)
