"""Record many real HTTP exchanges: nginx and wrk, each in a network namespace of its own, on one cable.

Most are small: JSON packed with gzip and sent in chunks. Some are larger, some are not packed, some have an
answer without a body (304), some are errors, some are uploads. Connections are kept for fifty requests.
Segmentation and checksum offload are off, so that frames are those of a real link. Needs root, Linux, nginx,
wrk, tcpdump, ethtool and iproute2.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from record_http import BUFFER_KIB, RecordingError, end, run, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT, SERVER = "10.20.1.2", "10.30.250.2"
NEEDED = ("ip", "ethtool", "nginx", "wrk", "tcpdump")
CONNECTIONS = 32
REQUESTS_OF_A_CONNECTION = 50
SMALL, MIDDLE, PICTURES = 200, 20, 5
"""How many files there are of each kind."""
MODIFIED = 1_704_067_200, "Mon, 01 Jan 2024 00:00:00 GMT"
"""When the small files were changed last, for the requests that ask whether they were."""
TIMEOUT_SECONDS = 300
QUIET_SECONDS = 2.0
"""The capture is whole when it has not grown for so long; nginx writes its log within one second."""

NGINX = """
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; application/json json; image/jpeg jpg; }}
    log_format status '$status';
    access_log {folder}/access.log status buffer=64k flush=1s;
    sendfile on;
    keepalive_requests {requests};
    gzip on;
    gzip_comp_level 4;
    gzip_min_length 100;
    gzip_types application/json;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {server}:80;
        root {folder}/files;
        location = /orders {{ return 201 '{{"accepted": true}}'; }}
    }}
}}
"""

WRK = """
local plain = {{ ["Host"] = "shop.example", ["User-Agent"] = "wrk" }}
local packed = {{ ["Host"] = "shop.example", ["User-Agent"] = "wrk", ["Accept-Encoding"] = "gzip, deflate" }}
local known = {{ ["Host"] = "shop.example", ["User-Agent"] = "wrk", ["If-Modified-Since"] = "{modified}" }}
local form = {{ ["Host"] = "shop.example", ["User-Agent"] = "wrk", ["Content-Type"] = "application/json" }}
function init() math.randomseed(1) end
request = function()
    local kind = math.random(100)
    local small = "/api/items/" .. math.random({small}) .. ".json"
    if kind <= 66 then return wrk.format("GET", small, packed) end
    if kind <= 78 then return wrk.format("GET", "/api/lists/" .. math.random({middle}) .. ".json", packed) end
    if kind <= 86 then return wrk.format("GET", small, known) end
    if kind <= 90 then return wrk.format("GET", "/index.html", plain) end
    if kind <= 93 then return wrk.format("GET", "/pictures/" .. math.random({pictures}) .. ".jpg", plain) end
    if kind <= 95 then return wrk.format("GET", "/api/items/none.json", packed) end
    return wrk.format("POST", "/orders", form, '{{"item": ' .. math.random({small}) .. ', "amount": 1}}')
end
"""


def missing() -> list[str]:
    """The programs that would be needed and are not there; ``root`` where that is what is missing."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return absent if os.geteuid() == 0 else [*absent, "root"]


def _item(chance: random.Random, number: int) -> dict[str, object]:
    """Something that a program would say in JSON."""
    return {
        "id": number,
        "name": f"item {number}",
        "price": round(chance.uniform(1, 500), 2),
        "tags": chance.choices(("new", "sale", "small", "large", "green", "blue"), k=3),
        "stock": {place: chance.randint(0, 90) for place in ("north", "south", "east", "west")},
        "description": " ".join(chance.choices(("frame", "packet", "segment", "stream", "window"), k=25)),
    }


def _write_files(folder: Path) -> None:
    """What the server serves."""
    chance = random.Random(1)
    for name in ("api/items", "api/lists", "pictures"):
        (folder / name).mkdir(parents=True)
    for number in range(1, SMALL + 1):
        path = folder / f"api/items/{number}.json"
        path.write_text(json.dumps(_item(chance, number)), encoding="utf-8")
        os.utime(path, (MODIFIED[0], MODIFIED[0]))
    for number in range(1, MIDDLE + 1):
        items = [_item(chance, entry) for entry in range(chance.randint(10, 40))]
        (folder / f"api/lists/{number}.json").write_text(json.dumps(items), encoding="utf-8")
    for number in range(1, PICTURES + 1):
        (folder / f"pictures/{number}.jpg").write_bytes(chance.randbytes(chance.randint(8_000, 30_000)))
    (folder / "index.html").write_text("<p>a line of the page</p>\n" * 120, encoding="utf-8")


