"""Addresses of daemons: "sinful" strings.

The usual form is ``<HOST:PORT?key=value&flag>`` (``condor_sinful.cpp``); ``{[ p="primary"; ... ]}`` is read too.
A :class:`Sinful` is immutable and hashable; ``str()`` gives the canonical spelling, which HTCondor itself would write.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import attrs

from htcondor_async.errors import HTCondorValueError

__all__ = ["CcbContact", "Sinful", "desirability", "format_addrs"]

_MAX_LENGTH = 65536
#: Characters of keys and values that are written as they are.
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:#[]+")
_HOST = re.compile(r"[^\x00-\x20\x7f<>?:\[\]]+")
_V6_HOST = re.compile(r"[0-9A-Za-z:.%_-]+")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})?")
_SHARED_PORT_ID = re.compile(r"[A-Za-z0-9._-]{1,1023}")
_PRIVATE_V4 = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_PRIVATE_V6 = ipaddress.IPv6Network("fc00::/7")


def _encode(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in text.encode("utf-8", "surrogateescape"))


def _decode(text: str, whole: str) -> str:
    def byte(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise _bad(whole, "a % is not followed by two hexadecimal digits")
        return bytes((int(found[1], 16),))

    return _PERCENT.sub(byte, text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _bad(text: str, why: str) -> HTCondorValueError:
    shown = text if len(text) <= 200 else text[:200] + "..."
    return HTCondorValueError(f"{shown!r} is not an address: {why}")


def _sort(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Order parameters as HTCondor does, by the bytes of their keys; the last of equal keys wins."""
    return tuple(sorted(dict(pairs).items(), key=lambda pair: pair[0].encode("utf-8", "surrogateescape")))


def _check_host(instance: object, attribute: attrs.Attribute[str], host: str) -> None:
    if not (_V6_HOST if ":" in host else _HOST).fullmatch(host):
        raise HTCondorValueError(f"{host!r} is not a host")


def _check_port(instance: object, attribute: attrs.Attribute[int | None], port: int | None) -> None:
    if port is not None and not 0 <= port <= 65535:
        raise HTCondorValueError(f"{port!r} is not a port")


@attrs.frozen
class CcbContact:
    """One way to reach a daemon through a broker.

    Parameters
    ----------
    broker
        The address of the broker.
    ids
        What the broker knows the daemon by; several are a tunnel, outermost first.
    """

    broker: Sinful
    ids: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> CcbContact:
        """Read ``BROKER#ID`` (or a tunnel, ``BROKER#ID#ID``); the broker stands without brackets."""
        broker, *ids = text.split("#")
        if not ids or len(ids) > 8 or not all(part.isascii() and part.isdigit() for part in ids):
            raise _bad(text, "a CCB contact is a broker, # and a number")
        if broker.startswith("{"):
            raise _bad(text, "a CCB broker is given in the plain form")
        return cls(Sinful.parse(broker), tuple(ids))

    def __str__(self) -> str:
        return "#".join((str(self.broker)[1:-1], *self.ids))


