"""nginx with a small site, and curl telling what it got: the web part of many recordings."""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import CannotRecordError

if TYPE_CHECKING:
    from lab import Lab, Program
    from namespace import Namespace

SITE_TIME = 1_704_067_200
"""Modification time of the site's files, 2024-01-01 00:00 UTC: gives the same ETag each time."""

VOCABULARY = """
    frame packet segment datagram message endpoint stream client server window trip queue answer request
    header body value field table counter timer buffer socket kernel cable switch router
"""

CONFIGURATION = """
{modules}
user root;
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 64; }}
http {{
  types {{ text/html html; text/plain txt; text/css css; application/json json; image/png png; }}
  default_type application/octet-stream;
  {access_log}
  sendfile on;
  keepalive_timeout {keepalive_s};
  keepalive_requests {keepalive_requests};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  gzip on;
  gzip_types text/plain text/css application/json;
  gzip_min_length 200;
  {brotli}
  server {{
    {listen}
    root {folder}/site;
    location = /form {{ client_max_body_size 64k; return 200 "thank you\\n"; }}
    location = /old {{ return 301 /index.html; }}
    {locations}
  }}
}}
"""

ACCESS_LOG = """log_format truth escape=json '{{"client_port": $remote_port, "server_port": $server_port,'
    ' "request_line": "$request", "status": $status, "body_bytes": $body_bytes_sent,'
    ' "user_agent": "$http_user_agent"}}';
  access_log {folder}/access.log truth;"""
BROTLI = "brotli on; brotli_types text/plain text/css application/json; brotli_min_length 200;"
BROTLI_MODULE = "ngx_http_brotli_filter_module.so"
MODULES = Path("/usr/lib/nginx/modules")
"""Where Debian has the modules of nginx."""

CURL_FACTS = (
    "method",
    "url",
    "response_code",
    "http_connect",
    "http_version",
    "content_type",
    "size_request",
    "size_header",
    "size_upload",
    "size_download",
    "num_connects",
    "local_ip",
    "local_port",
    "remote_ip",
    "remote_port",
    "time_connect",
    "time_starttransfer",
    "time_total",
    "exitcode",
    "errormsg",
)
"""What is kept of curl's report of a transfer; times are seconds."""


def prose(size: int, seed: int) -> str:
    """About ``size`` characters of words that compress as text does; the same for the same seed."""
    chosen, words = random.Random(seed), VOCABULARY.split()
    lines = []
    while size > 0:
        lines.append(" ".join(chosen.choices(words, k=10)))
        size -= len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def picture(side: int) -> bytes:
    """A square PNG image with coloured noise, which does not compress further."""
    chosen = random.Random(side)
    rows = b"".join(b"\0" + chosen.randbytes(side * 3) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    header = struct.pack("!IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def site(folder: Path, large_bytes: int = 0) -> None:
    """Write the site's files; ``large.bin`` only if it has a size."""
    folder.mkdir()
    people = [{"id": number, "name": f"user{number}", "active": number % 3 == 0} for number in range(80)]
    files = {
        "index.html": f"<!doctype html>\n<title>Sample</title>\n<pre>\n{prose(4000, 1)}</pre>\n".encode(),
        "notes.txt": prose(2500, 2).encode(),
        "small.txt": b"too small to be worth packing\n",
        "people.json": json.dumps(people).encode(),
        "logo.png": picture(24),
    }
    if large_bytes:
        files["large.bin"] = random.Random(large_bytes).randbytes(large_bytes)
    for name, content in files.items():
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o644)
        os.utime(path, (SITE_TIME, SITE_TIME))


def nginx(  # noqa: PLR0913  (they are nginx's directives)
    lab: Lab,
    host: Namespace,
    *listen: str,
    large_bytes: int = 0,
    keepalive_s: float = 65,
    keepalive_requests: int = 1000,
    locations: str = "",
    brotli: bool = False,
    access_log: bool = False,
) -> Program:
    """Start nginx with the site on the addresses ``listen`` (as in its ``listen`` directive).

    Args:
        lab: the room.
        host: where.
        listen: addresses with ports.
        large_bytes: size of ``large.bin``; 0 for none.
        keepalive_s: how long idle connections are kept; 0 closes each after its first answer.
        keepalive_requests: how many requests a connection may have.
        locations: more directives for the site.
        brotli: pack with Brotli as well, for those who accept it.
        access_log: write down each request, for ``nginx_log``.

    Raises:
        CannotRecordError: nginx or its module is not there.
    """
    lab.require("nginx")
    if brotli and not (MODULES / BROTLI_MODULE).exists():
        msg = f"missing: {BROTLI_MODULE} (Debian: apt-get install libnginx-mod-http-brotli-filter)"
        raise CannotRecordError(msg)
    folder = lab.folder / f"nginx-{host.name}"
    folder.mkdir()
    site(folder / "site", large_bytes)
    (folder / "nginx.conf").write_text(
        CONFIGURATION.format(
            modules=f"load_module {MODULES / BROTLI_MODULE};" if brotli else "",
            folder=folder,
            listen="\n".join(f"listen {address};" for address in listen),
            keepalive_s="0" if not keepalive_s else f"{round(keepalive_s * 1000)}ms",
            keepalive_requests=keepalive_requests,
            brotli=BROTLI if brotli else "",
            locations=locations,
            access_log=ACCESS_LOG.format(folder=folder) if access_log else "access_log off;",
        )
    )
    program = lab.start(host, "nginx", "-p", folder, "-c", folder / "nginx.conf")
    ports = {int(address.split()[0].rpartition(":")[2]) for address in listen}
    return program.ready(lambda: all(host.listens(port) for port in ports))


def nginx_log(lab: Lab, host: Namespace) -> list[dict[str, Any]]:
    """What nginx in ``host`` has logged of each request, in the order in which it was done with them."""
    lines = (lab.folder / f"nginx-{host.name}" / "access.log").read_text().splitlines()
    found = []
    for row in map(json.loads, lines):
        method, target, version = [*row.pop("request_line").split(), None][:3]
        found.append({"method": method, "target": target, "version": version, **row})
    return found


def curl(lab: Lab, host: Namespace, *transfers: tuple[str, ...], check: bool = True) -> list[dict[str, Any]]:
    """Run curl once for several transfers, each a URL after its options; connections are kept.

    Returns:
        For each transfer what curl says of it, and size and digest of the file it saved.
    """
    lab.require("curl")
    folder = lab.folder / f"curl-{len(list(lab.folder.glob('curl-*')))}"
    folder.mkdir()
    words: list[str] = []
    for number, transfer in enumerate(transfers):
        words += ["--next"] if number else []
        words += ["-q"] if not number else []
        words += ["-s", "-o", str(folder / str(number)), "-w", "%{json}\\n", "--max-time", "20", *transfer]
    reports = host.run("curl", *words, check=check).stdout.splitlines()
    found = []
    for number, report in enumerate(map(json.loads, reports)):
        saved = folder / str(number)
        content = saved.read_bytes() if saved.exists() else b""
        facts = {name: report[name] for name in CURL_FACTS if report.get(name) is not None}
        facts |= {"saved_bytes": len(content), "saved_sha256": hashlib.sha256(content).hexdigest()}
        found.append(facts)
    return found
