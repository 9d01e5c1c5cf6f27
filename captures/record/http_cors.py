"""Requests of a web page to another origin, by Chromium: allowed, refused, with preflights kept and repeated.

A page of http://www.shop.example asks http://api.shop.example (same site, other origin) with `fetch`:
simple requests and such that need a preflight; answers that allow the origin, all origins, another one,
none, two; with and without credentials; methods and fields that the preflight does not name; a preflight
that fails, one that is redirected; preflights remembered (`Access-Control-Max-Age`), not remembered (0),
and for as long as the browser likes; a response field that the page may see and one that it may not; mode
`no-cors`.

The truth file has each case in order: what the page asked, how many preflights and requests the origin got,
and of each `fetch` whether the page may read the answer (`readable`), its status and type, or the browser's
error and the reason that it wrote to its console. `exchanges` has all that the origin logged: client port,
method, target, the fields that matter, whether a cookie came, and the status.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from browser import browse
from capturing import Capture
from lab import Lab, run
from origin import Answer, Origin, Request, serve

if TYPE_CHECKING:
    from collections.abc import Callable

TRY = "netanalyze analyze captures/http-cors.pcap --report streams --report protocols"

PAGE_HOST, API_HOST = "www.shop.example", "api.shop.example"
PAGE_ADDRESS, API_ADDRESS = "10.55.0.1", "10.55.0.3"
PAGE_ORIGIN = f"http://{PAGE_HOST}"
BODY = b'{"total": 42}\n'

PAGE = b"""<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script type="module">
const cases = await (await fetch("/cases.json")).json();
const found = [];
for (const one of cases) {
  const results = [];
  for (let number = 0; number < one.times; number++) {
    if (number) await new Promise((go) => setTimeout(go, one.pause_ms));
    try {
      const answer = await fetch(one.url, one.init);
      const text = await answer.text();
      results.push({ readable: answer.type !== "opaque", status: answer.status, type: answer.type,
        body_characters: text.length, total_field: answer.headers.get("X-Total") });
    } catch (error) {
      results.push({ readable: false, error: String(error) });
    }
  }
  found.push({ name: one.name, results });
}
await fetch("/report", { method: "POST", body: JSON.stringify(found) });
</script>
"""

ALLOW = ("Access-Control-Allow-Origin", PAGE_ORIGIN)
ALLOW_ALL = ("Access-Control-Allow-Origin", "*")
ALLOW_CREDENTIALS = ("Access-Control-Allow-Credentials", "true")
TOKEN = {"X-Token": "abc"}
JSON = {"Content-Type": "application/json"}

Fields = tuple[tuple[str, str], ...]


def methods(value: str) -> tuple[str, str]:
    """What a preflight allows."""
    return ("Access-Control-Allow-Methods", value)


def fields(value: str) -> tuple[str, str]:
    """What a preflight allows."""
    return ("Access-Control-Allow-Headers", value)


def max_age(seconds: int) -> tuple[str, str]:
    """How long a preflight may be remembered."""
    return ("Access-Control-Max-Age", str(seconds))


@dataclass(frozen=True)
class Case:
    """One request of the page, perhaps several times.

    Attributes:
        name: also its path.
        actual: fields of the answer to the request itself.
        preflight: fields of the answer to its preflight.
        preflight_status: of that answer.
        init: second argument of ``fetch``.
        times: how often it is asked.
        pause_ms: between two times.
    """

    name: str
    actual: Fields = (ALLOW,)
    preflight: Fields = ()
    preflight_status: int = 204
    init: dict[str, Any] = field(default_factory=dict)
    times: int = 1
    pause_ms: int = 50

    def for_page(self) -> dict[str, Any]:
        """What the page is told."""
        url = f"http://{API_HOST}/{self.name}"
        return {
            "name": self.name,
            "url": url,
            "init": self.init,
            "times": self.times,
            "pause_ms": self.pause_ms,
        }


WITH = {"credentials": "include"}
PUT = {"method": "PUT", "body": "x"}
CASES = (
    Case("allowed"),
    Case("allowed-for-all", (ALLOW_ALL,)),
    Case("not-allowed", ()),
    Case("other-origin", (("Access-Control-Allow-Origin", "http://elsewhere.example"),)),
    Case("two-origins", (("Access-Control-Allow-Origin", f"{PAGE_ORIGIN}, http://elsewhere.example"),)),
    Case("allowed-twice", (ALLOW, ALLOW)),
    Case("no-cors", (), init={"mode": "no-cors"}),
    Case("credentials", (ALLOW, ALLOW_CREDENTIALS), init=WITH),
    Case("credentials-for-all", (ALLOW_ALL, ALLOW_CREDENTIALS), init=WITH),
    Case("credentials-not-allowed", (ALLOW,), init=WITH),
    Case("hidden-field", (ALLOW, ("X-Total", "42"))),
    Case("exposed-field", (ALLOW, ("X-Total", "42"), ("Access-Control-Expose-Headers", "X-Total"))),
    Case("post-text", init={"method": "POST", "body": "x"}),
    Case("put", preflight=(ALLOW, methods("GET, PUT")), init=PUT),
    Case("put-not-named", preflight=(ALLOW, methods("GET, POST")), init=PUT),
    Case("patch-in-small-letters", preflight=(ALLOW, methods("PATCH")), init={"method": "patch"}),
    Case("post-json", preflight=(ALLOW, fields("content-type")), init={"method": "POST", "headers": JSON}),
    Case("field", preflight=(ALLOW, fields("X-Token")), init={"headers": TOKEN}),
    Case("field-not-named", preflight=(ALLOW,), init={"headers": TOKEN}),
    Case("any-field", preflight=(ALLOW, fields("*")), init={"headers": TOKEN}),
    Case(
        "any-field-not-authorization",
        preflight=(ALLOW, fields("*")),
        init={"headers": {"Authorization": "x"}},
    ),
    Case(
        "any-method-with-credentials",
        (ALLOW, ALLOW_CREDENTIALS),
        (ALLOW, ALLOW_CREDENTIALS, methods("*")),
        init={**PUT, **WITH},
    ),
    Case("preflight-not-allowed", preflight=(methods("PUT"),), init=PUT),
    Case("preflight-fails", preflight=(ALLOW, methods("PUT")), preflight_status=404, init=PUT),
    Case(
        "preflight-redirected",
        preflight=(ALLOW, methods("PUT"), ("Location", f"http://{API_HOST}/put")),
        preflight_status=307,
        init=PUT,
    ),
    Case("allowed-by-preflight-only", (), (ALLOW, methods("PUT")), init=PUT),
    Case("remembered", preflight=(ALLOW, methods("PUT"), max_age(600)), init=PUT, times=3),
    Case("not-remembered", preflight=(ALLOW, methods("PUT"), max_age(0)), init=PUT, times=3),
    Case("no-max-age", preflight=(ALLOW, methods("PUT")), init=PUT, times=2),
    Case("no-max-age-later", preflight=(ALLOW, methods("PUT")), init=PUT, times=2, pause_ms=5500),
)

ASKED = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")


def exchange(asked: Request, given: Answer) -> dict[str, Any]:
    """What the truth file has of one exchange."""
    return {
        "client_port": asked.client_port,
        "method": asked.method,
        "target": asked.target,
        "preflight": asked.method == "OPTIONS" and "Access-Control-Request-Method" in asked.headers,
        "asked": {name: asked.headers[name] for name in ASKED if name in asked.headers},
        "cookie": "Cookie" in asked.headers,
        "status": given.status,
        "allowed": [list(one) for one in given.headers if one[0].startswith("Access-Control")],
    }


def told(case: Case, results: list[dict[str, Any]], log: list[Any], console: list[str]) -> dict[str, Any]:
    """What the truth file has of a case."""
    mine = [asked.method for asked, _ in log if asked.target == f"/{case.name}"]
    reasons = [line for line in console if f"http://{API_HOST}/{case.name}'" in line]
    return {
        "case": case.name,
        "asked": {"target": f"/{case.name}", "times": case.times, "pause_ms": case.pause_ms, **case.init},
        "preflights": mine.count("OPTIONS"),
        "requests": len(mine) - mine.count("OPTIONS"),
        "results": results,
        "reason": reasons[0] if reasons else None,
    }


def answering(reports: list[Any]) -> tuple[Callable[[Request], Answer], Callable[[Request], Answer]]:
    """What the page's origin and the other one answer; the page's report is put in the list."""
    by_path = {f"/{case.name}": case for case in CASES}

    def page(asked: Request) -> Answer:
        if asked.target == "/report":
            reports.append(json.loads(asked.body))
            return Answer(204)
        if asked.target == "/cases.json":
            cases = json.dumps([case.for_page() for case in CASES]).encode()
            return Answer(200, (("Content-Type", "application/json"),), cases)
        cookie = ("Set-Cookie", "visitor=7; Domain=shop.example; Path=/")
        return Answer(200, (("Content-Type", "text/html"), cookie), PAGE)

    def api(asked: Request) -> Answer:
        case = by_path.get(asked.target)
        if case is None:
            return Answer(404)
        if asked.method == "OPTIONS":
            return Answer(case.preflight_status, case.preflight)
        return Answer(200, (("Content-Type", "application/json"), *case.actual), BODY)

    return page, api


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.55.0.2/24", f"{PAGE_ADDRESS}/24"))
    server.address("eth0", f"{API_ADDRESS}/24")
    reports: list[Any] = []
    page, api = answering(reports)
    serve(lab, server, PAGE_ADDRESS, 80, page)
    origin: Origin = serve(lab, server, API_ADDRESS, 80, api)
    capture = Capture(lab, client, "eth0", "http-cors.pcap")
    names = {PAGE_HOST: PAGE_ADDRESS, API_HOST: API_ADDRESS}
    console = browse(lab, client, f"{PAGE_ORIGIN}/", names, lambda: bool(reports))
    capture.finish(client.quiet, server.quiet)
    results = {one["name"]: one["results"] for one in reports[0]}
    lab.truth = {
        "page_origin": PAGE_ORIGIN,
        "cases": [told(case, results[case.name], origin.log, console) for case in CASES],
        "exchanges": [exchange(asked, given) for asked, given in origin.log],
    }


if __name__ == "__main__":
    run(record, __file__)
