"""SSL and SCITOKENS: certificates of hosts and users, and bearer tokens sent through TLS."""

from __future__ import annotations

import struct

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.ads import Literal
from htcondor_async._security.bearer import BearerClaims, check_bearer
from htcondor_async._security.certificates import certificate_subject
from htcondor_async._security.effects import (
    CurrentUser,
    EnvironmentVariable,
    FileKind,
    ReadFile,
    StatFile,
    TlsSettings,
)
from htcondor_async._security.methods.base import Method, MethodContext, MethodFailed, MethodResult, Steps
from htcondor_async._security.methods.hosts import (
    ask_for_a_look,
    first_contact,
    known_host,
    remember_authority,
    wants_a_look,
    wrong_host,
)
from htcondor_async._security.methods.tls import Status, TlsExchange
from htcondor_async.errors import HTCondorValueError, ProtocolError

__all__ = ["SciTokens", "Ssl"]

MAX_BEARER = 1 << 20


class Ssl(Method):
    """SSL: the server shows a certificate of its host, the client one of its user if it has one."""

    name = "SSL"
    bit = 256
    protects_key = True

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible if it is known which host the certificate must be for."""
        yield from ()
        if ctx.host_alias is None and not ctx.settings.skip_host_check:
            return "the daemon's address has no alias, so no host name to check its certificate for"
        return None

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a certificate."""
        yield from ()
        return None if ctx.settings.server_tls is not None else "AUTH_SSL_SERVER_CERTFILE is not set"

    def _client_settings(self, ctx: MethodContext) -> TlsSettings:
        return ctx.settings.client_tls

    def _connect(self, ctx: MethodContext) -> Steps[tuple[TlsExchange, Secret[bytes], bytes]]:
        """Go through TLS as a client; gives the exchange, the wrapping key, the server's certificate."""
        if wants_a_look(ctx):
            yield from first_contact(ctx, self._client_settings(ctx))
        problem = known = None
        try:
            known = yield from known_host(ctx)
        except MethodFailed as error:
            problem = str(error)
        trusted = None if known is None else known.certificate
        exchange = TlsExchange(ctx, server=False)
        yield from exchange.begin(attrs.evolve(self._client_settings(ctx), trusted_certificate=trusted))
        try:
            yield from exchange.handshake()
        except MethodFailed as error:
            if exchange.unknown_authority and problem is None and ask_for_a_look(ctx):
                raise MethodFailed(str(error), again=True) from None
            raise MethodFailed(problem or str(error)) from None
        certificate = exchange.peer_certificate()
        if certificate is None:
            problem = "the daemon showed no certificate"
        elif problem is None:
            problem = wrong_host(ctx, certificate)
        if problem is not None or certificate is None:
            yield from exchange.refuse_key()
            raise MethodFailed(problem or "the daemon showed no certificate")
        if trusted is None:
            yield from remember_authority(ctx)
        key = yield from exchange.take_key()
        return exchange, key, certificate

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Check the server's certificate, show one's own if there is one."""
        _, key, certificate = yield from self._connect(ctx)
        return MethodResult(identity=ctx.host_alias, wrapping=key, authenticated_name=certificate_subject(certificate))

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Show the server's certificate, and take the client's if it has one."""
        if ctx.settings.server_tls is None:
            raise ProtocolError("SSL was chosen without a certificate")
        exchange = TlsExchange(ctx, server=True)
        yield from exchange.begin(ctx.settings.server_tls)
        yield from exchange.handshake()
        certificate = exchange.peer_certificate()
        key = yield from exchange.give_key()
        if certificate is None:
            return MethodResult(identity="unauthenticated@unmapped", wrapping=key, authenticated_name="unauthenticated")
        return MethodResult(identity="ssl@unmapped", wrapping=key, authenticated_name=certificate_subject(certificate))


