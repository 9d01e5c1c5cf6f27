"""TCP events as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import found_in
from netanalyze.flow import fields as flow_fields
from netanalyze.model import NULL
from netanalyze.tcp import causes, kinds, scoreboard_kernel
from netanalyze.tcp import event_fields as fields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.tcp.streams import Streams

_MASK32 = 0xFFFFFFFF
_WITH_WINDOW = kinds.ZERO_WINDOW | kinds.WINDOW_UPDATE | kinds.ZERO_WINDOW_PROBE_ACK | kinds.WINDOW_FULL
_OF_LOSS = (causes.FAST, causes.RECOVERY_GOES_ON, causes.TIMEOUT, causes.TAIL_TIMER)
"""Why bytes are sent again that were lost, or of which every acknowledgement was."""


def event_columns(events: NDArray[np.int64], streams: Streams) -> dict[str, Any]:
    """The columns of the table ``events``, as numbers and with the names of the numbers.

    Args:
        events: rows of ``event_fields``.
        streams: that they belong to.
    """
    word = events.T
    stream, side, kind = word[fields.STREAM], word[fields.SIDE], word[fields.KIND]
    bit = np.left_shift(1, kind)
    half = 2 * stream + side

    def where(bits: int, values: NDArray[np.int64], least: int = 1) -> NDArray[np.int64]:
        shown: NDArray[np.int64] = np.where((bit & bits != 0) & (values >= least), values, NULL)
        return shown

    number = word[fields.NUMBER]
    missing = kinds.LOST_SEGMENT | kinds.ACK_LOST_SEGMENT
    other = word[fields.OTHER_FRAME]
    return {
        "frame": word[fields.FRAME],
        "time_ns": word[fields.TIME_NS],
        "elapsed_ns": word[fields.TIME_NS] - streams.word(flow_fields.FIRST_NS, stream),
        "stream": stream,
        "sender": np.where(side == streams.sides(stream), 0, 1),
        "kind": kind,
        "kind_names": kinds.KINDS,
        "cause": np.where(word[fields.CAUSE] > 0, word[fields.CAUSE], -1),
        "cause_names": causes.CAUSES,
        "cause_code": word[fields.CAUSE],
        "other_frame": np.where(other > 0, other, NULL),
        "ago_ns": np.where((other > 0) & (bit != kinds.DUPLICATE_ACK), word[fields.AGO_NS], NULL),
        "number": where(kinds.DUPLICATE_ACK, number),
        "missing_bytes": where(missing, number),
        "window_bytes": where(_WITH_WINDOW, number, 0),
        "seq": (word[fields.SEQ] - streams.bases(half)) & _MASK32,
        "payload_bytes": word[fields.PAYLOAD],
        "ack": np.where(word[fields.ACK] >= 0, (word[fields.ACK] - streams.bases(half ^ 1)) & _MASK32, NULL),
        "later_frame": np.where(word[fields.LATER] > 0, word[fields.LATER_FRAME], NULL),
        "later": word[fields.LATER],
        "lost": _lost(word),
    }


def _lost(word: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Retransmissions of bytes that were lost or whose acknowledgement was, as far as the capture tells.

    Not those of a segment that is spurious, or of which D-SACK reports that the bytes had arrived; a
    segment has a row for each of its kinds, of which the first alone knows about D-SACK.
    """
    bit = np.left_shift(1, word[fields.KIND])
    needless = (bit == kinds.SPURIOUS_RETRANSMISSION) | (
        (bit == kinds.RETRANSMISSION) & (word[fields.LATER] == scoreboard_kernel.UNNEEDED)
    )
    again = (bit & (kinds.RETRANSMISSION | kinds.FAST_RETRANSMISSION)) != 0
    cause = word[fields.CAUSE]
    # A probe does not wait long enough to prove a loss, unless the bytes never came by.
    caused = found_in(cause, _OF_LOSS) | ((cause == causes.TAIL_LOSS_PROBE) & (word[fields.OTHER_FRAME] == 0))
    found: NDArray[np.bool_] = again & caused & ~found_in(word[fields.FRAME], word[fields.FRAME][needless])
    return found
