"""netanalyze: what the conversations in a packet capture really did, with the frames that prove it.

In a notebook or a program::

    import netanalyze

    report = netanalyze.analyze("capture.pcapng")
    report["streams"].where("app=http", "duration>1.5s").top(10, by="bytes")
    pandas.DataFrame(report["streams"].columns)
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from netanalyze import kernels
from netanalyze._version import VERSION as __version__  # noqa: N811 - the name that packages use
from netanalyze.errors import (
    CaptureError,
    DamagedCaptureError,
    EmptyCaptureError,
    FilterError,
    NetanalyzeError,
    PermissionDeniedError,
    UnknownFormatError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from netanalyze.capture import open_capture, open_live
    from netanalyze.report.report import Report
    from netanalyze.report.table import Table

    Path = str | os.PathLike[str]

kernels.install_hook()

__all__ = [
    "CaptureError",
    "DamagedCaptureError",
    "EmptyCaptureError",
    "FilterError",
    "NetanalyzeError",
    "PermissionDeniedError",
    "Report",
    "Table",
    "UnknownFormatError",
    "UsageError",
    "__version__",
    "analyze",
    "open_capture",
    "open_live",
    "sniff",
]

_LATER = {
    "Report": "netanalyze.report.report",
    "Table": "netanalyze.report.table",
    "open_capture": "netanalyze.capture",
    "open_live": "netanalyze.capture",
}
"""Names that are imported when somebody uses them: they bring numpy along, which takes its time."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute can be anything
    if name not in _LATER:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def analyze(  # noqa: PLR0913 - all but the paths are options, given by name
    paths: Path | Iterable[Path],
    *,
    reports: Iterable[str] | None = None,
    filter: str | None = None,  # noqa: A002 - the word that tcpdump and the command line use
    start: str | None = None,
    stop: str | None = None,
    keep_duplicates: bool = False,
    compat: str | None = None,
    streams: Iterable[int] = (),
    decode_as: Mapping[tuple[str, int], str] | None = None,
    time_wait_ns: int = 60_000_000_000,
    overlap: str = "first",
) -> Report:
    """Read captures and report on them.

    Args:
        paths: one capture file or several, which are read as one capture in time order; ``-`` is
            standard input.
        reports: names of the tables wanted; None for all but those about chosen streams. Fewer take less
            time. ``capture`` and ``ledger`` are always there.
        filter: analyze only frames that match this BPF expression, as ``host 10.0.0.1``.
        start: analyze only what begins here: a frame as ``#100``, a time since the first frame as
            ``12.5s``, or a date and time as ``2024-05-01T10:00:00`` (UTC unless it says otherwise).
        stop: analyze only what ends here, this frame or time included.
        keep_duplicates: count a packet again for each time it was captured.
        compat: ``wireshark`` for TCP events by its rules; frames captured twice are kept then.
        streams: numbers of the TCP streams that ``windows`` is to show.
        decode_as: application protocol by transport and port, whatever the bytes look like:
            ``{("tcp", 9000): "http"}``.
        time_wait_ns: how long TCP endpoints stay in TIME-WAIT; by default as long as in Linux.
        overlap: which copy of bytes of a TCP stream counts that came twice before they could be read:
            ``first`` or ``last``.

    Raises:
        CaptureError: a file cannot be read as a capture.
        UsageError: a table, a filter or a time makes no sense.
        PermissionDeniedError: the operating system does not allow reading a file.
    """
    from netanalyze.pipeline import Options, run  # noqa: PLC0415 - numpy takes its time
    from netanalyze.report.registry import USUAL, like_wireshark, wanted  # noqa: PLC0415 - the same

    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    asked = Options(
        tables=USUAL if reports is None else wanted([reports] if isinstance(reports, str) else reports),
        filter=filter,
        start=start,
        stop=stop,
        keep_duplicates=keep_duplicates,
        like_wireshark=like_wireshark(compat),
        streams=tuple(streams),
        decode_as=decode_as or {},
        time_wait_ns=time_wait_ns,
        overlap=overlap,
    )
    return run([os.fspath(path) for path in several], asked)


