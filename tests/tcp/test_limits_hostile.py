"""Whatever the segments are: no exception, no time lost or counted twice, and both kernels agree."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from crafting import ethernet_of, ip4, tcp
from hostile_columns import random_columns
from hypothesis import given, settings
from hypothesis import strategies as st
from limit_streams import as_pcap

from netanalyze.columns import view_of
from netanalyze.pipeline import Options, run
from netanalyze.tcp import limit_fields as fields
from netanalyze.tcp import limit_kernel, limits
from netanalyze.tcp.segments import Segments
from netanalyze.wire.packets import Packets

if TYPE_CHECKING:
    from types import ModuleType

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
BASES = (0, 1000, 0x7FFF_FF00, 0xFFFF_FF00)
SEGMENTS = st.lists(
    st.tuples(
        st.booleans(),  # which way
        st.sampled_from(
            (0, 1, 1000, 20_000, 3_000_000, 40_000_000, 400_000_000, 10**10)
        ),  # ns since the last
        st.sampled_from((0x10, 0x18, 0x10, 0x18, 0x11, 0x02, 0x12, 0x04, 0x14, 0x00, 0xFF)),
        st.sampled_from((-(2**31), -3000, -1460, -1, 0, 1, 100, 1460, 2920, 2**20, 2**31)),  # off the next
        st.sampled_from((-(2**31), -1460, -1, 0, 0, 0, 1, 1460, 2**20)),  # acknowledged, off the other's next
        st.sampled_from((0, 0, 1, 100, 1460, 1460, 2920)),  # payload
        st.sampled_from((0, 1, 500, 3000, 65_535)),  # window
    ),
    max_size=60,
)


def frames_of(segments: list[Any], base: int) -> list[tuple[int, bytes]]:
    """Segments between two hosts, each told by how it differs from what would come next."""
    ends = [base, base + 5000]
    now = 10**18
    found = []
    for backwards, later_ns, flags, off, acked_off, size, window in segments:
        side = int(backwards)
        now += later_ns
        seq, ack = (ends[side] + off) & 0xFFFFFFFF, (ends[1 - side] + acked_off) & 0xFFFFFFFF
        ports = (1111, 80) if side == 0 else (80, 1111)
        hosts = ("10.0.0.1", "10.0.0.2") if side == 0 else ("10.0.0.2", "10.0.0.1")
        segment = tcp(b"x" * size, *ports, seq, ack, flags, window=window)
        found.append((now, ethernet_of(ip4(segment, 6, *hosts, ident=len(found)))))
        if off == 0:
            ends[side] += size
    return found


def check(rows: list[dict[str, Any]], span_ns: int) -> None:
    """What holds for any traffic that is so long."""
    for row in rows:
        if row["active_ns"] is None:
            assert row["verdict"] is None
            continue
        parts = [row[f"{name}_ns"] for name in fields.CLASSES]
        assert min(parts) >= 0
        # An acknowledgement that ends the capture takes the way to the sender in addition.
        assert sum(parts) == row["active_ns"] <= 2 * span_ns + 1
        assert row["active_ns"] - row["application_ns"] <= row["busy_ns"] <= row["active_ns"]
        shares = [row[f"{name}_percent"] for name in fields.CLASSES]
        assert shares == [None] * 7 if not row["active_ns"] else sum(shares) == 100


@pytest.fixture(scope="module")
def interpreted_limits() -> ModuleType:
    """The kernel from its source, whatever the installed one is."""
    source = Path(limit_kernel.__file__).parent / "limit_kernel.py"
    spec = importlib.util.spec_from_file_location("interpreted_limit_kernel", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@settings(max_examples=150, deadline=None)
@given(segments=SEGMENTS, base=st.sampled_from(BASES), like_wireshark=st.booleans())
def test_any_segments(
    tmp_path_factory: pytest.TempPathFactory, *, segments: list[Any], base: int, like_wireshark: bool
) -> None:
    frames = frames_of(segments, base)
    path = tmp_path_factory.mktemp("any") / "any.pcap"
    path.write_bytes(as_pcap(frames))
    options = Options(tables=("limits",), like_wireshark=like_wireshark, keep_duplicates=True)
    rows = run([str(path)], options)["limits"].to_dicts()
    check(rows, frames[-1][0] - frames[0][0] if frames else 0)


COLUMNS = (
    "frame", "stream", "side", "seq", "ack", "flags", "payload_bytes", "mss", "tsval", "analysed", "labels",
    "cause", "dup_number", "new_bytes", "window_bytes", "peer_in_flight", "measured", "rtt_ns",
)  # fmt: skip
TIMES = (-(1 << 63), (1 << 63) - 1)
"""The first and the last that there may be."""


def accounts(kernel: ModuleType, columns: dict[str, Any], rows: int) -> tuple[Any, Any]:
    """What a kernel makes of columns: the rows of times and of marks."""
    times = np.zeros((6, fields.TIME_WORDS), "i8")
    marks = np.zeros((6, fields.MARK_WORDS), "u4")
    nodes, counters = np.zeros((rows + 1, fields.NODE_WORDS), "i8"), np.zeros(2, "i8")
    state = [view_of(array) for array in (times, marks, nodes, counters)]
    views = [view_of(columns[name]) for name in ("time_ns", *COLUMNS)]
    kernel.limit_segments(rows, view_of(np.arange(rows, dtype="i4")), *views, *state)
    waiting = counters[0]
    kernel.settle_all(6, *state)
    assert (times[:, : len(fields.CLASSES)] >= 0).all()
    assert (times[:, fields.PENDING_OPEN : fields.PENDING_STILL + 1] == 0).all()
    assert (times[:, fields.IDLE] + times[:, fields.DELIVERY] <= times[:, fields.APPLICATION]).all()
    assert waiting <= 6 * 66, "acknowledgements on their way are bounded"
    return times, marks


@pytest.mark.parametrize("seed", range(40))
def test_both_kernels_agree_on_anything(seed: int, interpreted_limits: ModuleType) -> None:
    rows = 400
    columns = random_columns(np.random.default_rng(seed), COLUMNS, rows, TIMES)
    for one, other in zip(
        accounts(limit_kernel, columns, rows), accounts(interpreted_limits, columns, rows), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "name", ["limited-transfers.pcap", "injected-faults-receiver.pcap", "lossy-transfer-client.pcap"]
)
def test_both_kernels_agree_on_samples(
    name: str, interpreted_limits: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report() -> list[dict[str, Any]]:
        return run([str(CAPTURES / name)], Options(tables=("limits",)))["limits"].to_dicts()

    expected = report()
    monkeypatch.setattr(limits, "limit_segments", interpreted_limits.limit_segments)
    monkeypatch.setattr(limits, "settle_all", interpreted_limits.settle_all)
    assert report() == expected


def test_what_waits_for_the_sender_is_bounded() -> None:
    """A thousand acknowledgements within one round trip take no more room than a few."""
    rows = 1200
    columns = {name: np.zeros(rows, np.dtype(kind)) for name, kind in _kinds().items()}
    columns["frame"][:] = np.arange(rows)
    columns["analysed"][:] = 1
    columns["flags"][:] = 0x10
    columns["rtt_ns"][:] = -1
    columns["window_bytes"][:] = 60_000
    columns["time_ns"] = np.arange(rows, dtype="i8") * 1000
    # The server's acknowledgement of something shows 100 ms from here to there and back.
    columns["side"][:2] = 1
    columns["measured"][0], columns["rtt_ns"][0] = 1, 100_000_000
    columns["payload_bytes"][1], columns["new_bytes"][1] = 1460, 1460
    columns["ack"][2:] = np.minimum(np.arange(rows - 2), 1460)
    times = np.zeros((2, fields.TIME_WORDS), "i8")
    marks = np.zeros((2, fields.MARK_WORDS), "u4")
    nodes, counters = np.zeros((rows + 1, fields.NODE_WORDS), "i8"), np.zeros(2, "i8")
    state = [view_of(array) for array in (times, marks, nodes, counters)]
    views = [view_of(columns[name]) for name in ("time_ns", *COLUMNS)]
    limit_kernel.limit_segments(rows, view_of(np.arange(rows, dtype="i4")), *views, *state)
    assert 0 < counters[0] <= 65
    limit_kernel.settle_all(2, *state)
    # It is all acknowledged 100 ms after the last of these came by, or a 64th of that sooner.
    active_ns = int(times[1, : len(fields.CLASSES)].sum())
    assert active_ns == pytest.approx(101_461_000 - 1000, rel=1 / 64)


def _kinds() -> dict[str, str]:
    kinds = {name: Packets.FIELDS.get(name, Segments.FIELDS.get(name)) for name in COLUMNS}
    assert all(kinds.values()), list(itertools.compress(kinds, [kind is None for kind in kinds.values()]))
    return {name: str(kind) for name, kind in kinds.items()}
