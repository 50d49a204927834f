"""KERBEROS: a ticket of the machine's Kerberos, in the bare AP exchange (``condor_io/condor_auth_kerberos.cpp``).

The ticket is for the service on the host that the server's address resolves to. Everything that can fail at the client
without the server is done before the client says that it is ready, since only then both sides go on together.
"""

from __future__ import annotations

from htcondor_async._cedar.values import Reader
from htcondor_async._security.effects import CurrentUser, ReadFile, UserIdentity
from htcondor_async._security.kerberos import (
    AcceptKerberos,
    ConfirmKerberos,
    FindKerberosKeytab,
    FindKerberosTicket,
    KerberosClient,
    KerberosExchange,
    KerberosKeys,
    KerberosTicket,
    RequestKerberos,
    kerberos_user,
    read_realm_map,
)
from htcondor_async._security.keys import KeyWrap
from htcondor_async._security.methods.base import (
    Method,
    MethodContext,
    MethodFailed,
    MethodResult,
    Steps,
    receive,
    receive_int,
    say,
)
from htcondor_async._security.request import shown
from htcondor_async._security.tokens import describe_time
from htcondor_async.errors import AuthenticationError, ConfigError, HTCondorException, ProtocolError

__all__ = ["Kerberos"]

_ABORT, _DENY, _GRANT, _FORWARD, _MUTUAL, _PROCEED = -1, 0, 1, 2, 3, 4
MAX_REQUEST = 1 << 16
"""Bytes of an AP-REQ or AP-REP; tickets with long lists of groups have some 20,000."""
_LOOK = "KERBEROS ticket"


class Kerberos(Method):
    """KERBEROS, by the system's library."""

    name = "KERBEROS"
    bit = 64
    protects_key = True

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with the library and a ticket that has not ended, or a client's keytab."""
        if _LOOK not in ctx.memory:
            ctx.memory[_LOOK] = yield from self._look(ctx)
        reason: str | None = ctx.memory[_LOOK]
        return reason

    def _look(self, ctx: MethodContext) -> Steps[str | None]:
        try:
            keys = yield from _keys(ctx)
            ticket: KerberosTicket = yield FindKerberosTicket(keys, ctx.now)
        except OSError as error:
            return _reason(error)
        if ticket.ends <= ctx.now:
            ended = f"ended at {describe_time(ticket.ends)}" if ticket.ends else "is missing"
            return f"the ticket of {shown(ticket.principal)} in {shown(ticket.source)} {ended}; kinit gets a new one"
        return None

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with the library and a keytab."""
        try:
            yield FindKerberosKeytab(ctx.settings.kerberos_server_keytab)
        except OSError as error:
            return _reason(error)
        return None

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Show a ticket, and see the server's proof that it has the key of its principal."""
        settings = ctx.settings
        try:
            keys = yield from _keys(ctx)
            exchange: KerberosExchange = yield RequestKerberos(
                ctx.server_address[0], settings.kerberos_service, keys, ctx.now
            )
            server = yield from _user(ctx, exchange.server)
        except (OSError, MethodFailed) as error:
            yield from say(_ABORT)
            raise MethodFailed(_reason(error)) from error
        yield from say(_PROCEED)
        yield from say(_PROCEED, len(exchange.request), exchange.request)
        answer = yield from receive_int(ctx)
        if answer != _MUTUAL:
            raise MethodFailed(
                f"the daemon refused the ticket for {shown(exchange.server)}: "
                "its keytab may not have this principal's key, or the clocks differ; its log says why"
            )
        reader = yield from receive(ctx, MAX_REQUEST + 64)
        reply = _counted(reader, "the daemon's answer")
        try:
            key: KeyWrap = yield ConfirmKerberos(exchange, reply)
        except OSError as error:
            # The daemon takes whatever comes next for consent, so there is no way to go on with another method.
            raise AuthenticationError(
                f"the daemon did not prove that it is {shown(exchange.server)}: {_reason(error)}"
            ) from error
        yield from say(_GRANT)
        answer = yield from receive_int(ctx)
        if answer not in (_GRANT, _FORWARD):
            raise MethodFailed("the daemon does not know the realm of this client, or gives it no name")
        return MethodResult(identity=server, wrapping=key)

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """See a ticket, and prove to have the key of its principal."""
        ready = yield from receive_int(ctx)
        if ready != _PROCEED:
            raise MethodFailed("the client has no ticket for this server")
        reader = yield from receive(ctx, MAX_REQUEST + 64)
        request = _counted(reader, "the client's request")
        try:
            client: KerberosClient = yield AcceptKerberos(request, ctx.settings.kerberos_server_keytab)
        except OSError as error:
            yield from say(_DENY)
            raise MethodFailed(_reason(error)) from error
        yield from say(_MUTUAL)
        yield from say(_PROCEED, len(client.reply), client.reply)
        agreed = yield from receive_int(ctx)
        try:
            user = yield from self._admitted(ctx, client, agreed)
        except MethodFailed:
            yield from say(_DENY)
            raise
        yield from say(_GRANT)
        return MethodResult(identity=user, wrapping=client.key, authenticated_name=client.principal)

    def _admitted(self, ctx: MethodContext, client: KerberosClient, agreed: int) -> Steps[str]:
        if agreed != _GRANT:
            raise MethodFailed("the client does not accept this server's proof")
        here = None if ctx.client_address is None else ctx.client_address[0]
        if client.addresses and here not in client.addresses and ctx.settings.authentication_ip_check:
            raise MethodFailed(f"the ticket is for {', '.join(client.addresses[:10])}; it came from {here}")
        return (yield from _user(ctx, client.principal))


def _keys(ctx: MethodContext) -> Steps[KerberosKeys | None]:
    """Give what this client may log in with by itself: its keytab, for the superuser also the host's."""
    settings = ctx.settings
    if settings.kerberos_client_keytab is not None:
        return KerberosKeys(settings.kerberos_client_keytab)
    user: UserIdentity = yield CurrentUser()
    if not user.switches_ids:
        return None
    return KerberosKeys(settings.kerberos_server_keytab, settings.kerberos_server_principal)


def _counted(reader: Reader, what: str) -> bytes:
    code, length = reader.int(), reader.int()
    if code != _PROCEED or not 0 < length <= MAX_REQUEST:
        raise ProtocolError(f"{what} is announced with code {code} and {length} bytes")
    data = reader.raw(length)
    reader.expect_end()
    return data


def _user(ctx: MethodContext, principal: str) -> Steps[str]:
    """Give the user that a principal is; raises :class:`MethodFailed` for a realm that is not let in."""
    settings = ctx.settings
    realms = None
    if settings.kerberos_map_file is not None:
        try:
            text = yield ReadFile(settings.kerberos_map_file)
            realms = read_realm_map(text.reveal().decode("utf-8", "replace"))
        except (OSError, ConfigError) as error:
            raise MethodFailed(f"KERBEROS_MAP_FILE cannot be used: {_reason(error)}") from error
    user = kerberos_user(
        principal,
        service=settings.kerberos_service,
        server_principal=settings.kerberos_server_principal,
        server_user=settings.kerberos_server_user,
        realms=realms,
    )
    if user is None:
        raise MethodFailed(f"KERBEROS_MAP_FILE does not name the realm of {shown(principal)}")
    return user


def _reason(error: BaseException) -> str:
    if isinstance(error, HTCondorException):
        return shown(error.what)
    return shown(str(error))
