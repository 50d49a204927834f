"""CLAIMTOBE and ANONYMOUS: the methods that prove nothing."""

from __future__ import annotations

from htcondor_async._security.effects import CurrentUser
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
from htcondor_async.errors import ProtocolError

__all__ = ["Anonymous", "ClaimToBe"]


class ClaimToBe(Method):
    """CLAIMTOBE: the client says who it is and is believed (``condor_io/condor_auth_claim.cpp``)."""

    name = "CLAIMTOBE"
    bit = 2

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible whenever there is a name to claim."""
        yield from ()
        return None

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Claim the configured name, or that of the process."""
        name = ctx.settings.claimtobe_user
        if name is None:
            user = yield CurrentUser()
            name = user.name
        if not name:
            yield from say(0)
            raise MethodFailed("this process has no user name to claim")
        if ctx.settings.claimtobe_include_domain and "@" not in name and ctx.settings.uid_domain:
            name = f"{name}@{ctx.settings.uid_domain}"
        yield from say(1, name)
        answer = yield from receive_int(ctx)
        if answer != 1:
            raise MethodFailed("the daemon did not accept the claimed name")
        return MethodResult()

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Believe the client."""
        reader = yield from receive(ctx)
        status = reader.int()
        if status != 1:
            reader.expect_end()
            raise MethodFailed("the client has no name to claim")
        name = reader.str()
        reader.expect_end()
        if not name or len(name) > 1024 or not name.isprintable():
            raise ProtocolError("the client claims a name that is empty, too long or not printable")
        yield from say(1)
        user, _, domain = name.rpartition("@") if "@" in name else (name, "", ctx.settings.uid_domain or "")
        if not ctx.settings.claimtobe_include_domain:
            return MethodResult(identity=name, authenticated_name=name)
        return MethodResult(identity=f"{user}@{domain}" if domain else user, authenticated_name=user)


class Anonymous(Method):
    """ANONYMOUS: nobody is anybody (``condor_io/condor_auth_anonymous.cpp``)."""

    name = "ANONYMOUS"
    bit = 128

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Always possible."""
        yield from ()
        return None

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Wait for the server's nod."""
        answer = yield from receive_int(ctx)
        if answer != 1:
            raise MethodFailed("the daemon did not accept an anonymous client")
        return MethodResult()

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Nod."""
        yield from say(1)
        return MethodResult(identity="CONDOR_ANONYMOUS_USER", authenticated_name="CONDOR_ANONYMOUS_USER")
