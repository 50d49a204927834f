"""The second form of an address: a list of source routes, ``{[ p="primary"; a="10.0.0.5"; port=9618; ... ], ...}``.

HTCondor keeps it beside the plain form; reading it gives the same :class:`~.sinful.Sinful` (``condor_sinful.cpp``,
``SourceRoute.cpp``). It is never written here.
"""

from __future__ import annotations

import ipaddress
import re

import attrs

from htcondor_async._cedar.sinful import CcbContact, Sinful, format_addrs
from htcondor_async.errors import HTCondorValueError

__all__ = ["parse_routes"]

_PUBLIC = "Internet"
#: The first four members are fixed; single spaces separate members.
_ROUTE = re.compile(
    r'\[ p="(primary|IPv4|IPv6)"; a="([^"\s\]]{1,64})"; port=(\d{1,5}); n="([^"\s\]]{1,64})";'
    r'((?: \w+=(?:"[^"\s\]]*"|\w+);)*) \]'
)
_MEMBER = re.compile(r' (\w+)=(?:"([^"\s\]]*)"|(\w+));')
_TEXT_MEMBERS = {"alias": "alias", "spid": "sock", "ccbid": "ccbid", "ccbspid": "broker_sock"}
_MAX_ROUTES = 256


@attrs.frozen(kw_only=True)
class _Route:
    protocol: str
    host: str
    port: int
    network: str
    alias: str = ""
    sock: str = ""
    ccbid: str = ""
    broker_sock: str = ""
    no_udp: bool = False
    broker: int = -1


def _bad(text: str, why: str) -> HTCondorValueError:
    shown = text if len(text) <= 200 else text[:200] + "..."
    return HTCondorValueError(f"{shown!r} is not an address: {why}")


def parse_routes(text: str) -> Sinful:
    """Read an address that is a list of source routes.

    Raises
    ------
    HTCondorValueError
        It is malformed, or its routes contradict each other.
    """
    return _combine(_parse_list(text), text)


def _parse_list(text: str) -> list[_Route]:
    routes = []
    position = 1
    while True:
        found = _ROUTE.match(text, position)
        if found is None:
            raise _bad(text, f"no source route begins at character {position}")
        routes.append(_route(found, text))
        position = found.end()
        if text[position:] == "}":
            return routes
        if not text.startswith(", ", position) or len(routes) >= _MAX_ROUTES:
            raise _bad(text, f"the list does not go on at character {position}")
        position += 2


def _route(found: re.Match[str], text: str) -> _Route:
    protocol, host, port, network, members = found.groups()
    if protocol != "primary":
        try:
            actual = f"IPv{ipaddress.ip_address(host).version}"
        except ValueError:
            actual = "none"
        if protocol != actual:
            raise _bad(text, f"{host} is not an address of {protocol}")
    fields: dict[str, str | int | bool] = {}
    for name, quoted, bare in _MEMBER.findall(members):
        if name in _TEXT_MEMBERS:
            fields[_TEXT_MEMBERS[name]] = quoted
        elif name == "noUDP":
            if bare != "true":
                raise _bad(text, "noUDP is true or absent")
            fields["no_udp"] = True
        elif name == "brokerIndex":
            if not (bare.isascii() and bare.isdigit()) or len(bare) > 4:
                raise _bad(text, "a brokerIndex is a number")
            fields["broker"] = int(bare)
    return _Route(protocol=protocol, host=host, port=int(port), network=network, **fields)  # type: ignore[arg-type]


def _one(values: list[str], what: str, text: str) -> str:
    """Return the one value that all routes which have one agree on, or an empty string."""
    different = {value for value in values if value}
    if len(different) > 1:
        raise _bad(text, f"its routes have different {what}")
    return different.pop() if different else ""


def _combine(routes: list[_Route], text: str) -> Sinful:
    sock = _one([route.sock for route in routes], "shared-port ids", text)
    if sock and any(route.sock != sock for route in routes):
        raise _bad(text, "some of its routes have a shared-port id and some have none")
    alias = _one([route.alias for route in routes], "aliases", text)
    network = _one([route.network for route in routes if route.network != _PUBLIC], "private networks", text)
    primary = [route for route in routes if route.protocol == "primary" and not route.ccbid]
    if not primary:
        raise _bad(text, "it has no primary route")
    direct = [route for route in routes if not route.ccbid]
    public = [(r.host, r.port) for r in direct if r.network == _PUBLIC and r.protocol != "primary"]
    private = {(r.host, r.port) for r in direct if r.network != _PUBLIC} - set(public)
    if len(private) > 1:
        raise _bad(text, "it has several private addresses")
    params: dict[str, str] = {}
    contacts = _contacts(routes, text)
    if contacts:
        params["CCBID"] = " ".join(map(str, contacts))
    if private:
        host, port = private.pop()
        params["PrivAddr"] = str(Sinful(host, port, (("sock", sock),) if sock else ()))
    for key, value in (("PrivNet", network), ("addrs", format_addrs(public)), ("alias", alias), ("sock", sock)):
        if value:
            params[key] = value
    if any(route.no_udp for route in routes):
        params["noUDP"] = ""
    return Sinful(primary[-1].host, primary[-1].port, tuple(params.items()))


def _contacts(routes: list[_Route], text: str) -> list[CcbContact]:
    """Return the brokers: the routes with one ``brokerIndex`` are the addresses of one of them."""
    brokers: dict[int, list[_Route]] = {}
    for route in routes:
        if route.ccbid:
            brokers.setdefault(route.broker, []).append(route)
    contacts = []
    for _, group in sorted(brokers.items()):
        ids = _one([route.ccbid for route in group], "ids at one broker", text)
        flat = [attrs.evolve(route, ccbid="", sock=route.broker_sock, broker_sock="", broker=-1) for route in group]
        contacts.append(CcbContact.parse(f"{str(_combine(flat, text))[1:-1]}#{ids}"))
    return contacts
