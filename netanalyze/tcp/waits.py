"""What streams waited for, and what each side does about small segments: the stage and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import GrowingRows, view_of
from netanalyze.model import NULL, known
from netanalyze.tcp import wait_fields as fields
from netanalyze.tcp.wait_kernel import wait_segments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.sequence import Sequences
    from netanalyze.wire.packets import Packets

"""Tables that this stage fills."""

KINDS = (
    "network", "client_thinking", "server_thinking", "nagle_delayed_ack", "nagle", "zero_window",
    "window_full", "retransmission_timeout", "fast_recovery", "handshake_retry", "idle",
)  # fmt: skip
"""Name of each cause, by the numbers in ``wait_fields``; what side 0 and side 1 think is the client's and the
server's."""

_AWAITED = {
    "network": ("the server's answer", "the client's answer"),
    "client_thinking": ("the client's program",) * 2,
    "server_thinking": ("the server's program",) * 2,
    "nagle_delayed_ack": ("the server's delayed ACK", "the client's delayed ACK"),
    "nagle": ("the server's ACK", "the client's ACK"),
    "zero_window": ("the server's program to read", "the client's program to read"),
    "window_full": ("the server's window", "the client's window"),
    "retransmission_timeout": ("the client's timer", "the server's timer"),
    "fast_recovery": ("the server's report of a loss", "the client's report of a loss"),
    "handshake_retry": ("the client's timer", "the server's timer"),
    "idle": ("nothing", "nothing"),
}
AWAITED = tuple(text for kind in KINDS for text in _AWAITED[kind])
"""What was waited for, by twice the kind and the sender (0 for the client)."""

ADVICE = (
    "",
    "",
    "",
    "Set TCP_NODELAY, or give everything to one write (writev, MSG_MORE, TCP_CORK)",
    "Set TCP_NODELAY if each write has to leave at once, or write more at a time",
    "The receiver reads too slowly: more buffer helps only for a while",
    "A larger receive buffer lets more be on its way",
    "",
    "",
    "SYNs or their answers were lost: see the table listeners",
    "",
)
"""What can be done about each kind, empty where the sender can do nothing."""

NODELAY = ("on", "off")
_LEAST_HELD = 2
"""One hold alone may be chance: a program that happened to write when an acknowledgement came."""

SYSTEMS = (
    "Linux, recent Windows or FreeBSD",
    "macOS or older FreeBSD",
    "Windows or older BSD",
    "RFC 1122's limit",
)
_SYSTEM_OF_BUCKET = np.array([-1, 0, -1, 1, -1, 2, -1, 3, -1], np.int64)
_LEAST_DELAYS = 3
_LEAST_PERCENT = 60

_PACKET_COLUMNS = (
    "frame", "stream", "side", "seq", "ack", "flags", "window", "payload_bytes", "mss", "tsval",
)  # fmt: skip
_SEGMENT_COLUMNS = (
    "analysed", "labels", "cause", "again_ns", "waited_ns", "window_bytes", "measured", "rtt_ns",
)  # fmt: skip
_WAITS_A_SEGMENT = 3
_LEAST_STALL_NS = 1_000_000


