"""Keys that are pressed while a program runs, and the terminal as it was when it ends, however it ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

_LEAVE_SCREEN = b"\x1b[?1049l\x1b[?25h"
"""Back from the alternate screen, with the cursor."""


class Keys:
    """Reads keys without waiting for the end of a line; Ctrl-C stays a signal.

    A terminal that is not one of ours to change (there is none, or we are in the background) gives no keys.
    """

    def __init__(self) -> None:
        """The terminal is as it was."""
        self._fd = -1
        self._before: Any = None
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take keys one by one from now on."""
        try:
            import termios  # noqa: PLC0415 - not on Windows

            self._fd = sys.stdin.fileno()
            if not os.isatty(self._fd) or os.tcgetpgrp(self._fd) != os.getpgrp():
                return self
            self._before = termios.tcgetattr(self._fd)
        except (ImportError, OSError, ValueError, AttributeError):
            return self
        self._set()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, self._die)
            if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
                self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the terminal back as it was."""
        self.restore()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
        self._before = None

    def pressed(self) -> str:
        """The keys pressed since the last time."""
        if self._before is None:
            return ""
        with suppress(OSError, ValueError):
            if select.select([self._fd], [], [], 0)[0]:
                return os.read(self._fd, 64).decode("utf-8", "replace")
        return ""

    def restore(self) -> None:
        """Set the terminal as it was; may be called again."""
        if self._before is not None:
            import termios  # noqa: PLC0415 - not on Windows

            with suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def abandon(self) -> None:
        """Give terminal and screen back at once, because the program ends without a word."""
        self.restore()
        with suppress(OSError, ValueError):
            os.write(sys.stdout.fileno(), _LEAVE_SCREEN)

    def _set(self) -> None:
        import tty  # noqa: PLC0415 - not on Windows

        tty.setcbreak(self._fd)

    def _die(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.abandon()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal, and we take it again when we go on."""
        del number, frame
        self.abandon()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)
        if self._before is not None:
            self._set()
            with suppress(OSError, ValueError):
                os.write(sys.stdout.fileno(), b"\x1b[?1049h\x1b[?25l")
