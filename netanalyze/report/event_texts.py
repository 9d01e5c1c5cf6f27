"""The column ``detail`` of the table ``events``: why a segment got its label, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL
from netanalyze.report import units
from netanalyze.report.column import ALL, Column
from netanalyze.tcp import causes, kinds, scoreboard_kernel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.report.column import Rows

_WHY = {
    causes.HANDSHAKE: "the other side had not answered",
    causes.FAST: "duplicate ACKs or SACK asked for it",
    causes.RECOVERY_GOES_ON: "part of the same recovery as the retransmissions before",
    causes.TIMEOUT: "the retransmission timer ran out",
    causes.AFTER_TIMEOUT: "sent again after a timeout",
    causes.TAIL_LOSS_PROBE: "tail loss probe",
    causes.NETWORK_COPY: "the same packet again, copied on the way",
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
    "zero_window_probe_ack": "still no room",
    "keep_alive": "asks whether the other side is there",
    "keep_alive_ack": "answers a keep-alive",
    "reused_ports": "these ports had another connection before",
    "out_of_window": "the other side must refuse it (RFC 9293 section 3.10.7.4)",
}


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
                 "seq", "payload_bytes", "ack", "later_frame", "later")  # fmt: skip
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
    bit = 1 << row["kind"]
    if bit & (kinds.RETRANSMISSION | kinds.FAST_RETRANSMISSION | kinds.SPURIOUS_RETRANSMISSION):
        parts = _again(row, spurious=bool(bit & kinds.SPURIOUS_RETRANSMISSION))
    elif bit & kinds.DIFFERING_RETRANSMISSION:
        return f"other bytes than in frame {row['other_frame']}"
    elif bit & kinds.OUT_OF_ORDER:
        parts = [
            f"overtaken by frame {row['other_frame']}, {units.duration(row['ago_ns'])} before"
            if row["other_frame"] != NULL
            else ""
        ]
        parts.append(_WHY.get(row["cause_code"], ""))
    elif bit & kinds.LOST_SEGMENT:
        parts = [f"{_bytes(row['missing_bytes'])} before it not captured"] if row["missing_bytes"] > 0 else []
    elif bit & kinds.ACK_LOST_SEGMENT:
        parts = [f"for {_bytes(row['missing_bytes'])} not captured"] if row["missing_bytes"] > 0 else []
    elif bit & kinds.DUPLICATE_ACK:
        parts = _duplicate(row)
    elif bit & kinds.WINDOW_FULL:
        parts = [f"uses all {_bytes(row['window_bytes'])} offered" if row["window_bytes"] >= 0 else ""]
    else:
        parts = [f"offers {_bytes(row['window_bytes'])} now" if row["window_bytes"] >= 0 else ""]
    if row["later"] in _LATER:
        parts.append(_LATER[row["later"]].format(row["later_frame"]))
    return "; ".join(part for part in parts if part) or None


def _again(row: Mapping[str, int], *, spurious: bool) -> list[str]:
    """What a retransmission repeats and why."""
    parts = []
    if row["other_frame"] != NULL:
        parts.append(f"first sent in frame {row['other_frame']}, {units.duration(row['ago_ns'])} before")
    elif row["cause_code"]:
        parts.append("first copy not captured" if not spurious else "")
    if spurious:
        parts.append("acknowledged already")
    parts.append(_WHY.get(row["cause_code"], ""))
    return parts


def _duplicate(row: Mapping[str, int]) -> list[str]:
    parts = [f"number {row['number']}, repeats frame {row['other_frame']}, waits for byte {row['ack']}"]
    if row["cause_code"] == causes.SACK:
        parts.append("SACK reports later bytes")
    elif row["cause_code"] == causes.D_SACK:
        parts.append("D-SACK reports bytes that came twice")
    return parts


def _bytes(number: int) -> str:
    return units.counted(number, "byte")
