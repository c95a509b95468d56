"""The address rule, compared with the standard library and with Microsoft's AntiSSRF package."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator

from AntiSSRF import AntiSSRFPolicy, PolicyConfigOptions  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from suno_jobs.network.ssrf_guard import is_public

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

ROUTED = ipaddress.ip_network("2000::/3")
DENIED = [
    block.get_network() for block in AntiSSRFPolicy(PolicyConfigOptions.EXTERNAL_ONLY_LATEST).denied_addresses
]  # IPv4 in its mapped form


def antissrf_allows(address: IPAddress) -> bool:
    as_ipv6 = ipaddress.IPv6Address(f"::ffff:{address}") if address.version == 4 else address
    return not any(as_ipv6 in block for block in DENIED)


@given(st.ip_addresses())
def test_every_public_address_is_global_to_the_standard_library(address: IPAddress) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not any([address.is_private, address.is_multicast, address.is_reserved, address.is_link_local])


@given(st.ip_addresses(v=4))
def test_no_embedded_ipv4_address_is_public(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for base in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:ffff::"):
        assert not is_public(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(base)) + number)))
    for prefix, shift in ((0x2002, 80), (0x20010000, 64)):
        width = 112 if prefix == 0x2002 else 96
        assert not is_public(str(ipaddress.IPv6Address((prefix << width) + (number << shift))))


@given(st.text("0123456789abcdefx.:%[]/ ", max_size=40))
def test_no_other_text_is_public(text: str) -> None:
    if is_public(text):
        assert ipaddress.ip_address(text).is_global


def some_addresses(count: int) -> Iterator[IPAddress]:
    """Random addresses: of all of IPv4 and IPv6, of the routed part of IPv6, and near the edges of every denied block."""
    numbers = random.Random(20)  # noqa: S311
    edges = [edge for block in DENIED for edge in (int(block[0]), int(block[-1]))]
    for _ in range(count // 4):
        yield ipaddress.IPv4Address(numbers.getrandbits(32))
        yield ipaddress.IPv6Address(numbers.getrandbits(128))
        yield ipaddress.IPv6Address(0x2 << 124 | numbers.getrandbits(125))
        near = ipaddress.IPv6Address((numbers.choice(edges) + numbers.randint(-3, 3)) % (1 << 128))
        yield near.ipv4_mapped or near


def test_the_rule_agrees_with_antissrf_except_for_unrouted_ipv6() -> None:
    for address in some_addresses(100_000):
        expected = antissrf_allows(address) and (address.version == 4 or address in ROUTED)
        assert is_public(str(address)) == expected, address
