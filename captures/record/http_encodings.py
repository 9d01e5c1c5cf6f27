"""Bodies in every coding that HTTP has names for, right and wrong, from nginx and from an origin in Python.

`http-encodings.pcap`: nginx packs text with gzip and with Brotli, as it is asked. The origin sends the same
text as identity, gzip, x-gzip (and GZIP), deflate with and without zlib's frame, Brotli, zstd, packed twice
(in one field and in two), with more than one gzip member and zstd frame, with a name in gzip's header, in
chunks, with gzip as a transfer coding, as an empty body, and wrongly: said to be gzip but not packed, cut
short, with a wrong checksum, followed by what does not belong to it, in a coding that nobody knows, and as
bodies that unpack to many times their size (4 MiB of gzip, 64 MiB of Brotli). One request has a packed body.

The truth file has for each exchange the client and its port, method, target and status, the codings as
they were said, bytes and SHA-256 of the body on the wire (chunks taken apart), and bytes and SHA-256 of the
decoded body as the origin knows it; `decodes` is false where a body is not what it is said to be, and then
`decoded_sha256` is that of what was meant. For curl there are its exit code (61 and 23: it could not decode
the body) and what it saved; where it was told not to decode, that is the body as it came, chunks and all.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import zstandard
from capturing import Capture
from lab import ChanceError, Lab, run
from origin import Answer, Request, serve
from web import curl, nginx, prose

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/http-encodings.pcap --report streams --report protocols"

SERVER, NGINX_PORT, PORT = "10.50.0.1", 80, 8080
TEXT = prose(1200, 50).encode()
JUNK = b"\0\0 left over from another answer\r\n"
BOMB_BYTES, BROTLI_BOMB_BYTES = 4 << 20, 64 << 20


def sha256(data: bytes) -> str:
    """As in the truth file."""
    return hashlib.sha256(data).hexdigest()


@dataclass
class Body:
    """A body and what is said of it.

    Attributes:
        said: values of ``Content-Encoding``, a field for each.
        wire: the bytes.
        meant: what they are to be decoded.
        decodes: whether they do.
        compressed: have curl decode it.
        chunk_bytes: size of chunks.
        transfer: another transfer coding before ``chunked``.
    """

    said: tuple[str, ...]
    wire: bytes
    meant: bytes = TEXT
    decodes: bool = True
    compressed: bool = True
    chunk_bytes: int = 0
    transfer: str = ""
    answer: Answer = field(init=False)

    def __post_init__(self) -> None:
        """Make the answer."""
        fields = [("Content-Type", "text/plain"), *(("Content-Encoding", value) for value in self.said)]
        if self.transfer:
            # The origin adds "chunked", which goes last: RFC 9112 section 6.1.
            fields.append(("Transfer-Encoding", self.transfer))
        self.answer = Answer(200, tuple(fields), self.wire, self.chunk_bytes)


def deflated(data: bytes, window_bits: int) -> bytes:
    """Pack with zlib's frame, gzip's, or none, as ``window_bits`` says."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return packer.compress(data) + packer.flush()


