"""mDNS: avahi announces a host and a service, another avahi looks for it on behalf of getaddrinfo.

Two hosts run avahi-daemon. Each probes for its name and announces it; one has a web service. The other is
started later and has not heard of it: the C library (nss-mdns) has it look for ``web.local``, again (now from
its cache), and for a name that nobody has. Recorded at the one that asks.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from resolving import HERE, told

if TYPE_CHECKING:
    from lab import Program
    from namespace import Namespace

TRY = "netanalyze analyze captures/mdns-avahi.pcap --report dns"

HOSTS = {"asks": "10.44.0.2", "web": "10.44.0.1"}

CONFIGURATION = """
[server]
host-name={name}
use-ipv4=yes
use-ipv6=no
enable-dbus=no
allow-interfaces=eth0
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""

SERVICE = """<?xml version="1.0" standalone='no'?>
<service-group><name>Lab pages</name>
<service><type>_http._tcp</type><port>8080</port><txt-record>path=/index.html</txt-record></service>
</service-group>
"""

# Each daemon has a socket in /run/avahi-daemon, and services in /etc/avahi/services.
PRIVATE = (
    "mount -t tmpfs none /run/avahi-daemon; mount -t tmpfs none /etc/avahi/services;"
    ' test -n "$1" && cp "$1" /etc/avahi/services/; exec sleep 1000'
)


def own_mounts(lab: Lab, host: Namespace, service: Path | None) -> Program:
    """A process that has its own folders for avahi, which other programs of the host enter."""
    Path("/run/avahi-daemon").mkdir(exist_ok=True)
    words = ("unshare", "-m", "sh", "-c", PRIVATE, "sh", str(service or ""))
    return lab.start(host, *words).ready(lambda: True)


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("avahi-daemon")
    asks, web = lab.namespace("asks"), lab.namespace("web")
    lab.cable(asks, web, *[(f"{HOSTS['asks']}/24", f"{HOSTS['web']}/24")])
    for host in (asks, web):
        host.ip("route", "add", "224.0.0.0/4", "dev", "eth0")
        host.etc("nsswitch.conf", "hosts: files mdns4_minimal\n")
        host.etc("hosts", "127.0.0.1 localhost\n")
    service = lab.folder / "pages.service"
    service.write_text(SERVICE)
    capture = Capture(lab, asks, "eth0", "mdns-avahi.pcap")
    rooms = {}
    for name, host, announced in (("web", web, service), ("asks", asks, None)):
        configuration = lab.folder / f"{name}.conf"
        configuration.write_text(CONFIGURATION.format(name=name))
        room = own_mounts(lab, host, announced)
        # Mounts take a moment; announcements are over before the second one begins.
        time.sleep(6 if name == "asks" else 0.3)
        rooms[name] = room.process.pid
        inside = ("nsenter", "-m", "-t", str(room.process.pid))
        daemon = lab.start(
            host,
            *inside,
            "avahi-daemon",
            "--no-drop-root",
            "--no-chroot",
            "--no-rlimits",
            "-f",
            configuration,
        )
        daemon.ready(lambda daemon=daemon: "Server startup complete" in daemon.said(), 20)
    time.sleep(2)
    inside = ("nsenter", "-m", "-t", str(rooms["asks"]))
    steps = ("lookup:web.local", "lookup:web.local", "lookup:nobody.local")
    found = told(asks, *inside, sys.executable, HERE / "lookups.py", *steps)
    capture.finish(timeout_s=30)
    lab.truth = {"hosts": HOSTS, "getaddrinfo": found}


if __name__ == "__main__":
    run(record, __file__)
