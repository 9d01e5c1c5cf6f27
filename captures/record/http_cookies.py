"""Cookies with all sorts of attributes, kept and sent back by Python's `http.cookiejar` and by Chromium.

The server, at three names below `shop.example` and one beside it, sets cookies with `HttpOnly`, `Secure`,
`SameSite`, `Max-Age`, `Expires` in three formats and a broken one, `Domain` (its own, a wider one, such as
are not its own), `Path`, `Partitioned`, prefixes in their names, the same name twice in one answer and
again with another path, with quotes, without a value, without a name, a long one; and deletes some again.
Everything is plain HTTP, so cookies that say `Secure` are not to come back. First `http.cookiejar` asks,
then a page in Chromium, whose script also says what it sees in `document.cookie`.

The truth file has every exchange in order: client and its port, host, target, the pairs of the `Cookie` field
as the server got it, the `Set-Cookie` fields as it sent them, and of answers with such fields what was in the
jar then (name, domain, path, secure, when it expires in seconds, null at the end of the session).
`seen_by_script` is what Chromium's page saw, by host, after each target.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import time
import urllib.request
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from browser import browse
from capturing import Capture
from lab import Lab, run
from origin import Answer, Request, serve

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/http-cookies.pcap --report streams --report protocols"

SHOP, WWW, ACCOUNT, ELSEWHERE = (
    "shop.example",
    "www.shop.example",
    "account.shop.example",
    "elsewhere.example",
)
SERVER = "10.56.0.1"
YEAR_2035 = 2_051_222_400
COOKIES = {
    "/login": (
        "session=8f3a; HttpOnly; Path=/",
        "theme=dark; Max-Age=31536000; Path=/",
        f"lang=en; Expires={formatdate(YEAR_2035, usegmt=True)}; Path=/",
    ),
    "/dates": (
        "rfc850=1; Expires=Monday, 01-Jan-35 00:00:00 GMT; Path=/",
        "asctime=1; Expires=Mon Jan  1 00:00:00 2035; Path=/",
        "broken=1; Expires=soon; Path=/",
        f"both=1; Max-Age=600; Expires={formatdate(0, usegmt=True)}; Path=/",
    ),
    "/secure": (
        "secured=1; Secure; Path=/",
        "none=1; SameSite=None; Path=/",
        "none_secured=1; SameSite=None; Secure; Path=/",
        "lax=1; SameSite=Lax; Path=/",
        "strict=1; SameSite=Strict; Path=/",
        "bogus=1; SameSite=Sometimes; Path=/",
        "parted=1; Secure; SameSite=None; Partitioned; Path=/",
        "__Host-id=1; Secure; Path=/",
        "__Secure-id=1; Path=/",
    ),
    "/domains": (
        f"own=1; Domain={WWW}; Path=/",
        f"wide=1; Domain={SHOP}; Path=/",
        f"dotted=1; Domain=.{SHOP}; Path=/",
        f"foreign=1; Domain={ELSEWHERE}; Path=/",
        f"sibling=1; Domain={ACCOUNT}; Path=/",
        "top=1; Domain=example; Path=/",
    ),
    "/account/paths": (
        "narrow=1; Path=/account/orders",
        "here=1",
        "root=1; Path=/",
        "unrelated=1; Path=/help",
    ),
    "/twice": ("again=1; Path=/", "again=2; Path=/", "again=3; Path=/twice"),
    "/odd": (
        'quoted="a b"; Path=/',
        "equals=a=b==; Path=/",
        "empty=; Path=/",
        "=nameless; Path=/",
        "valueless; Path=/",
        "PATHLESS=1; path",
        "spaced =  1  ; Path=/",
        "comma=a,b; Path=/",
        f"long={'x' * 1200}; Path=/odd",
    ),
    "/logout": (
        "session=; Max-Age=0; Path=/",
        f"lang=; Expires={formatdate(0, usegmt=True)}; Path=/",
        "theme=gone; Max-Age=-1; Path=/",
    ),
}
"""``Set-Cookie`` fields, by path."""

VISITS = (
    *((WWW, path) for path in ("/login", "/show", "/dates", "/secure", "/domains", "/show")),
    (SHOP, "/show"),
    (ACCOUNT, "/show"),
    (ELSEWHERE, "/show"),
    *((WWW, path) for path in ("/account/paths", "/account/orders/1", "/account/show", "/help", "/show")),
    *((WWW, path) for path in ("/twice", "/twice/show", "/odd", "/odd/show", "/logout", "/show")),
)
"""What is asked, in order; only the browser's page is asked for besides."""

