"""Queries over TCP that follow truncated answers over UDP (RFC 7766 section 5).

The two come by different ways: datagrams are read batch by batch, and what streams say in the same time
comes before or after all of a batch. Where a lookup was truncated twice within one, pairing has seen the
second query over UDP before the first one over TCP. So they are joined once all rows are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.columns import found_in
from netanalyze.model import NULL

if TYPE_CHECKING:
    from netanalyze.apps.dns.queries import Rows

_TCP = 1
_LATEST_NS = 30 * 10**9
"""As ``pairing_kernel`` has it: later than this it is a lookup of its own."""
_KEY = (fields.VERSION, fields.PROTOCOL, fields.NAME_FOLDED, fields.QTYPE)


def join_truncated(rows: Rows) -> None:
    """Make attempts over TCP of queries whose answer was truncated, where they are not yet."""
    truncated = np.flatnonzero(rows.number(fields.END) == fields.TRUNCATED)
    truncated = truncated[rows.number(fields.TRANSPORT)[truncated] != _TCP]
    if not len(truncated):
        return
    after = (rows.number(fields.NOTE) & fields.AFTER_TRUNCATED) != 0
    joined = set(rows.word(fields.OTHER_FRAME)[after].tolist())
    frames = rows.word(fields.FRAME)
    left = [row for row in truncated.tolist() if int(frames[row]) not in joined]
    names = rows.number(fields.NAME_FOLDED)
    alone = (rows.number(fields.TRANSPORT) == _TCP) & (rows.number(fields.NOTE) == 0) & (frames != NULL)
    alone &= (rows.word(fields.FIRST_FRAME) == frames) & found_in(names, names[left])
    if not alone.any():
        return
    chosen = np.concatenate([truncated[found_in(names[truncated], names[left])], np.flatnonzero(alone)])
    times = np.where(alone[chosen], rows.word(fields.TIME)[chosen], rows.word(fields.RESPONSE_NS)[chosen])
    waiting: dict[tuple[int, ...], int] = {}
    for row in chosen[np.argsort(times, kind="stable")].tolist():
        key = (
            *rows.addresses[row, : fields.SERVER_HI].tolist(),
            *rows.numbers[row, _KEY].tolist(),
        )
        if not alone[row]:
            waiting[key] = row
            continue
        before = waiting.pop(key, None)
        if before is not None and int(frames[before]) not in joined:
            _join(rows, row, before)


def _join(rows: Rows, row: int, before: int) -> None:
    words, numbers = rows.words, rows.numbers
    if words[row, fields.TIME] - words[before, fields.LAST_NS] > _LATEST_NS:
        return
    note = fields.AFTER_TRUNCATED
    same_server = (
        rows.addresses[row, fields.SERVER_HI :].tolist()
        == rows.addresses[before, fields.SERVER_HI :].tolist()
        and numbers[row, fields.SERVER_PORT] == numbers[before, fields.SERVER_PORT]
    )
    if not same_server:
        note |= fields.OTHER_SERVER
    if numbers[row, fields.CLIENT_PORT] != numbers[before, fields.CLIENT_PORT]:
        note |= fields.OTHER_PORT
    numbers[row, fields.NOTE] |= note
    numbers[row, fields.ATTEMPTS] += numbers[before, fields.ATTEMPTS]
    words[row, fields.FIRST_FRAME] = words[before, fields.FIRST_FRAME]
    words[row, fields.FIRST_NS] = words[before, fields.FIRST_NS]
    words[row, fields.OTHER_FRAME] = words[before, fields.FRAME]
