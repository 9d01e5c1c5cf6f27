"""``netanalyze follow``: what the two sides of a TCP connection or UDP flow said."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.interrupt import Interrupt
from netanalyze.cli.output import STDOUT, open_output
from netanalyze.cli.progress import Progress
from netanalyze.errors import UsageError
from netanalyze.report.names import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from netanalyze.apps.transcript import Ends, Passage
    from netanalyze.report.style import Style

SIDES = ("client", "server")

File = Annotated[str, typer.Argument(metavar="FILE", help="A capture; - is standard input.")]
Number = Annotated[
    int,
    typer.Argument(
        metavar="STREAM",
        min=0,
        help="Number of the TCP stream, as in Wireshark and in -r streams; with --udp of the UDP flow.",
    ),
]
Udp = Annotated[
    bool,
    typer.Option(
        "--udp", help="Follow the UDP flow of this number, as Wireshark's udp.stream and -r udp have it."
    ),
]
AsHex = Annotated[bool, typer.Option("--hex", help="Show text in hexadecimal too.")]
Raw = Annotated[
    bool, typer.Option("--raw", help="Write the bytes of the stream as they are, and nothing else.")
]
Side = Annotated[
    str | None, typer.Option("--side", metavar="SIDE", help="Only what this side sent: client or server.")
]
AsSent = Annotated[
    bool, typer.Option("--as-sent", help="Show messages as they were sent: no bodies decoded or unpacked.")
]


def follow(  # noqa: PLR0913 - every option is an argument
    *,
    file: File,
    number: Number,
    udp: Udp = False,
    format_name: options.TextOrJson = None,
    as_hex: AsHex = False,
    raw: Raw = False,
    side: Side = None,
    as_sent: AsSent = False,
    max_body: options.MaxBody = options.MAX_BODY_MB,
    output: options.OutputPath = None,
    decode_as: options.DecodeAs = None,
    overlap: options.Overlap = "first",
    keep_duplicates: options.KeepDuplicates = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Show what the two sides of a TCP connection or UDP flow said.

    Text is shown as text and everything else in hexadecimal; what is missing from the capture is said in
    its place. Bodies of HTTP are decoded and messages of DNS put in words, unless --as-sent. With --raw the
    bytes of the stream as they were sent, for other programs. Exit status as that of analyze; a stream that
    there is not is bad usage.
    """
    with errors.errors_told():
        to_stdout = output in (None, STDOUT)
        form = _form(format_name, output, raw=raw)
        _check(side, form, to_stdout=to_stdout, as_hex=as_hex)
        from netanalyze.apps.watch import Wanted  # noqa: PLC0415 - help answers faster without
        from netanalyze.closeup import follow as passages_of  # noqa: PLC0415 - the same

        wanted = Wanted(
            as_sent=as_sent or raw,
            max_body_bytes=options.megabytes(max_body),
            overlap=overlap,
            keep_duplicates=keep_duplicates,
            decode_as=options.decode_as(decode_as),
        )
        style = options.style_for(to_stdout=to_stdout, wide=False, all_rows=True)
        bar = not (quiet or no_progress or style.terminal)
        warnings: list[str] = []
        with open_output(output, [file]) as out, Interrupt() as interrupt, Progress(wanted=bar) as progress:

            def warn(line: str) -> None:
                warnings.append(line)
                if not quiet:
                    progress.warn(line)

            said = passages_of(
                [file],
                number,
                wanted,
                udp=udp,
                on_progress=progress.advance,
                on_warning=warn,
                should_stop=interrupt,
            )
            shown = _Shown(said, side, style)
            if form == "raw":
                out.write(shown.raw(warn))
            elif form == "json":
                out.write(shown.json(warnings, interrupt))
            else:
                out.write(shown.text(as_hex=as_hex))
        if interrupt.happened:
            raise typer.Exit(errors.INTERRUPTED)


def _form(name: str | None, output: str | None, *, raw: bool) -> str:
    """``text``, ``json`` or ``raw``."""
    if raw and name is not None:
        message = "--raw is a format of its own: leave --format out"
        raise UsageError(message)
    if raw:
        return "raw"
    return options.text_or_json(name, output)


def _check(side: str | None, form: str, *, to_stdout: bool, as_hex: bool) -> None:
    """Find mistakes before the capture is read.

    Raises:
        UsageError: there is one.
    """
    if side is not None and side not in SIDES:
        raise UsageError(unknown("side", side, SIDES))
    if as_hex and form != "text":
        message = f"--hex is about text, not {form}"
        raise UsageError(message)
    if form == "raw" and to_stdout and sys.stdout.isatty():
        message = "--raw may hold what a terminal takes for commands: add --output FILE or pipe it on"
        raise UsageError(message)


class _Shown:
    """A conversation on its way out."""

    def __init__(self, said: Iterator[Ends | Passage], side: str | None, style: Style) -> None:
        self._said = said
        self._side = side
        self._style = style

    def _begin(self) -> tuple[Ends, Iterable[Passage]]:
        """Who speaks, and what they say.

        Raises:
            UsageError: there is no such stream.
        """
        from netanalyze.apps.transcript import Ends, Passage  # noqa: PLC0415 - help answers faster without

        ends = next(self._said)
        assert isinstance(ends, Ends)  # noqa: S101 - that is what comes first
        wanted = {None: (0, 1), "client": (ends.client_side,), "server": (1 - ends.client_side,)}[self._side]
        return ends, (each for each in self._said if isinstance(each, Passage) and each.side in wanted)

    def text(self, *, as_hex: bool) -> Iterator[bytes]:
        from netanalyze.report import conversation  # noqa: PLC0415 - help answers faster without

        ends, passages = self._begin()
        color = self._style.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        coding = "ascii" if self._style.ascii_only else "utf-8"
        for line in conversation.text(ends, passages, self._style, as_hex=as_hex, color=color):
            yield f"{line}\n".encode(coding, "backslashreplace")

    def json(self, warnings: list[str], interrupt: Interrupt) -> Iterator[bytes]:
        from netanalyze.report import conversation  # noqa: PLC0415 - help answers faster without

        ends, passages = self._begin()
        yield from conversation.json(ends, passages, warnings, lambda: not interrupt.happened)

    def raw(self, warn: Callable[[str], None]) -> Iterator[bytes]:
        missing = 0
        _, passages = self._begin()
        for passage in passages:
            if passage.data is None:
                missing += passage.wire_bytes
            else:
                yield passage.data
        if missing:
            warn(f"{missing} bytes are missing from the capture; what is before and behind them was joined")
