"""WebSocket connections with every kind of frame, and handshakes that come to nothing.

Client and server of the Python library `websockets` on one cable. In order: messages of 0, 5, 125, 126 and
66 000 bytes (a length of 7, 16 and 64 bits), text and binary, one in three fragments with a ping between
them, pings and pongs both ways, closed by the client (1000); one closed by the server (1001); one with a
subprotocol and `permessage-deflate`; one whose client goes without a close frame; one whose client, a socket,
does not mask a frame (1002); a handshake refused with 403, and a plain request refused with 426.

The truth file has for each connection its client port, the status of the handshake, what was agreed, and the
frames that each side's library logged as sent, in order: opcode, whether it is the last of its message, bytes
of payload (before it was packed), and for a close frame its code and reason.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import abort, everything
from web import curl, prose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from namespace import Namespace

TRY = "netanalyze analyze captures/websocket.pcap --report streams --report protocols"

SERVER, PORT = "10.54.0.1", 8765
LARGE_BYTES = 66_000
SUBPROTOCOL = "chat.example"
HANDSHAKE = (
    "GET /unmasked HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
"""With the key that RFC 6455 section 1.3 has as its example."""
UNMASKED = b"\x81\x05hello"

Frames = list[dict[str, Any]]


class Sent(logging.Handler):
    """Keeps the frames that the library says it sends.

    Attributes:
        frames: by the target of the handshake.
    """

    def __init__(self) -> None:
        """Nothing sent."""
        super().__init__(logging.DEBUG)
        self.frames: dict[str, Frames] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at a line of the log; the library puts the connection beside it."""
        if record.msg == "> %s" and isinstance(record.args, tuple) and hasattr(record.args[0], "opcode"):
            frame, connection = record.args[0], record.__dict__["websocket"]
            facts = {"opcode": frame.opcode.name, "final": frame.fin, "payload_bytes": len(frame.data)}
            if frame.opcode.name == "CLOSE" and len(frame.data) >= 2:
                facts["close_code"] = int.from_bytes(frame.data[:2])
                facts["close_reason"] = bytes(frame.data[2:]).decode()
            self.frames.setdefault(connection.request.path, []).append(facts)


def logger(name: str) -> tuple[logging.Logger, Sent]:
    """A logger for the library, and what it finds out."""
    made, sent = logging.getLogger(name), Sent()
    made.setLevel(logging.DEBUG)
    made.propagate = False
    made.addHandler(sent)
    return made, sent


def chat(client: Any) -> None:  # noqa: ANN401
    """Every kind of frame from the client, and a close."""
    for message in (
        "",
        "hello",
        "x" * 125,
        "x" * 126,
        b"\x00\x01\x02\x03",
        prose(LARGE_BYTES, 54)[:LARGE_BYTES],
    ):
        client.send(message)
        client.recv()

    def parts() -> Iterator[str]:
        yield "first part, "
        client.ping(b"between").wait(5)
        yield "second part, "
        yield "last part"

    client.send(parts())
    client.recv()
    client.ping(b"").wait(5)
    client.close(1000, "that is all")


def packed(client: Any) -> None:  # noqa: ANN401
    """Messages that are worth packing, and one that is not."""
    for message in (prose(2000, 1), prose(2000, 1), "ok"):
        client.send(message)
        client.recv()
    client.close()


def silent_end(client: Any) -> None:  # noqa: ANN401
    """Goes without a word."""
    client.send("and then")
    client.recv()
    abort(client.socket)


def waits_for_close(client: Any) -> None:  # noqa: ANN401
    """Says one thing and waits until the server closes."""
    client.send("are you there?")
    for _ in client:
        pass


def serve(connection: Any) -> None:  # noqa: ANN401
    """Ping, answer each message with its size, and go away when asked whether it is there."""
    connection.ping(b"\x01\x02\x03\x04")
    for message in connection:
        if message == "are you there?":
            connection.send("not for long")
            connection.close(1001, "going away")
            return
        connection.send(f"{len(message)} received" if isinstance(message, str) else bytes(reversed(message)))


def unmasked(host: Namespace) -> dict[str, Any]:
    """A client that breaks the rule that it must mask: RFC 6455 section 5.1."""
    with host.new_socket() as connection:
        connection.connect((SERVER, PORT))
        connection.sendall(HANDSHAKE.format(SERVER, PORT).encode())
        head = connection.recv(4096)
        time.sleep(0.05)
        connection.sendall(UNMASKED)
        everything(connection)
        port = connection.getsockname()[1]
    frame = {"opcode": "TEXT", "final": True, "payload_bytes": len(UNMASKED) - 2, "masked": False}
    return {
        "target": "/unmasked",
        "client": "socket",
        "client_port": port,
        "status": int(head.split()[1]),
        "frames_of_client": [frame],
    }


def record(lab: Lab) -> None:
    """Record it."""
    websockets = lab.library("websockets")
    to_server, to_client = lab.library("websockets.sync.client"), lab.library("websockets.sync.server")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.54.0.2/24", f"{SERVER}/24"))
    client_log, by_client = logger("client")
    server_log, by_server = logger("server")

    def refuse(connection: Any, request: Any) -> Any:  # noqa: ANN401
        return connection.respond(403, "not here\n") if request.path == "/private" else None

    serving = to_client.serve(
        serve,
        sock=server.listener(SERVER, PORT),
        process_request=refuse,
        subprotocols=[SUBPROTOCOL],
        select_subprotocol=lambda _, offered: SUBPROTOCOL if SUBPROTOCOL in offered else None,
        ping_interval=None,
        logger=server_log,
    )
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    lab.later(thread.join)
    lab.later(serving.shutdown)
    capture = Capture(lab, client, "eth0", "websocket.pcap")
    found = []

    def play(target: str, part: Callable[[Any], None], **options: Any) -> None:  # noqa: ANN401
        made = client.new_socket()
        made.connect((SERVER, PORT))
        row = {"target": target, "client": "websockets", "client_port": made.getsockname()[1]}
        url = f"ws://{SERVER}:{PORT}{target}"
        agreed = {"compression": None, "ping_interval": None, "proxy": None, "logger": client_log, **options}
        try:
            with to_server.connect(url, sock=made, **agreed) as connection:
                headers = connection.response.headers
                row |= {
                    "status": connection.response.status_code,
                    "subprotocol": headers.get("Sec-WebSocket-Protocol"),
                    "extensions": headers.get("Sec-WebSocket-Extensions"),
                }
                part(connection)
        except websockets.exceptions.InvalidStatus as refused:
            row |= {"status": refused.response.status_code, "error": str(refused)}
        found.append(row)

    play("/chat", chat)
    play("/ends", waits_for_close)
    play("/packed", packed, compression="deflate", subprotocols=[SUBPROTOCOL])
    play("/silent", silent_end)
    found.append(unmasked(client))
    play("/private", chat)
    (plain,) = curl(lab, client, (f"http://{SERVER}:{PORT}/plain",), check=False)
    found.append(
        {
            "target": "/plain",
            "client": "curl",
            "client_port": plain["local_port"],
            "status": plain["response_code"],
        }
    )
    capture.finish(client.quiet, server.quiet)
    for row in found:
        if row["status"] == 101:
            row.setdefault("frames_of_client", by_client.frames.get(row["target"], []))
            row["frames_of_server"] = by_server.frames.get(row["target"], [])
        if row["target"] == "/silent":  # what the library would have sent, had its socket not been gone
            row["frames_of_client"] = [one for one in row["frames_of_client"] if one["opcode"] != "CLOSE"]
    lab.truth = {"connections": found}


if __name__ == "__main__":
    run(record, __file__)
