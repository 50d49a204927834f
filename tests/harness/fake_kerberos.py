"""A Kerberos of one realm in memory, without cryptography: tickets are texts that both machines believe."""

from __future__ import annotations

import itertools
import math

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.kerberos import KerberosClient, KerberosExchange, KerberosKeys, KerberosTicket
from htcondor_async.errors import HTCondorIOError, ProtocolError

_numbers = itertools.count(1)


@attrs.frozen
class FakeKey:
    """A session key that protects nothing, but only its own kind can read what it wrapped."""

    number: int

    def wrap(self, key: Secret[bytes]) -> bytes:
        """Return the key as it travels."""
        return b"KRB%09d" % self.number + key.reveal()

    def unwrap(self, wrapped: bytes) -> Secret[bytes]:
        """Return the key that came."""
        if wrapped[:12] != b"KRB%09d" % self.number:
            raise ProtocolError("another key wrapped it")
        return Secret(wrapped[12:])


@attrs.define
class FakeKerberos:
    """What one machine has.

    Attributes:
        principal: who has logged in, None for nobody.
        ends: when the ticket does.
        services: those that the realm knows.
        keys: services that this machine has keys of.
        addresses: what tickets are limited to.
        honest: whether its answers as a server prove anything.
    """

    principal: str | None = "alice@example.org"
    ends: float = math.inf
    services: tuple[str, ...] = ("host", "other")
    keys: tuple[str, ...] = ("host",)
    addresses: tuple[str, ...] = ()
    honest: bool = True

    def find_ticket(self, keys: KerberosKeys | None, now: float) -> KerberosTicket:
        """Look for a ticket."""
        if self.principal is None:
            raise HTCondorIOError("No credentials cache found (filename: /tmp/krb5cc)")
        return KerberosTicket(self.principal, "FILE:/tmp/krb5cc", self.ends)

    def request(self, address: str, service: str, keys: KerberosKeys | None, now: float) -> KerberosExchange:
        """Begin an exchange."""
        if service not in self.services:
            raise HTCondorIOError(f"Server {service}/{address}@example.org not found in Kerberos database")
        number = next(_numbers)
        text = "\n".join((self.principal or "", service, str(number), *self.addresses))
        return KerberosExchange(f"{service}/{address}@example.org", text.encode(), number)

    def confirm(self, exchange: KerberosExchange, reply: bytes) -> FakeKey:
        """Check the answer."""
        if reply != b"I have the key %d" % exchange.state:
            raise HTCondorIOError("Decrypt integrity check failed")
        return FakeKey(exchange.state)

    def find_keytab(self, keytab: str | None) -> str:
        """Look for keys."""
        if not self.keys:
            raise HTCondorIOError("Key table file '/etc/krb5.keytab' not found")
        return f"{self.keys[0]}/here@example.org"

    def accept(self, request: bytes, keytab: str | None) -> KerberosClient:
        """Check what a client sent."""
        principal, service, number, *addresses = [*request.decode("utf-8", "replace").split("\n"), "", "", ""][:4]
        if service not in self.keys or not number.isdigit():
            raise HTCondorIOError("No key table entry found")
        reply = b"I have the key %d" % (int(number[:9]) if self.honest else 0)
        limited = tuple(filter(None, addresses))
        return KerberosClient(principal, limited, reply, FakeKey(int(number[:9])))
