"""What KERBEROS asks of the world, and who a principal is.

A step asks the machine's Kerberos library for one thing; what fails comes back as the ``OSError`` that says why. The
rules by which a principal becomes a user are those of ``condor_io/condor_auth_kerberos.cpp``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from htcondor_async._security.keys import KeyWrap
from htcondor_async.errors import ConfigError

__all__ = [
    "AcceptKerberos",
    "ConfirmKerberos",
    "FindKerberosKeytab",
    "FindKerberosTicket",
    "KerberosClient",
    "KerberosExchange",
    "KerberosKeys",
    "KerberosLibrary",
    "KerberosStep",
    "KerberosTicket",
    "RequestKerberos",
    "kerberos_user",
    "read_realm_map",
]

DEFAULT_SERVICE = "host"
DEFAULT_SERVER_USER = "condor"
MAX_MAP_LINES = 10_000


@attrs.frozen
class KerberosKeys:
    """Keys that a client logs in with by itself where the cache has no ticket.

    Parameters
    ----------
    keytab
        Name of the keytab, None for the system's own.
    principal
        Who logs in, None for the first principal of the keytab.
    """

    keytab: str | None
    principal: str | None = None


@attrs.frozen
class KerberosTicket:
    """What this client can authenticate with.

    Parameters
    ----------
    principal
        Who it is.
    source
        The cache or the keytab it is in, for people.
    ends
        When the last of the cache's tickets ends, seconds since 1970; infinity for a keytab.
    """

    principal: str
    source: str
    ends: float


@attrs.frozen(eq=False)
class KerberosExchange:
    """A client's exchange that has begun.

    Parameters
    ----------
    server
        The principal that the ticket is for.
    request
        The AP-REQ.
    state
        What the library needs to check the answer.
    """

    server: str
    request: bytes = attrs.field(repr=False)
    state: Any = attrs.field(repr=False)


@attrs.frozen(eq=False)
class KerberosClient:
    """A client that a server has accepted.

    Parameters
    ----------
    principal
        Who it is.
    addresses
        Numeric addresses that the ticket is limited to; empty for no limit.
    reply
        The AP-REP.
    key
        The ticket's session key.
    """

    principal: str
    addresses: tuple[str, ...]
    reply: bytes = attrs.field(repr=False)
    key: KeyWrap = attrs.field(repr=False)


class KerberosLibrary(Protocol):
    """The Kerberos of a machine. Its methods may block; they raise ``OSError`` with the reason."""

    def find_ticket(self, keys: KerberosKeys | None, now: float) -> KerberosTicket:
        """Look for what a client can authenticate with: a ticket in the default cache, else ``keys``."""
        ...

    def request(self, address: str, service: str, keys: KerberosKeys | None, now: float) -> KerberosExchange:
        """Get a ticket for ``service`` on the host with a numeric address, and begin an exchange with it."""
        ...

    def confirm(self, exchange: KerberosExchange, reply: bytes) -> KeyWrap:
        """Check the server's AP-REP; return the ticket's session key."""
        ...

    def find_keytab(self, keytab: str | None) -> str:
        """Return the first principal of a server's keytab, the system's own without a name."""
        ...

    def accept(self, request: bytes, keytab: str | None) -> KerberosClient:
        """Check a client's AP-REQ with the keys of a keytab."""
        ...


class KerberosStep:
    """An effect that the machine's Kerberos library carries out within ``timeout`` seconds.

    A ``local`` one is done with files of this machine alone.
    """

    timeout: float = 20.0
    local: bool = True

    def run(self, library: KerberosLibrary) -> Any:
        """Do it."""
        raise NotImplementedError


@attrs.frozen
class FindKerberosTicket(KerberosStep):
    """Look for a ticket; asks no server. Result: :class:`KerberosTicket`."""

    keys: KerberosKeys | None
    now: float

    def run(self, library: KerberosLibrary) -> KerberosTicket:
        """Do it."""
        return library.find_ticket(self.keys, self.now)


@attrs.frozen
class RequestKerberos(KerberosStep):
    """Begin an exchange as the client; may ask the key distribution centre. Result: :class:`KerberosExchange`."""

    local = False
    address: str
    service: str
    keys: KerberosKeys | None
    now: float

    def run(self, library: KerberosLibrary) -> KerberosExchange:
        """Do it."""
        return library.request(self.address, self.service, self.keys, self.now)


@attrs.frozen
class ConfirmKerberos(KerberosStep):
    """Check that the server has the key of its principal. Result: :class:`~htcondor_async._security.keys.KeyWrap`."""

    exchange: KerberosExchange
    reply: bytes = attrs.field(repr=False)

    def run(self, library: KerberosLibrary) -> KeyWrap:
        """Do it."""
        return library.confirm(self.exchange, self.reply)


@attrs.frozen
class FindKerberosKeytab(KerberosStep):
    """Look whether this server has a key. Result: the name of a principal."""

    keytab: str | None

    def run(self, library: KerberosLibrary) -> str:
        """Do it."""
        return library.find_keytab(self.keytab)


@attrs.frozen
class AcceptKerberos(KerberosStep):
    """Check, as the server, what a client sent. Result: :class:`KerberosClient`."""

    request: bytes = attrs.field(repr=False)
    keytab: str | None

    def run(self, library: KerberosLibrary) -> KerberosClient:
        """Do it."""
        return library.accept(self.request, self.keytab)


def read_realm_map(text: str) -> dict[str, str]:
    """Read a KERBEROS_MAP_FILE: lines ``REALM = domain``; ``#`` begins a comment.

    Raises
    ------
    ConfigError
        A line has no domain.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines()[:MAX_MAP_LINES], 1):
        words = re.split(r"[=\s]+", line.strip())
        if words == [""] or words[0].startswith("#"):
            continue
        if len(words) < 2 or not words[0] or not words[1]:
            raise ConfigError(f"line {number} of KERBEROS_MAP_FILE is {line.strip()[:100]!r}; expected REALM = domain")
        found[words[0]] = words[1]
    return found


def kerberos_user(
    principal: str,
    *,
    service: str,
    server_principal: str | None,
    server_user: str | None,
    realms: Mapping[str, str] | None,
) -> str | None:
    """Return who a principal is, as ``user@domain``; None for a realm that is not in the map.

    Parameters
    ----------
    principal
        As ``alice@EXAMPLE.ORG`` or ``host/node.example.org@EXAMPLE.ORG``.
    service, server_principal, server_user
        KERBEROS_SERVER_SERVICE, _PRINCIPAL and _USER: daemons, which have these, are one user.
    realms
        Realm to domain; None without a map, where the realm is the domain.
    """
    name, at, realm = principal.rpartition("@")
    if not at:
        return None
    user = server_user if server_user is not None and principal == server_principal else name.split("/", 1)[0]
    if user == service:
        user = server_user or DEFAULT_SERVER_USER
    domain = realm if realms is None else realms.get(realm)
    return f"{user}@{domain}" if user and domain else None
