"""BIND's named asked by dig: EDNS options, DNSSEC, all kinds of records, SERVFAIL, a truncated answer.

A zone with records of many types, signed by named itself. dig asks with and without EDNS, for a client
subnet, with a cookie, for signatures (DO), for the server's identity (NSID); along a chain of three CNAMEs;
for a zone whose primary server cannot be reached (SERVFAIL); for an answer too large for UDP, once with EDNS
and once without (TC, then TCP); for one refused. Recorded at the client.
"""

from __future__ import annotations

import re
from typing import Any

from capturing import Capture
from lab import Lab, run
from web import prose

TRY = "netanalyze analyze captures/dns-edns.pcap --report dns"

CLIENT, SERVER = "10.43.0.2", "10.43.0.1"

CONFIGURATION = """
options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on {{ {server}; }};
  listen-on-v6 {{ none; }};
  recursion no; allow-transfer {{ none; }}; server-id "lab-server"; max-udp-size 1232; minimal-responses no;
  dnssec-validation no; notify no;
}};
controls {{ }};
zone "lab.test" {{
  type primary; file "{folder}/lab.zone"; dnssec-policy default; inline-signing yes; key-directory "{folder}";
}};
zone "gone.test" {{ type secondary; primaries {{ 10.43.0.99; }}; file "{folder}/gone.zone"; }};
"""

ZONE = """
$TTL 300
@ IN SOA ns.lab.test. admin.lab.test. 1 3600 900 604800 60
@ NS ns
ns A 10.43.0.1
www A 10.43.0.80
www AAAA fd00:43::80
www HTTPS 1 . alpn=h2,h3 ipv4hint=10.43.0.80
_dns SVCB 1 ns.lab.test. alpn=dot port=853
a CNAME b
b CNAME c
c CNAME www
@ MX 10 mail
@ CAA 0 issue "ca.example"
mail A 10.43.0.25
_sip._tcp SRV 10 60 5060 www
_443._tcp.www TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
odd TYPE65400 \\# 4 c0ffee00
naptr NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@lab.test!" .
"""

QUESTIONS = (
    ("www.lab.test", "A", "+noedns"),
    ("www.lab.test", "A", "+nocookie"),
    ("www.lab.test", "AAAA", "+subnet=192.0.2.0/24"),
    ("www.lab.test", "A", "+cookie"),
    ("www.lab.test", "A", "+dnssec"),
    ("www.lab.test", "A", "+nsid"),
    ("a.lab.test", "A"),
    ("www.lab.test", "HTTPS"),
    ("_dns.lab.test", "SVCB"),
    ("lab.test", "MX"),
    ("lab.test", "CAA"),
    ("lab.test", "SOA"),
    ("lab.test", "NS"),
    ("lab.test", "DNSKEY", "+dnssec"),
    ("_sip._tcp.lab.test", "SRV"),
    ("_443._tcp.www.lab.test", "TLSA"),
    ("host.lab.test", "SSHFP"),
    ("naptr.lab.test", "NAPTR"),
    ("odd.lab.test", "TYPE65400"),
    ("nothing.lab.test", "A", "+dnssec"),
    ("www.gone.test", "A"),
    ("elsewhere.example", "A"),
    ("large.lab.test", "TXT", "+noedns"),
    ("large.lab.test", "TXT", "+dnssec"),
)


def told(arguments: tuple[str, ...], output: str) -> dict[str, Any]:
    """What dig says of one question and its answer."""
    status = re.search(r"status: (\w+), id: (\d+)", output)
    counts = re.search(r"ANSWER: (\d+), AUTHORITY: (\d+), ADDITIONAL: (\d+)", output)
    patterns = {
        "query_time_us": r"Query time: (\d+) usec",
        "answer_bytes": r"MSG SIZE\s+rcvd: (\d+)",
        "udp_payload": r"udp: (\d+)",
    }
    numbers = {name: re.search(pattern, output) for name, pattern in patterns.items()}
    return {
        "dig": list(arguments),
        "status": status[1] if status else None,
        "id": int(status[2]) if status else None,
        "answers": int(counts[1]) if counts else None,
        **{name: int(found[1]) if found else None for name, found in numbers.items()},
        "subnet": next(iter(re.findall(r"CLIENT-SUBNET: (\S+)", output)), None),
        "cookie": next(iter(re.findall(r"COOKIE: (\w+) \(good\)", output)), None),
        "transport": "tcp" if "(TCP)" in output else "udp",
        "truncated_first": "Truncated, retrying in TCP mode" in output,
        "lines": [line.split() for line in output.splitlines() if line and not line.startswith(";")],
    }


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("named", "dig")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER}/24"))
    texts = " ".join(f'"{prose(160, number)[:180].strip()}"' for number in range(9)).replace("\n", " ")
    (lab.folder / "lab.zone").write_text(ZONE.lstrip() + f"large TXT {texts}\n")
    configuration = lab.folder / "named.conf"
    configuration.write_text(CONFIGURATION.format(folder=lab.folder, server=SERVER))
    program = lab.start(server, "named", "-g", "-n", "1", "-c", configuration)
    program.ready(lambda: server.receives(53) and server.listens(53))

    def ask(*words: str) -> str:
        return client.run("dig", "-u", f"@{SERVER}", *words, check=False).stdout

    program.ready(lambda: "RRSIG" in ask("nothing.lab.test", "A", "+dnssec"), 30)
    capture = Capture(lab, client, "eth0", "dns-edns.pcap")
    digs = [told(question, ask(*question)) for question in QUESTIONS]
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"dig": digs}


if __name__ == "__main__":
    run(record, __file__)
