"""PASSWORD: both sides know the pool's password."""

from __future__ import annotations

from htcondor_async._secret import Secret
from htcondor_async._security.effects import CurrentUser, FileKind, ReadFile, StatFile
from htcondor_async._security.methods import akep2
from htcondor_async._security.methods.base import Method, MethodContext, MethodFailed, MethodResult, Steps
from htcondor_async._security.tokens import password_in

__all__ = ["Password", "password_keys"]


def password_keys(password: Secret[bytes]) -> tuple[Secret[bytes], Secret[bytes]]:
    """Return the key of the exchange and the key of the wrapping key."""
    doubled = password.reveal() * 2
    return (
        Secret(akep2.hmac_sha1(Secret(akep2.KA), doubled)),
        Secret(akep2.hmac_sha1(Secret(akep2.KB), doubled)),
    )


class Password(Method):
    """PASSWORD (``condor_io/condor_auth_passwd.cpp``)."""

    name = "PASSWORD"
    bit = 512
    protects_key = True

    def _password(self, ctx: MethodContext) -> Steps[tuple[str | None, Secret[bytes] | None]]:
        """Give the reason why there is no password, or the password."""
        if ctx.credentials.password is not None:
            return None, Secret(ctx.credentials.password.reveal().split(b"\0", 1)[0])
        path = ctx.credentials.password_file
        if path is None:
            return "SEC_PASSWORD_FILE is not set", None
        user = yield CurrentUser()
        try:
            info = yield StatFile(path)
            if info is None:
                return f"{path} does not exist", None
            if info.kind is not FileKind.FILE or info.uid != user.uid or info.mode & 0o077:
                return f"{path} is not a private file of {user.name}", None
            content: Secret[bytes] = yield ReadFile(path)
        except OSError as error:
            return f"{path} cannot be read: {error.strerror or error}", None
        password = password_in(content)
        return (None, password) if password else (f"{path} is empty", None)

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a password file that this process owns."""
        reason, _ = yield from self._password(ctx)
        return reason

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """As for a client."""
        return (yield from self.available(ctx))

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Show that this client knows the password."""
        reason, password = yield from self._password(ctx)
        if password is None:
            yield from akep2.send_client_failure(ctx, token=False)
            raise MethodFailed(reason or "there is no password")
        key, wrapping = password_keys(password)
        name = akep2.peer_name(ctx.peer_version, ctx.settings.uid_domain)
        outcome = yield from akep2.run_client(ctx, name, None, key)
        return MethodResult(identity=outcome.peer, wrapping=Secret(akep2.hmac_sha1(wrapping, outcome.counter)))

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Check that the client knows the password."""
        first = yield from akep2.receive_first(ctx, token=False)
        reason, password = yield from self._password(ctx)
        name = akep2.peer_name(ctx.peer_version, ctx.settings.uid_domain)
        if first is None or password is None or first.client != name:
            yield from akep2.send_server_failure(ctx)
            if first is None:
                raise MethodFailed("the client has no password")
            raise MethodFailed(reason or "the client uses a name that is not the pool's")
        key, wrapping = password_keys(password)
        outcome = yield from akep2.run_server(ctx, first, name, key)
        return MethodResult(identity=outcome.peer, wrapping=Secret(akep2.hmac_sha1(wrapping, outcome.counter)))
