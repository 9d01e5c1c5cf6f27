"""What left a capture without end for want of room, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report.units import count, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def eviction_lines(
    evicted: Mapping[str, int], forgotten: Mapping[str, int], sums: Iterable[str], most: int
) -> list[str]:
    """Which figures of a report what left concerns: a line each.

    Args:
        evicted: how many ``open`` streams and ``udp`` flows left.
        forgotten: how many rows are not in the report, by table.
        sums: tables that are about the streams that are still there only.
        most: how many streams, flows and rows were to be kept.
    """
    lines = []
    if evicted["open"]:
        lines.append(
            f"{counted(evicted['open'], 'open TCP stream')} left for want of room (--max-streams"
            f" {count(most)}): what came of them later counts as other streams"
        )
    if evicted["udp"]:
        lines.append(
            f"{counted(evicted['udp'], 'UDP flow')} left for want of room (--max-streams {count(most)}):"
            " datagrams that came later count as other flows"
        )
    told = ", ".join(f"{count(number)} of {name}" for name, number in forgotten.items() if number)
    if told:
        lines.append(f"only the newest rows are in the report (--max-streams {count(most)}); without {told}")
    names = ", ".join(sorted(sums))
    if names:
        lines.append(f"streams that had ended were let go of: {names} are about the others only")
    return lines
