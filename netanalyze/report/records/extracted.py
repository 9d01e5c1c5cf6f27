"""Record of the index that ``netanalyze extract`` writes."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Extracted(Record, frozen=True):
    """A body that was written to a file."""

    file: Annotated[str, column("Name of the file in the folder", show=0)]
    message: Annotated[str, column("Which message: request or response", show=2)]
    url: Annotated[str | None, column("Address, as the request has it", show=1)]
    method: Annotated[str | None, column("Method", show=4)]
    status: Annotated[int | None, column("Status code", Unit.NUMBER, show=2)]
    content_type: Annotated[str | None, column("Content-Type of the message", show=1)]
    content_encoding: Annotated[str | None, column("Content-Encoding of the message", show=4)]
    bytes: Annotated[int, column("Size of the file", Unit.BYTES, show=0)]
    sha256: Annotated[str, column("SHA-256 of the file", show=WIDE)]
    wire_bytes: Annotated[int | None, column("Size as transferred", Unit.BYTES, show=5)]
    verdict: Annotated[
        str | None, column("What is to say of its decoding, as body_verdict of table http", show=2)
    ]
    complete: Annotated[
        bool, column("Whether the message was whole and the file has all of it", Unit.TRUTH, show=1)
    ]
    stream: Annotated[int, column("Number of the TCP connection", Unit.NUMBER, show=1)]
    request_of_connection: Annotated[
        int | None, column("Number of the request on its connection", Unit.NUMBER, show=5)
    ]
    frame: Annotated[int | None, column("Frame of the first byte of the message", Unit.FRAME, show=1)]
    last_frame: Annotated[int | None, column("Frame of its last byte", Unit.FRAME, show=5)]
