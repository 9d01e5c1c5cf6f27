"""A stub resolver: programs ask systemd-resolved, which asks dnsmasq, keeps answers and speaks LLMNR.

Python looks up the same name twice: the second answer comes out of systemd-resolved's cache, and nothing goes
over the cable. A name without dots is looked for by LLMNR, to which the other host's systemd-resolved
answers; one that nobody has is not found. Recorded at the client on all interfaces, so that the question of
the program (to 127.0.0.53) and that of the stub are both seen.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capturing import Capture
from lab import CannotRecordError, Lab, run
from resolving import HERE, NSSWITCH, dnsmasq, log_of, told

if TYPE_CHECKING:
    from lab import Program
    from namespace import Namespace

TRY = "netanalyze analyze captures/dns-stub.pcap --report dns"

CLIENT, RESOLVER, STUB = "10.45.0.2", "10.45.0.1", "127.0.0.53"

CONFIGURATION = """[Resolve]
{dns}
FallbackDNS=
LLMNR=yes
MulticastDNS=no
DNSSEC=no
ReadEtcHosts=no
"""

RECORDS = (
    "no-resolv",
    "local=/lab.test/",
    "host-record=www.lab.test,10.45.0.80,fd00:45::80,300",
    "cname=shop.lab.test,www.lab.test,60",
)
STEPS = ("www.lab.test", "www.lab.test", "shop.lab.test", "nothing.lab.test", "peer", "nobody")
# Its own /run, without the system's bus; a host of its own name.
PRIVATE = 'mount -t tmpfs none /run; mkdir -p /run/systemd; chmod 755 /run/systemd; hostname "$1"; exec "$2"'


def program_of_systemd() -> str:
    """Where systemd-resolved is; installing its package on a host would change how that host resolves names.

    Raises:
        CannotRecordError: it is not here.
    """
    found = shutil.which("systemd-resolved", path="/lib/systemd:/usr/lib/systemd:/usr/local/bin")
    if found is None:
        msg = (
            "missing: systemd-resolved (Debian: apt-get download systemd-resolved, dpkg-deb -x it, and link"
            " /usr/local/bin/systemd-resolved to the program: installed, it takes over /etc/resolv.conf)"
        )
        raise CannotRecordError(msg)
    return found


def resolved(lab: Lab, host: Namespace, name: str, dns: str) -> Program:
    """Start it."""
    folder = Path("/etc/netns", host.name, "systemd")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "resolved.conf").write_text(CONFIGURATION.format(dns=dns))
    words = ("unshare", "-m", "-u", "sh", "-c", PRIVATE, "sh", name, program_of_systemd())
    program = lab.start(host, *words)
    return program.ready(lambda: host.receives(53) and host.receives(5355))


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{RESOLVER}/24"))
    program = dnsmasq(lab, server, (RESOLVER,), *RECORDS)
    client.etc("nsswitch.conf", NSSWITCH)
    client.etc("resolv.conf", f"nameserver {STUB}\noptions edns0\n")
    resolved(lab, server, "peer", "")
    resolved(lab, client, "asker", f"DNS={RESOLVER}")
    time.sleep(2)  # LLMNR makes sure that names are unique
    capture = Capture(lab, client, "any", "dns-stub.pcap", link_type="LINUX_SLL2")
    found = told(client, sys.executable, HERE / "lookups.py", *(f"lookup:{name}" for name in STEPS))
    capture.finish(timeout_s=30)
    lab.truth = {"getaddrinfo": found, "dnsmasq": log_of(program)}


if __name__ == "__main__":
    run(record, __file__)
