"""How long senders wait before they send again, and how long endpoints stay in TIME-WAIT, in ns."""

from __future__ import annotations

SOON_NS = 3_000_000
"""How late a segment may be that was overtaken, while the round trip time is not known."""
NEWS_SOON_NS = 20_000_000
"""How long a sender may take from a duplicate ACK to the retransmission, the way to the tap apart."""
PERSIST_NS = 120_000_000_000
"""The longest that Linux waits between two window probes: two minutes."""
TIME_WAIT_NS = 60_000_000_000
"""How long Linux stays in TIME-WAIT (TCP_TIMEWAIT_LEN in include/net/tcp.h); RFC 9293 has 4 minutes."""
TIMER_NS = 180_000_000
"""Timers are not shorter: Linux has at least 200 ms, and some jitter is allowed for."""
FIRST_TIMEOUT_NS = 1_000_000_000
LEAST_VARIATION_NS = 200_000_000
"""RFC 6298 has 1 s for both; Linux 1 s before the first sample and 200 ms beyond the round trip."""


def timeout_ns(smoothed_ns: int, variation_ns: int) -> int:
    """The retransmission timer (RFC 6298 section 2) of a sender whose smoothed round trip time is this."""
    if smoothed_ns <= 0:
        return FIRST_TIMEOUT_NS
    return smoothed_ns + max(4 * variation_ns, LEAST_VARIATION_NS)