@attrs.frozen
class Sinful:
    """An address.

    Parameters
    ----------
    host
        Host name or IP address, IPv6 without its brackets.
    port
        Port number; 0 means that the shared port server is not up yet, None that none is given.
    params
        Pairs of key and value, decoded, sorted by key. A flag has an empty value.
    """

    host: str = attrs.field(validator=_check_host)
    port: int | None = attrs.field(default=None, validator=_check_port)
    params: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_sort)

    # -- reading and writing

    @classmethod
    def parse(cls, text: str) -> Sinful:
        """Read an address in any of its forms, with or without its brackets.

        Raises
        ------
        HTCondorValueError
            It is none.
        """
        if len(text) > _MAX_LENGTH:
            raise _bad(text, f"it is longer than {_MAX_LENGTH} characters")
        if text.startswith("{"):
            from htcondor_async._cedar.source_routes import parse_routes

            return parse_routes(text)
        if text.startswith("<"):
            if not text.endswith(">"):
                raise _bad(text, "it does not end with >")
            body = text[1:-1]
        else:
            body = text
            if not body.startswith("[") and body.partition("?")[0].count(":") >= 2:
                naked, question, query = body.partition("?")
                body = f"[{naked}]{question}{query}"
        location, question, query = body.partition("?")
        if ">" in body:
            raise _bad(text, "something follows the >")
        if location.startswith("["):
            host, bracket, rest = location[1:].partition("]")
            if not bracket or ":" not in host:
                raise _bad(text, "brackets hold an IPv6 address")
        else:
            host, colon, digits = location.partition(":")
            rest = colon + digits
        port: int | None = None
        if rest:
            digits = rest[1:]
            if rest[0] != ":" or not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
                raise _bad(text, "the host is not followed by a port")
            port = int(digits)
        try:
            address = cls(host, port, cls._parse_params(query, text))
        except HTCondorValueError as error:
            if error.what.endswith((" is not a host", " is not a port")):
                raise _bad(text, error.what) from None
            raise
        _parse_addrs(address.param("addrs"), text)
        return address

    @staticmethod
    def _parse_params(query: str, whole: str) -> tuple[tuple[str, str], ...]:
        params = []
        for item in re.split("[&;]", query):
            if not item:
                continue
            key, _, value = item.partition("=")
            if not key:
                raise _bad(whole, "a parameter has no name")
            params.append((_decode(key, whole), _decode(value, whole)))
        return tuple(params)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        query = "&".join(f"{_encode(key)}={_encode(value)}" if value else _encode(key) for key, value in self.params)
        return f"<{host}{port}?{query}>" if query else f"<{host}{port}>"

    # -- parameters

    def param(self, key: str) -> str | None:
        """Return the value of a parameter (case matters), or None."""
        for name, value in self.params:
            if name == key:
                return value
        return None

    def with_param(self, key: str, value: str | None) -> Sinful:
        """Return this address with one parameter set, or dropped if ``value`` is None."""
        pairs = [pair for pair in self.params if pair[0] != key]
        if value is not None:
            pairs.append((key, value))
        return attrs.evolve(self, params=tuple(pairs))

    @property
    def addrs(self) -> tuple[tuple[str, int], ...]:
        """All public addresses, each as IP and port, in the daemon's order; empty if none are listed."""
        return _parse_addrs(self.param("addrs"), str(self))

    @property
    def alias(self) -> str | None:
        """The host name that the daemon wants to be known by: for the check of TLS names, never to connect to."""
        return self.param("alias") or None

    @property
    def sock(self) -> str | None:
        """The id of the daemon behind a shared port server.

        Raises
        ------
        HTCondorValueError
            It has characters that no id has.
        """
        sock = self.param("sock") or None
        if sock is not None and not _SHARED_PORT_ID.fullmatch(sock):
            raise _bad(str(self), "its shared-port id has characters that no id has")
        return sock

    @property
    def ccb(self) -> tuple[CcbContact, ...]:
        """The brokers through which the daemon must be asked to connect back; empty if it can be reached."""
        return tuple(map(CcbContact.parse, (self.param("CCBID") or "").split()))

    @property
    def private_network(self) -> str | None:
        """The name of the private network the daemon is in."""
        return self.param("PrivNet") or None

    @property
    def private_address(self) -> Sinful | None:
        """The address to use inside that network."""
        text = self.param("PrivAddr")
        return Sinful.parse(text) if text else None

    @property
    def udp(self) -> bool:
        """Whether UDP can reach the daemon."""
        return not any(key in ("noUDP", "sock", "CCBID") for key, _ in self.params)

    # -- choosing

    def for_network(self, own_network: str | None) -> Sinful:
        """Return the address to use from a private network (HTCondor's ``PRIVATE_NETWORK_NAME``).

        Inside the same network that is the private address, or else this one without its brokers; elsewhere this one.
        """
        if not own_network or self.private_network != own_network:
            return self
        private = self.private_address
        if private is None:
            return self.with_param("CCBID", None)
        return private.with_param("alias", self.alias) if self.alias else private

    def candidates(
        self,
        *,
        ipv4: bool = True,
        ipv6: bool = True,
        prefer_ipv4: bool = True,
        protocol_first: bool = True,
    ) -> list[tuple[str, int]]:
        """Return the hosts and ports to try, best first. HTCondor itself tries the first only.

        Parameters
        ----------
        ipv4, ipv6
            Whether addresses of the protocol can be used (``ENABLE_IPV4``, ``ENABLE_IPV6``).
        prefer_ipv4
            Which protocol comes first among equals (``PREFER_OUTBOUND_IPV4``).
        protocol_first
            False: the daemon's order decides among equals (``IGNORE_TARGET_PROTOCOL_PREFERENCE``).

        Raises
        ------
        HTCondorValueError
            There is no port to connect to, or no address of a usable protocol.
        """
        listed = self.addrs
        if not listed:
            if self.port is None:
                raise HTCondorValueError(f"the address {self} has no port")
            listed = ((self.host, self.port),)
        usable = []
        for host, port in listed:
            version = _version(host)
            # A name has no version; its addresses are judged when it is resolved.
            if version == 0 or (version == 4 and ipv4) or (version == 6 and ipv6):
                preferred = protocol_first and version != (4 if prefer_ipv4 else 6)
                usable.append((-desirability(host), preferred, host, port))
        if not usable:
            raise HTCondorValueError(f"no address of {self} is of a protocol in use here")
        usable.sort(key=lambda candidate: candidate[:2])
        reachable = [(host, port) for _, _, host, port in usable if port]
        if not reachable:
            raise HTCondorValueError(f"the shared port server at {self} is not up yet (its port is 0)")
        return reachable

    def at(self, host: str, port: int) -> Sinful:
        """Return the connect address: this one with host and port replaced by the candidate chosen."""
        return attrs.evolve(self, host=host, port=port)


def _version(host: str) -> int:
    """Return 4 or 6 for an IP address, 0 for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return 0


def desirability(host: str) -> int:
    """Return how good an IP address is to connect to, 1 to 5; a name counts as public."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 5
    if address.is_loopback:
        return 2
    if isinstance(address, ipaddress.IPv4Address):
        if address.is_link_local:
            return 3
        return 4 if any(address in network for network in _PRIVATE_V4) else 5
    if address.is_link_local:
        return 1
    return 4 if address in _PRIVATE_V6 else 5


def _parse_addrs(text: str | None, whole: str) -> tuple[tuple[str, int], ...]:
    if not text:
        return ()
    addresses = []
    for item in text.split("+"):
        if not item:
            continue
        host, dash, port = item.rpartition("-")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1].replace("-", ":")
        if not dash or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
            raise _bad(whole, "an item of its addrs is not IP-PORT")
        if not _version(host):
            raise _bad(whole, "an item of its addrs is not an IP address")
        addresses.append((host, int(port)))
    return tuple(addresses)


def format_addrs(addresses: Iterable[tuple[str, int]]) -> str:
    """Return the value of ``addrs`` for these IP addresses and ports."""
    items = []
    for host, port in addresses:
        safe = f"[{host.replace(':', '-')}]" if ":" in host else host
        items.append(f"{safe}-{port}")
    return "+".join(items)
