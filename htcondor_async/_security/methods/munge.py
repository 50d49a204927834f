"""MUNGE: a daemon on each host vouches for the user numbers of its processes.

The credential is made by the host's ``munge`` command and read by ``unmunge``; its payload is a key
(``condor_io/condor_auth_munge.cpp``).
"""

from __future__ import annotations

import re

from htcondor_async._secret import Secret
from htcondor_async._security.effects import RunCommand, UserNameOf
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

__all__ = ["Munge"]

KEY_SIZE = 24
MAX_CREDENTIAL = 1 << 14
_DECODED = re.compile(rb"UID:[ \t]*(\d{1,10})\n\n(.*)\Z", re.DOTALL)


class Munge(Method):
    """MUNGE, by the commands that come with it."""

    name = "MUNGE"
    bit = 1024
    protects_key = True

    def _encode(self, payload: Secret[bytes]) -> Steps[tuple[str | None, Secret[str] | None]]:
        """Give why there is no credential, or a credential around the payload."""
        try:
            output: Secret[bytes] = yield RunCommand(("munge",), payload, max_size=MAX_CREDENTIAL)
        except OSError as error:
            return f"munge: {error.strerror or error}", None
        text = output.reveal().strip()
        if not text.startswith(b"MUNGE:") or not text.isascii():
            return "munge: its output is no credential", None
        return None, Secret(text.decode("ascii"))

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible where the munge command works."""
        reason, _ = yield from self._encode(Secret(b"test"))
        return reason

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """As for a client."""
        return (yield from self.available(ctx))

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Send a credential."""
        key = Secret(ctx.entropy(KEY_SIZE))
        reason, credential = yield from self._encode(key)
        if credential is None:
            yield from say(-1, "no credential")
            raise MethodFailed(reason or "munge: failed")
        yield from say(0, credential.reveal())
        result = yield from receive_int(ctx)
        if result != 0:
            raise MethodFailed("the daemon refused the credential; do both hosts have the same munge key?")
        return MethodResult(wrapping=key)

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Take a credential."""
        reader = yield from receive(ctx, MAX_CREDENTIAL + 64)
        status, credential = reader.int(), reader.str()
        reader.expect_end()
        if status != 0:
            raise MethodFailed("the client has no credential")
        if not re.fullmatch(r"MUNGE:[A-Za-z0-9+/=]{1,16000}:", credential):
            yield from say(-1)
            raise ProtocolError("what the client sends is no munge credential")
        failure, user, key = yield from self._decode(credential)
        yield from say(-1 if user is None else 0)
        if user is None or key is None:
            raise MethodFailed(failure)
        domain = ctx.settings.uid_domain
        return MethodResult(identity=f"{user}@{domain}" if domain else user, wrapping=key, authenticated_name=user)

    def _decode(self, credential: str) -> Steps[tuple[str, str | None, Secret[bytes] | None]]:
        try:
            output: Secret[bytes] = yield RunCommand(
                ("unmunge", "--keys=UID", "--numeric"), Secret(credential.encode("ascii")), max_size=MAX_CREDENTIAL
            )
        except OSError as error:
            return f"unmunge: {error.strerror or error}", None, None
        match = _DECODED.match(output.reveal())
        if match is None or not match[2]:
            return "unmunge: its output cannot be read", None, None
        user = yield UserNameOf(int(match[1]))
        return f"user number {int(match[1])} has no name here", user, Secret(match[2])
