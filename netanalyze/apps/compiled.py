"""The signatures of all protocols, flattened once and kept in a file beside this one.

Importing and flattening a hundred descriptions takes 60 ms, which is more than most captures need.
``python -m netanalyze.apps.compiled`` writes the file anew after a description has changed; a test
compares the two.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from netanalyze.apps.flatten import Flat

FILE = Path(__file__).with_name("signatures.msgpack.z")


def load() -> Flat:
    """What was written last."""
    return msgspec.msgpack.decode(zlib.decompress(FILE.read_bytes()), type=Flat)


def make() -> Flat:
    """What should have been written."""
    from netanalyze.apps.flatten import flatten  # noqa: PLC0415 - not needed to load
    from netanalyze.apps.registry import PROTOCOLS  # noqa: PLC0415 - takes the time that is saved here

    return flatten(PROTOCOLS)


if __name__ == "__main__":
    FILE.write_bytes(zlib.compress(msgspec.msgpack.encode(make()), 9))
