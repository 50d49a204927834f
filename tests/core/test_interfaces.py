"""Which of a machine's addresses HTCondor would call its own."""

from __future__ import annotations

import sys

import pytest

from htcondor_async._runtime.interfaces import Found, best_addresses, found_addresses, own_addresses

LOCAL = ("127.0.0.1", "::1", "fe80::1")


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (LOCAL, ("127.0.0.1", "::1")),
        ((*LOCAL, "10.1.2.3"), ("10.1.2.3", "")),
        ((*LOCAL, "10.1.2.3", "fd00::2"), ("10.1.2.3", "fd00::2")),
        ((*LOCAL, "2001:db8::1"), ("", "2001:db8::1")),
        (("192.168.1.1", "192.0.2.2", "192.0.2.3", "172.16.0.1"), ("192.0.2.2", "")),
        (("169.254.1.1", "127.0.0.1"), ("169.254.1.1", "")),
        ((), ("", "")),
    ],
)
def test_the_best(addresses: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert best_addresses(Found(address, True) for address in addresses) == expected


def test_an_interface_that_is_down_comes_last() -> None:
    assert best_addresses([Found("192.0.2.2", False), Found("127.0.0.1", True)]) == ("127.0.0.1", "")


def test_this_machine() -> None:
    found = list(found_addresses())
    if sys.platform == "linux":
        assert Found("127.0.0.1", True) in found
    assert own_addresses() == best_addresses(found)
