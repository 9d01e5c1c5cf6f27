"""The column ``detail`` of the table ``events``: why a segment got its label, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL
from netanalyze.model import NULL
from netanalyze.report import units
from netanalyze.report.column import Column
from netanalyze.tcp import causes, kinds, scoreboard_kernel, tap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.columns import Rows

_WHY = {
    causes.HANDSHAKE: "the other side had not answered",
    causes.FAST: "duplicate ACKs or SACK asked for it",
    causes.RECOVERY_GOES_ON: "part of the same recovery as the retransmissions before",
    causes.TIMEOUT: "the retransmission timer ran out",
    causes.AFTER_TIMEOUT: "sent again after a timeout",
    causes.TAIL_LOSS_PROBE: "tail loss probe",
    causes.TAIL_TIMER: "tail loss probe or retransmission timer",
    causes.EARLY: "nothing asked for it and no timer was due",
    causes.OLDER_TIMESTAMP: "its timestamp is older",
    causes.OLDER_ID: "its IP identification is older",
    causes.SOON: "too soon for a retransmission",
    causes.AFTER_ACK: "even its acknowledgement was captured before it",
}
_LATER = {
    scoreboard_kernel.FILLED: "frame {} brings them",
    scoreboard_kernel.ARRIVED: "frame {} acknowledges them: only the capture lacks them",
    scoreboard_kernel.UNNEEDED: "D-SACK in frame {}: they had arrived before",
}
_FIXED = {
    "zero_window": "has no room for more",
    "zero_window_probe": "asks whether there is room again",
    "keep_alive": "asks whether the other side is there",
    "keep_alive_ack": "answers a keep-alive",
    "reused_ports": "these ports had another connection before",
    "out_of_window": "the other side must refuse it (RFC 9293 section 3.10.7.4)",
}
_SENDERS = ("client", "server")


class DetailColumn(Column):
    """Texts made of the other columns for the rows that are shown."""

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take the columns of the table as numbers (see ``tcp.events``)."""
        self._columns = columns

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._columns["frame"])

    def values(self, rows: Rows = ALL) -> list[Any]:
        """See ``Column``."""
        names = ("kind", "cause_code", "other_frame", "ago_ns", "number", "missing_bytes", "window_bytes",
                 "seq", "payload_bytes", "ack", "later_frame", "later", "lost", "sender", "tap")  # fmt: skip
        lists = [self._columns[name][rows].tolist() for name in names]
        return [_detail(dict(zip(names, row, strict=True))) for row in zip(*lists, strict=True)]

    def ranks(self) -> NDArray[np.int64]:
        """See ``Column``: the texts in their order."""
        texts = self.values()
        order = {text: rank for rank, text in enumerate(sorted({text for text in texts if text}))}
        return np.array([order.get(text, NULL) for text in texts], np.int64)


def _detail(row: Mapping[str, int]) -> str | None:
    kind = kinds.KINDS[row["kind"]]
    if kind in _FIXED:
        return _FIXED[kind]
    parts = _WORDS[1 << row["kind"]](row)
    if row["later"] in _LATER:
        parts.append(_LATER[row["later"]].format(row["later_frame"]))
    return "; ".join(part for part in parts if part) or None


def _sent_before(row: Mapping[str, int]) -> str:
    if row["other_frame"] != NULL:
        return f"first sent in frame {row['other_frame']}, {units.duration(row['ago_ns'])} before"
    return ""


def _retransmission(row: Mapping[str, int]) -> list[str]:
    if not row["cause_code"]:  # Wireshark's rules name no cause
        return [_sent_before(row)]
    why = _WHY.get(row["cause_code"], "")
    if row["other_frame"] == NULL:
        return [_lost_before(row), why]
    return [_sent_before(row), why, _lost_behind(row)]


