"""What the analysis finds out about each segment of a batch, as columns beside ``Packets``.

A row here belongs to the row of the same number there. Only rows of segments that were analysed
(``analysed`` is 1) hold anything, and columns about an event only those whose labels name it: what is
not needed is not written.
"""

from __future__ import annotations

from typing import ClassVar

from netanalyze.columns import Columns


class Segments(Columns):
    """Facts about the segments of one batch; overwritten by the next.

    Columns:
        analysed: 1 for a TCP segment that was analysed: not quoted, not damaged, not a duplicate.
        labels: kinds of the events at this segment, a bit each (see ``kinds``).
        cause: for a retransmission or a segment out of order, why it is taken for that (see ``causes``).
        again_of: retransmission: the frame that sent these bytes first; 0 if it was not captured.
        again_ns: how long ago that was; out of order: how long after the segment that overtook it.
        waited_ns: retransmission: how long ago these bytes were sent last.
        sent_times: how often they have been sent with it, as far as is known.
        sack_told: 1 if its SACK option reports something new, plus 2 if it reports a duplicate (D-SACK).
        dup_number: duplicate acknowledgement: which one of the same number it is, from 1.
        dup_of: the frame that it repeats.
        gap_bytes: bytes missing before this segment (lost_segment), or acknowledged by it although
            they were not captured (ack_lost_segment).
        new_bytes: payload that was seen for the first time.
        old_bytes: payload that had been seen before.
        window_bytes: receive window that it offers, in bytes, scaled; -1 if the scale is not known.
        peer_window: what the other side has offered its sender beyond the highest acknowledgement,
            in bytes, before this segment; -1 if that is not known.
        in_flight: bytes that its sender has in flight after it, -1 if that is not known.
        peer_in_flight: the same for the other side.
        measured: what its acknowledgement tells about a round trip time (see ``causes``).
        rtt_ns: that time, -1 if there is none; for one that is ambiguous, since the last time the
            segment was sent.
        rtt_frame: the frame whose bytes end where the acknowledgement does.
        rtt_bytes: how much sequence space the segment in that frame took.
        acked_segments: how many segments it acknowledges beside the one that ends where it does.
    """

    FIELDS: ClassVar = {
        "analysed": "u1",
        "labels": "i4",
        "cause": "u1",
        "again_of": "i8",
        "again_ns": "i8",
        "waited_ns": "i8",
        "sent_times": "i4",
        "sack_told": "u1",
        "dup_number": "i4",
        "dup_of": "i8",
        "gap_bytes": "i4",
        "new_bytes": "i4",
        "old_bytes": "i4",
        "window_bytes": "i4",
        "peer_window": "i4",
        "in_flight": "i4",
        "peer_in_flight": "i4",
        "rtt_ns": "i8",
        "rtt_frame": "i8",
        "rtt_bytes": "i4",
        "measured": "u1",
        "acked_segments": "i4",
    }
