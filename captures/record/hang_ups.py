"""Exchanges that come to nothing: servers that follow a script, and clients that say what they saw."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from measure import everything
from web import curl

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from lab import Lab
    from namespace import Namespace

    Script = Callable[[socket.socket], None]
    """What a server does with a connection; it is closed afterwards, if the script has not done so."""

CHUNKED = b"Transfer-Encoding: chunked\r\n"


def asked(accepted: socket.socket) -> bytes:
    """Read one request, its body included if ``Content-Length`` tells its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = accepted.recv(4096)
        if not part:
            return data
        data += part
    head = data.index(b"\r\n\r\n") + 4
    length = re.search(rb"(?i)content-length: (\d+)", data[:head])
    rest = head + int(length[1]) - len(data) if length else 0
    while rest > 0:
        part = accepted.recv(rest)
        if not part:
            break
        data, rest = data + part, rest - len(part)
    return data


def response(
    body: bytes, *, length: int | None = None, fields: bytes = b"", status: bytes = b"200 OK"
) -> bytes:
    """A response; ``length`` is what it promises if not all of its body, less than 0 for nothing."""
    size = len(body) if length is None else length
    promise = b"Content-Length: %d\r\n" % size if size >= 0 else b""
    return b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\n%s%s\r\n%s" % (status, promise, fields, body)


def chunk(data: bytes) -> bytes:
    """A chunk; the last one if there are no data."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@contextlib.contextmanager
def served(listener: socket.socket, script: Script) -> Iterator[None]:
    """Play a script with the next connection while the ``with`` block runs; wait for its end."""

    def play() -> None:
        accepted, _ = listener.accept()
        accepted.settimeout(10.0)
        with accepted, contextlib.suppress(OSError):
            script(accepted)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    yield
    thread.join()


def words(error: BaseException) -> str:
    """An error as a program logs it: its kind and what it says."""
    return f"{type(error).__name__}: {error}"


@dataclass
class Client:
    """An `http.client` connection whose requests are written down.

    Attributes:
        port: its own port.
        rows: what became of each request.
    """

    host: Namespace
    server: tuple[str, int]
    timeout_s: float = 10.0
    port: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect."""
        self.connection = http.client.HTTPConnection(*self.server, timeout=self.timeout_s)
        with self.host.entered():
            self.connection.connect()
        self.socket = self.connection.sock
        self.port = self.socket.getsockname()[1]
        self._ended = time.monotonic()

    def ask(
        self,
        outcome: str,
        target: str = "/",
        *,
        method: str = "GET",
        body: bytes | None = None,
        **facts: object,
    ) -> None:
        """Send a request, wait for the response, and write down what came of it.

        Args:
            outcome: what it is meant to become, for the truth file.
            target: as in the request line.
            method: as in the request line.
            body: of the request.
            facts: more for the truth file.
        """
        began = time.monotonic()
        row: dict[str, Any] = {
            "outcome": outcome,
            "client": "http.client",
            "client_port": self.port,
            "server_port": self.server[1],
            "method": method,
            "target": target,
            "request_of_connection": len(self.rows) + 1,
            "idle_ms": round((began - self._ended) * 1000),
            "sent": False,
            "status": None,
            "body_bytes": None,
            "error": None,
        }
        try:
            self.connection.request(method, target, body)
            row["sent"] = True
            answer = self.connection.getresponse()
            row["status"] = answer.status
            row["body_bytes"] = len(answer.read())
        except http.client.IncompleteRead as error:
            row |= {"body_bytes": len(error.partial), "error": words(error)}
        except (OSError, http.client.HTTPException) as error:
            row["error"] = words(error)
        self._ended = time.monotonic()
        row |= {"waited_ms": round((self._ended - began) * 1000), **facts}
        self.rows.append(row)

    def close(self) -> list[dict[str, Any]]:
        """Close the connection, and give what became of its requests."""
        self.connection.close()
        return self.rows


def never_answers(accepted: socket.socket) -> None:
    """Read all that comes, and answer nothing."""
    everything(accepted)


class Scene:
    """The room, and what the requests became.

    Attributes:
        rows: one for each request.
    """

    def __init__(self, lab: Lab, client: Namespace, listener: socket.socket) -> None:
        """Nothing has been asked."""
        self.lab, self.host, self.listener = lab, client, listener
        self.server: tuple[str, int] = listener.getsockname()
        self.rows: list[dict[str, Any]] = []

    def client(self, timeout_s: float = 10.0) -> Client:
        """A new connection of `http.client`."""
        return Client(self.host, self.server, timeout_s)

    def once(self, outcome: str, script: Script, target: str = "/", **more: Any) -> None:  # noqa: ANN401
        """One request by http.client, on a connection of its own."""
        with served(self.listener, script):
            client = self.client(more.get("timeout_ms", 10_000) / 1000)
            client.ask(outcome, target, **more)
            self.rows += client.close()

    def by_curl(
        self, outcome: str, script: Script, *options: str, target: str = "/", **facts: object
    ) -> None:
        """One request by curl."""
        with served(self.listener, script):
            transfer = (*options, f"http://{self.server[0]}:{self.server[1]}{target}")
            (got,) = curl(self.lab, self.host, transfer, check=False)
        row = {
            "outcome": outcome,
            "client": "curl",
            "client_port": got["local_port"],
            "server_port": self.server[1],
            "method": got["method"],
            "target": target,
            "request_of_connection": 1,
            "sent": True,
            "status": got["response_code"] or None,
            "body_bytes": got["saved_bytes"],
            "error": f"curl: ({got['exitcode']}) {got['errormsg']}" if got["exitcode"] else None,
            "waited_ms": round((got["time_total"] - got["time_connect"]) * 1000),
        }
        self.rows.append(row | facts)

    def second(self, outcome: str, script: Script, pause_s: float, **more: Any) -> None:  # noqa: ANN401
        """Two requests on one connection of http.client, and a pause between them."""
        with served(self.listener, script):
            client = self.client()
            client.ask("answered", "/first")
            time.sleep(pause_s)
            client.ask(outcome, "/second", **more)
            self.rows += client.close()

    def by_hand(self, outcomes: tuple[str, ...], data: tuple[bytes, ...], script: Script) -> None:
        """Send parts of one or more requests on a connection, and close it when the server is done with it.

        Args:
            outcomes: what the requests are meant to become.
            data: what to send.
            script: what the server does.
        """
        with served(self.listener, script):
            connection = self.host.new_socket()
            connection.connect(self.server)
            port, began, got, error = connection.getsockname()[1], time.monotonic(), b"", None
            try:
                for part in data:
                    connection.sendall(part)
                    time.sleep(0.05)
                if "request-cut-short" not in outcomes:
                    got = everything(connection)
            except OSError as caught:
                error = words(caught)
            waited_ms = round((time.monotonic() - began) * 1000)
            connection.close()
        targets = [
            line.split()[1].decode() for part in data for line in part.split(b"\r\n") if b" HTTP/1" in line
        ]
        statuses = [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]
        for number, (outcome, target) in enumerate(zip(outcomes, targets, strict=True)):
            row = {
                "outcome": outcome,
                "client": "socket",
                "client_port": port,
                "server_port": self.server[1],
                "method": data[0].split()[0].decode(),
                "target": target,
                "request_of_connection": number + 1,
                "sent": True,
                "status": statuses[number] if number < len(statuses) else None,
                "error": error,
                "waited_ms": waited_ms,
            }
            self.rows.append(row)
