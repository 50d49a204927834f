"""Tokens as the daemons of the embedded pool give them: for sessions, and on request and approval."""

from __future__ import annotations

import ipaddress
import secrets

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core.effects import carry_out
from htcondor_async._secret import Secret
from htcondor_async._security.tokens import mint
from htcondor_async.classad import ClassAd
from htcondor_async.testing._server import IMPLIED, Connection, Daemon, Handler

__all__ = ["TokenDesk"]

_MAX_REQUESTS = 1000
_NO_FEATURE, _BAD, _UNKNOWN, _FAILED, _NOT_FOUND, _NOT_ALLOWED = 44, 2, 3, 4, 5, 7


@attrs.define
class _Request:
    number: str
    client: str
    wanted: str
    asker: str
    place: str
    scopes: tuple[str, ...]
    lifetime: int | None
    token: Secret[str] | None = None


class TokenDesk:
    """Takes requests for tokens, lists and approves them, and signs tokens with the pool's key.

    Parameters
    ----------
    daemon
        Whose commands it serves: they are entered in its table.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._requests: dict[str, _Request] = {}
        self._rules: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, float]] = []
        daemon.commands.update(
            {
                Command.DC_GET_SESSION_TOKEN: Handler("ALLOW", self._session_token),
                Command.DC_START_TOKEN_REQUEST: Handler("ALLOW", self._start),
                Command.DC_FINISH_TOKEN_REQUEST: Handler("ALLOW", self._finish),
                Command.DC_LIST_TOKEN_REQUEST: Handler("ALLOW", self._list, force_authentication=True),
                Command.DC_APPROVE_TOKEN_REQUEST: Handler("ALLOW", self._approve, force_authentication=True),
                Command.DC_AUTO_APPROVE_TOKEN_REQUEST: Handler("ADMINISTRATOR", self._auto_approve),
            }
        )

    async def _request(self, connection: Connection) -> ClassAd:
        reader = await connection.request(connection.runtime.clock() + 20)
        ad = reader.ad()
        reader.expect_end()
        return ad

    async def _answer(self, connection: Connection, **attributes: object) -> None:
        await connection.reply(connection.writer().ad(ClassAd(attributes)))

    async def _refuse(self, connection: Connection, code: int, text: str) -> None:
        await self._answer(connection, ErrorCode=code, ErrorString=text)

    async def _sign(
        self, connection: Connection, subject: str, scopes: tuple[str, ...], lifetime: int | None, name: str = "POOL"
    ) -> Secret[str] | None:
        """Make a token; None if this daemon has no such key."""
        steps = self._daemon.credentials.signing_keys.key(name)
        key: Secret[bytes] | None
        try:
            effect = next(steps)
            while True:
                try:
                    answer = await carry_out(effect, connection.runtime)
                except OSError as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(answer)
        except StopIteration as done:
            key = done.value
        if key is None:
            return None
        token = mint(
            key,
            issuer=self._daemon.settings.trust_domain or "",
            subject=subject,
            now=connection.runtime.now(),
            token_id=secrets.token_hex(16),
            lifetime=lifetime,
            scopes=scopes,
            key_id=name,
        )
        return token.text()

    async def _session_token(self, connection: Connection) -> None:
        ad = await self._request(connection)
        if not connection.authenticated or not connection.cedar.crypto:
            await self._refuse(connection, _NOT_ALLOWED, "Session must be encrypted and authenticated to get a token.")
            return
        key = ad.get("RequestedKey")
        scopes = self._narrowed(connection, _scopes(ad))
        if scopes is None:
            await self._refuse(connection, _NOT_ALLOWED, "The token would allow more than the session.")
            return
        token = await self._sign(
            connection, connection.user, scopes, _lifetime(ad), key if isinstance(key, str) else "POOL"
        )
        if token is None:
            await self._refuse(connection, _FAILED, "There is no such signing key.")
            return
        await self._answer(connection, Token=token.reveal())

    @staticmethod
    def _narrowed(connection: Connection, wanted: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the scopes of a token: no more than the client's own credential has."""
        session = connection.accepted.session
        own = session.limits if session is not None else ()
        if not own:
            return wanted
        if not wanted:
            return tuple(own)
        implied = {name for limit in own for name in IMPLIED.get(limit, frozenset({limit}))}
        return wanted if all(scope in implied for scope in wanted) else None

    async def _start(self, connection: Connection) -> None:
        ad = await self._request(connection)
        if not self._daemon.config.get_bool("SEC_ENABLE_TOKEN_REQUEST", True):
            await self._refuse(connection, _NO_FEATURE, "Token request disabled.")
            return
        wanted, client = ad.get("User"), ad.get("ClientId")
        if not isinstance(client, str) or not isinstance(wanted, str):
            await self._refuse(connection, _BAD, "No client ID or no identity provided.")
            return
        if len(self._requests) >= _MAX_REQUESTS:
            await self._refuse(connection, _UNKNOWN, "Too many requests in the system.")
            return
        place = connection.stream.peer.host
        request = _Request(
            f"{secrets.randbelow(10_000_000):07d}",
            client,
            wanted,
            connection.user,
            place,
            _scopes(ad),
            _lifetime(ad),
        )
        if self._by_rule(request, connection.runtime.now()):
            token = await self._sign(connection, wanted, request.scopes, request.lifetime)
            if token is None:
                await self._refuse(connection, _FAILED, "There is no signing key.")
                return
            await self._answer(connection, RequestId=request.number, Token=token.reveal())
            return
        if not connection.cedar.crypto:
            await self._refuse(connection, _NOT_ALLOWED, "Request to server was not encrypted.")
            return
        session = connection.accepted.session
        if not connection.authenticated or (session is not None and session.authenticated_by == "ANONYMOUS"):
            await self._refuse(
                connection, _NOT_ALLOWED, "Request to server was made using ANONYMOUS or no authentication."
            )
            return
        self._requests[request.number] = request
        await self._answer(connection, RequestId=request.number)

    def _by_rule(self, request: _Request, now: float) -> bool:
        if request.wanted.partition("@")[0] != "condor":
            return False  # rules are for the pool's own daemons
        try:
            address = ipaddress.ip_address(request.place)
        except ValueError:
            return False
        return any(until > now and address in network for network, until in self._rules)

    async def _finish(self, connection: Connection) -> None:
        ad = await self._request(connection)
        number = ad.get("RequestId")
        request = self._requests.get(number) if isinstance(number, str) else None
        if request is None or request.client != ad.get("ClientId"):
            await self._refuse(connection, _UNKNOWN, "Request ID is not known.")
            return
        if not connection.cedar.crypto:
            await self._refuse(connection, _NOT_ALLOWED, "Request to server was not encrypted.")
            return
        if request.token is None:
            await self._answer(connection, Token="")
            return
        del self._requests[request.number]
        await self._answer(connection, Token=request.token.reveal())

    def _visible(self, connection: Connection, request: _Request) -> bool:
        command = int(Command.DC_AUTO_APPROVE_TOKEN_REQUEST)
        session = connection.accepted.session
        limits = session.limits if session is not None else ()
        return self._daemon.authorize(command, connection.user, limits) or request.wanted == connection.user

    async def _list(self, connection: Connection) -> None:
        ad = await self._request(connection)
        number = ad.get("RequestId")
        for request in list(self._requests.values()):
            if (isinstance(number, str) and number != request.number) or request.token is not None:
                continue
            if not self._visible(connection, request):
                continue
            shown: dict[str, object] = {
                "RequestId": request.number,
                "ClientId": request.client,
                "AuthenticatedIdentity": request.asker,
                "RequestedIdentity": request.wanted,
                "PeerLocation": request.place,
            }
            if request.scopes:
                shown["LimitAuthorization"] = ",".join(request.scopes)
            if request.lifetime is not None:
                shown["TokenLifetime"] = request.lifetime
            await self._answer(connection, **shown)
        await self._answer(connection, Owner=0, ErrorCode=0)

    async def _approve(self, connection: Connection) -> None:
        ad = await self._request(connection)
        number = ad.get("RequestId")
        request = self._requests.get(number) if isinstance(number, str) else None
        if request is None or not self._visible(connection, request):
            await self._refuse(connection, _NOT_FOUND, "Request unknown.")
            return
        if request.client != ad.get("ClientId"):
            await self._refuse(connection, _UNKNOWN, "Request ID does not match that of the client.")
            return
        token = await self._sign(connection, request.wanted, request.scopes, request.lifetime)
        if token is None:
            await self._refuse(connection, _FAILED, "There is no signing key.")
            return
        request.token = token
        await self._answer(connection, ErrorCode=0)

    async def _auto_approve(self, connection: Connection) -> None:
        ad = await self._request(connection)
        subnet, lifetime = ad.get("Subnet"), ad.get("Lifetime")
        try:
            network = ipaddress.ip_network(subnet if isinstance(subnet, str) else "", strict=False)
        except ValueError:
            await self._refuse(connection, _BAD, "The auto-approval rule has no valid subnet.")
            return
        if type(lifetime) is not int or lifetime <= 0:
            await self._refuse(connection, _BAD, "The auto-approval rule has no valid lifetime.")
            return
        self._rules.append((network, connection.runtime.now() + min(lifetime, 3600)))
        await self._answer(connection, ErrorCode=0)


def _scopes(ad: ClassAd) -> tuple[str, ...]:
    text = ad.get("LimitAuthorization")
    return tuple(name for name in text.replace(" ", ",").split(",") if name) if isinstance(text, str) else ()


def _lifetime(ad: ClassAd) -> int | None:
    value = ad.get("TokenLifetime")
    return value if type(value) is int and value > 0 else None
