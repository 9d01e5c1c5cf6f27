"""``netanalyze schema``: the JSON Schema of the reports."""

from __future__ import annotations

from netanalyze.cli import errors, options
from netanalyze.cli.output import open_output


def schema(output: options.OutputPath = None) -> None:
    """Print the JSON Schema of the reports.

    That is what analyze --format json writes with all columns; the schema is of draft 2020-12.
    """
    import msgspec  # noqa: PLC0415 - help answers faster without

    from netanalyze.report.schema import json_schema  # noqa: PLC0415 - the same

    with errors.errors_told(), open_output(output) as out:
        out.write([msgspec.json.format(msgspec.json.encode(json_schema()), indent=2), b"\n"])
