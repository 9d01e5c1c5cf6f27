"""One connection: which response answers which request.

Responses come in the order of their requests (RFC 9112 section 9.3.2). That order is trusted as long
as nothing is missing. Where messages may lie in a gap, a pair is made only if one request is possible;
if the client has been seen not to pipeline, the latest request before the response is taken and the
pair is marked as uncertain. Nothing is paired against the order of time.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from netanalyze.apps.http import endings, websocket
from netanalyze.apps.http.bodies import parse_codings
from netanalyze.apps.http.client import ClientHalf
from netanalyze.apps.http.exchange import REQUEST_HEAD, REQUESTS_LOST, RESPONSES_LOST, UNCERTAIN, Exchange
from netanalyze.apps.http.half import Half, State
from netanalyze.apps.http.server import ServerHalf
from netanalyze.apps.http.websocket_messages import Messages, own_contexts
from netanalyze.apps.reading import Ending
from netanalyze.apps.tunnel import Tunnel, TunnelSide

if TYPE_CHECKING:
    from netanalyze.apps.http.application import Http
    from netanalyze.apps.reading import StreamFacts
    from netanalyze.model import Gap

_STATUS_LINE = b"HTTP/"
_ROLE_BYTES = 24  # longer than any method
_MOST_INTERIM = 8
_LONG_VALUE = 256  # not remembered
_MOST_WAITING = 1 << 16
_PORT_DIGITS = 5


class Connection:
    """Reads one TCP stream; see ``reading.Reader`` for the calls.

    Attributes:
        facts: what is known of the stream.
        first: number of its first row among all exchanges.
        special: requests on their way whose responses have no body although their heads may say so.
        through: the tunnel that it goes through.
        tunnel: that it has become itself.
        server_end, client_end: how and when a side ended (``endings.End``).
        pipelined: requests sent before the response to the one before had begun.
    """

    def __init__(self, app: Http, facts: StreamFacts, through: str | None = None) -> None:
        """A connection of which nothing has been read.

        Args:
            app: of the run.
            facts: what is known of the stream.
            through: the tunnel that it goes through, if it does.
        """
        self.app = app
        self.facts = facts
        self.through = through
        self.tunnel: Tunnel | None = None
        self._tunnel_asked: Exchange | None = None
        self._websocket: list[websocket.Frames] = []
        self.texts = app.texts
        self.limits = app.limits
        self.sinks = app.sinks
        self.raw_sinks = app.raw_sinks
        self.keep_fields = app.keep_fields
        self.watch = app.watch
        self.exchanges: list[Exchange] = []
        self.special = 0
        self.pipelined = 0
        self.requests = 0
        self.websocket = False
        self.last_ns = facts.first_ns
        self.server_end: endings.End | None = None
        self.client_end: endings.End | None = None
        self._waiting: deque[Exchange | None] = deque()  # None where requests may be missing
        self._early: deque[Exchange] = deque()  # responses whose requests have not been delivered
        self._responses_lost = False
        self._unpaired = False  # it pipelines and responses are missing: nothing can be paired any more
        self.client: ClientHalf | None = None
        self.server: ServerHalf | None = None
        self._halves: list[Half] = []
        self._first: list[tuple[int, bytes, int, int]] = []  # until it is known who is the client

    # Reader.

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:  # noqa: ARG002
        """Take the next bytes of a side: see ``reading.Reader``."""
        halves = self._halves
        if halves:
            halves[side].data(data, frame, time_ns)
        else:
            self._begin(side, bytes(data), frame, time_ns)

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """Take note of missing bytes."""
        halves = self._halves or self._roles(None)
        halves[side].gap(gap, frame, time_ns)

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """Take note that a side sends no more."""
        halves = self._halves or self._roles(None)
        half = halves[side]
        end = endings.End(ending is Ending.RESET, frame, time_ns)
        if half is self.server:
            if self.server_end is None or (end.reset and not self.server_end.reset):
                self.server_end = self.server_end.then(end) if self.server_end else end
            server = self.server
            if ending is Ending.FIN and server.ends_with_connection() and server.begun:
                server.frame, server.now = frame, time_ns
                server.on_message_complete()
        elif self.client_end is None or (end.reset and not self.client_end.reset):
            self.client_end = self.client_end.then(end) if self.client_end else end
        if self.tunnel is not None:
            self.tunnel.end(side, ending, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """Take note that nothing more comes."""
        self.last_ns = last_ns
        if not self._halves:
            self._roles(None)
        client, server = self.client, self.server
        if client is None or server is None:
            return
        client.close()
        for frames in self._websocket:
            frames.finish()
        if self.tunnel is not None:
            self.tunnel.finish(last_ns)
            self._name_tunnel(self.tunnel)
        broken = server.break_off()
        for exchange in self.exchanges:
            if exchange.end is None:
                endings.classify(exchange, self, last_ns, broken=exchange is broken)
        if self.client_end is not None and self.client_end.reset_ns is not None:
            endings.too_late(self.exchanges, self.client_end)
        self.app.connection_ended(self)
        self._halves = []
        self.client = self.server = None

    def _begin(self, side: int, data: bytes, frame: int, time_ns: int) -> None:
        """Take the first bytes: who is the client is decided as soon as they tell."""
        self._first.append((side, data, frame, time_ns))
        head = b"".join(part[1] for part in self._first if part[0] == side)[:_ROLE_BYTES]
        if head.startswith(_STATUS_LINE):
            self._roles(1 - side)
            return
        method, blank, _ = head.partition(b" ")
        if blank and method.replace(b"-", b"").replace(b"_", b"").isalpha() and method.isupper():
            self._roles(side)
        elif len(head) == _ROLE_BYTES or not (head.isalpha() or _STATUS_LINE.startswith(head)):
            self._roles(None)

    def _roles(self, client: int | None) -> list[Half]:
        """The client is this side, or who opened the stream; then read what has come."""
        if client is None:
            client = self.facts.client_side
        if client is None:
            client = 0 if self.facts.ports[0] > self.facts.ports[1] else 1
        self.client = ClientHalf(self, client)
        self.server = ServerHalf(self, 1 - client)
        halves: list[Half] = [self.client, self.server]
        self._halves = halves if client == 0 else halves[::-1]
        first, self._first = self._first, []
        for side, data, frame, time_ns in first:
            self._halves[side].data(data, frame, time_ns)
        return self._halves

    # Requests.

    def request_begins(self, frame: int, time_ns: int) -> Exchange:
        """A request has begun: the exchange that it is part of."""
        exchange = self._early_response(time_ns) if self._early else None
        if exchange is None:
            exchange = Exchange(self.facts.number, through=self.through)
            self._wait_for_response(exchange)
        self._number(exchange, frame, time_ns)
        return exchange

    def request_comes_again(self, known: Exchange, frame: int, time_ns: int) -> Exchange:
        """A request has come that is the same as one before: the exchange that it is part of.

        Args:
            known: an exchange of which only the request is known: it.
            frame: that carried it.
            time_ns: its time.
        """
        exchange = self._early_response(time_ns) if self._early else None
        if exchange is None:
            made: Exchange = known.__copy__()  # type: ignore[attr-defined] # msgspec's
            made.stream = self.facts.number
            made.through = self.through
            self._wait_for_response(made)
            exchange = made
        else:
            for name in REQUEST_HEAD:
                setattr(exchange, name, getattr(known, name))
        self._number(exchange, frame, time_ns)
        return exchange

    def _wait_for_response(self, exchange: Exchange) -> None:
        """An exchange begins with its request."""
        self.exchanges.append(exchange)
        self.app.exchanges.append(exchange)
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append(exchange)

    def _number(self, exchange: Exchange, frame: int, time_ns: int) -> None:
        self.requests += 1
        exchange.frame = frame
        exchange.time_ns = time_ns
        exchange.number = self.requests

    def _early_response(self, time_ns: int) -> Exchange | None:
        """A response that was delivered before its request, which began at this time."""
        early = self._early
        while early:
            exchange = early.popleft()
            if exchange.response_ns is not None and exchange.response_ns >= time_ns:
                return exchange
        return None

    def special_begins(self, exchange: Exchange) -> None:
        """The response to this request has no body, if things go as it wants."""
        if exchange.response_frame is None:
            self.special += 1
        elif self.server is not None and self.server.current is exchange:
            self.special += 1
            self.server.end_at_head()

    # Responses.

    def claim(self, frame: int, time_ns: int) -> Exchange:
        """The exchange that a response is part of which began with these."""
        waiting = self._waiting
        if waiting and waiting[0] is not None and not self._responses_lost:
            exchange = waiting.popleft()
            following = waiting[0] if waiting else None
            if following is not None and (following.time_ns or 0) < time_ns:
                self.pipelined += 1
        else:
            exchange = self._claim_by_time(time_ns)
        assert exchange is not None  # noqa: S101 - for the type checker
        exchange.response_frame = frame
        exchange.response_ns = time_ns
        return exchange

    def _claim_by_time(self, time_ns: int) -> Exchange:
        """Where messages are missing: the request that the response answers, or none."""
        waiting = self._waiting
        possible = [entry for entry in waiting if entry is not None and (entry.time_ns or 0) <= time_ns]
        hidden = None in waiting
        if possible and not self._unpaired:
            first_is_request = waiting[0] is not None
            if len(possible) == 1 and (not hidden or (first_is_request and not self._responses_lost)):
                return self._take(possible[0], None)
            if not self._responses_lost and first_is_request:
                return self._take(possible[0], None)
            if not self.pipelined:
                reason = RESPONSES_LOST if self._responses_lost else REQUESTS_LOST
                return self._take(possible[-1], reason)
            self._unpaired = True
        exchange = Exchange(self.facts.number, through=self.through)
        if possible or self._unpaired:
            exchange.uncertain = RESPONSES_LOST if self._responses_lost else REQUESTS_LOST
        self.exchanges.append(exchange)
        self.app.exchanges.append(exchange)
        if not possible and not hidden and len(self._early) < _MOST_WAITING:
            self._early.append(exchange)
        return exchange

    def _take(self, chosen: Exchange, uncertain: str | None) -> Exchange:
        """Pair a response with this request; those before it have lost theirs."""
        waiting = self._waiting
        while waiting:
            entry = waiting.popleft()
            if entry is chosen:
                break
            if entry is not None:
                entry.uncertain = RESPONSES_LOST
                entry.end = UNCERTAIN
                self.forget_special(entry)
        chosen.uncertain = chosen.uncertain or uncertain
        self._responses_lost = False
        return chosen

    def answered(self, exchange: Exchange) -> None:
        """A response has ended."""
        self.forget_special(exchange)

    def forget_special(self, exchange: Exchange) -> None:
        """This request waits for no response any more."""
        if self.special and exchange.method in ("HEAD", "CONNECT"):
            self.special -= 1

    def interim(self, status: int) -> None:
        """An interim response came for the request that waits longest."""
        for exchange in self._waiting:
            if exchange is not None:
                before = exchange.interim
                if before is None:
                    exchange.interim = str(status)
                elif before.count(" ") < _MOST_INTERIM:
                    exchange.interim = f"{before} {status}"
                return

    def codings_of(self, value: bytes) -> tuple[str, ...]:
        """The codings of a Content-Encoding field."""
        known = self.app.codings
        found = known.get(value)
        if found is None:
            found = parse_codings(value)
            if len(known) < _MOST_WAITING and len(value) < _LONG_VALUE:
                known[value] = found
        return found

    # Gaps.

    def requests_lost(self) -> None:
        """Requests may lie in a gap."""
        if not self._waiting or self._waiting[-1] is not None:
            self._waiting.append(None)

    def responses_lost(self) -> None:
        """Responses may lie in a gap."""
        if self._waiting:
            self._responses_lost = True

    @property
    def responses_missing(self) -> bool:
        """Whether responses to the requests that wait may lie in a gap."""
        return self._responses_lost or self._unpaired

    # Round trips.

    def client_rtt_ns(self) -> int:
        """Round trip between the capture point and the client: measured, or an upper bound."""
        known = self.facts.client_rtt_ns
        if known is not None:
            return _without_jitter(known)
        answers = [
            after.time_ns - before.last_ns
            for before, after in pairwise(self.exchanges)
            if after.time_ns is not None and before.last_ns is not None and after.time_ns >= before.last_ns
        ]
        first = self.exchanges[0].time_ns if self.exchanges else None
        if self.facts.from_the_start and first is not None:
            answers.append(first - self.facts.first_ns)
        return min(answers, default=0)

    def server_rtt_ns(self) -> int:
        """Round trip between the capture point and the server: measured, or less than it may be.

        The shortest time to a first byte is a round trip and some work; three quarters of it are taken.
        """
        known = self.facts.server_rtt_ns
        if known is not None:
            return _without_jitter(known)
        times = [exchange.ttfb_ns for exchange in self.exchanges]
        return min((value for value in times if value is not None and value >= 0), default=0) * 3 // 4

    # Upgrades.

    def switched(self, exchange: Exchange | None, found: dict[str, bytes]) -> None:
        """The connection is another protocol's from the end of this response on."""
        name = found.get("upgrade", b"").lower()
        readers: list[Any] = [None, None]
        if name.split(b",")[0].strip() == b"websocket":
            self.websocket = True
            readers = self._frames(exchange, found.get("sec-websocket-extensions", b""))
        elif exchange is not None and exchange.method == "CONNECT":
            readers = self._open_tunnel(exchange)
        if exchange is not None and exchange.upgrade is None and name:
            exchange.upgrade = self.texts.of(name)
        for half, reader in zip((self.client, self.server), readers, strict=True):
            if half is not None:
                half.follow(reader)

    def _frames(self, exchange: Exchange | None, extensions: bytes) -> list[websocket.Frames]:
        """What reads the frames of a WebSocket, client's first."""
        app = self.app
        deflate = b"permessage-deflate" in extensions.lower()
        readers = []
        for sender, alone in zip(("client", "server"), own_contexts(extensions), strict=True):
            take = app.take_messages(exchange, sender) if app.take_messages is not None else None
            messages = Messages(take, app.limits, own_context=alone) if take is not None else None
            readers.append(
                websocket.Frames(app.frames, self.facts.number, sender, deflate=deflate, messages=messages)
            )
        self._websocket = readers
        return readers

    def _open_tunnel(self, exchange: Exchange) -> list[TunnelSide]:
        """What is said from now on is meant for somebody else."""
        client, server = self.client, self.server
        assert client is not None  # noqa: S101 - one has sent CONNECT
        assert server is not None  # noqa: S101 - and one has answered
        target = exchange.target or ""
        port = target.rpartition(":")[2]
        through = f"CONNECT {target}" if self.through is None else f"{self.through}, CONNECT {target}"
        self.tunnel = Tunnel(
            through,
            replace(self.facts, client_side=client.side),
            self.app.inner_names(),
            self.app.open_inside,
            int(port) if port.isascii() and port.isdigit() and len(port) <= _PORT_DIGITS else None,
        )
        self._tunnel_asked = exchange
        return [TunnelSide(self.tunnel, half.side) for half in (client, server)]

    def _name_tunnel(self, tunnel: Tunnel) -> None:
        if self._tunnel_asked is not None:
            self._tunnel_asked.inside = tunnel.app

    def not_switched(self) -> None:
        """The server goes on with HTTP although the client asked for another protocol."""
        if self.client is not None and self.client.state is State.HELD:
            self.client.release()


def _without_jitter(rtt_ns: int) -> int:
    """A round trip that was measured once, less what others may be shorter by."""
    return rtt_ns - rtt_ns // 8
