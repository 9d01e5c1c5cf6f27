"""Make two taps of the same traffic from one capture: what ``netanalyze compare --two-sided`` is measured on.

``python benchmarks/two_taps.py benchmarks/data/small-interleaved.pcap client.pcap server.pcap``

The capture is what the client's tap sees, except for packets of the server that died on the way; the server's
tap is ``--delay-us`` away, and each packet waits up to ``--wait-us`` more. So many packets each way die as
``--loss`` says, drawn at random. The server's clock is ahead and drifts, and the way has ``--hops`` routers.
With ``--nat`` the server sees clients at other addresses than they have. The same arguments give the same
bytes. Beside the server's tap lies a ``.json`` with what was done.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pcapfile import CLIENT_NET, FILE_HEADER, check_header, file_header, record_starts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

SEED = 20_240_502
SOURCE_AT, TARGET_AT = 16 + 14 + 12, 16 + 14 + 16
"""Where a record has its addresses: after record, Ethernet, and part of the IPv4 header."""
TTL_AT, SUM_AT = 16 + 14 + 8, 16 + 14 + 10
NAT_NET = (198, 51, 100)


def _number(data: NDArray[np.uint8], at: Integers, width: int, *, big: bool = False) -> Integers:
    """Integers that lie at these places."""
    found = np.zeros(len(at), np.int64)
    for index in range(width):
        found |= data[at + index].astype(np.int64) << (8 * (width - 1 - index if big else index))
    return found


def _put(data: NDArray[np.uint8], at: Integers, width: int, values: Integers, *, big: bool = False) -> None:
    """Write integers to these places."""
    for index in range(width):
        data[at + index] = (values >> (8 * (width - 1 - index if big else index))) & 0xFF


def _route(data: NDArray[np.uint8], starts: Integers, hops: Integers) -> None:
    """Take the hops from the time to live, and mend the checksum (RFC 1624)."""
    data[starts + TTL_AT] -= hops.astype(np.uint8)
    total = _number(data, starts + SUM_AT, 2, big=True) + 256 * hops
    _put(data, starts + SUM_AT, 2, (total & 0xFFFF) + (total >> 16), big=True)


def _translate(data: NDArray[np.uint8], at: Integers) -> None:
    """Give the clients at these places addresses of another network; checksums become wrong."""
    for index, byte in enumerate(NAT_NET):
        data[at + index] = byte


def _write(path: Path, data: NDArray[np.uint8], starts: Integers, ends: Integers, times: Integers) -> None:
    """Write records in the order of their times, in microseconds."""
    _put(data, starts, 4, times // 1_000_000)
    _put(data, starts + 4, 4, times % 1_000_000)
    memory = memoryview(data)  # type: ignore[arg-type] # numpy declares the buffer protocol from Python 3.12 on
    order = np.argsort(times, kind="stable")
    spans = zip(starts[order].tolist(), ends[order].tolist(), strict=True)
    with path.open("wb") as out:
        out.write(file_header())
        out.writelines(memory[begin:end] for begin, end in spans)


def make_taps(source: Path, client: Path, server: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Make both taps; returns what was done.

    Args:
        source: a capture made by ``make_captures.py``.
        client: the client's tap, to be written.
        server: the server's.
        settings: what the command's options say.

    Raises:
        NotOurPcapError: it is not a capture of the scripts here.
        OSError: a file cannot be read or written.
    """
    content = source.read_bytes()
    check_header(content[: FILE_HEADER.size])
    data = np.frombuffer(content, np.uint8)[FILE_HEADER.size :].copy()
    bounds = np.array(record_starts(content[FILE_HEADER.size :]), np.int64)
    starts, ends = bounds[:-1], bounds[1:]
    chance = np.random.default_rng(SEED)
    from_client = _number(data, starts + SOURCE_AT, 2, big=True) == CLIENT_NET[0] * 256 + CLIENT_NET[1]
    near_us = _number(data, starts, 4) * 1_000_000 + _number(data, starts + 4, 4)
    way_us = settings["delay_us"] + chance.integers(0, settings["wait_us"] + 1, len(starts))
    far_us = np.where(from_client, near_us + way_us, near_us - way_us)
    gained = np.rint((far_us - far_us.min()) * settings["drift_ppm"] / 1e6).astype(np.int64)
    far_us += settings["ahead_us"] + gained
    died = chance.random(len(starts)) < settings["loss"]
    kept = np.flatnonzero(from_client | ~died)
    _write(client, data, starts[kept], ends[kept], near_us[kept])
    # From here on the bytes are what the server's tap sees: there a client's packets have passed the routers,
    # and the server's have them before them.
    _route(data, starts, np.where(from_client, settings["hops"], -settings["hops"]))
    if settings["nat"]:
        _translate(data, starts + np.where(from_client, SOURCE_AT, TARGET_AT))
    kept = np.flatnonzero(~from_client | ~died)
    _write(server, data, starts[kept], ends[kept], far_us[kept])
    return {
        **settings,
        "frames": len(starts),
        "lost_to_server": int(np.count_nonzero(died & from_client)),
        "lost_to_client": int(np.count_nonzero(died & ~from_client)),
    }


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Make two taps of the same traffic from one capture.")
    parser.add_argument("source", type=Path)
    parser.add_argument("client", type=Path)
    parser.add_argument("server", type=Path)
    parser.add_argument("--loss", type=float, default=0.01, help="share of packets that die (0.01)")
    parser.add_argument("--delay-us", type=int, default=4000, help="the way between the taps (4000)")
    parser.add_argument("--wait-us", type=int, default=2000, help="longest wait on it (2000)")
    parser.add_argument("--ahead-us", type=int, default=1_234_567, help="how far the server's clock is ahead")
    parser.add_argument("--drift-ppm", type=float, default=20, help="and how fast it goes (20)")
    parser.add_argument("--hops", type=int, default=3, help="routers on the way (3)")
    parser.add_argument("--nat", action="store_true", help="clients have other addresses at the server")
    arguments = vars(parser.parse_args())
    paths = [arguments.pop(name) for name in ("source", "client", "server")]
    facts = make_taps(*paths, arguments)
    paths[2].with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
