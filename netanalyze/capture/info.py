"""What is known about the inputs of a capture: one record a file, one an interface."""

from __future__ import annotations

from msgspec import Struct, field


class FileInfo(Struct):
    """One input file; filled while it is read.

    Attributes:
        file: its name as given, ``-`` for standard input.
        format: ``pcap``, ``pcap (ns)``, ``pcap (modified)``, ``pcapng`` or ``snoop``.
        compression: ``gzip``, ``zstd``, ``xz``, ``bz2``, ``lz4``; the outer one first where there
            are several (``gzip, zstd``); empty for a plain file.
        link_types: LINKTYPE_ numbers of its interfaces, each once, in order of appearance.
        frames: how many frames were read.
        captured_bytes: bytes of frames that were captured.
        wire_bytes: bytes these frames had on the wire.
        first_ns: least time of a frame, nanoseconds since 1970; None if no frame has a time.
        last_ns: greatest time of a frame; None if no frame has a time.
        snap_length: the longest that a frame was captured, in bytes; None where not stated.
        interfaces: how many interfaces the file describes.
        received: packets that its interfaces counted while capturing; None where not stated.
        dropped: packets that were lost while capturing; None where not stated.
        cut_short: what of the file could not be read and why, in words; empty if it is whole.
        clock_steps: how many frames have a time at least a second before that of the frame before.
        clock_step_ns: the longest of these ways back.
        clock_step_frame: number in the file of the first such frame, 0 if there is none.
        skipped_bytes: how many bytes of the (uncompressed) file belong to no frame because of
            damage.
    """

    file: str
    format: str = ""
    compression: str = ""
    link_types: list[int] = field(default_factory=list)
    frames: int = 0
    captured_bytes: int = 0
    wire_bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    snap_length: int | None = None
    interfaces: int = 0
    received: int | None = None
    dropped: int | None = None
    cut_short: str = ""
    skipped_bytes: int = 0
    clock_steps: int = 0
    clock_step_ns: int = 0
    clock_step_frame: int = 0

    @property
    def losses(self) -> str:
        """What was lost while capturing, and what that means: a line, empty if nothing is known to be."""
        if not self.dropped:
            return ""
        # The counters of a file that was filtered later are still those of the whole capture.
        of_all = max(self.received or 0, self.dropped + self.frames)
        return (
            f"{self.dropped} of {of_all} packets were lost while capturing"
            f" ({100 * self.dropped / of_all:.2g} %): counts and bytes are too low, gaps and lost segments"
            " may be the capture's and not the network's"
        )


class Interface(Struct):
    """One interface of a file. Texts come from the file as they are: escape them before printing.

    Attributes:
        file: name of its file.
        link_type: LINKTYPE_ number, -1 where it has none.
        name: such as ``eth0``; empty where not stated.
        description: in words; empty where not stated.
        filter: the capture filter; empty where there was none or it is not stated.
        snap_length: the longest that a frame was captured, in bytes; None where not stated.
        fcs_bytes: length of the frame check sequence at the end of frames; None where not stated.
        received: packets that the interface counted; None where not stated.
        dropped_by_interface: packets that the interface lost; None where not stated.
        dropped_by_system: packets that the operating system lost; None where not stated.
    """

    file: str
    link_type: int
    name: str = ""
    description: str = ""
    filter: str = ""
    snap_length: int | None = None
    fcs_bytes: int | None = None
    received: int | None = None
    dropped_by_interface: int | None = None
    dropped_by_system: int | None = None

    @property
    def dropped(self) -> int | None:
        """Packets lost by interface and operating system; None where neither is stated."""
        if self.dropped_by_interface is None and self.dropped_by_system is None:
            return None
        return (self.dropped_by_interface or 0) + (self.dropped_by_system or 0)
