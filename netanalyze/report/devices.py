"""The table of this machine's network interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.capture.linktypes import link_type_name
from netanalyze.capture.live.devices import devices
from netanalyze.report.records.devices import NetworkInterface
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from netanalyze.capture.live.devices import Device


def interfaces_table() -> Table[NetworkInterface]:
    """Every interface, in the system's order."""
    rows = [
        NetworkInterface(
            name=device.name,
            state=_state(device),
            addresses=", ".join(device.addresses) or None,
            mac=device.mac or None,
            mtu_bytes=device.mtu,
            link_type=link_type_name(device.link_type),
            loopback=device.loopback,
        )
        for device in devices()
    ]
    return Table.from_rows("interfaces", NetworkInterface, rows)


def _state(device: Device) -> str:
    if not device.up:
        return "down"
    return "up" if device.state == "unknown" else device.state
