"""The first Ctrl-C asks for a report of what was seen so far, a second one ends the program."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class Interrupt:
    """Notes the first SIGINT while it is entered; after it, SIGINT kills as it does by default."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.happened = False
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
        self.happened = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)
