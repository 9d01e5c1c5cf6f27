"""A second thread that does the later half of the work, one batch behind.

A leaf module. Kernels release the interpreter's lock, so that two of them run at the same time: the
segments of one batch are analysed while the next batch is read and decoded.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

from netanalyze import kernels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VARIABLE = "NETANALYZE_THREADS"
"""Environment variable: 1 keeps all work on one thread."""


def worth_it() -> bool:
    """Whether two threads are faster than one here.

    They are not with a single processor, nor with interpreted kernels, which hold the lock.
    """
    if os.environ.get(VARIABLE) == "1" or kernels.kind() != "compiled":
        return False
    usable = getattr(os, "sched_getaffinity", None)
    return (len(usable(0)) if usable else os.cpu_count() or 1) > 1


class Follower:
    """Runs pieces of work on a thread of its own, of one batch at a time.

    What a piece of work looks at may be changed after the next ``hand_over`` or ``wait`` has returned, not
    earlier.
    """

    def __init__(self) -> None:
        """The thread is started with the first piece of work; ``close`` ends it."""
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._rest: deque[Callable[[], None]] = deque()
        self._begun: SimpleQueue[None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._under_way = False
        self._thread: threading.Thread | None = None

    def hand_over(self, work: Sequence[Callable[[], None]]) -> None:
        """Wait for the work of the batch before, and start on that of the next one.

        Args:
            work: the first piece has to be done before all others, which may be done in any order and at
                the same time.
        """
        self.wait()
        if not work:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="netanalyze-follower", daemon=True)
            self._thread.start()
        self._under_way = True
        self._rest.extend(work[1:])
        self._todo.put(work[0])

    def wait(self) -> None:
        """Help with the rest of the work, and return when all is done; raises what the work raised."""
        if not self._under_way:
            return
        self._begun.get()
        self._under_way = False
        try:
            self._work_off()
        finally:
            error = self._done.get()
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait, and let the thread end; raises what the work raised. More may be handed over all the same."""
        try:
            self.wait()
        finally:
            if self._thread is not None:
                self._todo.put(None)
                self._thread.join()
                self._thread = None

    def _work_off(self) -> None:
        """Take one piece after the other, as the other thread does too."""
        while self._rest:
            try:
                work = self._rest.popleft()
            except IndexError:  # the other thread took it
                return
            work()

    def _run(self) -> None:
        while (first := self._todo.get()) is not None:
            error: BaseException | None = None
            try:
                try:
                    first()
                finally:
                    self._begun.put(None)
                self._work_off()
            except BaseException as raised:  # noqa: BLE001 - it is raised again where somebody waits
                error = raised
                self._rest.clear()
            self._done.put(error)
