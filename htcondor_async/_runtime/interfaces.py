"""The addresses of this machine that HTCondor would call its own: the best of IPv4 and the best of IPv6.

Source: src/condor_utils/my_hostname.cpp and condor_sockaddr.cpp. Linux only; elsewhere nothing is found.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

__all__ = ["Found", "best_addresses", "found_addresses", "own_addresses"]

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_UP = 1
_IPV6_TABLE = Path("/proc/net/if_inet6")
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_LEAST_USEFUL = 4
"""What a private address is worth: below that an address of the other family is preferred."""


@attrs.frozen
class Found:
    """An address of an interface, and whether that is up."""

    address: str
    up: bool


def _worth(text: str) -> int:
    """Return how well an address serves others: those of the internet best, link-local ones of IPv6 not at all."""
    address = ipaddress.ip_address(text)
    if address.is_link_local:
        return 1 if address.version == 6 else 3
    if address.is_loopback:
        return 2
    return 4 if any(address in network for network in _PRIVATE if network.version == address.version) else 5


def best_addresses(found: Iterable[Found]) -> tuple[str, str]:
    """Return the best addresses of IPv4 and of IPv6, each "" if there is none; of equals the first.

    An address that only this machine or its link can reach does not count beside one of the other family that others
    can reach, too.
    """
    best: dict[int, tuple[int, str]] = {}
    for each in found:
        version = ipaddress.ip_address(each.address).version
        worth = _worth(each.address) * (10 if each.up else 1)
        if worth > best.get(version, (0, ""))[0]:
            best[version] = (worth, each.address)
    ipv4, ipv6 = (best.get(version, (0, ""))[1] for version in (4, 6))
    if ipv4 and ipv6 and (_worth(ipv4) < _LEAST_USEFUL) != (_worth(ipv6) < _LEAST_USEFUL):
        return ("", ipv6) if _worth(ipv4) < _LEAST_USEFUL else (ipv4, "")
    return ipv4, ipv6


def found_addresses() -> Iterator[Found]:
    """Yield the addresses of the interfaces of this machine."""
    if sys.platform != "linux":
        return
    try:
        import fcntl
    except ModuleNotFoundError:  # a Python that was made without it
        return
    up: dict[str, bool] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("16s16x", name.encode()[:15])
            try:
                flags = fcntl.ioctl(asked, _SIOCGIFFLAGS, request)
                up[name] = bool(struct.unpack_from("H", flags, 16)[0] & _UP)
                answer = fcntl.ioctl(asked, _SIOCGIFADDR, request)
            except OSError:
                continue  # it has no IPv4 address, or is gone
            yield Found(socket.inet_ntoa(answer[20:24]), up[name])
    try:
        table = _IPV6_TABLE.read_text("ascii")
    except OSError:
        return  # a kernel without IPv6
    for line in table.splitlines():
        digits, *_, name = line.split()
        yield Found(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)), up.get(name, False))


def own_addresses() -> tuple[str, str]:
    """Return the IPv4 and the IPv6 address of this machine, each "" if it has none or that is not known."""
    return best_addresses(found_addresses())