def _cable(stack: contextlib.ExitStack) -> tuple[str, str]:
    """Two namespaces and a cable between them."""
    names = tuple(f"nabench-{role}-{os.getpid()}" for role in ("client", "server"))
    for name in names:
        run("ip", "netns", "add", name)
        stack.callback(subprocess.run, ("ip", "netns", "del", name), check=False, capture_output=True)
    run(
        "ip", "-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1]
    )
    for name, address in zip(names, (CLIENT, SERVER), strict=True):
        # One network for both, so that they need no router.
        run("ip", "-n", name, "address", "add", f"{address}/8", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        off = [word for feature in ("tso", "gso", "gro", "tx", "rx") for word in (feature, "off")]
        run("ip", "netns", "exec", name, "ethtool", "-K", "eth0", *off)
    return names[0], names[1]


def _started(
    stack: contextlib.ExitStack,
    name: str,
    *command: str,
    stop: int = signal.SIGTERM,
    stderr: int | None = None,
) -> subprocess.Popen[str]:
    """A program running in a namespace."""
    whole = ("ip", "netns", "exec", name, *command)
    started = subprocess.Popen(whole, text=True, stdout=subprocess.DEVNULL, stderr=stderr)
    stack.callback(end, started, stop)
    return started


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            message = f"not within {TIMEOUT_SECONDS} s: {what}"
            raise RecordingError(message)
        time.sleep(0.05)


def _stopped(path: Path) -> None:
    """Return when a file has stopped growing."""
    size, since = -1, time.monotonic()

    def still() -> bool:
        nonlocal size, since
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS

    _wait_until(still, f"the end of {path.name}")


def record_exchanges(path: Path, exchanges: int) -> dict[str, str | int]:
    """Record at least ``exchanges`` exchanges to ``path``; return how it was done, and how many they are.

    Raises:
        RecordingError: a program failed, tcpdump dropped frames, or it took too long.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nabench-")))
        client, server = _cable(stack)
        _write_files(folder / "files")
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, server=SERVER, requests=REQUESTS_OF_A_CONNECTION), encoding="utf-8"
        )
        (folder / "wrk.lua").write_text(
            WRK.format(small=SMALL, middle=MIDDLE, pictures=PICTURES, modified=MODIFIED[1]), encoding="utf-8"
        )
        log = folder / "access.log"
        nginx = ("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;")
        _started(stack, server, *nginx, stop=signal.SIGQUIT)
        _wait_until(log.exists, "nginx to start")
        capture = ("tcpdump", "-i", "eth0", "-n", "-s", "0", "-B", str(BUFFER_KIB), "-Z", "root")
        words = (*capture, "-w", str(path), "tcp")
        tcpdump = _started(stack, client, *words, stop=signal.SIGINT, stderr=subprocess.PIPE)
        wait_until_listening(tcpdump)
        load = ("wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", str(TIMEOUT_SECONDS))
        wrk = _started(stack, client, *load, "-s", str(folder / "wrk.lua"), f"http://{SERVER}/")
        # A line of the log is a status and a line feed.
        _wait_until(lambda: log.stat().st_size >= 4 * exchanges, f"{exchanges} exchanges: does the load run?")
        end(wrk, signal.SIGINT)
        _stopped(path)
        tcpdump.send_signal(signal.SIGINT)
        _, said = tcpdump.communicate(timeout=TIMEOUT_SECONDS)
        statuses = collections.Counter(log.read_text(encoding="ascii").split())
    dropped = re.search(r"(\d+) packets? dropped by kernel", said)
    if dropped is None or int(dropped[1]):
        message = f"tcpdump did not capture everything: {said.strip()}"
        raise RecordingError(message)
    return {
        "dropped_by_tcpdump": 0,
        "exchanges": statuses.total(),
        **{f"status_{status}": count for status, count in sorted(statuses.items())},
        "connections_at_once": CONNECTIONS,
        "requests_of_a_connection": REQUESTS_OF_A_CONNECTION,
    }
