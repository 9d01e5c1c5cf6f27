"""How each thing in a picture looks: colour, marker, line.

The colours are those of Okabe and Ito (Color Universal Design, 2008), which people with any kind of
colour vision tell apart; kinds of events differ in shape as well, so that a print without colour
still shows which is which.
"""

from __future__ import annotations

from msgspec import Struct

BLACK = "#1a1a1a"
GREY = "#8a8a8a"
BLUE = "#0072b2"
SKY = "#56b4e9"
GREEN = "#009e73"
ORANGE = "#e69f00"
VERMILLION = "#d55e00"
PURPLE = "#b5588f"


class Look(Struct, frozen=True):
    """Colour, and what the kind of layer has: a line's width, a marker's shape and size.

    Attributes:
        colour: ``#rrggbb``.
        width: of lines and of the edges of hollow markers, in points.
        marker: matplotlib's letter for a shape.
        size: of the marker, in points.
        hollow: whether only the edge of the marker is drawn.
    """

    colour: str
    width: float = 1.0
    marker: str = ""
    size: float = 0.0
    hollow: bool = False

    @property
    def ink(self) -> str:
        """A darker shade of the colour, for small text on white."""
        return "#" + "".join(
            f"{int(self.colour[place : place + 2], 16) * 7 // 10:02x}" for place in (1, 3, 5)
        )


SEGMENT = Look(BLACK, width=1.3)
CONTROL = Look(BLACK, marker="o", size=3.5)
ACK = Look(GREEN, width=1.1)
EDGE = Look(ORANGE, width=1.1)
FLIGHT = Look(BLUE, marker="o", size=2.6)
FLIGHT_LIMITED = Look(VERMILLION, marker="D", size=3.6)
HALVES = (
    (Look(BLUE, marker="o", size=3.2), Look("#9fcbe6"), Look(BLUE, width=1.3)),
    (Look(PURPLE, marker="s", size=3.2), Look("#dcb0ca"), Look(PURPLE, width=1.3)),
)
"""For what the client and what the server sent: samples, columns, average."""
RESENT = Look(VERMILLION)

KINDS = {
    "lost_segment": Look(BLACK, marker="x", size=6.5, width=1.7),
    "retransmission": Look(VERMILLION, marker="^", size=6.5),
    "fast_retransmission": Look(VERMILLION, marker="D", size=5.5),
    "spurious_retransmission": Look(VERMILLION, marker="^", size=6.5, hollow=True, width=1.3),
    "differing_retransmission": Look(VERMILLION, marker="*", size=9),
    "out_of_order": Look(PURPLE, marker="s", size=5.5),
    "zero_window": Look(BLACK, marker="s", size=5.5),
    "window_full": Look(ORANGE, marker="v", size=6.5),
    "zero_window_probe": Look(BLUE, marker=">", size=6),
    "zero_window_probe_ack": Look(BLUE, marker="<", size=6),
    "window_update": Look(SKY, marker="P", size=5.5),
    "duplicate_ack": Look(GREEN, marker="o", size=5, hollow=True, width=1.2),
    "ack_lost_segment": Look(GREEN, marker="X", size=6),
    "keep_alive": Look(GREY, marker="h", size=6),
    "keep_alive_ack": Look(GREY, marker="h", size=6, hollow=True, width=1.2),
    "reused_ports": Look(PURPLE, marker="p", size=6.5),
}
"""Kinds of events, those first whose frames are worth naming most."""

OTHER_KIND = "other events"
OTHER = Look(GREY, marker="d", size=6)

AT_THE_ACK = frozenset(
    {
        "duplicate_ack",
        "ack_lost_segment",
        "zero_window",
        "window_update",
        "keep_alive_ack",
        "zero_window_probe_ack",
    }
)
"""Events of a receiver: they belong into the picture of what the other side sends."""

ABOUT_WINDOW = frozenset(
    {"zero_window", "window_full", "zero_window_probe", "zero_window_probe_ack", "window_update"}
)
"""Events that the window's diagram shows as well."""
