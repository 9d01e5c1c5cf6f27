"""The first Ctrl-C asks for a report of what was seen so far, a second one ends the program."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType


class Interrupt:
    """Notes the first SIGINT while it is entered; after it, SIGINT kills as it does by default."""

    def __init__(self, on_second: Callable[[], None] | None = None) -> None:
        """Nothing has happened yet.

        Args:
            on_second: is called before a second SIGINT ends the program; None if nothing has to be put right.
        """
        self.happened = False
        self._on_second = on_second
        self._before: Any = None

    def __enter__(self) -> Self:
        """Take over SIGINT, unless it is ignored as in a background job.

        Handlers can be set in the main thread only; elsewhere nothing happens.
        """
        ours = threading.current_thread() is threading.main_thread()
        if ours and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give SIGINT back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.happened

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.happened and self._on_second is not None:
            self._on_second()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        self.happened = True
        if self._on_second is None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