BROWSED = {WWW: f"http://{SHOP}/", SHOP: f"http://{ACCOUNT}/", ACCOUNT: ""}
"""Hosts whose pages the browser loads, and where each page goes when it is done."""

PAGE = """<!doctype html><title>Cookies</title><link rel="icon" href="data:,">
<script type="module">
const seen = [];
for (const path of {paths}) {{
  await fetch(path, {{ cache: "no-store" }});
  seen.push([path, document.cookie]);
}}
await fetch("/report", {{ method: "POST", body: JSON.stringify(seen) }});
if ({after}) location = {after};
</script>
"""


def pairs(cookie: str | None) -> list[list[str]]:
    """Names and values of a ``Cookie`` field, as RFC 6265 section 4.2.1 puts them together."""
    return [one.split("=", 1) if "=" in one else ["", one] for one in cookie.split("; ")] if cookie else []


def in_jar(jar: http.cookiejar.CookieJar) -> list[dict[str, Any]]:
    """What a jar holds."""
    return [
        {
            "name": one.name,
            "domain": one.domain,
            "path": one.path,
            "secure": one.secure,
            "expires_s": one.expires,
        }
        for one in jar
    ]


def by_cookiejar(client: Namespace) -> list[list[dict[str, Any]]]:
    """Visit everything; what was in the jar after each visit."""
    jar = http.cookiejar.CookieJar()
    kept: dict[str, http.client.HTTPConnection] = {}
    found = []
    for host, target in VISITS:
        if host not in kept:
            kept[host] = http.client.HTTPConnection(host, 80)
            kept[host].sock = client.new_socket()
            kept[host].sock.connect((SERVER, 80))
        wanted = urllib.request.Request(f"http://{host}{target}")
        jar.add_cookie_header(wanted)
        kept[host].request("GET", target, headers=dict(wanted.header_items()))
        answer = kept[host].getresponse()
        answer.read()
        jar.extract_cookies(answer, wanted)
        found.append(in_jar(jar))
    for connection in kept.values():
        connection.close()
    return found


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.56.0.2/24", f"{SERVER}/24"))
    reports: dict[str, Any] = {}

    def answer(asked: Request) -> Answer:
        host = asked.headers["Host"]
        if asked.target == "/report":
            reports[host] = json.loads(asked.body)
            return Answer(204)
        if asked.target == "/":
            paths = json.dumps([path for name, path in VISITS if name == host])
            page = PAGE.format(paths=paths, after=json.dumps(BROWSED[host]))
            return Answer(200, (("Content-Type", "text/html"),), page.encode())
        set_cookies = tuple(("Set-Cookie", line) for line in COOKIES.get(asked.target, ()))
        return Answer(200, (("Content-Type", "text/plain"), *set_cookies), b"yes\n")

    origin = serve(lab, server, SERVER, 80, answer)
    capture = Capture(lab, client, "eth0", "http-cookies.pcap")
    jars = by_cookiejar(client)
    names = dict.fromkeys((WWW, SHOP, ACCOUNT, ELSEWHERE), SERVER)
    browse(lab, client, f"http://{WWW}/", names, lambda: set(reports) == set(BROWSED))
    capture.finish(client.quiet, server.quiet)
    exchanges = []
    for number, (asked, given) in enumerate(origin.log):
        row = {
            "client": "http.cookiejar" if number < len(jars) else "chromium",
            "client_port": asked.client_port,
            "host": asked.headers["Host"],
            "method": asked.method,
            "target": asked.target,
            "cookies": pairs(asked.headers["Cookie"]),
            "set_cookies": [value for name, value in given.headers if name == "Set-Cookie"],
        }
        if number < len(jars) and row["set_cookies"]:
            row["jar"] = jars[number]
        exchanges.append(row)
    lab.truth = {"recorded_s": int(time.time()), "exchanges": exchanges, "seen_by_script": reports}


if __name__ == "__main__":
    run(record, __file__)
