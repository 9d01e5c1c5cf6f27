"""The JSON Schema of a report, made from the records."""

from __future__ import annotations

from typing import Any

import msgspec

from netanalyze.report.json_object import SCHEMA_VERSION
from netanalyze.report.registry import ALWAYS, TABLES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of what ``--format json`` writes when all columns are asked for.

    A field that is no plain text or flag has a ``unit`` beside its type, and one that packets lost while
    capturing make uncertain says ``uncertain_if_lost``: annotations that validators pass over.
    """
    references, definitions = msgspec.json.schema_components(
        [kind.record for kind in TABLES], ref_template="#/$defs/{name}"
    )
    tables = {
        kind.name: {"description": f"{kind.description}.", "type": "array", "items": reference}
        for kind, reference in zip(TABLES, references, strict=True)
    }
    head = {
        "schema": {"description": "Version of this schema.", "const": SCHEMA_VERSION},
        "generator": {"description": "Program and version that wrote the report.", "type": "string"},
        "complete": {
            "description": "False if the analysis was interrupted and the report is of a part.",
            "type": "boolean",
        },
        "warnings": {
            "description": "What went wrong without stopping the analysis.",
            "type": "array",
            "items": {"type": "string"},
        },
    }
    uncertain = {
        "description": "Columns by table that packets lost while capturing make uncertain; if any were.",
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "$schema": DIALECT,
        "title": "netanalyze report",
        "type": "object",
        "properties": {**head, "uncertain": uncertain, **tables},
        "required": [*head, *ALWAYS],
        "$defs": definitions,
    }
