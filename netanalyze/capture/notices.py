"""Where readers report to: the interfaces and warnings of one capture, over all its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.capture.info import Interface


class Notices:
    """The lists that a capture shows, and who is told of each warning.

    Attributes:
        interfaces: of all files, in order of appearance.
        warnings: one line each.
    """

    def __init__(self, on_warning: Callable[[str], None] | None = None) -> None:
        """Empty lists; ``on_warning`` is called with each warning as it is added."""
        self.interfaces: list[Interface] = []
        self.warnings: list[str] = []
        self._on_warning = on_warning

    def warn(self, line: str) -> None:
        """Add a warning."""
        self.warnings.append(line)
        if self._on_warning is not None:
            self._on_warning(line)

    def add_interface(self, interface: Interface) -> int:
        """Add an interface; its index."""
        self.interfaces.append(interface)
        return len(self.interfaces) - 1
