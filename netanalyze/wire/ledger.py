"""The decode ledger: every frame read is in it once, analysed or with the reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from netanalyze.capture.linktypes import link_type_name
from netanalyze.columns import view_of
from netanalyze.wire import codes
from netanalyze.wire.tally_kernel import settle_frames, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.decode import Decoder

_LINES = 4096
_DETAILED = frozenset(
    {codes.UNKNOWN_LINK, codes.NOT_IP, codes.LLC_OTHER, codes.PPP_OTHER, codes.OTHER_TRANSPORT}
)


class LedgerLine(NamedTuple):
    """One reason: how many frames it concerns, their bytes on the wire, and the first of them."""

    reason: str
    analysed: bool
    frames: int
    bytes: int
    first_frame: int


class PathLine(NamedTuple):
    """One protocol path, outermost first, with the frames that end there."""

    path: str
    frames: int
    bytes: int


class Tally:
    """Counts by a pair of numbers, filled by the kernel."""

    def __init__(self, fold: int) -> None:
        """Nothing counted yet; ``fold`` says which keys go together when there are too many."""
        self._fold = fold
        self._table = np.zeros((_LINES, 5), np.int64)
        self._view = view_of(self._table)
        self._used = 0

    def add(
        self, batch: Batch, key: memoryview, sub: memoryview, *, skip: int = 0, wire_bytes: memoryview
    ) -> None:
        """Count the frames of a batch by ``key`` and ``sub``; those of key 0 or ``skip`` are left out."""
        self._used = tally(
            batch.count, batch.first_frame, skip, self._fold, key, sub, wire_bytes, self._view, self._used
        )

    def lines(self) -> list[tuple[int, int, int, int, int]]:
        """(key, sub, frames, bytes, first frame) of every line."""
        found: list[tuple[int, int, int, int, int]] = [
            tuple(row) for row in self._table[self._table[:, 2] > 0].tolist()
        ]
        return found


class Ledger:
    """Adds up what became of the frames."""

    def __init__(self) -> None:
        """An empty ledger."""
        self._verdicts = Tally(codes.DETAIL_BASE)
        self._zeros = view_of(np.zeros(0, np.int64))

    def add(self, batch: Batch, verdict: memoryview) -> None:
        """Count the frames of a decoded batch; fragments still held are counted by the decoder."""
        if len(self._zeros) < batch.capacity:
            self._zeros = view_of(np.zeros(batch.capacity, np.int64))
        self._verdicts.add(
            batch,
            verdict,
            self._zeros,
            skip=codes.FRAGMENT_HELD * codes.DETAIL_BASE,
            wire_bytes=batch.views["wire_bytes"],
        )

    def lines(self, decoder: Decoder) -> list[LedgerLine]:
        """The ledger so far, analysed frames first, then by number of frames."""
        merged: dict[str, LedgerLine] = {}
        for key, _, frames, size, first in self._verdicts.lines():
            verdict, detail = divmod(key, codes.DETAIL_BASE)
            line = LedgerLine(
                reason_text(verdict, detail), 0 < verdict <= codes.LAST_ANALYSED, frames, size, first
            )
            _merge(merged, line)
        for verdict, part in decoder.fragment_tallies():
            if part.frames:
                line = LedgerLine(codes.VERDICT_TEXTS[verdict], verdict <= codes.LAST_ANALYSED, *part)
                _merge(merged, line)
        return sorted(merged.values(), key=lambda line: (not line.analysed, -line.frames, line.reason))


def _merge(lines: dict[str, LedgerLine], line: LedgerLine) -> None:
    held = lines.get(line.reason)
    if held is not None:
        line = line._replace(
            frames=line.frames + held.frames,
            bytes=line.bytes + held.bytes,
            first_frame=min(line.first_frame, held.first_frame),
        )
    lines[line.reason] = line


def reason_text(verdict: int, detail: int) -> str:  # noqa: PLR0911 - one return for each kind of reason
    """A verdict in words, with what its detail adds."""
    text = codes.VERDICT_TEXTS[verdict]
    if detail == codes.OTHERS:
        return f"{text}: others" if verdict in _DETAILED else text
    if verdict == codes.UNKNOWN_LINK:
        return f"{text}: {link_type_name(detail)}"
    if verdict == codes.NOT_IP and detail:
        if detail >= codes.FAMILY:
            return f"{text}: address family {detail - codes.FAMILY}"
        name = codes.ETHERTYPE_NAMES.get(detail)
        return f"{text}: {name}" if name else f"{text}: EtherType 0x{detail:04x}"
    if verdict == codes.LLC_OTHER and detail:
        if detail == 0x4242:  # noqa: PLR2004 - the service access point of bridges
            return "not IP: spanning tree"
        return f"{text} 0x{detail:04x}"
    if verdict == codes.PPP_OTHER:
        name = codes.PPP_NAMES.get(detail)
        return f"not IP: PPP {name}" if name else f"not IP: PPP protocol 0x{detail:04x}"
    if verdict == codes.OTHER_TRANSPORT:
        name = codes.IP_PROTOCOL_NAMES.get(detail)
        return f"{text}: {name}" if name else f"{text}: IP protocol {detail}"
    return text


class Paths:
    """Counts frames by protocol path and application."""

    def __init__(self) -> None:
        """No frames yet."""
        self._paths = Tally(codes.OTHER_PATHS + 1)

    def add(self, batch: Batch, decoder: Decoder) -> None:
        """Count the frames of a decoded batch, each by the path of its innermost packet; no duplicates."""
        packets, facts = decoder.packets, decoder.facts
        settle_frames(
            packets.count,
            packets.order,
            *packets.pick("frame", "role"),
            *decoder.cursors.pick("path"),
            *packets.pick("app"),
            *facts.pick("verdict", "path", "app"),
        )
        self._paths.add(batch, *facts.pick("path", "app"), wire_bytes=batch.views["wire_bytes"])

    def lines(self, app_names: Sequence[str]) -> list[PathLine]:
        """Every path in order of its name; the application, where known, is the last step."""
        merged: dict[str, PathLine] = {}
        for path, app, frames, size, _ in self._paths.lines():
            name = codes.path_name(path)
            if app and path < codes.PATH_LIMIT:
                name = f"{name}.{app_names[app]}"
            held = merged.get(name, PathLine(name, 0, 0))
            merged[name] = PathLine(name, held.frames + frames, held.bytes + size)
        return sorted(merged.values())
