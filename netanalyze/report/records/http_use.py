"""Records about how HTTP is used: hosts, connections, pages of other origins, WebSockets."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, Unit, column
from netanalyze.report.records.http import STREAM, TTFB


class Host(Record, frozen=True):
    """The exchanges with one host, by the Host field of requests."""

    host: Annotated[str, column("The host", show=0)]
    connections: Annotated[int, column("Connections with requests to it", Unit.COUNT, show=0)]
    requests: Annotated[int, column("Requests", Unit.COUNT, show=0)]
    complete: Annotated[int, column("Complete exchanges", Unit.COUNT, show=4)]
    client_errors: Annotated[int, column("Responses with status 400 to 499", Unit.COUNT, show=2)]
    server_errors: Annotated[int, column("Responses with status 500 and above", Unit.COUNT, show=1)]
    hang_ups: Annotated[
        int, column("Requests whose connection ended before the response was whole", Unit.COUNT, show=1)
    ]
    gave_up: Annotated[
        int, column("Requests that the client did not wait for any longer", Unit.COUNT, show=3)
    ]
    single_request_connections: Annotated[
        int, column("Connections with a single request", Unit.COUNT, show=5)
    ]
    setup_avg_ns: Annotated[
        int | None,
        column("Mean time from the SYN to the first request of a connection", Unit.DURATION, show=4),
    ]
    setup_total_ns: Annotated[int | None, column("What connecting took in all", Unit.DURATION, show=4)]
    ttfb_p50_ns: Annotated[int | None, column(f"Median {TTFB}", Unit.DURATION, show=1)]
    ttfb_p95_ns: Annotated[int | None, column(f"The 95th percentile of the {TTFB}", Unit.DURATION, show=2)]
    ttfb_p99_ns: Annotated[int | None, column(f"The 99th percentile of the {TTFB}", Unit.DURATION, show=5)]
    duration_p50_ns: Annotated[int | None, column("Median duration", Unit.DURATION, show=6)]
    duration_p95_ns: Annotated[
        int | None, column("The 95th percentile of the duration", Unit.DURATION, show=6)
    ]
    duration_p99_ns: Annotated[
        int | None, column("The 99th percentile of the duration", Unit.DURATION, show=6)
    ]
    wire_bytes: Annotated[int, column("Bodies of the responses as captured", Unit.BYTES, show=2)]
    body_bytes: Annotated[int, column("Bodies of the responses decoded", Unit.BYTES, show=3)]
    saved_bytes: Annotated[int, column("What content codings saved", Unit.BYTES, show=5)]
    compressible: Annotated[
        int, column("Responses of 1 KiB of text or more that were not compressed", Unit.COUNT, show=5)
    ]
    compressible_bytes: Annotated[int, column("Their bodies", Unit.BYTES, show=6)]
    server_idle_timeout_ns: Annotated[
        int | None,
        column(
            "Idle time after which the server closes a connection: the median if at least half of the times"
            " agree within a tenth",
            Unit.DURATION,
            show=4,
        ),
    ]
    server_idle_closes: Annotated[int, column("Connections that show it", Unit.COUNT, show=7)]
    longest_reused_idle_ns: Annotated[
        int | None,
        column("Longest idle time after which a client used a connection again", Unit.DURATION, show=7),
    ]
    advice: Annotated[
        str | None, column("What to change, with the numbers it is taken from", show=0, note=True)
    ]


class HttpConnection(Record, frozen=True):
    """A connection that carried HTTP."""

    stream: Annotated[int, STREAM]
    host: Annotated[str | None, column("Host that its first request names", show=1)]
    first_frame: Annotated[int, column("First frame of the connection", Unit.FRAME, show=3)]
    start_ns: Annotated[int, column("Its time", Unit.TIME, show=6)]
    duration_ns: Annotated[
        int, column("From there to the last message, or to the close", Unit.DURATION, show=2)
    ]
    requests: Annotated[int, column("Requests", Unit.COUNT, show=0)]
    responses: Annotated[int, column("Responses", Unit.COUNT, show=2)]
    reused: Annotated[int, column("Requests that needed no new connection", Unit.COUNT, show=1)]
    pipelined: Annotated[
        int, column("Requests sent before the response to the one before began", Unit.COUNT, show=4)
    ]
    websocket: Annotated[bool, column("Whether it became a WebSocket", Unit.TRUTH, show=7)]
    setup_ns: Annotated[
        int | None,
        column(
            "From the SYN to the first request; null if the beginning was not captured", Unit.DURATION, show=1
        ),
    ]
    idle_gaps: Annotated[
        int, column("Times between a whole response and the next request", Unit.COUNT, show=5)
    ]
    idle_avg_ns: Annotated[int | None, column("Their mean", Unit.DURATION, show=5)]
    idle_max_ns: Annotated[int | None, column("The longest", Unit.DURATION, show=2)]
    closed_by: Annotated[str | None, column("Who closed first: client or server; null if nobody", show=0)]
    close_reason: Annotated[
        str | None,
        column(
            "Why: announced (by Connection: close or HTTP/1.0), server_idle or client_idle (50 ms and more"
            " without a message), server_unannounced, client_done,"
            " client_unfinished and server_unfinished (an exchange was going on),"
            " likewise _reset and _without_request; websocket_over",
            show=0,
        ),
    ]
    idle_at_close_ns: Annotated[
        int | None,
        column("Time from the last whole response to the close", Unit.DURATION, show=1),
    ]
    keep_alive: Annotated[str | None, column("The server's Keep-Alive field", show=3)]
    server_idle_timeout_ns: Annotated[
        int | None,
        column("Idle timeout of the server, estimated from all its connections", Unit.DURATION, show=3),
    ]
    hang_ups: Annotated[int, column("Requests whose response the connection's end cost", Unit.COUNT, show=1)]
    client: Annotated[str | None, column("Address of the client", Unit.ADDRESS, show=6)]
    client_port: Annotated[int | None, column("Port of the client", Unit.PORT, show=7)]
    server: Annotated[str | None, column("Address of the server", Unit.ADDRESS, show=6)]
    server_port: Annotated[int | None, column("Port of the server", Unit.PORT, show=7)]


class CrossOrigin(Record, frozen=True):
    """A request that a browser made for a page of another origin, by the rules of the Fetch standard."""

    stream: Annotated[int, STREAM]
    frame: Annotated[int | None, column("Frame of the first byte of the request", Unit.FRAME, show=0)]
    response_frame: Annotated[
        int | None, column("Frame of the first byte of the response", Unit.FRAME, show=6)
    ]
    time_ns: Annotated[int | None, column("Time of the first byte of the request", Unit.TIME, show=7)]
    method: Annotated[str | None, column("Method", show=0)]
    host: Annotated[str | None, column("Host field", show=2)]
    target: Annotated[str | None, column("Target", show=1)]
    origin: Annotated[str, column("Origin of the page", show=0)]
    preflight: Annotated[bool, column("Whether it asks for permission only", Unit.TRUTH, show=0)]
    asked_method: Annotated[str | None, column("Method that a preflight asks for", show=2)]
    asked_headers: Annotated[str | None, column("Header fields that a preflight asks for", show=4)]
    credentials: Annotated[
        bool,
        column(
            "Whether the request has a Cookie or Authorization field; of a preflight: whether requests that"
            " it is for have",
            Unit.TRUTH,
            show=5,
        ),
    ]
    status: Annotated[int | None, column("Status code", Unit.NUMBER, show=2)]
    allow_origin: Annotated[str | None, column("Access-Control-Allow-Origin", show=3)]
    allow_credentials: Annotated[str | None, column("Access-Control-Allow-Credentials", show=6)]
    allow_methods: Annotated[str | None, column("Access-Control-Allow-Methods", show=5)]
    allow_headers: Annotated[str | None, column("Access-Control-Allow-Headers", show=6)]
    max_age_s: Annotated[int | None, column("Access-Control-Max-Age, in seconds", Unit.NUMBER, show=4)]
    allowed: Annotated[
        bool | None,
        column(
            "Whether the browser lets the page read the response, or after a preflight send its request; null"
            " without a response",
            Unit.TRUTH,
            show=0,
        ),
    ]
    reason: Annotated[str | None, column("Why not", show=1, note=True)]
    cost_ns: Annotated[int | None, column("What a preflight took", Unit.DURATION, show=2)]
    avoidable: Annotated[
        bool | None,
        column(
            "Whether a longer Access-Control-Max-Age of the same preflight before, up to 7200 s, would have"
            " saved this one",
            Unit.TRUTH,
            show=3,
        ),
    ]
    since_last_ns: Annotated[
        int | None, column("Time since the same preflight was last answered", Unit.DURATION, show=6)
    ]


class WebSocketFrame(Record, frozen=True):
    """A frame of a WebSocket (RFC 6455)."""

    stream: Annotated[int, STREAM]
    sender: Annotated[str, column("Who sent it: client or server", show=0)]
    frame: Annotated[int, column("Frame of its first byte", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("Time of its first byte", Unit.TIME, show=2)]
    opcode: Annotated[
        str, column("Its kind: continuation, text, binary, close, ping, pong or reserved", show=0)
    ]
    message: Annotated[
        str | None, column("Kind of the message that it is part of; null for control frames", show=3)
    ]
    fin: Annotated[bool, column("Whether it is the last of its message", Unit.TRUTH, show=1)]
    masked: Annotated[bool, column("Whether its payload is masked", Unit.TRUTH, show=3)]
    compressed: Annotated[
        bool, column("Whether it says that its message is compressed (RFC 7692)", Unit.TRUTH, show=3)
    ]
    payload_bytes: Annotated[int, column("Length of its payload", Unit.BYTES, show=0, suffers=False)]
    captured_bytes: Annotated[int, column("How much of that was captured", Unit.BYTES, show=5, suffers=False)]
    close_code: Annotated[int | None, column("Status code of a close frame", Unit.NUMBER, show=1)]
    anomaly: Annotated[str | None, column("What is wrong with it by RFC 6455", show=2)]
