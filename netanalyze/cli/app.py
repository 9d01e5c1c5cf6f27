"""The program with all of its commands, as an object."""

from __future__ import annotations

from netanalyze.cli.main import program

app = program()
