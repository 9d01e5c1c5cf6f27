"""Joins against dictionaries, with compiled and with interpreted kernels."""

from __future__ import annotations

import importlib.util
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.comparison import join, join_kernel
from netanalyze.comparison.join_kernel import ALL, BY_NUMBER, EXACT, WITHOUT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

FUNCTIONS = ("number_keys", "mark_groups", "pair_up")


def interpreted() -> ModuleType:
    """The kernel as it is without a compiler."""
    source = Path(str(join.__file__)).with_name("join_kernel.py")
    spec = importlib.util.spec_from_file_location("interpreted_join_kernel", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["compiled", "interpreted"], autouse=True, scope="module")
def kernel(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    module = join_kernel if request.param == "compiled" else interpreted()
    with pytest.MonkeyPatch.context() as patch:
        for name in FUNCTIONS:
            patch.setattr(join, name, getattr(module, name))
        yield module


# Few different words, so that many keys are the same; high bits, so that signs would show.
words = st.sampled_from([0, 1, 2, 1 << 33, 1 << 50, 1 << 63, ALL])
keys = st.lists(st.tuples(words, words, words), max_size=40)
masks = st.sampled_from([EXACT, WITHOUT_ID, BY_NUMBER, (ALL, 0, 0), (0, 0, 0)])


@given(keys, st.integers(0, 40), masks, st.booleans())
def test_first_with_first(
    rows: list[tuple[int, int, int]],
    begin: int,
    used: tuple[int, int, int],
    only_alike: bool,  # noqa: FBT001
) -> None:
    array = np.array(rows, np.uint64).reshape(-1, 3)
    near, far = np.arange(min(begin, len(rows))), np.arange(min(begin, len(rows)), len(rows))
    masked = [tuple(word & mask for word, mask in zip(row, used, strict=True)) for row in rows]
    waiting: dict[tuple[int, ...], deque[int]] = defaultdict(deque)
    theirs: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row in near.tolist():
        waiting[masked[row]].append(row)
    for row in far.tolist():
        theirs[masked[row]].append(row)
    expected = []
    for key, some in theirs.items():
        if only_alike and len(waiting[key]) != len(some):
            continue
        expected += [(waiting[key].popleft(), row) for row in some if waiting[key]]
    one, other = join.same(array, used, near, far, only_alike=only_alike)
    found = list(zip(one.tolist(), other.tolist(), strict=True))
    assert found == sorted(expected, key=lambda pair: pair[1])
    keys_of_near = {masked[row] for row in near.tolist()}
    assert join.shared(array, used, far, near).tolist() == [
        masked[row] in keys_of_near for row in far.tolist()
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
            st.integers(0, 4095), st.integers(0, 2**32 - 1), st.integers(-1, 2**32 - 1),
            st.integers(-1, 65535),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_keys_of_packets(packets: list[tuple[int, ...]]) -> None:
    kinds = ("i4", "u1", "u4", "u4", "u2", "u4", "i8", "i4")
    columns = [np.array([packet[place] for packet in packets], kind) for place, kind in enumerate(kinds)]
    pair_of = np.array([4, -1, 0])
    bases = np.array([[5, 2**33], [0, 0], [2**32 - 1, 7]])
    written = []
    for module in (join_kernel, interpreted()):
        rows, paired = np.zeros((len(packets) + 1, 3), np.uint64), np.zeros(len(packets) + 1, np.uint8)
        arguments: list[object] = [memoryview(column) for column in (*columns, pair_of, bases)]
        module.write_packet_keys(*arguments, 1, memoryview(rows), memoryview(paired))
        written.append((rows.tolist(), paired.tolist()))
    assert written[0] == written[1]
    rows_of, paired_of = written[0]
    for packet, row, whether in zip(packets, rows_of[1:], paired_of[1:], strict=True):
        stream, sender, seq, ack, flags = packet[:5]
        assert whether == (stream != 1)
        if whether:
            way = 2 * int(pair_of[stream]) + sender
            assert row[0] == way << 32 | (seq - int(bases[stream, sender])) % 2**32
            answer = (ack - int(bases[stream, 1 - sender])) % 2**32 if flags & 16 else 0
            assert row[1] == answer << 32 | packet[5]
