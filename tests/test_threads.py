"""Work on two threads: nothing it reports depends on it, and what it looks at stays as it is."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netanalyze import follower
from netanalyze.capture import files, merge, open_capture
from netanalyze.capture.buffer import Buffer
from netanalyze.findings.budget import CHEAP, THOROUGH
from netanalyze.follower import Follower
from netanalyze.pipeline import Engine, Options
from netanalyze.report.registry import USUAL, table_kind

if TYPE_CHECKING:
    from collections.abc import Callable

CAPTURES = Path(__file__).parent.parent / "captures"
FILES = (
    "lossy-transfer-server.pcap",
    "mixed.pcapng",
    "dns-waits.pcap",
    "dns-lookups.pcap",
    "ip-fragments.pcap",
    "tunnels.pcap",
    "closing-leak.pcap",
)
ALONE = {"capture", "writes"}
"""``writes`` reads protocols in Python, as HTTP is read, on one thread; ``capture`` names files."""
TABLES = tuple(name for name in USUAL if name not in ALONE and table_kind(name).protocol in {"", "dns"})


def reported(paths: list[Path], *, two_threads: bool) -> dict[str, Any]:
    with open_capture(paths) as capture:
        # Findings about HTTP would have it read, on one thread.
        engine = Engine(Options(tables=TABLES, looked_into=CHEAP | THOROUGH), two_threads=two_threads)
        threads = threading.active_count()
        for batch in capture:
            engine.feed(batch)
        assert threading.active_count() == threads + two_threads
        report = engine.finish(capture)
        assert threading.active_count() == threads
    return {name: report[name].to_dicts() for name in TABLES}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers and batches so small that they are used again many times within a sample."""
    for module in (files, merge):
        monkeypatch.setattr(module, "BUFFER_BYTES", 1 << 13)
        monkeypatch.setattr(module, "BATCH_FRAMES", 7)
    monkeypatch.setattr(merge, "MIN_BUFFER_BYTES", 1 << 12)
    monkeypatch.setattr(merge, "MIN_BATCH_FRAMES", 5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", FILES)
def test_reports_are_the_same(name: str) -> None:
    assert reported([CAPTURES / name], two_threads=True) == reported([CAPTURES / name], two_threads=False)


@pytest.mark.usefixtures("small")
def test_reports_of_merged_files_are_the_same() -> None:
    paths = sorted(CAPTURES.glob("rtt-delays-*.pcap"))
    assert len(paths) > 1
    assert reported(paths, two_threads=True) == reported(paths, two_threads=False)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("names", [("lossy-transfer-server.pcap",), ("mixed.pcapng",), FILES])
def test_a_batch_outlives_the_next(names: tuple[str, ...]) -> None:
    """Its frames are the same before and after the next one has been read."""
    with open_capture([CAPTURES / name for name in names]) as capture:
        before = None
        seen = 0
        for batch in capture:
            if before is not None:
                earlier, frames = before
                assert frames_in(earlier) == frames
                seen += 1
            before = batch, frames_in(batch)
    assert seen > 3


def frames_in(batch: Any) -> list[bytes]:  # noqa: ANN401 - what a capture gives
    rows = zip(
        batch.views["offset"][: batch.count], batch.views["captured_bytes"][: batch.count], strict=True
    )
    return [bytes(batch.data[start : start + size]) for start, size in rows]


class Counting:
    """A source of the bytes 0, 1, 2 … in pieces."""

    damage = ""
    next = 0

    def readinto(self, view: memoryview) -> int:
        count = min(len(view), 5)
        view[:count] = bytes((self.next + place) % 256 for place in range(count))
        self.next += count
        return count

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_held_bytes_stay() -> None:
    buffer = Buffer(Counting(), 16)
    offset = 0
    held: tuple[memoryview, bytes] | None = None
    for wanted in (3, 9, 12, 1, 16, 2, 15, 40, 7, 33, 5):
        assert buffer.fill(wanted)
        if held is not None:
            assert bytes(held[0]) == held[1]
        view = buffer.data[buffer.start : buffer.start + wanted]
        assert bytes(view) == bytes((offset + place) % 256 for place in range(wanted))
        assert buffer.offset == offset
        held = view, bytes(view)
        buffer.hold()
        buffer.start += wanted
        offset += wanted


def test_what_is_not_held_takes_no_more_memory() -> None:
    buffer = Buffer(Counting(), 16)
    memory = buffer.data.obj
    for _ in range(20):
        assert buffer.fill(10)
        buffer.start += 10
    assert buffer.data.obj is memory


def test_the_rest_comes_after_the_first() -> None:
    done: list[str] = []
    worker = Follower()
    for number in range(50):
        worker.hand_over(
            [
                partial(done.append, f"{number} first"),
                *[partial(done.append, f"{number} rest")] * 3,
            ]
        )
    worker.wait()
    worker.wait()
    worker.close()
    assert done == [text for n in range(50) for text in (f"{n} first", *[f"{n} rest"] * 3)]


def test_who_waits_helps() -> None:
    """The other thread sits in a piece of work that ends only when the rest is done."""
    worker, helped = Follower(), threading.Event()

    def wait() -> None:
        assert helped.wait(10)

    names: list[str] = []

    def help_out() -> None:
        names.append(threading.current_thread().name)
        helped.set()

    worker.hand_over([lambda: None, wait, help_out])
    worker.wait()
    assert len(names) == 1
    worker.close()


@pytest.mark.parametrize("place", ["first", "rest"])
def test_errors_come_to_who_waits(place: str) -> None:
    def fail() -> None:
        message = "broken"
        raise LookupError(message)

    def nothing() -> None:
        pass

    work: dict[str, list[Callable[[], None]]] = {
        "first": [fail, nothing],
        "rest": [nothing, fail, nothing],
    }
    worker = Follower()
    worker.hand_over(work[place])
    with pytest.raises(LookupError, match="broken"):
        worker.wait()
    done: list[int] = []
    worker.hand_over([lambda: done.append(1)])
    worker.wait()
    worker.close()
    assert done == [1]


def test_one_thread_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(follower.VARIABLE, "1")
    assert not follower.worth_it()
