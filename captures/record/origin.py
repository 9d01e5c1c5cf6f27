"""A small origin server on Python's ``http.server``, for answers that no ordinary server gives."""

from __future__ import annotations

import http.server
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from lab import Lab
    from namespace import Namespace


@dataclass(frozen=True)
class Request:
    """What the origin was asked.

    Attributes:
        method: GET, POST, …
        target: as in the request line.
        headers: fields of the request.
        body: its body, as far as ``Content-Length`` says.
        client_port: port that it came from.
    """

    method: str
    target: str
    headers: Any
    body: bytes
    client_port: int


@dataclass(frozen=True)
class Answer:
    """What the origin answers.

    Attributes:
        status: code.
        headers: fields in order; the same name may be there twice.
        body: bytes of the body as they go out, without the framing of chunks.
        chunk_bytes: size of the chunks that it is sent in; 0 sends it with ``Content-Length``.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunk_bytes: int = 0


@dataclass
class Origin:
    """A running origin.

    Attributes:
        log: each request with its answer, in the order in which they were answered.
    """

    log: list[tuple[Request, Answer]] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a head and its body leave together
    server: _Server

    def handle_one(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Request(self.command, self.path, self.headers, body, self.client_address[1])
        given = self.server.answer(asked)
        without_body = given.status in {204, 304}
        self.send_response(given.status)
        for name, value in given.headers:
            self.send_header(name, value)
        if given.chunk_bytes:
            self.send_header("Transfer-Encoding", "chunked")
        elif not without_body:
            self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.server.origin.log.append((asked, given))
        if not without_body and asked.method != "HEAD":
            self._send(given)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_one  # noqa: N815

    def _send(self, given: Answer) -> None:
        if not given.chunk_bytes:
            self.wfile.write(given.body)
            return
        for at in range(0, len(given.body), given.chunk_bytes):
            part = given.body[at : at + given.chunk_bytes]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Serves on a socket that a namespace gave it."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, answer: Callable[[Request], Answer]) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.socket.settimeout(None)
        self.server_name, self.server_port = self.server_address
        self.answer = answer
        self.origin = Origin()


def serve(lab: Lab, host: Namespace, address: str, port: int, answer: Callable[[Request], Answer]) -> Origin:
    """Start an origin in ``host`` which answers as the function says; it is stopped with the room."""
    server = _Server(host.listener(address, port, backlog=64), answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    lab.later(stop)
    return server.origin
