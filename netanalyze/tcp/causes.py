"""Why a segment is taken for a retransmission or out of order, and how an ACK measured a round trip."""

from __future__ import annotations

NONE = 0
HANDSHAKE = 1
FAST = 2
RECOVERY_GOES_ON = 3
TIMEOUT = 4
AFTER_TIMEOUT = 5
TAIL_LOSS_PROBE = 6
TAIL_TIMER = 7
EARLY = 8
OLDER_TIMESTAMP = 9
OLDER_ID = 10
SOON = 11
AFTER_ACK = 12
D_SACK = 13
SACK = 14

CAUSES = (
    None,
    "handshake",
    "fast",
    "recovery",
    "timeout",
    "after_timeout",
    "tail_loss_probe",
    "tail_timer",
    "early",
    "older_timestamp",
    "older_ip_id",
    "soon",
    "after_ack",
    "d_sack",
    "sack",
)
"""Name of each, as the column ``cause`` of the table ``events`` has it."""

# What an acknowledgement tells about the time of a round trip.
NOTHING_ACKED = 0
MEASURED = 1
CUMULATIVE = 2
"""It ends inside or behind a segment, at the end of none: when that one arrived is not known."""
AMBIGUOUS = 3
"""The segment was sent more than once, and timestamps do not tell which one arrived (Karn's rule)."""
AFTER_LOSS = 4
"""A segment before it was sent again later, so that the ACK may have waited for that one."""
BY_TIMESTAMP = 5
"""The segment was sent more than once, and the echoed timestamp tells which one arrived."""
