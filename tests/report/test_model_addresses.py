from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netanalyze.model import address_ranks, format_address, format_addresses

LOW = (1 << 64) - 1

ADDRESSES = st.one_of(
    st.just((0, 0)),
    st.integers(0, 2**32 - 1).map(lambda number: (4, number)),
    st.integers(0, 2**128 - 1).map(lambda number: (6, number)),
    st.integers(0, 2**64 - 1).map(lambda number: (6, number)),
    st.integers(0, 2**32 - 1).map(lambda number: (6, number | 0xFFFF << 32)),
    # Words that are often zero: where the longest run of them lies is what the text depends on.
    st.lists(st.sampled_from([0, 0, 1, 0x10, 0xFFFF]), min_size=8, max_size=8).map(
        lambda words: (6, sum(word << 16 * place for place, word in enumerate(words)))
    ),
)


def expected(version: int, number: int) -> str | None:
    if version == 0:
        return None
    if version == 4:
        return str(ip_address(number))
    address = IPv6Address(number)
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else str(address)


@given(st.lists(ADDRESSES, max_size=40))
def test_column_of_addresses_is_text_of_rfc_5952(addresses: list[tuple[int, int]]) -> None:
    version = np.array([v for v, _ in addresses], np.uint8)
    hi = np.array([number >> 64 for _, number in addresses], np.uint64)
    lo = np.array([number & LOW for _, number in addresses], np.uint64)
    texts = format_addresses(hi, lo, version)
    assert texts == [expected(v, number) for v, number in addresses]
    assert texts == [format_address(number >> 64, number & LOW, v) if v else None for v, number in addresses]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("::", 0),
        ("::1", 1),
        ("::1:0:0:0", 1 << 48),
        ("::102:304", 0x01020304),
        ("::ffff:1.2.3.4", 0xFFFF01020304),
        ("1::", 1 << 112),
        ("2001:db8::1:0:0:1", 0x20010DB8000000000001000000000001),
        ("2001:db8:0:1:1:1:1:1", 0x20010DB8000000010001000100010001),
    ],
)
def test_ipv6_text(text: str, number: int) -> None:
    assert format_address(number >> 64, number & LOW, 6) == text


@given(st.lists(ADDRESSES, max_size=40))
def test_ranks_order_by_version_and_value(addresses: list[tuple[int, int]]) -> None:
    version = np.array([v for v, _ in addresses], np.uint8)
    hi = np.array([number >> 64 for _, number in addresses], np.uint64)
    lo = np.array([number & LOW for _, number in addresses], np.uint64)
    ranks, rows = address_ranks(hi, lo, version)
    ordered = sorted(set(addresses))
    assert [ordered[rank] for rank in ranks.tolist()] == addresses
    assert [addresses[row] for row in rows.tolist()] == ordered
