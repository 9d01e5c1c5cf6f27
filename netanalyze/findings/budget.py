"""Which findings a report looks for that nobody asked to be complete.

The overview has to stay quick. Measured on two cores, with 100 000 short connections in a file of 114 MB and
with 240 long ones in a file of 596 MB:

- Rules over ``CHEAP`` tables add a fifth to what the overview takes anyway (1.0 to 1.2 s, 0.29 to 0.35 s).
- ``THOROUGH`` tables have many columns for each connection: with short ones they take four times as long
  and three times the memory.
- Checksums take a third as much again of large transfers (0.30 to 0.41 s), which go through all bytes.
- Application protocols are read by Python, at a tenth of the speed or less.

So the first are always looked into, the second in captures up to ``THOROUGH_BYTES``, and everything in
captures up to ``WHOLE_BYTES``: each adds a second at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.findings.catalog import FAMILIES, RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from netanalyze.findings.rule import Rule

CHEAP = frozenset({"capture", "ledger", "protocols", "streams", "events", "listeners", "udp"})
THOROUGH = frozenset(
    {"directions", "limits", "populations", "closers", "transitions", "checksums", "damaged"}
)

THOROUGH_BYTES = 32 * 10**6
WHOLE_BYTES = 8 * 10**6


def affordable(size_bytes: int | None) -> frozenset[str] | None:
    """The tables that findings may be made of without being asked for.

    Args:
        size_bytes: of the files, unpacked or not; None where it is not known.

    Returns:
        Names of tables; None where all will do.
    """
    if size_bytes is not None and size_bytes <= WHOLE_BYTES:
        return None
    if size_bytes is not None and size_bytes <= THOROUGH_BYTES:
        return CHEAP | THOROUGH
    return CHEAP


def left_out(wanted: Sequence[Rule], run: Collection[Rule]) -> list[str]:
    """What was not looked for: families of which no rule was run, and codes of other rules."""
    missing: list[str] = []
    for family, about in FAMILIES.items():
        members = [rule for rule in wanted if rule.code.startswith(family)]
        lacking = [rule for rule in members if rule not in run]
        if lacking and len(lacking) == len(members) == sum(rule.code.startswith(family) for rule in RULES):
            missing.append(about)
        else:
            missing += [rule.code for rule in lacking]
    return missing
