"""``open_live``: interfaces as an endless stream of batches.

A ``LiveCapture`` is to the engine what a ``Capture`` of files is. Its batches lie in the ring that the kernel
fills; each stays as it is until the next but one is asked for, and the ring has less room meanwhile. A batch
without frames says that there was nothing to read: whoever shows something has time to do so.
"""

from __future__ import annotations

import errno
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Self

import numpy as np

from netanalyze.capture.batch import BATCH_FRAMES, Batch
from netanalyze.capture.bpf import CaptureFilter
from netanalyze.capture.info import FileInfo
from netanalyze.capture.live import devices, privileges
from netanalyze.capture.live.options import LiveOptions
from netanalyze.capture.live.tap import Names, open_tap
from netanalyze.capture.notices import Notices
from netanalyze.capture.reader import COLUMNS
from netanalyze.capture.writer import Recorder
from netanalyze.errors import NetanalyzeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from netanalyze.capture.info import Interface
    from netanalyze.capture.live.tap import Tap

WAIT_SECONDS = 0.1
"""Somebody who shows something gets a batch without frames so often at least."""
LOOK_NS = 1_000_000_000
"""Interfaces, drops and the clock are looked at so often."""
DRAIN_NS = 200_000_000
"""So long after the end the kernel has handed over what it took in before."""
CROWDED = 0.75
"""With so much of the ring waiting for analysis, some of what is written already is passed over."""
_BESIDE_FRAME = 128
"""Bytes of the ring that a frame takes beside its own: headers, alignment."""
STEP_NS = 500_000_000
"""The clock may be this far from where it should be before it counts as set."""


