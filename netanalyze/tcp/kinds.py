"""The kinds of TCP events: names, bits, what each means.

Names are those of Wireshark's ``tcp.analysis.*`` fields. Three are not in Wireshark:
``differing_retransmission``, ``out_of_window`` and ``network_copy``.
"""

from __future__ import annotations

RETRANSMISSION = 1 << 0
FAST_RETRANSMISSION = 1 << 1
SPURIOUS_RETRANSMISSION = 1 << 2
OUT_OF_ORDER = 1 << 3
LOST_SEGMENT = 1 << 4
ACK_LOST_SEGMENT = 1 << 5
DUPLICATE_ACK = 1 << 6
ZERO_WINDOW = 1 << 7
ZERO_WINDOW_PROBE = 1 << 8
ZERO_WINDOW_PROBE_ACK = 1 << 9
WINDOW_FULL = 1 << 10
WINDOW_UPDATE = 1 << 11
KEEP_ALIVE = 1 << 12
KEEP_ALIVE_ACK = 1 << 13
REUSED_PORTS = 1 << 14
DIFFERING_RETRANSMISSION = 1 << 15
OUT_OF_WINDOW = 1 << 16
NETWORK_COPY = 1 << 17

KINDS = (
    "retransmission",
    "fast_retransmission",
    "spurious_retransmission",
    "out_of_order",
    "lost_segment",
    "ack_lost_segment",
    "duplicate_ack",
    "zero_window",
    "zero_window_probe",
    "zero_window_probe_ack",
    "window_full",
    "window_update",
    "keep_alive",
    "keep_alive_ack",
    "reused_ports",
    "differing_retransmission",
    "out_of_window",
    "network_copy",
)
"""Name of each bit, the lowest first."""

COUNTS = (
    "retransmissions",
    "fast_retransmissions",
    "spurious_retransmissions",
    "out_of_order",
    "lost_segments",
    "ack_lost_segments",
    "duplicate_acks",
    "zero_windows",
    "zero_window_probes",
    "zero_window_probe_acks",
    "windows_full",
    "window_updates",
    "keep_alives",
    "keep_alive_acks",
    "reused_ports",
    "differing_retransmissions",
    "out_of_window",
    "network_copies",
)
"""What many of each are called, as columns of ``directions``."""
