"""What recordings of name resolution share: dnsmasq as the server, and programs that look names up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab import Lab, Program
    from namespace import Namespace

HERE = Path(__file__).resolve().parent
NSSWITCH = "hosts: files dns\n"
"""Where the C library looks: the hosts file, then DNS."""


def dnsmasq(lab: Lab, host: Namespace, addresses: tuple[str, ...], *lines: str, port: int = 53) -> Program:
    """Start dnsmasq on these addresses; it logs every question and answer."""
    configuration = lab.folder / f"dnsmasq-{addresses[0]}-{port}.conf"
    words = ["keep-in-foreground", "user=root", "pid-file=", "no-hosts", "bind-interfaces", f"port={port}"]
    words += ["log-queries=extra", "log-facility=-", *(f"listen-address={one}" for one in addresses), *lines]
    configuration.write_text("\n".join(words) + "\n")
    program = lab.start(host, "dnsmasq", f"--conf-file={configuration}")
    return program.ready(lambda: host.receives(port) and host.listens(port))


def log_of(program: Program) -> list[str]:
    """What dnsmasq says it was asked and answered, without times and numbers of its own."""
    lines = []
    for line in program.said().splitlines():
        found = re.search(r"(\d+\.\d+\.\d+\.\d+)/(\d+) ((?:query|forwarded|reply|config|cached).*)", line)
        if found:
            lines.append(f"{found[1]}#{found[2]} {found[3]}")
    return lines


def told(host: Namespace, *argv: str | Path, timeout_s: float = 60.0) -> list[dict[str, Any]]:
    """Run a program that writes a line of JSON for each thing that it did."""
    lines = host.run(*argv, timeout_s=timeout_s).stdout.splitlines()
    return [json.loads(line) for line in lines]
