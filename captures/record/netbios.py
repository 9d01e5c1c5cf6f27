"""NetBIOS names: nmblookup asks everybody on the link, a Samba name server answers for its host.

``nmbd`` announces its name by broadcast; nmblookup asks for it, for its status, for a name that
nobody has, and once the server directly. Recorded at the one that asks.
"""

from __future__ import annotations

import re
import time
from typing import Any

from capturing import Capture
from lab import Lab, run

TRY = "netanalyze analyze captures/netbios.pcap --report dns --report udp"

CLIENT, SERVER, BROADCAST = "10.46.0.2", "10.46.0.1", "10.46.0.255"

CONFIGURATION = """[global]
netbios name = {name}
workgroup = LAB
interfaces = eth0
bind interfaces only = yes
local master = no
preferred master = no
{folders}
"""
FOLDERS = ("private dir", "lock directory", "state directory", "cache directory", "pid directory")


def told(arguments: tuple[str, ...], output: str) -> dict[str, Any]:
    """What nmblookup says."""
    found = re.findall(r"^([\d.]+) \S+<\w\w>", output, re.MULTILINE)
    return {"nmblookup": list(arguments), "addresses": found, "failed": "failed to find" in output}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("nmblookup", "nmbd")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server)
    for host, address in ((client, CLIENT), (server, SERVER)):
        host.ip("address", "add", f"{address}/24", "broadcast", BROADCAST, "dev", "eth0")
    paths = {}
    for name in ("asks", "files"):
        folder = lab.folder / name
        folder.mkdir()
        paths[name] = folder / "smb.conf"
        folders = "\n".join(f"{kind} = {folder}" for kind in FOLDERS)
        paths[name].write_text(CONFIGURATION.format(name=name.upper(), folders=folders))
    capture = Capture(lab, client, "eth0", "netbios.pcap")
    program = lab.start(
        server,
        "nmbd",
        "-F",
        "--no-process-group",
        "-s",
        paths["files"],
        "--debug-stdout",
        f"--log-basename={lab.folder}",
    )
    program.ready(lambda: server.receives(137))
    # It answers once its names are its own.
    time.sleep(8)
    asked = [
        (f"--broadcast={BROADCAST}", "FILES"),
        (f"--broadcast={BROADCAST}", "NOBODY"),
        (f"--unicast={SERVER}", "FILES"),
        ("-A", SERVER),
    ]
    found = [
        told(words, client.run("nmblookup", "-s", paths["asks"], *words, check=False, timeout_s=30).stdout)
        for words in asked
    ]
    capture.finish(timeout_s=30)
    lab.truth = {"nmblookup": found}


if __name__ == "__main__":
    run(record, __file__)
