"""``netanalyze interfaces``: what there is to capture on."""

from __future__ import annotations

from netanalyze.cli import errors, options
from netanalyze.cli.analyze import format_asked
from netanalyze.cli.output import STDOUT, open_output


def interfaces(
    *,
    format_name: options.FormatName = None,
    output: options.OutputPath = None,
    wide: options.Wide = False,
) -> None:
    """List the network interfaces that sniff can capture on: state, addresses, MTU, link type.

    The name any stands for all of them at once.
    """
    with errors.errors_told():
        form = format_asked(format_name, output)
        from netanalyze.report.devices import interfaces_table  # noqa: PLC0415 - help answers faster without
        from netanalyze.report.listing import render  # noqa: PLC0415 - the same

        to_stdout = output in (None, STDOUT)
        style = options.style_for(to_stdout=to_stdout, wide=wide, all_rows=True)
        with open_output(output) as out:
            out.write(render(form, interfaces_table(), style))