class SciTokens(Ssl):
    """SCITOKENS: the client sends a bearer token through TLS to a server whose certificate it has checked."""

    name = "SCITOKENS"
    bit = 4096

    def _client_settings(self, ctx: MethodContext) -> TlsSettings:
        return attrs.evolve(ctx.settings.client_tls, certificate_file=None, key_file=None)

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a bearer token, and a host name to check."""
        reason = yield from super().available(ctx)
        if reason is not None:
            return reason
        reason, _ = yield from self._token(ctx)
        return reason

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a certificate and an issuer whose keys are known."""
        reason = yield from super().offered(ctx)
        if reason is None and not ctx.credentials.bearer_issuers:
            return "no issuer of bearer tokens is trusted here"
        return reason

    def _token(self, ctx: MethodContext) -> Steps[tuple[str | None, Secret[str] | None]]:
        """Give why there is no token, or the token, in the order of the WLCG's profile of bearer tokens."""
        if ctx.credentials.bearer_token is not None:
            return None, ctx.credentials.bearer_token
        if ctx.settings.scitokens_file is not None:
            return (yield from self._file(ctx.settings.scitokens_file, required=True))
        value: Secret[str] | None = yield EnvironmentVariable("BEARER_TOKEN")
        if value is not None and value.reveal().strip():
            return None, Secret(value.reveal().strip())
        named: Secret[str] | None = yield EnvironmentVariable("BEARER_TOKEN_FILE")
        if named is not None and named:
            return (yield from self._file(named.reveal(), required=True))
        user = yield CurrentUser()
        runtime: Secret[str] | None = yield EnvironmentVariable("XDG_RUNTIME_DIR")
        places = [] if runtime is None else [runtime.reveal()]
        for place in (*places, "/tmp"):
            reason, token = yield from self._file(f"{place}/bt_u{user.uid}", required=False, owner=user.uid)
            if token is not None or reason is not None:
                return reason, token
        return "there is no bearer token", None

    def _file(
        self, path: str, *, required: bool, owner: int | None = None
    ) -> Steps[tuple[str | None, Secret[str] | None]]:
        try:
            info = yield StatFile(path)
            if info is None:
                return (f"{path} does not exist" if required else None), None
            if owner is not None and (info.uid != owner or info.kind is not FileKind.FILE):
                return f"{path} belongs to user number {info.uid}", None
            content: Secret[bytes] = yield ReadFile(path, MAX_BEARER)
        except OSError as error:
            return f"{path} cannot be read: {error.strerror or error}", None
        for line in content.reveal().decode("utf-8", "replace").splitlines():
            if line.strip() and not line.strip().startswith("#"):
                return None, Secret(line.strip())
        return f"{path} contains no token", None

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Check the server's certificate, then send the token."""
        reason, token = yield from self._token(ctx)
        exchange, key, certificate = yield from self._connect(ctx)
        data = Secret(b"" if token is None else token.reveal().encode("utf-8"))
        if not 1 <= len(data.reveal()) <= MAX_BEARER:
            raise MethodFailed(reason or "the bearer token is too long")
        accepted = yield from exchange.write_and_ask(Secret(struct.pack(">I", len(data.reveal())) + data.reveal()))
        if not accepted:
            raise MethodFailed("the daemon refused the bearer token")
        return MethodResult(identity=ctx.host_alias, wrapping=key, authenticated_name=certificate_subject(certificate))

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Show the server's certificate, take the token, and answer whether it is valid and maps to a user."""
        if ctx.settings.server_tls is None:
            raise ProtocolError("SCITOKENS was chosen without a certificate")
        exchange = TlsExchange(ctx, server=True)
        yield from exchange.begin(attrs.evolve(ctx.settings.server_tls, request_certificate=False))
        yield from exchange.handshake()
        key = yield from exchange.give_key()
        sent = yield from exchange.take_text(MAX_BEARER)
        token = Secret(sent.reveal().decode("utf-8", "replace"))
        try:
            claims = check_bearer(
                token, ctx.credentials.bearer_issuers, now=ctx.now, audiences=ctx.settings.scitokens_audiences
            )
            if ctx.map_file is None or ctx.map_file.find(self.name, claims.principal) is None:
                raise HTCondorValueError(f"no line of CERTIFICATE_MAPFILE says who {claims.principal!r} is")
        except HTCondorValueError as error:
            yield from exchange.send(Status.QUITTING)
            raise MethodFailed(error.what) from None
        yield from exchange.send(Status.HOLDING)
        return MethodResult(
            identity="scitokens@unmapped",
            wrapping=key,
            authenticated_name=claims.principal,
            limits=claims.limits,
            attributes=_token_attributes(claims),
        )


def _token_attributes(claims: BearerClaims) -> dict[str, Literal]:
    found: dict[str, Literal] = {"AuthTokenIssuer": claims.issuer, "AuthTokenSubject": claims.subject}
    if claims.scopes:
        found["AuthTokenScopes"] = ",".join(claims.scopes)
    if claims.groups:
        found["AuthTokenGroups"] = ",".join(claims.groups)
    if claims.token_id is not None:
        found["AuthTokenId"] = claims.token_id
    return found