def open_live(
    names: Sequence[str],
    options: LiveOptions | None = None,
    *,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> LiveCapture:
    """Capture on interfaces from now on; then give up the rights of root, if that was asked for.

    Args:
        names: of the interfaces; ``any`` for all.
        options: how, and when to stop.
        on_warning: called with each warning, one line, as it comes up.
        should_stop: asked about ten times a second; True ends the capture.

    Returns:
        The capture; iterate over it for batches, and close it.

    Raises:
        PermissionDeniedError: the process may not capture.
        UsageError: there is no such interface or user, or the filter makes no sense.
        CaptureError: the system does not allow it.
    """
    if not names:
        message = "no interface is named; netanalyze interfaces lists them"
        raise UsageError(message)
    asked = options or LiveOptions()
    wanted = devices.find(names)
    user = None if asked.drop_to is None else privileges.user_to_be(asked.drop_to)
    notices = Notices(on_warning)
    info = FileInfo(", ".join(dict.fromkeys(names)), snap_length=asked.snap_bytes)
    mine = _by_tags(asked.filter)
    tap = open_tap(wanted, asked, Names(info, notices, asked), "" if mine else asked.filter)
    try:
        if user is not None:
            privileges.become(user)
        info.format = tap.format
        for device in wanted:
            if not device.up:
                notices.warn(f"{device.name}: the interface is down; waiting for it to come up")
        chosen = CaptureFilter(asked.filter, notices.warn) if mine else None
        return LiveCapture(tap, info, notices, asked, should_stop, chosen)
    except BaseException:
        tap.close()
        raise


def _by_tags(expression: str) -> bool:
    """Whether a filter asks for VLAN tags: the hardware took them out when the kernel's filter runs."""
    return "vlan" in re.findall(r"[a-z0-9]+", expression.lower())


class LiveCapture:
    """Frames of interfaces; iterate over it for batches.

    A batch is valid until the next but one is asked for; one may have no frames.

    Attributes:
        files: one, for all interfaces.
        interfaces: in order of appearance; the column ``interface`` is an index here.
        warnings: what was noticed so far, one line each.
        total_bytes: None; a capture of files knows it.
        position_bytes: bytes of frames so far.
        passed_over: frames that were counted and written, and not analysed for want of time.
    """

    total_bytes = None

    def __init__(  # noqa: PLR0913, PLR0917 - what open_live has made
        self,
        tap: Tap,
        info: FileInfo,
        notices: Notices,
        options: LiveOptions,
        should_stop: Callable[[], bool] | None = None,
        chosen: CaptureFilter | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Read from a tap.

        Args:
            tap: where frames come from.
            info: what the table ``capture`` will say.
            notices: where warnings go.
            options: when to stop, and what to write.
            should_stop: True ends the capture.
            chosen: a filter that the tap has not got.
            clock: the time of day, in nanoseconds.
        """
        self._tap = tap
        self._notices = notices
        self._options = options
        self._should_stop = should_stop
        self._chosen = chosen
        self._clock = clock
        self.files = [info]
        self.interfaces: list[Interface] = notices.interfaces
        self.warnings: list[str] = notices.warnings
        counts = tap.counts()
        if counts is not None:
            info.received, info.dropped = counts
        self._recorder: Recorder | None = None
        self._closed = False
        self._told_drops = 0
        self._told_time = False
        self.passed_over = 0
        self._full = False
        self._began = self._seen = 0
        self._queue: deque[Batch] = deque()
        self._given: deque[Batch | None] = deque()
        self._spare: list[Batch] = []
        self._offset_ns = self._clock() - _steady_ns()
        self._batches = self._read()

    @property
    def position_bytes(self) -> int:
        """Bytes of frames so far."""
        return self.files[0].captured_bytes

    @property
    def waiting(self) -> int:
        """Frames that were taken in and not handed out for analysis yet."""
        return sum(batch.count for batch in self._queue)

    @property
    def crowded(self) -> float:
        """How much of the room for frames is taken, from 0 to 1."""
        return self._tap.crowded

    def lasts_seconds(self, frames_a_second: float, bytes_a_second: float) -> float:
        """For how long there is room for what comes, if nobody reads: an estimate, rather too low.

        Args:
            frames_a_second: that come, as far as can be told.
            bytes_a_second: of these frames.
        """
        room = (1 - self.crowded) * self._options.buffer_bytes
        return room / max(bytes_a_second + _BESIDE_FRAME * frames_a_second, 1)

    def __iter__(self) -> Iterator[Batch]:
        """The batches not read yet: frames are numbered from 1.

        Asking for the first one raises UsageError or PermissionDeniedError if the file to write is there
        already, or cannot be there.
        """
        return self._batches

    def _read(self) -> Iterator[Batch]:
        if self._options.recording is not None:
            self._recorder = Recorder(self._options.recording, self.interfaces, self._counts)
        self._began = self._seen = looked = time.monotonic_ns()
        stopped: int | None = None
        nothing = Batch(1)
        while not self._closed:
            now = time.monotonic_ns()
            batch = self._next(now) or nothing
            if now - looked >= LOOK_NS:
                looked = now
                self._look()
            yield batch
            if stopped is None and (self._full or self._ends(now)):
                stopped = now
                self._tap.stop()
            if batch is not nothing:
                continue
            if self._full or (stopped is not None and now - max(stopped, self._seen) >= DRAIN_NS):
                break
            self._wait(now)
        self._end()

    def _next(self, now: int) -> Batch | None:
        """The batch that is to be analysed now; None if there is none.

        Everything that has come is taken in before, counted and written.
        """
        self._release(1)  # the next but one is asked for
        self._take_in(now)
        if self._recorder is not None and self._tap.crowded >= CROWDED:
            self._pass_over()
        batch = self._queue.popleft() if self._queue else None
        self._given.append(batch)
        return batch

    def _release(self, kept: int) -> None:
        """Nobody looks any more at the batches that were given out, but the last ones."""
        while len(self._given) > kept:
            done = self._given.popleft()
            if done is not None:
                self._tap.release()
                self._spare.append(done)

    def _take_in(self, now: int) -> None:
        """Count and write what has come, and let it wait for its turn."""
        while not self._full and len(self._queue) + len(self._given) < self._tap.depth:
            batch = self._spare.pop() if self._spare else Batch(BATCH_FRAMES)
            self._tap.fill(batch)
            batch.passed_over = False
            if not batch.count:
                self._spare.append(batch)
                return
            if self._take(batch):
                self._seen = now
            self._queue.append(batch)

    def _pass_over(self) -> None:
        """Have no time for the older half of what waits: it is written, and what comes needs room."""
        for batch in list(self._queue)[: (len(self._queue) + 1) // 2]:
            if not batch.passed_over:
                batch.passed_over = True
                batch.arrays["keep"][: batch.count] = 0
                self.passed_over += batch.count
        if not self._told_time:
            self._told_time = True
            self._notices.warn(
                "analysis is slower than packets come: some are counted and written, and not analysed"
            )

    def close(self) -> None:
        """End the capture. Reading on gives nothing."""
        if self._closed:
            return
        self._closed = True
        if self._recorder is not None:
            self._recorder.close()
        self._tap.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the capture."""
        self.close()

    def _ends(self, now: int) -> bool:
        """Whether it is time to stop."""
        options = self._options
        return (
            (self._should_stop is not None and self._should_stop())
            or (options.duration_ns is not None and now - self._began >= options.duration_ns)
            or (options.idle_ns is not None and now - self._seen >= options.idle_ns)
        )

    def _wait(self, now: int) -> None:
        seconds = WAIT_SECONDS
        if self._options.duration_ns is not None:
            seconds = min(seconds, max(0.001, (self._began + self._options.duration_ns - now) / 1e9))
        self._release(0)  # the last one was empty
        problem = self._tap.wait(seconds)
        if problem and problem != errno.ENETDOWN:  # of which ``renew`` tells
            time.sleep(seconds)  # there may be an error each time

    def _take(self, batch: Batch) -> bool:
        """See to a batch that was filled; whether it has any frames."""
        if self._chosen is not None and batch.count:
            _choose(batch, self._chosen)
        info, limit = self.files[0], self._options.frames
        if limit is not None:
            batch.count = min(batch.count, limit - info.frames)
            self._full = batch.count == limit - info.frames
        batch.first_frame = info.frames + 1
        if batch.count:
            self._count(batch)
            self._record(batch)
        return batch.count > 0

    def _count(self, batch: Batch) -> None:
        """Add a batch to the capture's figures."""
        info, count = self.files[0], batch.count
        times = batch.arrays["time_ns"][:count]
        info.frames += count
        info.captured_bytes += int(batch.arrays["captured_bytes"][:count].sum())
        info.wire_bytes += int(batch.arrays["wire_bytes"][:count].sum())
        oldest, newest = int(times.min()), int(times.max())
        info.first_ns = oldest if info.first_ns is None else min(oldest, info.first_ns)
        info.last_ns = newest if info.last_ns is None else max(newest, info.last_ns)

    def _record(self, batch: Batch) -> None:
        """Write a batch before anybody analyses it."""
        if self._recorder is None or self._recorder.failed:
            return
        try:
            self._recorder.write(batch)
        except NetanalyzeError as error:
            self._notices.warn(str(error))

    def _counts(self) -> tuple[int | None, int | None]:
        counts = self._tap.counts()
        if counts is None:
            return None, None
        self.files[0].received, self.files[0].dropped = counts
        return counts

    def _look(self) -> None:
        """Tell what changed: interfaces, the clock, packets that are being lost."""
        for line in self._tap.renew():
            self._notices.warn(line)
        offset = self._clock() - _steady_ns()
        step = offset - self._offset_ns
        if abs(step) >= STEP_NS:
            self._offset_ns = offset
            way = "forward" if step > 0 else "back"
            self._notices.warn(
                f"the clock was set {way} by {abs(step) / 1e9:.1f} s: durations across that are wrong"
            )
        _, dropped = self._counts()
        if dropped and not self._told_drops:
            self._told_drops = dropped
            self._notices.warn(f"packets are being lost, {dropped} so far: analysis is slower than they come")

    def _end(self) -> None:
        """The last figures, and what they mean. The memory of the batches stays until it is closed."""
        self._tap.stop()
        self._counts()
        losses = self.files[0].losses
        if losses:
            self._notices.warn(
                f"{losses}; use a filter (-f), fewer tables (-r), a larger --buffer, or only --write and"
                " analyze the file afterwards"
            )
        if self.passed_over:
            share = 100 * self.passed_over / self.files[0].frames
            self._notices.warn(
                f"{self.passed_over} frames were not analysed ({share:.2g} %), because analysis was slower"
                " than they came: only capture and ledger count them; analyze the file that was written"
            )
        if self._recorder is not None:
            self._recorder.close()


def _steady_ns() -> int:
    """A clock that nobody sets, and that goes on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)


def _choose(batch: Batch, chosen: CaptureFilter) -> None:
    """Leave out the frames that do not match, as the kernel's filter would have."""
    chosen.apply(batch)
    rows = np.flatnonzero(batch.arrays["keep"][: batch.count])
    for name in COLUMNS:
        column = batch.arrays[name]
        column[: len(rows)] = column[rows]
    batch.count = len(rows)
