"""Every rule, and which of them are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.errors import UsageError
from netanalyze.findings import (
    capturing,
    checksums,
    datagrams,
    endings,
    http_answers,
    http_use,
    http_web,
    listening,
    losses,
    messages,
    names,
    states,
    unused,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.findings.rule import Rule

RULES: tuple[Rule, ...] = (
    losses.RandomLoss(),
    losses.BurstLoss(),
    losses.Timeouts(),
    losses.TailLoss(),
    losses.Needless(),
    losses.Reordering(),
    losses.BlackHole(),
    endings.Aborted(),
    endings.IdleCut(),
    checksums.Damage(),
    windows.SlowReader(),
    windows.SmallWindow(),
    windows.SendBuffer(),
    windows.SlowWriter(),
    messages.Stalls(),
    messages.Sticky(),
    states.TimeWait(),
    states.CloseWaitLeak(),
    states.UnansweredFin(),
    listening.AcceptQueue(),
    listening.SynQueue(),
    listening.SynRetries(),
    listening.Refused(),
    listening.Unanswered(),
    listening.Unreachable(),
    listening.Partial(),
    names.Unanswered(),
    names.Failing(),
    names.Slow(),
    names.Repeated(),
    names.SearchList(),
    names.LostTwin(),
    unused.Unused(),
    http_use.KeepAliveOff(),
    http_use.NotReused(),
    http_use.KeepAliveRace(),
    http_use.BrokenOff(),
    http_use.GaveUp(),
    http_answers.ServerErrors(),
    http_answers.ClientErrors(),
    http_answers.SlowServer(),
    http_answers.SlowTransfer(),
    http_answers.Uncompressed(),
    http_answers.WronglyCoded(),
    http_web.Preflights(),
    http_web.Refused(),
    http_web.Cookies(),
    datagrams.ToNobody(),
    datagrams.Fragments(),
    datagrams.LostFragments(),
    capturing.Drops(),
    capturing.Missing(),
    capturing.Cut(),
    capturing.CutShort(),
    capturing.Duplicates(),
    capturing.Damaged(),
    capturing.OneSided(),
    capturing.NoHandshake(),
    capturing.ClockStep(),
    capturing.Offload(),
    checksums.NotFilledIn(),
)
"""In the order of the documentation."""

FAMILIES = {
    "TCP": "losses and resets",
    "WIN": "windows and buffers",
    "WRT": "messages in segments",
    "FSM": "connections that stay behind",
    "LSN": "listening sockets",
    "DNS": "DNS",
    "HTTP": "HTTP/1",
    "UDP": "datagrams",
    "CAP": "the capture itself",
}
"""What each family of codes is about."""


def select(chosen: Iterable[str] = (), ignored: Iterable[str] = ()) -> list[Rule]:
    """The rules of some codes, without some others.

    Args:
        chosen: codes, or beginnings of codes such as ``TCP``; none for all rules.
        ignored: likewise.

    Raises:
        UsageError: nothing begins like this.
    """
    wanted, unwanted = [tuple(_checked(code) for code in codes) for codes in (chosen, ignored)]
    return [
        rule
        for rule in RULES
        if (not wanted or rule.code.startswith(wanted)) and not (unwanted and rule.code.startswith(unwanted))
    ]


def _checked(code: str) -> str:
    name = code.upper()
    if name and any(rule.code.startswith(name) for rule in RULES):
        return name
    message = (
        f"no rule has a code like {code!r}: they begin with {', '.join(FAMILIES)} (docs/findings.md has all)"
    )
    raise UsageError(message)


def rule_of(code: str) -> Rule:
    """The rule of a code.

    Raises:
        UsageError: there is none.
    """
    for rule in RULES:
        if rule.code == code.upper():
            return rule
    message = f"no rule has the code {code!r} (docs/findings.md has all)"
    raise UsageError(message)
