"""SSL and SCITOKENS: certificates of hosts and users, and bearer tokens sent through TLS."""

from __future__ import annotations

import struct

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.certificates import certificate_subject, known_host_entry, matches_host
from htcondor_async._security.effects import (
    CurrentUser,
    EnvironmentVariable,
    FileKind,
    ReadFile,
    StatFile,
    TlsSettings,
)
from htcondor_async._security.methods.base import Method, MethodContext, MethodFailed, MethodResult, Steps
from htcondor_async._security.methods.tls import TlsExchange
from htcondor_async.errors import ProtocolError

__all__ = ["SciTokens", "Ssl"]

MAX_KNOWN_HOSTS = 1 << 22
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

    def _known(self, ctx: MethodContext) -> Steps[tuple[bool, bytes | None] | None]:
        """Give what the file of known hosts says of the server."""
        path = ctx.settings.known_hosts
        if ctx.host_alias is None:
            return None
        if path is None:
            user = yield CurrentUser()
            path = f"{user.home}/.condor/known_hosts"
        try:
            content: Secret[bytes] = yield ReadFile(path, MAX_KNOWN_HOSTS)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MethodFailed(f"{path} cannot be read: {error.strerror or error}") from None
        return known_host_entry(content.reveal().decode("utf-8", "replace"), ctx.host_alias, self.name)

    def _connect(self, ctx: MethodContext) -> Steps[tuple[TlsExchange, Secret[bytes], bytes]]:
        """Go through TLS as a client; gives the exchange, the wrapping key, the server's certificate."""
        problem = None
        try:
            known = yield from self._known(ctx)
        except MethodFailed as error:
            known, problem = None, str(error)
        pinned = known[1] if known is not None and known[0] else None
        exchange = TlsExchange(ctx, server=False)
        settings = self._client_settings(ctx)
        # A host known by its certificate needs no authority, and no other certificate will do. A line that forbids a
        # host is written when its certificate failed; if a trusted authority answers for it now, it counts no more.
        yield from exchange.begin(settings if pinned is None else attrs.evolve(settings, verify=False))
        yield from exchange.handshake()
        certificate = exchange.peer_certificate()
        if certificate is None:
            problem = "the daemon showed no certificate"
        elif pinned is not None and certificate != pinned:
            problem = f"{ctx.host_alias} shows another certificate than the file of known hosts has"
        elif problem is None and not ctx.settings.skip_host_check:
            if ctx.host_alias is None:
                problem = "the daemon's address has no alias, so no host name to check its certificate for"
            elif not matches_host(certificate, ctx.host_alias):
                problem = f"the daemon's certificate {certificate_subject(certificate)} is not for {ctx.host_alias}"
        if problem is not None or certificate is None:
            yield from exchange.refuse_key()
            raise MethodFailed(problem or "the daemon showed no certificate")
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
            return MethodResult(identity="unauthenticated@unmapped", wrapping=key)
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
        """Never: checking a bearer token needs the keys of its issuer."""
        yield from ()
        return "bearer tokens cannot be checked here"

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
        data = b"" if token is None else token.reveal().encode("utf-8")
        if not 1 <= len(data) <= MAX_BEARER:
            raise MethodFailed(reason or "the bearer token is too long")
        accepted = yield from exchange.write_and_ask(Secret(struct.pack(">I", len(data)) + data))
        if not accepted:
            raise MethodFailed("the daemon refused the bearer token")
        return MethodResult(identity=ctx.host_alias, wrapping=key, authenticated_name=certificate_subject(certificate))

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Never offered, so never chosen."""
        yield from ()
        raise ProtocolError("SCITOKENS was chosen, which is not offered here")
