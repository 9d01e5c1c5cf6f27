"""Pictures of a connection: what is in them, what they look like as files, and hostile numbers."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import textwrap
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.errors import UsageError
from netanalyze.report import plot as plots
from netanalyze.report.plot import looks, series, thin, ticks
from netanalyze.report.plot.half import legend_of
from netanalyze.report.plot.labels import Taken
from netanalyze.report.plot.picture import Bars, Columns, Dots, Level, Line, Panel, Plot, Scale
from netanalyze.report.records.windows import WindowPoint
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from netanalyze.report.plot.render import Form

MS = 1_000_000
ACK, SYN, FIN = 16, 2, 1


def point(frame: int, sender: str, time: float, **values: object) -> WindowPoint:
    known: dict[str, Any] = {
        "stream": 7,
        "time_ns": round(time * MS),
        "flags": ACK,
        "seq": 1,
        "payload_bytes": 0,
        "ack": 1,
        "sack": None,
        "window_bytes": 65_535,
        "bytes_in_flight": None,
        "peer_window_bytes": None,
        "rtt_ns": None,
        "events": None,
    }
    return WindowPoint(frame=frame, sender=sender, elapsed_ns=round(time * MS), **known | values)


def table(rows: list[WindowPoint]) -> Table[WindowPoint]:
    return Table.from_rows("windows", WindowPoint, rows)


DOWNLOAD = [
    point(1, "client", 0, flags=SYN, seq=0, ack=None),
    point(2, "server", 20, flags=SYN | ACK, seq=0, rtt_ns=20 * MS),
    point(3, "client", 20.1, window_bytes=4000),
    point(4, "client", 21, payload_bytes=10, window_bytes=4000, bytes_in_flight=10, peer_window_bytes=65_535),
    point(5, "server", 41, ack=11, payload_bytes=1000, bytes_in_flight=1000, peer_window_bytes=4000),
    point(
        6,
        "server",
        42,
        ack=11,
        seq=2001,
        payload_bytes=2000,
        bytes_in_flight=4000,
        peer_window_bytes=4000,
        events="lost_segment,window_full",
    ),
    point(7, "client", 43, seq=11, ack=1001, window_bytes=3000, rtt_ns=2 * MS),
    point(8, "client", 44, seq=11, ack=1001, window_bytes=3000, events="duplicate_ack"),
    point(9, "server", 60, ack=11, seq=1001, payload_bytes=1000, events="fast_retransmission"),
    point(10, "client", 62, seq=11, ack=4001, window_bytes=0, events="zero_window"),
    point(11, "server", 80, ack=11, seq=1001, payload_bytes=1000, events="spurious_retransmission"),
    point(12, "server", 90, ack=11, seq=4001, flags=ACK | FIN),
]


def picture(rows: list[WindowPoint] | None = None, title: str = "stream 7") -> Plot:
    return plots.plot_windows(table(DOWNLOAD if rows is None else rows), title)


def panel(plot: Plot, title: str) -> Panel:
    (found,) = [panel for panel in plot.panels if title in panel.title]
    return found


def layer(found: Panel, legend: str) -> Any:  # noqa: ANN401 - the caller knows which kind it is
    (layer,) = [layer for layer in found.layers if re.match(re.escape(legend) + r"\b", layer.legend)]
    return layer


# What is in a picture


def test_a_download() -> None:
    plot = picture()
    assert [found.title for found in plot.panels] == [
        "server → client: sequence numbers",
        "server → client: window and bytes in flight",
        "client → server: sequence numbers",
        "round trip time",
        "server → client: throughput in bins of 10.0 ms",
    ]
    assert plot.title == "stream 7"
    assert plot.subtitle == "12 segments · 10 B from the client · 5.00 kB from the server · 90.0 ms"
    assert plot.start < 0 < 90 * MS < plot.stop
    assert plot.notes == ()
    # The half-stream with little data gets less room.
    assert plot.panels[2].height < plot.panels[0].height


def test_sequence_numbers() -> None:
    found = panel(picture(), "server → client: sequence")
    bars = layer(found, "data sent: 4 segments")
    assert isinstance(bars, Bars)
    assert bars.x.tolist() == [41 * MS, 42 * MS, 60 * MS, 80 * MS]
    assert list(zip(bars.low.tolist(), bars.high.tolist(), strict=True)) == [
        (1, 1001),
        (2001, 4001),
        (1001, 2001),
        (1001, 2001),
    ]
    acks = layer(found, "acknowledged by the client")
    assert isinstance(acks, Line)
    assert acks.y.tolist() == [1, 1, 1001, 1001, 4001]  # the SYN acknowledges nothing
    edge = layer(found, "right edge of client's window")
    assert edge.y.tolist() == [4001, 4001, 4001, 4001, 4001]
    control = layer(found, "SYN, FIN, RST")
    assert list(zip(control.x.tolist(), control.y.tolist(), strict=True)) == [(20 * MS, 0), (90 * MS, 4001)]
    # A gap stands below the segment after it, an event of the receiver at what it acknowledges.
    for kind, x, y, frames in (
        ("lost_segment: 1", 42, 2001, (6,)),
        ("window_full: 1", 42, 3001, (6,)),
        ("fast_retransmission: 1", 60, 1501, (9,)),
        ("spurious_retransmission: 1", 80, 1501, (11,)),
        ("duplicate_ack: 1", 44, 1001, (8,)),
        ("zero_window: 1", 62, 4001, (10,)),
    ):
        dots = layer(found, kind)
        assert isinstance(dots, Dots)
        assert (dots.x.tolist(), dots.y.tolist(), dots.frames) == ([x * MS], [y], frames), kind
    assert found.low < 0
    assert found.high > 4001


def test_every_point_names_its_frame() -> None:
    plot = picture()
    texts = [mark.text for mark in panel(plot, "server → client: sequence").marks]
    assert "frame 6 · 42.0 ms · seq 2 001 … 4 001 · lost_segment · window_full" in texts
    assert "frame 12 · 90.0 ms · seq 4 001 · FIN" in texts
    assert "frame 8 · 44.0 ms · ack 1 001 · window 3.00 kB · duplicate_ack" in texts
    window = [mark.text for mark in panel(plot, "server → client: window").marks]
    assert "frame 6 · 42.0 ms · 4.00 kB in flight · window 4.00 kB · lost_segment · window_full" in window
    assert "frame 10 · 62.0 ms · window 0 B · zero_window" in window
    assert [mark.text for mark in panel(plot, "round trip").marks] == [
        "frame 7 · 43.0 ms · round trip 2.00 ms · ack 1 001",
        "frame 2 · 20.0 ms · round trip 20.0 ms · ack 1",
    ]
    rates = [mark.text for mark in panel(plot, "throughput").marks]
    assert rates == [
        "frames 5 … 6 · 40.0 ms … 50.0 ms · 2.40 Mbit/s of new data from the server",
        "frame 9 · 60.0 ms … 70.0 ms · 800 kbit/s of new data from the server",
        "frame 11 · 80.0 ms … 90.0 ms · 0 bit/s of new data from the server",
    ]


def test_window_and_flight() -> None:
    found = panel(picture(), "server → client: window")
    offered = layer(found, "window offered by the client")
    assert offered.y.tolist() == [65_535, 4000, 4000, 3000, 3000, 0]
    assert layer(found, "bytes in flight").y.tolist() == [1000]
    assert layer(found, "in flight, window used up: 1").y.tolist() == [4000]
    assert layer(found, "zero_window: 1").y.tolist() == [0]
    # The window of the handshake would press the rest together.
    assert found.high == 16_000
    assert found.notes == ("window up to 65.5 kB,", "above this picture")


def test_a_window_that_is_never_used_up_is_left_outside() -> None:
    rows = [
        point(1, "client", 0, window_bytes=3_000_000),
        point(2, "server", 1, payload_bytes=1000, bytes_in_flight=1000, peer_window_bytes=3_000_000),
        point(
            3, "server", 2, seq=1001, payload_bytes=1000, bytes_in_flight=2000, peer_window_bytes=3_000_000
        ),
    ]
    found = panel(picture(rows), "window")
    assert found.high == 2600
    assert found.notes == ("window 3.00 MB,", "above this picture")
    sequence = panel(picture(rows), "sequence")
    assert sequence.high < 3000
    assert sequence.notes == ("window edge above this picture", "at times")


def test_a_window_that_only_its_user_knows() -> None:
    rows = [
        point(1, "server", 0, payload_bytes=1000, bytes_in_flight=1000, peer_window_bytes=2000),
        point(2, "server", 1, seq=1001, payload_bytes=1000, bytes_in_flight=2000, peer_window_bytes=2000),
    ]
    found = panel(picture(rows), "window")
    assert layer(found, "window offered by the client").y.tolist() == [2000, 2000]
    unknown = [point(1, "server", 0, payload_bytes=9, bytes_in_flight=9, window_bytes=None)]
    assert panel(picture(unknown), "window").notes == ("window not known",)


def test_round_trips_are_logarithmic_where_they_differ_much() -> None:
    found = panel(picture(), "round trip time")
    assert not found.log
    assert layer(found, "to the server: 1, median 20.0 ms").y.tolist() == [20 * MS]
    assert layer(found, "to the client: 1, median 2.00 ms").y.tolist() == [2 * MS]
    rows = [*DOWNLOAD, point(13, "client", 95, ack=4002, rtt_ns=50_000), point(14, "client", 96, rtt_ns=-5)]
    found = panel(picture(rows), "round trip time")
    assert found.log
    assert found.title.endswith("(logarithmic)")
    assert 0 < found.low < 50_000
    assert layer(found, "to the client: 2").y.tolist() == [2 * MS, 50_000]  # a negative one is none


def test_throughput_counts_new_bytes() -> None:
    found = panel(picture(), "throughput")
    again, new, average = found.layers
    assert isinstance(again, Columns)
    assert isinstance(new, Columns)
    assert (again.legend, new.legend) == ("sent again", "new data")
    bits = 8 * 100  # a bin is a hundredth of a second
    assert new.y.tolist() == [0, 0, 0, 0, 3000 * bits, 0, 1000 * bits, 0, 0, 0]
    assert again.y.tolist() == [0, 0, 0, 0, 3000 * bits, 0, 1000 * bits, 0, 1000 * bits, 0]
    assert again.base.tolist() == new.y.tolist()
    assert isinstance(average, Level)
    assert (average.start, average.stop) == (41 * MS, 80 * MS)
    assert average.y == pytest.approx(4000 * 8 / 0.039)
    assert average.legend.endswith("821 kbit/s")


def test_both_sides_send_much() -> None:
    rows = [
        point(n, ("client", "server")[n % 2], n, seq=1 + n // 2 * 500, payload_bytes=500) for n in range(20)
    ]
    titles = [found.title for found in picture(rows).panels]
    assert [title.split(":")[0] for title in titles] == ["client → server"] * 2 + ["server → client"] * 2 + [
        "client → server",
        "server → client",
    ]


def test_a_side_without_data_is_shown_where_something_happened_to_it() -> None:
    rows = [
        point(1, "client", 0, flags=SYN, seq=0, ack=None),
        point(2, "client", 1000, flags=SYN, seq=0, ack=None, events="retransmission"),
        point(3, "server", 1020, flags=SYN | ACK, seq=0, events="window_update"),
        point(4, "server", 1030, payload_bytes=1000, bytes_in_flight=1000),
    ]
    titles = [found.title for found in picture(rows).panels]
    assert "client → server: sequence numbers" in titles
    assert layer(panel(picture(rows), "client → server"), "retransmission: 1").frames == (2,)
    rows[1] = point(2, "client", 1000, flags=SYN, seq=0, ack=None)
    assert "client → server: sequence numbers" not in [found.title for found in picture(rows).panels]


def test_no_data() -> None:
    plot = picture(DOWNLOAD[:3])
    assert plot.notes == ("No data was sent.",)
    assert [found.title for found in plot.panels] == [
        "client → server: sequence numbers",
        "server → client: sequence numbers",
        "round trip time",
    ]
    assert b"No data was sent." in plots.render(plot, "svg")


def test_no_segments() -> None:
    plot = picture([])
    assert plot.panels == ()
    svg = plots.render(plot, "svg").decode()
    assert "No segments: there is nothing to draw." in svg
    assert plots.render(plot, "png").startswith(b"\x89PNG")
    assert "nothing to draw" in plots.render(plot, "html").decode()


def test_one_segment() -> None:
    plot = picture([point(3, "server", 5, payload_bytes=100, bytes_in_flight=100, peer_window_bytes=1000)])
    assert plot.start < 5 * MS < plot.stop
    assert "frame 3 · 5.00 ms · seq 1 … 101" in plots.render(plot, "svg").decode()


def test_one_connection_only() -> None:
    with pytest.raises(UsageError, match=r"^a plot shows one connection, not 2: choose one with --stream"):
        picture([point(1, "client", 0), point(2, "client", 0, stream=8)])
    both = table([point(1, "client", 0), point(2, "client", 0, stream=8)])
    assert plots.plot_windows(both.stream(8), "").subtitle.startswith("1 segment ")


def test_the_order_of_rows_does_not_matter() -> None:
    rows = list(DOWNLOAD)
    random.Random(1).shuffle(rows)
    assert plots.render(picture(rows), "svg") == plots.render(picture(), "svg")


def test_titles_are_safe() -> None:
    plot = picture(title="a\x00b $x^{ <b> \u202e" + "x" * 300)
    assert plot.title.startswith("a\\x00b $x^{ <b> \\u202ex")
    assert len(plot.title) == 110
    page = plots.render(plot, "html").decode()
    assert "<b>" not in page
    assert "$x^{ &lt;b&gt;" in page


def test_unknown_kinds_of_events_are_shown_together() -> None:
    rows = [
        point(n, "server", n, seq=n * 10, payload_bytes=10, events=f"kind{n},kind{n}, $odd") for n in range(5)
    ]
    found = panel(picture(rows), "sequence")
    assert layer(found, "other events: 5").frames == tuple(range(5))


def test_kinds_differ_in_shape() -> None:
    shapes = {(look.marker, look.hollow, look.colour) for look in looks.KINDS.values()}
    assert len(shapes) == len(looks.KINDS)
    assert len({(look.marker, look.hollow) for look in looks.KINDS.values()}) >= len(looks.KINDS) - 2
    assert looks.Look("#ff8000").ink == "#b25900"
    assert legend_of("keep_alive", 1234, 1234) == "keep_alive: 1 234"
    assert legend_of("keep_alive", 1234, 12) == "keep_alive: 1 234, 12 drawn"


# New bytes


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=60))
def test_new_payload_against_a_bitmap(segments: list[tuple[int, int]]) -> None:
    seq = np.array([first for first, _ in segments], float)
    end = np.array([first + length for first, length in segments], float)
    seen: set[int] = set()
    expected = []
    base = segments[0][0] if segments else 0
    for first, length in segments:
        # What lies before the first segment was sent before the capture.
        fresh = set(range(max(first, base), first + length)) - seen
        expected.append(len(fresh))
        seen |= fresh
    assert series.new_payload(seq, end).tolist() == expected


def test_new_payload_remembers_a_limited_number_of_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "MOST_HOLES", 2)
    seq = np.array([0, 20, 40, 60, 10, 30, 50], float)
    assert series.new_payload(seq, seq + 10).tolist() == [10, 10, 10, 10, 0, 10, 10]


# Thinning


def test_few_points_stay() -> None:
    x = np.arange(thin.FEW, dtype=float)
    assert len(thin.thin(x, x, x, 0, thin.FEW)) == thin.FEW


@pytest.mark.parametrize("seed", range(3))
def test_thinning_keeps_the_outline(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = 50_000
    x = np.sort(generator.random(count)) * 1e9
    low = generator.normal(size=count)
    high = low + generator.random(count)
    low[generator.random(count) < 0.1] = np.nan
    kept = thin.thin(x, low, high, 0, 1e9)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= 4 * thin.COLUMNS
    column = thin.bins(x, 0, 1e9, thin.COLUMNS)
    for number in range(thin.COLUMNS):
        inside, drawn = np.flatnonzero(column == number), kept[column[kept] == number]
        assert {inside[0], inside[-1]} <= set(drawn.tolist())
        assert np.nanmin(low[inside]) == np.nanmin(low[drawn])
        assert np.nanmax(high[inside]) == np.nanmax(high[drawn])


def test_markers_that_would_cover_each_other_are_left_out() -> None:
    x, y = np.repeat(np.arange(10.0), 500), np.zeros(5000)
    kept = thin.thin_markers(x, y, (0, 10, -1, 1))
    assert x[kept].tolist() == list(range(10))
    spread = np.linspace(0, 1, 5000)
    everywhere = thin.thin_markers(np.tile(spread, 20), np.repeat(np.linspace(0, 1, 20), 5000), (0, 1, 0, 1))
    assert len(everywhere) == thin.MOST_MARKERS


def long_connection(segments: int) -> Table[WindowPoint]:
    """A transfer with losses, by columns, since that many records would be slow."""
    rows = []
    for number in range(segments):
        lost = number % 50 == 7
        rows.append(
            point(
                2 * number + 1,
                "server",
                number * 0.01,
                seq=1 + 1000 * (number - (20 if lost and number > 20 else 0)),
                payload_bytes=1000,
                bytes_in_flight=number % 37 * 1000,
                peer_window_bytes=40_000,
                events="retransmission" if lost else None,
            )
        )
        rows.append(
            point(
                2 * number + 2,
                "client",
                number * 0.01 + 0.004,
                ack=1 + 1000 * max(0, number - 30),
                window_bytes=40_000 + number % 3 * 500,
                rtt_ns=MS + number % 100 * 1000,
                events="duplicate_ack" if number % 4 == 0 else None,
            )
        )
    return table(rows)


def test_a_long_connection_is_thinned_and_says_so() -> None:
    plot = plots.plot_windows(long_connection(30_000), "long")
    (note,) = plot.notes
    found = re.fullmatch(
        r"server → client: ([\d ]+) of 30 000 segments with data are drawn: in each stretch of time the"
        r" first, last, lowest and highest; counts and rates are of all\.",
        note,
    )
    assert found
    assert int(found[1].replace(" ", "")) < 4 * thin.COLUMNS
    sequence = panel(plot, "sequence")
    assert layer(sequence, "duplicate_ack: 7 500, ")
    assert layer(sequence, "retransmission: 600").frames[0] == 15
    for form in plots.FORMS:
        assert len(plots.render(plot, form)) < 3_000_000


# Axes


@pytest.mark.parametrize(
    ("low", "high", "scale", "labels"),
    [
        (0, 90 * MS, Scale.TIME, "0,10 ms,20 ms,30 ms,40 ms,50 ms,60 ms,70 ms,80 ms,90 ms"),
        (-1, 2500, Scale.TIME, "0,0.5 µs,1.0 µs,1.5 µs,2.0 µs,2.5 µs"),
        (0, 70e9, Scale.TIME, "0,10 s,20 s,30 s,40 s,50 s,60 s,70 s"),
        (0, 600e9, Scale.TIME, "0 s,2 min 00 s,4 min 00 s"),
        (3_600e9, 3_600.002e9, Scale.TIME, "3 600.0000 s,3 600.0005 s,3 600.0010 s"),
        (-10, 1_500_000, Scale.BYTES, "0,0.2 MB,0.4 MB,0.6 MB,0.8 MB,1.0 MB,1.2 MB,1.4 MB"),
        (0, 3, Scale.BYTES, "0,1 B,2 B,3 B"),
        (0, 2.5e6, Scale.RATE, "0,0.5 Mbit/s,1.0 Mbit/s,1.5 Mbit/s,2.0 Mbit/s,2.5 Mbit/s"),
    ],
)
def test_ticks(low: float, high: float, scale: Scale, labels: str) -> None:
    found = [label for _, label in ticks.linear_ticks(low, high, 9, scale)]
    assert ",".join(found).startswith(labels)


def test_logarithmic_ticks() -> None:
    assert [label for _, label in ticks.log_ticks(900, 60_000, Scale.TIME)] == [
        *("1 µs", "2 µs", "5 µs", "10 µs", "20 µs", "50 µs")
    ]
    assert [label for _, label in ticks.log_ticks(1, 2e12, Scale.TIME)][-2:] == ["100 s", "16 min 40 s"]
    assert ticks.log_ticks(0, 5, Scale.TIME) == []


@given(
    st.integers(-(10**19), 10**19),
    st.integers(0, 10**19),
    st.integers(0, 30),
    st.sampled_from(list(Scale)),
)
def test_ticks_are_few_and_inside(low: int, span: int, most: int, scale: Scale) -> None:
    found = ticks.linear_ticks(low, low + span, most, scale)
    assert len(found) <= ticks.MOST
    slack = span * 1e-6 + abs(low) * 1e-12
    assert all(low - slack <= value <= low + span + slack for value, _ in found)


def test_labels_find_places_that_are_free() -> None:
    area = (0.0, 0.0, 100.0, 100.0)
    taken = Taken(np.zeros((0, 4)))
    found = [taken.find(50, 50, 30, 10, area) for _ in range(10)]
    boxes = [box for box in found if box is not None]
    assert 4 <= len(boxes) < 10
    for number, one in enumerate(boxes):
        assert one[0] >= 0
        assert one[2] <= 100
        for other in boxes[:number]:
            assert one[2] < other[0] or one[0] > other[2] or one[3] < other[1] or one[1] > other[3]
    assert taken.find(99, 50, 200, 10, area) is None


# Files


@pytest.mark.parametrize(
    ("path", "form"), [("a.svg", "svg"), ("/x.y/b.PNG", "png"), ("c.tar.html", "html"), ("-.svg", "svg")]
)
def test_the_suffix_says_the_format(path: str, form: str) -> None:
    assert plots.plot_format(path) == form


@pytest.mark.parametrize("path", ["a.pdf", "svg", "-", "", "a.svg.gz", "dir.svg/x", "\x1b.gif"])
def test_other_suffixes_are_refused(path: str) -> None:
    with pytest.raises(
        UsageError, match=r"a plot is written to a file whose name ends in .svg, .png or .html"
    ) as caught:
        plots.plot_format(path)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("form", plots.FORMS)
def test_the_same_picture_gives_the_same_bytes(form: Form) -> None:
    assert plots.render(picture(), form) == plots.render(picture(), form)


def test_svg() -> None:
    plot = picture()
    svg = plots.render(plot, "svg")
    root = ET.fromstring(svg)  # noqa: S314 - our own
    names = {"svg": "http://www.w3.org/2000/svg"}
    titles = [title.text for title in root.iterfind(".//svg:circle/svg:title", names)]
    for found in plot.panels:
        # Of several points at one place the last tells; all events do.
        for mark in found.marks:
            kinds = mark.text.split(" · ")[3:]
            assert not kinds or any(text and kinds[-1] in text for text in titles)
    assert "frame 9 · 60.0 ms · seq 1 001 … 2 001 · fast_retransmission" in titles
    texts = {text.text for text in root.iterfind(".//svg:text", names)}
    assert {"stream 7", "duplicate_ack: 1", "40 ms", "#5", "#9", "time", "next frame"} <= texts
    # Each point lies where the picture has it: in a panel, between the axes.
    circles = [
        (float(circle.get("cx", "")), circle.find("svg:title", names))
        for circle in root.iterfind(".//svg:circle", names)
    ]
    at = {title.text: x for x, title in circles if title is not None}
    first = at["frame 2 · 20.0 ms · seq 0 · SYN"]
    last = at["frame 12 · 90.0 ms · seq 4 001 · FIN"]
    middle = at["frame 9 · 60.0 ms · seq 1 001 … 2 001 · fast_retransmission"]
    assert (middle - first) / (last - first) == pytest.approx(40 / 70, abs=0.002)
    assert b"dc:date" not in svg


def test_png_has_a_sensible_size() -> None:
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    image = Image.open(BytesIO(plots.render(picture(), "png")))
    assert image.width == 1200
    assert 900 < image.height < 1500
    colours = image.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    shown = {colour for _, colour in colours}
    assert shown >= {tuple(bytes.fromhex(text[1:])) for text in (looks.GREEN, looks.ORANGE, looks.VERMILLION)}
    assert max(colours)[1] == (255, 255, 255)


def test_html_needs_nothing_else() -> None:
    page = plots.render(picture(), "html").decode()
    assert page.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:|//)", page)
    assert page.count("<svg ") == 1
    assert "frame 9 · 60.0 ms · seq 1 001 … 2 001 · fast_retransmission</title>" in page
    facts = re.search(r'id="facts">(.*?)</script>', page)
    assert facts
    assert '"frames":[1,2,3,4,5,6,7,8,9,10,11,12]' in facts[1]


def test_settings_of_the_user_change_nothing() -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow to import

    expected = plots.render(picture(), "svg")
    with mpl.rc_context({"axes.grid": True, "font.size": 30, "svg.fonttype": "path", "lines.linewidth": 9}):
        assert plots.render(picture(), "svg") == expected
        assert mpl.rcParams["font.size"] == 30


# Hostile numbers

NUMBERS = st.sampled_from(
    [
        0,
        1,
        -1,
        1448,
        65_535,
        1 << 31,
        (1 << 32) - 1,
        1 << 62,
        -(1 << 62),
        (1 << 63) - 1,
        1 - (1 << 63),
        1 << 70,
    ]
) | st.integers(0, 10**6)
MAYBE = st.none() | NUMBERS
POINTS = st.builds(
    WindowPoint,
    stream=st.just(0),
    sender=st.sampled_from(["client", "server", "nobody"]),
    frame=NUMBERS,
    time_ns=NUMBERS,
    elapsed_ns=NUMBERS,
    flags=st.integers(0, 255),
    seq=NUMBERS,
    payload_bytes=NUMBERS,
    ack=MAYBE,
    sack=MAYBE,
    window_bytes=MAYBE,
    bytes_in_flight=MAYBE,
    peer_window_bytes=MAYBE,
    rtt_ns=MAYBE,
    events=st.none() | st.lists(st.sampled_from([*looks.KINDS, "$^{", "<x>", ""]), max_size=4).map(",".join),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(POINTS, max_size=40), st.sampled_from(plots.FORMS))
def test_absurd_numbers_are_drawn_somehow(rows: list[WindowPoint], form: Form) -> None:
    out = plots.render(plots.plot_windows(table(rows), "stream 0"), form)
    assert 1000 < len(out) < 2_000_000
    if form == "svg":
        ET.fromstring(out)  # noqa: S314 - our own


@settings(max_examples=150, deadline=None)
@given(st.lists(POINTS, max_size=60))
def test_absurd_numbers_make_sane_axes(rows: list[WindowPoint]) -> None:
    plot = plots.plot_windows(table(rows), "stream 0")
    assert plot.start < plot.stop
    for found in plot.panels:
        assert np.isfinite([found.low, found.high]).all()
        assert found.low < found.high
        assert not found.log or found.low > 0


# The environment


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


DRAW = """
    import sys
    from netanalyze.report.plot import plot_windows, render
    from netanalyze.report.records.windows import WindowPoint
    from netanalyze.report.table import Table
    plot = plot_windows(Table.from_rows("windows", WindowPoint, []), "stream 0")
    assert "matplotlib" not in sys.modules
"""


def test_matplotlib_is_imported_only_to_draw(tmp_path: Path) -> None:
    """And without a home that can be written it is silent, and leaves nothing behind."""
    home = tmp_path / "file"
    home.write_text("not a folder")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    clean = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    result = run(DRAW + '    print(len(render(plot, "png")) > 1000)', TMPDIR=str(temporary), **clean)
    assert (result.stdout, result.stderr) == ("True\n", "")
    assert list(temporary.iterdir()) == []


def test_no_folder_at_all_is_one_clear_line(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("not a folder")
    code = """
    import tempfile
    from netanalyze.errors import NetanalyzeError
    def mkdtemp(*args, **more):
        raise OSError("no room")
    tempfile.mkdtemp = mkdtemp
    try:
        render(plot, "svg")
    except NetanalyzeError as error:
        print(error)
    """
    clean = {"HOME": str(home), "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""}
    result = run(DRAW + code, **clean)
    assert (
        result.stdout
        == "a plot needs a folder for temporary files: let TMPDIR name one that can be written\n"
    )
    assert result.stderr == ""
