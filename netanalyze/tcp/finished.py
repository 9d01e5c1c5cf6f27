"""Which TCP streams are finished: nothing of them will come any more, and nothing they did is of today.

A stream is finished when the next packet between the same ports can only be one of another connection:

- both endpoints are closed, TIME-WAIT is over, and nothing was seen since for ``QUIET_NS``, or
- it was never established, and nothing was seen of it for as long. So the last try has been made: Linux
  sends a SYN again after 1, 3, 7, 15, 31 and 63 s, a SYN-ACK up to 31 s.

A connection that is open, or closed by one side, never is, however long it is silent. A packet that comes
nevertheless opens a stream of its own, as in a capture that began later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import found_in
from netanalyze.tcp.states import State
from netanalyze.tcp.timers import PERSIST_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUIET_NS = PERSIST_NS
"""Nothing is sent again that was not sent again by then: RFC 9293 and Linux wait two minutes at most."""
LEAST_ROWS = 1 << 16
"""Letting go is not worth while for less."""
_SHARE = 3
"""It takes time in proportion to what is there: it is done when one in so many may be let go of."""
_LOOKS = 8
"""Whether that is so is looked at each time that one more in so many has come."""

_REACH_NS = 1 << 62
"""No clock has a time beyond."""

_OVER = (State.UNSEEN, State.CLOSED, State.LISTEN)
_NEVER_OPEN = (*_OVER, State.SYN_SENT, State.SYN_RECEIVED)


class Limit:
    """When it is time to let go again."""

    def __init__(self) -> None:
        """Not before there are ``LEAST_ROWS``."""
        self._rows = LEAST_ROWS
        self._stayed = 0

    def reached(self, rows: int) -> bool:
        """Whether to ask ``worth_while`` with this number of rows."""
        return rows >= self._rows

    def worth_while(self, rows: int, quiet: int) -> bool:
        """Whether to let go, where so many of the rows have been quiet long enough."""
        if (quiet - self._stayed) * _SHARE >= rows:
            return True
        self._rows = rows + rows // _LOOKS
        return False

    def left(self, rows: int, quiet: int) -> None:
        """Be told how many are left, and how many of these are quiet but not finished."""
        self._rows = max(LEAST_ROWS, rows + rows // _LOOKS)
        self._stayed = quiet


def known_until(time_ns: NDArray[np.int64]) -> int:
    """Up to when what happened is known for good, from the times of the latest frames, one at least.

    The one in the middle is taken for now: a few that are wrong do no harm.
    """
    middle = len(time_ns) // 2
    now_ns = int(np.partition(time_ns, middle)[middle])
    return min(max(now_ns, -_REACH_NS), _REACH_NS) - QUIET_NS


def finished(
    final: NDArray[np.int64],
    last_ns: NDArray[np.int64],
    time_wait_ns: int,
    until_ns: int,
) -> NDArray[np.bool_]:
    """Which streams are finished.

    Args:
        final: the state of side 0 and of side 1 of each stream if nothing comes any more.
        last_ns: time of each stream's latest packet.
        time_wait_ns: how long TIME-WAIT lasts.
        until_ns: up to when what happened is known for good.
    """
    found: NDArray[np.bool_] = found_in(final, _NEVER_OPEN).all(axis=1) & (last_ns <= until_ns - time_wait_ns)
    return found