class Waits:
    """Accounts for the time of all streams, batch after batch."""

    def __init__(self, sequences: Sequences) -> None:
        """Nothing accounted for yet; ``sequences`` is the analysis that has seen each batch before."""
        self._streams = GrowingRows(fields.STREAM_WORDS)
        self._halves = GrowingRows(fields.HALF_WORDS)
        self._waits = GrowingRows(fields.WAIT_WORDS)
        self._counts = view_of(np.zeros(1, np.int64))
        self._segment_columns = sequences.segments.pick(*_SEGMENT_COLUMNS)

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        self._streams.prepare(streams)
        self._halves.prepare(2 * streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Account for the segments of a batch; ``streams`` is how many streams there are with it."""
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"],
            *packets.pick(*_PACKET_COLUMNS), *self._segment_columns,
            self._streams.reach(streams), self._halves.reach(2 * streams),
            self._waits.reach(self._counts[0] + _WAITS_A_SEGMENT * packets.count), self._counts,
        )  # fmt: skip
        wait_segments(*arguments)

    def waits(self, client: NDArray[np.int64]) -> dict[str, Any]:
        """The columns of the table ``waits``; ``client`` is which side of each stream is the client."""
        rows, _, _ = self._settled(len(client))
        sums = rows[:, fields.SUMS : fields.SUMS + fields.CAUSES]
        thinking = sums[:, fields.THINKING : fields.THINKING + 2]
        sums[:, fields.THINKING : fields.THINKING + 2] = np.where(
            client[:, None] == 0, thinking, thinking[:, ::-1]
        )
        begun = (rows[:, fields.BITS] & fields.BEGUN) != 0
        return {
            "stream": np.flatnonzero(begun),
            "total_ns": (rows[:, fields.NOW_NS] - rows[:, fields.FIRST_NS])[begun],
            **{f"{name}_ns": sums[begun, place] for place, name in enumerate(KINDS)},
        }

    def stalls(self, client: NDArray[np.int64]) -> dict[str, Any]:
        """The columns of the table ``stalls``."""
        _, _, waits = self._settled(len(client))
        stream, kind = waits[:, fields.STREAM], waits[:, fields.KIND]
        sender = waits[:, fields.SIDE] ^ client[stream]
        thinks = (kind == fields.THINKING) | (kind == fields.THINKING + 1)
        kind = np.where(thinks, fields.THINKING + sender, kind)
        held = (kind == fields.NAGLE) | (kind == fields.NAGLE_DELAYED_ACK)
        duration = waits[:, fields.DURATION_NS]
        return {
            "stream": stream,
            "sender": sender,
            "kind": kind,
            "kind_names": KINDS,
            "frame": waits[:, fields.FRAME],
            "time_ns": waits[:, fields.TIME_NS],
            "duration_ns": duration,
            "end_frame": _frames(waits[:, fields.END_FRAME]),
            "cause_frame": _frames(waits[:, fields.CAUSE_FRAME]),
            "awaited": 2 * kind + sender,
            "awaited_names": AWAITED,
            "saving_ns": known(duration, held),
            "advice": kind,
            "advice_names": ADVICE,
        }

    def halves(self, client: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """How often and how long each half-stream was held up, other than by programs.

        Returns:
            ``stalls`` and ``stall_ns``, of the client's half of stream n at 2n, of the server's behind it.
        """
        _, halves, _ = self._settled(len(client))
        ordered = halves[np.arange(2 * len(client)) ^ np.repeat(client, 2)]
        return {"stalls": ordered[:, fields.STALLS], "stall_ns": ordered[:, fields.STALL_NS]}

    def nagle(self, client: NDArray[np.int64]) -> dict[str, Any]:
        """The columns of the table ``nagle``: two rows for each stream, the client's first."""
        _, halves, _ = self._settled(len(client))
        place = np.arange(2 * len(client))
        halves = halves[place ^ np.repeat(client, 2)]
        eager, held = halves[:, fields.EAGER], halves[:, fields.HELD]
        delayed = halves[:, fields.DELAYED]
        some = delayed > 0
        buckets = halves[:, fields.BUCKETS : fields.BUCKETS + len(fields.BUCKET_MS)]
        most = np.argmax(buckets, axis=1)
        percent = 100 * buckets.max(axis=1) // np.maximum(delayed, 1)
        system = np.where(
            (delayed >= _LEAST_DELAYS) & (percent >= _LEAST_PERCENT), _SYSTEM_OF_BUCKET[most], -1
        )
        return {
            "stream": place >> 1,
            "sender": place & 1,
            "nodelay": np.select([eager > 0, held >= _LEAST_HELD], [0, 1], -1),
            "nodelay_names": NODELAY,
            "small_behind_small": eager,
            "small_behind_small_frame": _frames(halves[:, fields.EAGER_FRAME]),
            "held": held,
            "held_frame": _frames(halves[:, fields.HELD_FRAME]),
            "held_ns": halves[:, fields.HELD_NS],
            "quick_acks": halves[:, fields.QUICK],
            "delayed_acks": delayed,
            "delayed_ack_frame": _frames(halves[:, fields.DELAY_FRAME]),
            "quick_acks_first": halves[:, fields.QUICK_FIRST],
            "quick_phases": halves[:, fields.PHASES],
            "delay_min_ns": known(halves[:, fields.DELAY_MIN_NS], some),
            "delay_avg_ns": known(halves[:, fields.DELAY_SUM_NS] // np.maximum(delayed, 1), some),
            "delay_max_ns": known(halves[:, fields.DELAY_MAX_NS], some),
            "system": system,
            "system_names": SYSTEMS,
            "system_percent": known(percent, system >= 0),
            "stalls": halves[:, fields.STALLS],
            "stall_ns": halves[:, fields.STALL_NS],
        }

    def _settled(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Copies of all rows, in which the time since the last move is accounted for, too."""
        streams = self._streams.array[:count].copy()
        halves = self._halves.array[: 2 * count].copy()
        now = streams[:, fields.NOW_NS]
        rest = now - streams[:, fields.MOVE_NS]
        pairs = halves.reshape(count, 2, fields.HALF_WORDS)
        closed = (pairs[:, :, fields.FLAGS] & fields.ZERO) != 0
        closed[:, 1] &= ~closed[:, 0]
        pairs[:, :, fields.ZERO_WAIT_NS] += np.where(closed, rest[:, None], 0)
        rest = np.where(closed.any(axis=1), 0, rest)
        # What was on its way arrived with the last acknowledgement that told something new.
        flags, acked_ns = pairs[:, :, fields.FLAGS], pairs[:, :, fields.ACK_NS]
        prompted = (flags & fields.PROMPTED) != 0
        heard = np.where(prompted, acked_ns, streams[:, fields.MOVE_NS, None]).max(axis=1)
        network = np.clip(heard - streams[:, fields.MOVE_NS], 0, rest)
        streams[:, fields.SUMS + fields.NETWORK] += network
        streams[:, fields.SUMS + fields.IDLE] += rest - network
        open_waits = pairs[:, :, fields.ZERO_WAIT_NS]
        asked = (flags & fields.PROBED) != 0
        streams[:, fields.SUMS + fields.ZERO_WINDOW] += np.where(asked, open_waits, 0).sum(axis=1)
        streams[:, fields.SUMS + fields.IDLE] += np.where(asked, 0, open_waits).sum(axis=1)
        waits = self._waits.array[: self._counts[0]].copy()
        lasting = np.flatnonzero(asked.reshape(-1) & (open_waits.reshape(-1) >= _LEAST_STALL_NS))
        more = np.zeros((len(lasting), fields.WAIT_WORDS), np.int64)
        more[:, fields.STREAM], more[:, fields.SIDE] = lasting >> 1, lasting & 1
        more[:, fields.KIND] = fields.ZERO_WINDOW
        more[:, fields.FRAME] = halves[lasting, fields.ZERO_FRAME]
        more[:, fields.TIME_NS] = halves[lasting, fields.ZERO_NS]
        more[:, fields.DURATION_NS] = halves[lasting, fields.ZERO_WAIT_NS]
        halves[lasting, fields.STALLS] += 1
        halves[lasting, fields.STALL_NS] += halves[lasting, fields.ZERO_WAIT_NS]
        waits = np.concatenate((waits, more))
        return streams, halves, waits[np.argsort(waits[:, fields.FRAME], kind="stable")]


def joined(
    columns: Mapping[str, Any], halves: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    """What ``Waits.halves`` says of the half-streams that columns ``stream`` and ``sender`` name."""
    rows = 2 * columns["stream"] + columns["sender"]
    return {name: column[rows] for name, column in halves.items()}


def _frames(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of frames, ``NULL`` where there is none."""
    return np.where(numbers > 0, numbers, NULL)
