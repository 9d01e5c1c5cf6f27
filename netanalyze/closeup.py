"""The same stages for one thing alone: a frame that is explained, a stream that is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.identify import Identifier
from netanalyze.apps.watch import StreamWatch, Wanted
from netanalyze.apps.watch_flow import FlowWatch
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.flow.table import FlowTable
from netanalyze.pipeline import check_overlap
from netanalyze.tcp.explain import FrameWatch
from netanalyze.wire.decode import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netanalyze.apps.transcript import Ends, Passage
    from netanalyze.tcp.explain import Explained


def explain_frame(  # noqa: PLR0913 - what was asked
    paths: Sequence[str],
    number: int,
    *,
    like_wireshark: bool = False,
    keep_duplicates: bool = False,
    later: bool = False,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> Explained:
    """Find out about one frame what the analysis of TCP makes of it, and why.

    Args:
        paths: the files, read as one capture; ``-`` is standard input.
        number: of the frame, from 1. Reading ends behind its batch.
        like_wireshark: go by Wireshark's rules; duplicates are kept as well.
        keep_duplicates: analyse frames that were captured twice each time.
        later: read on, for what later frames tell about it.
        on_progress: is told after each batch how many bytes of how many have been read.
        on_warning: is told of damage as it is found.

    Raises:
        CaptureError: a file cannot be read as a capture.
        UsageError: there is no such frame.
    """
    decoder = Decoder(BATCH_FRAMES)
    flows = FlowTable(decoder.facts, keep_duplicates=keep_duplicates or like_wireshark)
    watch = FrameWatch(number, decoder, flows, like_wireshark=like_wireshark, later=later)
    with open_capture(paths, on_warning=on_warning) as capture:
        for batch in capture:
            packets = decoder.decode(batch)
            flows.mark_duplicates(batch, packets)
            flows.add(batch, packets)
            watch.feed(batch, packets)
            if watch.done:
                break
            if on_progress is not None:
                on_progress(capture.position_bytes, capture.total_bytes)
    return watch.explained(Identifier({}).service_ports["tcp"])


def follow(  # noqa: PLR0913 - what was asked
    paths: Sequence[str],
    number: int,
    wanted: Wanted | None = None,
    *,
    udp: bool = False,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[Ends | Passage]:
    """What the two sides of one TCP stream or UDP flow said: first who they are, then passage after passage.

    The captures are read as this is iterated over; nothing is kept that has been given out.

    Args:
        paths: the files, read as one capture; ``-`` is standard input.
        number: of the stream.
        wanted: how to put the stream together and what to show of it.
        udp: follow the UDP flow of this number.
        on_progress: is told after each batch how many bytes of how many have been read.
        on_warning: is told of damage, and at the end of what was left out.
        should_stop: asked after each batch; True ends the stream where it is.

    Raises:
        CaptureError: a file cannot be read as a capture.
        UsageError: there is no such stream, or an option makes no sense.
    """
    wanted = wanted or Wanted()
    check_overlap(wanted.overlap)
    decoder = Decoder(BATCH_FRAMES)
    flows = FlowTable(decoder.facts, keep_duplicates=wanted.keep_duplicates)
    watch: StreamWatch | FlowWatch
    if udp:
        watch = FlowWatch(number, flows, wanted)
    else:
        watch = StreamWatch(number, decoder.packets.capacity, flows, wanted)
    with open_capture(paths, on_warning=on_warning, should_stop=should_stop) as capture:
        for batch in capture:
            packets = decoder.decode(batch)
            flows.mark_duplicates(batch, packets)
            flows.add(batch, packets)
            yield from watch.feed(batch, packets)
            if on_progress is not None:
                on_progress(capture.position_bytes, capture.total_bytes)
            if should_stop is not None and should_stop():
                break
    yield from watch.finish()
    for line in watch.warnings():
        if on_warning is not None:
            on_warning(line)