def _lost_before(row: Mapping[str, int]) -> str:
    """Where the first copy was lost that was not captured."""
    sender = row["sender"]
    if not row["lost"] or row["tap"] in {sender, tap.BOTH}:
        return "first copy not captured"  # perhaps by fault of the capture
    if row["tap"] == tap.BETWEEN:
        return f"first copy lost between {_SENDERS[sender]} and tap"
    return "first copy lost before the tap" if row["tap"] == tap.UNKNOWN else "first copy lost on the way"


def _lost_behind(row: Mapping[str, int]) -> str:
    """Where a captured copy was lost, or its acknowledgement before that could be captured."""
    sender = row["sender"]
    if not row["lost"] or row["tap"] in {sender, tap.BOTH}:
        return ""  # on the way, as every loss
    what = "lost" if row["cause_code"] in {causes.FAST, causes.RECOVERY_GOES_ON} else "it or its ACK lost"
    if row["tap"] == tap.BETWEEN:
        return f"{what} between tap and {_SENDERS[1 - sender]}"
    return f"{what} behind the tap" if row["tap"] == tap.UNKNOWN else f"{what} at the {_SENDERS[1 - sender]}"


def _spurious(row: Mapping[str, int]) -> list[str]:
    return [_sent_before(row), "acknowledged already", _WHY.get(row["cause_code"], "")]


def _differing(row: Mapping[str, int]) -> list[str]:
    return [f"other bytes than in frame {row['other_frame']}"]


def _copy(row: Mapping[str, int]) -> list[str]:
    return [f"the same packet as frame {row['other_frame']}, {units.duration(row['ago_ns'])} later"]


def _out_of_order(row: Mapping[str, int]) -> list[str]:
    why = _WHY.get(row["cause_code"], "")
    if row["other_frame"] == NULL:
        return [why]
    return [f"overtaken by frame {row['other_frame']}, {units.duration(row['ago_ns'])} before", why]


def _lost(row: Mapping[str, int]) -> list[str]:
    return [f"{_bytes(row['missing_bytes'])} before it not captured"] if row["missing_bytes"] > 0 else []


def _ack_lost(row: Mapping[str, int]) -> list[str]:
    return [f"for {_bytes(row['missing_bytes'])} not captured"] if row["missing_bytes"] > 0 else []


def _duplicate(row: Mapping[str, int]) -> list[str]:
    parts = [f"number {row['number']}, repeats frame {row['other_frame']}, waits for byte {row['ack']}"]
    if row["cause_code"] == causes.SACK:
        parts.append("SACK reports later bytes")
    elif row["cause_code"] == causes.D_SACK:
        parts.append("D-SACK reports bytes that came twice")
    return parts


def _full(row: Mapping[str, int]) -> list[str]:
    return [f"uses all {_bytes(row['window_bytes'])} offered"] if row["window_bytes"] >= 0 else []


def _probe_ack(row: Mapping[str, int]) -> list[str]:
    room = row["window_bytes"]
    return [f"room for {_bytes(room)}" if room > 0 else "still no room"] if room >= 0 else []


def _update(row: Mapping[str, int]) -> list[str]:
    return [f"offers {_bytes(row['window_bytes'])} now"] if row["window_bytes"] >= 0 else []


def _bytes(number: int) -> str:
    return units.counted(number, "byte")


_WORDS = {
    kinds.RETRANSMISSION: _retransmission,
    kinds.FAST_RETRANSMISSION: _retransmission,
    kinds.SPURIOUS_RETRANSMISSION: _spurious,
    kinds.DIFFERING_RETRANSMISSION: _differing,
    kinds.NETWORK_COPY: _copy,
    kinds.OUT_OF_ORDER: _out_of_order,
    kinds.LOST_SEGMENT: _lost,
    kinds.ACK_LOST_SEGMENT: _ack_lost,
    kinds.DUPLICATE_ACK: _duplicate,
    kinds.WINDOW_FULL: _full,
    kinds.ZERO_WINDOW_PROBE_ACK: _probe_ack,
    kinds.WINDOW_UPDATE: _update,
}
"""What to say of each kind that has more to it than its name."""
