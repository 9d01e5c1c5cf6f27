"""Look names up as programs do, and connect: ``python3 lookups.py STEP …``, a line of JSON for each.

A step is ``lookup:NAME`` (getaddrinfo), ``connect:NAME:PORT`` (getaddrinfo, then a connection to the first
address; what is sent does not say the name), ``get:NAME:PORT`` (the same, with the name as HTTP host),
``reconnect:PORT`` (to the address of the last connection again) or ``sleep:SECONDS``.
"""

from __future__ import annotations

import json
import socket
import sys
import time

last: list[str] = [""]


def look_up(name: str, port: int = 80) -> dict[str, object]:
    """What getaddrinfo gives, and how long it took."""
    begin = time.monotonic_ns()
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        addresses, error = [one[4][0] for one in found], None
    except socket.gaierror as failed:
        addresses, error = [], failed.args[0]
    took_ns = time.monotonic_ns() - begin
    return {"name": name, "addresses": addresses, "error": error, "took_ns": took_ns}


def connect(address: str, port: int, host: str = "") -> dict[str, object]:
    """A connection with a question, and which local port it had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as made:
        made.settimeout(10)
        made.connect((address, port))
        local = made.getsockname()[1]
        says = f"Host: {host}:{port}\r\nConnection: close\r\n" if host else ""
        made.sendall(f"GET / HTTP/1.{int(bool(host))}\r\n{says}\r\n".encode())
        while made.recv(4096):
            pass
    last[0] = address
    return {"address": address, "local_port": local}


def step(words: list[str]) -> dict[str, object]:
    """Do one thing."""
    kind = words[0]
    if kind == "sleep":
        time.sleep(float(words[1]))
        return {"slept_s": float(words[1])}
    if kind == "reconnect":
        return connect(last[0], int(words[1]))
    found = look_up(words[1])
    if kind in ("connect", "get"):
        host = words[1] if kind == "get" else ""
        found |= connect(str(found["addresses"][0]), int(words[2]), host)  # type: ignore[index]
    return found


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(json.dumps({"step": argument, **step(argument.split(":"))}), flush=True)
