"""``netanalyze explain``: texts about terms."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Annotated

import typer

from netanalyze.cli import errors, options
from netanalyze.cli.output import STDOUT, open_output

if TYPE_CHECKING:
    from netanalyze.report.explanation import Explanation
    from netanalyze.report.style import Style

_READABLE_WIDTH = 88
"""Characters a line: longer ones are hard to read as prose."""


def explain(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TERM]...", help="What to explain: time-wait, socket hang up, the code of a finding."
        ),
    ] = None,
    *,
    format_name: options.TextOrJson = None,
    output: options.OutputPath = None,
) -> None:
    """Explain a term: what it is, how it looks on the wire, why it happens, what to do about it.

    Without a term: list those there are. Where it does not go to a terminal, text is Markdown.
    """
    with errors.errors_told():
        form = options.text_or_json(format_name, output)
        from netanalyze.report.explanation import asked_for, term_list  # noqa: PLC0415 - help is faster

        asked = asked_for(" ".join(words)) if words else None
        with open_output(output) as out:
            if form == "json":
                out.write(_json(asked))
                return
            style = options.style_for(to_stdout=output in (None, STDOUT), wide=False, all_rows=True)
            if asked is None:
                lines = [
                    *term_list(style.width),
                    "netanalyze explain TERM shows one; codes of findings work, too.",
                ]
                out.write([f"{line}\n".encode() for line in lines])
            else:
                out.write([_page(asked, style).encode("ascii" if style.ascii_only else "utf-8", "replace")])


def _page(asked: Explanation, style: Style) -> str:
    """The text as a terminal shows it best, else as it is written."""
    if not style.terminal:
        return asked.markdown
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.markdown import Markdown  # noqa: PLC0415 - the same

    to = StringIO()
    console = Console(file=to, width=min(style.width, _READABLE_WIDTH), force_terminal=True)
    console.print(Markdown(asked.markdown, code_theme="bw"))
    return to.getvalue()


def _json(asked: Explanation | None) -> list[bytes]:
    """The text, or a list of all terms, as JSON."""
    import msgspec  # noqa: PLC0415 - help answers faster without

    from netanalyze.report.explanation import explanations  # noqa: PLC0415 - the same

    if asked is not None:
        found: object = {"schema": 1, "explanation": asked}
    else:
        keys = ("term", "title", "group", "summary", "also")
        found = {
            "schema": 1,
            "terms": [{key: getattr(each, key) for key in keys} for each in explanations().values()],
        }
    return [msgspec.json.format(msgspec.json.encode(found), indent=2), b"\n"]
