"""Chromium without a window, sent to a page that reports what its scripts found out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from namespace import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab import Lab
    from namespace import Namespace

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
    "--enable-logging=stderr",
)
"""Nothing but the page is to be asked for."""


def browse(
    lab: Lab,
    host: Namespace,
    url: str,
    names: dict[str, str],
    done: Callable[[], bool],
) -> list[str]:
    """Have Chromium load a page, and end it when that has reported.

    Args:
        lab: the room.
        host: where Chromium runs.
        url: of the page.
        names: address of each host name; there are no others.
        done: whether the page has reported.

    Returns:
        What Chromium wrote to its console.
    """
    lab.require("chromium")
    rules = [f"MAP {name} {address}" for name, address in names.items()]
    program = lab.start(
        host,
        "chromium",
        *OPTIONS,
        f"--user-data-dir={lab.folder / 'chromium'}",
        f"--host-resolver-rules={', '.join([*rules, 'MAP * ~NOTFOUND'])}",
        url,
    )
    wait_until(done, "the page's report", 60.0)
    said = program.stop()
    return re.findall(r'CONSOLE[^"]*"(.*?)", source:', said)