def bodies(lab: Lab) -> dict[str, Body]:
    """What the origin serves, by path."""
    brotli = lab.library("brotli")
    lab.library("zstandard")
    zstd = zstandard.ZstdCompressor(level=9)
    packed = deflated(TEXT, 31)
    named = bytearray(gzip.compress(TEXT[:600], mtime=0))
    named[3] |= 0x08  # RFC 1952 section 2.3: FNAME
    named[10:10] = b"notes.txt\0"
    wrong = bytearray(packed)
    wrong[-8] ^= 0xFF
    half = len(TEXT) // 2
    skippable = b"\x50\x2a\x4d\x18" + (8).to_bytes(4, "little") + b"not data"  # RFC 8878 section 3.1.2
    frames = zstd.compress(TEXT[:half]) + skippable + zstd.compress(TEXT[half:])
    return {
        "/plain": Body((), TEXT),
        "/identity": Body(("identity",), TEXT),
        "/gzip": Body(("gzip",), packed),
        "/x-gzip": Body(("x-gzip",), packed),
        "/GZIP": Body(("GZIP",), packed),
        "/gzip-chunked": Body(("gzip",), packed, chunk_bytes=150),
        "/gzip-named": Body(("gzip",), bytes(named), TEXT[:600]),
        "/gzip-members": Body(
            ("gzip",), deflated(TEXT[:half], 31) + deflated(TEXT[half:], 31), compressed=False
        ),
        "/deflate-zlib": Body(("deflate",), deflated(TEXT, 15)),
        "/deflate-raw": Body(("deflate",), deflated(TEXT, -15)),
        "/br": Body(("br",), brotli.compress(TEXT)),
        "/zstd": Body(("zstd",), zstd.compress(TEXT)),
        "/zstd-frames": Body(("zstd",), frames, compressed=False),
        "/gzip-br": Body(("gzip, br",), brotli.compress(packed)),
        "/deflate-then-gzip": Body(("deflate", "gzip"), deflated(deflated(TEXT, 15), 31)),
        "/transfer-gzip": Body((), packed, chunk_bytes=200, transfer="gzip", compressed=False),
        "/empty-gzip": Body(("gzip",), b"", b""),
        "/not-packed": Body(("gzip",), TEXT, decodes=False),
        "/cut-short": Body(("gzip",), packed[: len(packed) * 2 // 3], decodes=False),
        "/cut-short-br": Body(("br",), brotli.compress(TEXT)[:200], decodes=False),
        "/cut-short-zstd": Body(("zstd",), zstd.compress(TEXT)[:200], decodes=False),
        "/wrong-checksum": Body(("gzip",), bytes(wrong), decodes=False),
        "/junk-behind": Body(("gzip",), packed + JUNK, decodes=False),
        "/unknown-coding": Body(("x-rot13",), TEXT, decodes=False, compressed=False),
        "/bomb-gzip": Body(("gzip",), deflated(bytes(BOMB_BYTES), 31), bytes(BOMB_BYTES)),
        "/bomb-br": Body(("br",), brotli.compress(bytes(BROTLI_BOMB_BYTES)), bytes(BROTLI_BOMB_BYTES)),
    }


def fields(body: bytes, decoded: bytes, *, decodes: bool = True) -> dict[str, Any]:
    """What the truth file says of a body."""
    return {
        "wire_bytes": len(body),
        "wire_sha256": sha256(body),
        "decodes": decodes,
        "decoded_bytes": len(decoded),
        "decoded_sha256": sha256(decoded),
    }


def from_nginx(lab: Lab, client: Namespace, site: dict[str, bytes]) -> list[dict[str, Any]]:
    """Each file of nginx in each coding, by http.client, which leaves bodies as they are, and by curl.

    Raises:
        ChanceError: what arrived is not the file.
    """
    unpack = {"gzip": gzip.decompress, "br": lab.library("brotli").decompress, "": bytes}
    kept = http.client.HTTPConnection(SERVER, NGINX_PORT)
    with client.entered():
        kept.connect()
    port = kept.sock.getsockname()[1]
    found = []
    for coding in unpack:
        for name, content in site.items():
            kept.request("GET", f"/{name}", headers={"Accept-Encoding": coding or "identity"})
            answer = kept.getresponse()
            body, given = answer.read(), answer.getheader("Content-Encoding", "")
            if unpack[given](body) != content:
                msg = f"{name} is not what nginx sent as {given}"
                raise ChanceError(msg)
            facts = fields(body, content)
            row = {
                "client": "http.client",
                "client_port": port,
                "server_port": NGINX_PORT,
                "method": "GET",
                "target": f"/{name}",
                "status": answer.status,
                "content_encoding": [given] if given else [],
                "transfer_encoding": [answer.getheader("Transfer-Encoding")] if answer.chunked else [],
                **facts,
            }
            found.append(row)
    kept.close()
    for wanted in ("gzip", "br"):
        options = ("--compressed", "-H", f"Accept-Encoding: {wanted}")
        (got,) = curl(lab, client, (*options, f"http://{SERVER}/index.html"))
        (same,) = (
            row for row in found if row["target"] == "/index.html" and row["content_encoding"] == [wanted]
        )
        if got["saved_sha256"] != same["decoded_sha256"]:
            msg = "curl got something else"
            raise ChanceError(msg)
        found.append({**same, "client": "curl", "client_port": got["local_port"], **by_curl(got)})
    return found


def by_curl(got: dict[str, Any]) -> dict[str, Any]:
    """What curl says of a body."""
    return {
        "curl_exitcode": got["exitcode"],
        "curl_saved_bytes": got["saved_bytes"],
        "curl_saved_sha256": got["saved_sha256"],
    }


def from_origin(lab: Lab, client: Namespace, known: dict[str, Body], log: list[Any]) -> list[dict[str, Any]]:
    """Everything that the origin has, once by curl and some of it by http.client; and a packed request."""
    url = f"http://{SERVER}:{PORT}"
    kept = [("--compressed", f"{url}{path}") for path, body in known.items() if body.compressed]
    kept += [("--raw", f"{url}{path}") for path, body in known.items() if not body.compressed]
    got = []
    for transfer in kept:
        got += curl(lab, client, transfer, check=False)
    asking = http.client.HTTPConnection(SERVER, PORT)
    with client.entered():
        asking.connect()
    for path in ("/gzip", "/br", "/zstd", "/gzip-members"):
        asking.request("GET", path)
        asking.getresponse().read()
    upload = gzip.compress(TEXT, mtime=0)
    asking.request("POST", "/upload", upload, {"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    asking.getresponse().read()
    asking.close()
    rows = []
    for request, answer in log:
        body = known.get(request.target)
        row = {
            "client": "curl" if len(rows) < len(got) else "http.client",
            "client_port": request.client_port,
            "server_port": PORT,
            "method": request.method,
            "target": request.target,
            "status": answer.status,
            "content_encoding": [value for name, value in answer.headers if name == "Content-Encoding"],
            "transfer_encoding": [value for name, value in answer.headers if name == "Transfer-Encoding"]
            + (["chunked"] if answer.chunk_bytes else []),
            **fields(
                answer.body, body.meant if body else answer.body, decodes=body.decodes if body else True
            ),
        }
        if len(rows) < len(got):
            row |= by_curl(got[len(rows)])
        if request.body:
            row["request"] = {
                "content_encoding": ["gzip"],
                **fields(request.body, gzip.decompress(request.body)),
            }
        rows.append(row)
    return rows


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.50.0.2/24", f"{SERVER}/24"))
    nginx(lab, server, f"{SERVER}:{NGINX_PORT}", brotli=True)
    folder = lab.folder / f"nginx-{server.name}" / "site"
    site = {name: (folder / name).read_bytes() for name in ("index.html", "people.json", "small.txt")}
    known = bodies(lab)

    def answer(request: Request) -> Answer:
        return known[request.target].answer if request.target in known else Answer(201, body=b"stored\n")

    origin = serve(lab, server, SERVER, PORT, answer)
    capture = Capture(lab, client, "eth0", "http-encodings.pcap")
    exchanges = from_nginx(lab, client, site)
    exchanges += from_origin(lab, client, known, origin.log)
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"exchanges": exchanges}


if __name__ == "__main__":
    run(record, __file__)