def sniff(  # noqa: PLR0913 - all but the interfaces are options, given by name
    interfaces: str | Iterable[str],
    *,
    reports: Iterable[str] | None = None,
    filter: str | None = None,  # noqa: A002 - the word that tcpdump and the command line use
    seconds: float | None = None,
    frames: int | None = None,
    idle_seconds: float | None = None,
    write: Path | None = None,
    promiscuous: bool = False,
    snap_bytes: int = 262_144,
    buffer_bytes: int = 64 << 20,
    fanout: int | None = None,
    should_stop: Callable[[], bool] | None = None,
    keep_duplicates: bool = False,
    compat: str | None = None,
    streams: Iterable[int] = (),
    decode_as: Mapping[tuple[str, int], str] | None = None,
    time_wait_ns: int = 60_000_000_000,
    overlap: str = "first",
) -> Report:
    """Capture on interfaces until a limit is reached, and report on what they carried.

    Args:
        interfaces: the name of one or the names of several; ``any`` for all.
        reports: names of the tables wanted, as for ``analyze``.
        filter: capture only packets that match this BPF expression, as ``host 10.0.0.1``.
        seconds: stop after so long.
        frames: stop after so many.
        idle_seconds: stop when nothing came for so long.
        write: a pcapng file to write all frames to; it must not be there yet.
        promiscuous: capture packets for other hosts too.
        snap_bytes: bytes to take of each frame at most.
        buffer_bytes: memory for packets that wait to be looked at.
        fanout: number of a group of captures that share the packets (Linux, packet(7)).
        should_stop: asked about ten times a second; True ends the capture. Without a limit this is the only
            end there is.
        keep_duplicates: count a packet again for each time it was captured.
        compat: ``wireshark`` for TCP events by its rules.
        streams: numbers of the TCP streams that ``windows`` is to show.
        decode_as: application protocol by transport and port.
        time_wait_ns: how long TCP endpoints stay in TIME-WAIT.
        overlap: which copy of bytes of a TCP stream counts that came twice: ``first`` or ``last``.

    Raises:
        PermissionDeniedError: the process may not capture (on Linux: it has no CAP_NET_RAW).
        CaptureError: the system does not allow it.
        UsageError: an interface, a table or a filter makes no sense.
    """
    from netanalyze.capture import open_live  # noqa: PLC0415 - numpy takes its time
    from netanalyze.capture.live.options import LiveOptions  # noqa: PLC0415 - the same
    from netanalyze.capture.writer import Recording  # noqa: PLC0415 - the same
    from netanalyze.pipeline import Options  # noqa: PLC0415 - the same
    from netanalyze.pipeline import sniff as run  # noqa: PLC0415 - the same
    from netanalyze.report.registry import USUAL, like_wireshark, wanted  # noqa: PLC0415 - the same

    asked = Options(
        tables=USUAL if reports is None else wanted([reports] if isinstance(reports, str) else reports),
        keep_duplicates=keep_duplicates,
        like_wireshark=like_wireshark(compat),
        streams=tuple(streams),
        decode_as=decode_as or {},
        time_wait_ns=time_wait_ns,
        overlap=overlap,
    )
    live = LiveOptions(
        filter=filter or "",
        snap_bytes=snap_bytes,
        buffer_bytes=buffer_bytes,
        promiscuous=promiscuous,
        duration_ns=None if seconds is None else round(seconds * 1e9),
        frames=frames,
        idle_ns=None if idle_seconds is None else round(idle_seconds * 1e9),
        fanout=fanout,
        recording=None if write is None else Recording(os.fspath(write)),
    )
    several = [interfaces] if isinstance(interfaces, str) else list(interfaces)
    with open_live(several, live, should_stop=should_stop) as capture:
        return run(capture, asked, should_stop=should_stop)
