"""Who has the sockets of this machine, with real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netanalyze.capture.live.sockets import End, Owners, local_addresses, sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
MINE = f"{os.getpid()}/{Path('/proc/self/comm').read_text(encoding='utf-8').strip()}"


def end_of(address: tuple[str, int]) -> End:
    host, port = address[:2]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    number = int.from_bytes(socket.inet_pton(family, host), "big")
    return End((number >> 64, number & (1 << 64) - 1), port)


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """A listening socket, and both ends of a connection to it."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        listening = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip("no such address")
    client = socket.create_connection(listening.getsockname()[:2])
    server, _ = listening.accept()
    yield listening, client, server
    for each in (listening, client, server):
        each.close()


def test_both_ends_of_a_connection(pair: tuple[socket.socket, ...]) -> None:
    _, client, server = pair
    ends = end_of(client.getsockname()), end_of(server.getsockname())
    assert Owners().of([ends, ends[::-1]]) == [(MINE, MINE)] * 2


def test_the_server_of_a_connection_that_is_over(pair: tuple[socket.socket, ...]) -> None:
    listening, client, server = pair
    ends = end_of(client.getsockname()), end_of(listening.getsockname())
    server.close()
    client.close()
    assert Owners().of([ends]) == [("", MINE)]


def test_ends_elsewhere_belong_to_nobody(pair: tuple[socket.socket, ...]) -> None:
    listening, *_ = pair
    port = listening.getsockname()[1]
    far = End((0, int.from_bytes(socket.inet_aton("192.0.2.1"), "big")), port)
    assert Owners().of([(far, End(far.address, 9))]) == [("", "")]


def test_ipv4_through_a_socket_of_ipv6() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no such sockets")
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listening.accept()[0]:
            ends = end_of(client.getsockname()), end_of(("127.0.0.1", port))
            assert Owners().of([ends]) == [(MINE, MINE)]


def test_another_process() -> None:
    code = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0));"
        " print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as client:
            found = Owners().of([(end_of(client.getsockname()), end_of(("127.0.0.1", port)))])
        process.communicate("")
    ((mine, theirs),) = found
    assert mine == MINE
    assert theirs.startswith(f"{process.pid}/python")


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - to any address, on purpose
@pytest.mark.parametrize("connected", [False, True])
def test_both_ends_of_a_udp_flow(bound: str, *, connected: bool) -> None:
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        if family == socket.AF_INET6:
            if not socket.has_dualstack_ipv6():
                pytest.skip("no such sockets")
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((bound, 0))
        port = server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            if connected:
                client.connect(("127.0.0.1", port))
            client.sendto(b"x", ("127.0.0.1", port))
            ends = end_of(("127.0.0.1", client.getsockname()[1])), end_of(("127.0.0.1", port))
            assert Owners().of([ends, ends[::-1]], "udp") == [(MINE, MINE)] * 2
            assert Owners().of([ends]) == [("", "")]  # there is no such socket of TCP
        assert Owners().of([ends], "udp") == [("", MINE)]


def test_of_sockets_on_one_port_that_of_the_address_owns() -> None:
    code = (
        "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        " s.bind(('127.0.0.2', 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
            mine.bind(("127.0.0.1", port))
            asker = end_of(("127.0.0.1", 9))
            pairs = [(asker, end_of((host, port))) for host in ("127.0.0.1", "127.0.0.2")]
            found = [server for _, server in Owners().of(pairs, "udp")]
        process.communicate("")
    assert found[0] == MINE
    assert found[1].startswith(f"{process.pid}/")


def test_addresses_of_this_machine() -> None:
    if Path("/proc/net/if_inet6").exists() and "00000000000000000000000000000001" in Path(
        "/proc/net/if_inet6"
    ).read_text(encoding="ascii"):
        assert (0, 1) in local_addresses()


def test_what_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("head\n 0: garbage\n\n  1: x y z\n", encoding="ascii")
    assert sockets(tmp_path / "net") == ({}, {})
    assert local_addresses(tmp_path / "net") == frozenset()
    assert Owners(tmp_path).of([(End((0, 1), 2), End((0, 3), 4))]) == [("", "")]
    assert not Owners(tmp_path / "nowhere").there
