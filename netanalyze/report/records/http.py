"""Records about HTTP."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column

STREAM = column("Number of the TCP connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)


class Exchange(Record, frozen=True):
    """A request and its response.

    A part that was not captured is null. Bodies are those after chunks are put together; ``wire_bytes``
    counts them as they were transferred, ``body_bytes`` decoded.
    """

    stream: Annotated[int, STREAM]
    frame: Annotated[int | None, column("Frame of the first byte of the request", Unit.FRAME, show=0)]
    response_frame: Annotated[
        int | None, column("Frame of the first byte of the final response", Unit.FRAME, show=2)
    ]
    time_ns: Annotated[int | None, column("Time of the first byte of the request", Unit.TIME, show=6)]
    method: Annotated[str | None, column("Method of the request", show=0)]
    host: Annotated[str | None, column("Host field of the request", show=1)]
    target: Annotated[str | None, column("Target of the request, as sent", show=0)]
    version: Annotated[
        str | None, column("HTTP version of the request, or of the response where that is missing", show=8)
    ]
    status: Annotated[int | None, column("Status code of the final response", Unit.NUMBER, show=0)]
    content_type: Annotated[str | None, column("Content-Type of the response", show=3)]
    content_encoding: Annotated[str | None, column("Content-Encoding of the response", show=5)]
    wire_bytes: Annotated[
        int | None, column("Body of the response as captured, content codings and all", Unit.BYTES, show=4)
    ]
    body_bytes: Annotated[
        int | None,
        column(
            "Body of the response without content codings, as far as it could be decoded", Unit.BYTES, show=1
        ),
    ]
    body_sha256: Annotated[
        str | None,
        column(
            "SHA-256 of that; null if it is empty, or not whole because bytes are missing or the limit was"
            " reached",
            show=WIDE,
        ),
    ]
    ttfb_ns: Annotated[
        int | None,
        column(
            "From the last byte of the request to the first of the response; from the first if the response"
            " came before the request had ended",
            Unit.DURATION,
            show=1,
        ),
    ]
    duration_ns: Annotated[
        int | None,
        column(
            "From the first byte of the request to the last of a complete response", Unit.DURATION, show=2
        ),
    ]
    request_of_connection: Annotated[
        int | None, column("Number of the request on its connection, from 1", Unit.NUMBER, show=5)
    ]
    end: Annotated[
        str,
        column(
            "How it ended: complete, truncated (the response is not whole), reset (broken off by a RST),"
            " unanswered, uncertain (the response may lie in a gap)",
            show=1,
            suffers=True,
        ),
    ]
    uncertain: Annotated[
        str | None,
        column(
            "Why the pair may be wrong: requests_lost or responses_lost in a gap, head_damaged; null if it is"
            " certain",
            show=6,
        ),
    ]
    hang_up: Annotated[
        str | None,
        column(
            "How an exchange was broken off: after_fin (sent after the server's FIN had been received),"
            " crossing_fin (the two crossed), after_reset, crossing_reset, reset_unanswered,"
            " closed_unanswered, reset_mid_response, short_response (shorter than promised),"
            " client_gave_up, capture_ended,"
            " framing_damaged, not_captured",
            show=2,
        ),
    ]
    hang_up_ns: Annotated[
        int | None,
        column(
            "For after_fin, after_reset and what crossed: from the end of the connection to the request; else"
            " how long the client had waited since it had sent the request",
            Unit.DURATION,
            show=5,
        ),
    ]
    body_verdict: Annotated[
        str | None,
        column(
            "Of a body with content codings: decoded, not_coded (declared to be, but is not), cut, damaged,"
            " trailing_data, unknown_coding, limit (decoding stopped at it); hole where bytes of any body are"
            " missing",
            show=6,
        ),
    ]
    promised_bytes: Annotated[
        int | None,
        column("Content-Length of a response that was broken off", Unit.BYTES, show=WIDE, suffers=False),
    ]
    missing_bytes: Annotated[
        int, column("Bytes of the response's body that were not captured", Unit.BYTES, show=8)
    ]
    compressible: Annotated[
        bool,
        column("Whether the response is 1 KiB of text or more and was not compressed", Unit.TRUTH, show=8),
    ]
    request_last_frame: Annotated[
        int | None, column("Frame of the last byte of the request", Unit.FRAME, show=WIDE)
    ]
    last_frame: Annotated[int | None, column("Frame of the last byte of the response", Unit.FRAME, show=WIDE)]
    request_complete: Annotated[
        bool | None, column("Whether the whole request was seen", Unit.TRUTH, show=WIDE)
    ]
    request_type: Annotated[str | None, column("Content-Type of the request", show=WIDE)]
    request_encoding: Annotated[str | None, column("Content-Encoding of the request", show=WIDE)]
    request_wire_bytes: Annotated[
        int | None, column("Body of the request as captured; null if it has none", Unit.BYTES, show=7)
    ]
    request_body_bytes: Annotated[
        int | None, column("Body of the request without content codings", Unit.BYTES, show=WIDE)
    ]
    request_body_sha256: Annotated[str | None, column("SHA-256 of that", show=WIDE)]
    request_body_verdict: Annotated[str | None, column("Of the request's body: as body_verdict", show=WIDE)]
    interim: Annotated[
        str | None, column("Status codes of interim responses, as 100 or 103, in order", show=WIDE)
    ]
    expects_continue: Annotated[
        bool, column("Whether the request waits for 100 Continue", Unit.TRUTH, show=WIDE)
    ]
    upgrade: Annotated[
        str | None,
        column("Protocol that the request asks to go on with; CONNECT for a tunnel", show=WIDE),
    ]
    through: Annotated[
        str | None,
        column(
            "The tunnel of a proxy that the exchange went through, as CONNECT a.example:80 or SOCKS5"
            " a.example:80; null if through none",
            show=4,
        ),
    ]
    inside: Annotated[
        str | None,
        column("Of a tunnel that CONNECT opened: the application protocol in it, if it is known", show=WIDE),
    ]
    user_agent: Annotated[str | None, column("User-Agent of the request", show=WIDE)]
    location: Annotated[str | None, column("Location of the response", show=WIDE)]
    mended: Annotated[
        bool,
        column("Whether a head was malformed and had to be mended to be read", Unit.TRUTH, show=WIDE),
    ]
    client: Annotated[str | None, column("Address of the client", Unit.ADDRESS, show=WIDE)]
    client_port: Annotated[int | None, column("Port of the client", Unit.PORT, show=WIDE)]
    server: Annotated[str | None, column("Address of the server", Unit.ADDRESS, show=WIDE)]
    server_port: Annotated[int | None, column("Port of the server", Unit.PORT, show=WIDE)]


class HeaderField(Record, frozen=True):
    """One field of a head, or of the trailers behind a chunked body."""

    stream: Annotated[int, STREAM]
    frame: Annotated[int | None, column("Frame of the first byte of the message", Unit.FRAME, show=0)]
    request_of_connection: Annotated[
        int | None, column("Number of the request on its connection, from 1", Unit.NUMBER, show=3)
    ]
    message: Annotated[str, column("Which message: request or response", show=1)]
    part: Annotated[str, column("Where it stands: header or trailer", show=5)]
    name: Annotated[str, column("Name, as sent", show=0)]
    value: Annotated[str, column("Value; folded lines joined", show=0)]


class Cookie(Record, frozen=True):
    """A cookie of a host; its attributes are those it was set with last."""

    host: Annotated[str | None, column("Host that set it, or that it was sent to", show=0)]
    name: Annotated[str, column("Its name", show=0)]
    set: Annotated[int, column("How often a response set it", Unit.COUNT, show=0)]
    values: Annotated[int, column("Different values seen, of the first 4096", Unit.COUNT, show=2)]
    first_set_frame: Annotated[
        int | None, column("First response that set it; null if none was seen", Unit.FRAME, show=1)
    ]
    domain: Annotated[str | None, column("Domain attribute", show=5)]
    path: Annotated[str | None, column("Path attribute", show=4)]
    secure: Annotated[
        bool | None, column("Whether it has Secure; null if it was not seen being set", Unit.TRUTH, show=2)
    ]
    http_only: Annotated[bool | None, column("Whether it has HttpOnly", Unit.TRUTH, show=2)]
    same_site: Annotated[str | None, column("SameSite attribute: Strict, Lax or None", show=2)]
    max_age_s: Annotated[int | None, column("Max-Age attribute, in seconds", Unit.NUMBER, show=3)]
    expires_ns: Annotated[int | None, column("Expires attribute", Unit.TIME, show=3)]
    session: Annotated[
        bool | None, column("Whether it ends with the browser's session: no expiry", Unit.TRUTH, show=3)
    ]
    deleted: Annotated[int, column("How often it was set with an expiry in the past", Unit.COUNT, show=5)]
    sent: Annotated[int, column("Requests that sent it back", Unit.COUNT, show=0)]
    first_sent_frame: Annotated[int | None, column("First of them", Unit.FRAME, show=3)]
    connections: Annotated[
        int, column("Connections that set or sent it: a session over all of them", Unit.COUNT, show=1)
    ]
    problems: Annotated[
        str | None, column("What browsers refuse, and attributes against theft that are missing", show=4)
    ]


TTFB = "time to the first byte"


class Method(Record, frozen=True):
    """Requests with one method. Percentiles are values that occurred (nearest rank)."""

    method: Annotated[str, column("The method", show=0)]
    requests: Annotated[int, column("Requests", Unit.COUNT, show=0)]
    idempotent: Annotated[
        bool | None,
        column(
            "Whether a client may send one again on its own (RFC 9110); null if unknown", Unit.TRUTH, show=1
        ),
    ]
    answered: Annotated[int, column("Requests with a response", Unit.COUNT, show=1)]
    errors: Annotated[int, column("Responses with status 400 or above", Unit.COUNT, show=1)]
    hang_ups: Annotated[
        int, column("Requests whose connection ended before the response was whole", Unit.COUNT, show=1)
    ]
    repeated: Annotated[
        int,
        column(
            "Of a method that is not idempotent: requests with the same host, target and body as one before",
            Unit.COUNT,
            show=1,
        ),
    ]
    request_bytes: Annotated[int, column("Bodies of the requests", Unit.BYTES, show=3)]
    ttfb_p50_ns: Annotated[int | None, column(f"Median {TTFB}", Unit.DURATION, show=0)]
    ttfb_p95_ns: Annotated[int | None, column(f"The 95th percentile of the {TTFB}", Unit.DURATION, show=1)]
    ttfb_p99_ns: Annotated[int | None, column(f"The 99th percentile of the {TTFB}", Unit.DURATION, show=2)]
    duration_p50_ns: Annotated[int | None, column("Median duration", Unit.DURATION, show=2)]
    duration_p95_ns: Annotated[
        int | None, column("The 95th percentile of the duration", Unit.DURATION, show=3)
    ]
    duration_p99_ns: Annotated[
        int | None, column("The 99th percentile of the duration", Unit.DURATION, show=3)
    ]


class Status(Record, frozen=True):
    """Responses with one status code. Percentiles are values that occurred (nearest rank)."""

    status: Annotated[int, column("The status code", Unit.NUMBER, show=0)]
    responses: Annotated[int, column("Responses", Unit.COUNT, show=0)]
    wire_bytes: Annotated[int, column("Their bodies as captured", Unit.BYTES, show=1)]
    body_bytes: Annotated[int, column("Their bodies decoded", Unit.BYTES, show=1)]
    first_frame: Annotated[int, column("The first of them", Unit.FRAME, show=1)]
    ttfb_p50_ns: Annotated[int | None, column(f"Median {TTFB}", Unit.DURATION, show=0)]
    ttfb_p95_ns: Annotated[int | None, column(f"The 95th percentile of the {TTFB}", Unit.DURATION, show=1)]
    ttfb_p99_ns: Annotated[int | None, column(f"The 99th percentile of the {TTFB}", Unit.DURATION, show=2)]
    duration_p50_ns: Annotated[int | None, column("Median duration", Unit.DURATION, show=2)]
    duration_p95_ns: Annotated[
        int | None, column("The 95th percentile of the duration", Unit.DURATION, show=3)
    ]
    duration_p99_ns: Annotated[
        int | None, column("The 99th percentile of the duration", Unit.DURATION, show=3)
    ]
