"""IDTOKENS: the client shows that it holds a token that the pool has signed, without showing its signature."""

from __future__ import annotations

from htcondor_async._secret import Secret
from htcondor_async._security.ads import Literal
from htcondor_async._security.credentials import TokenSelection
from htcondor_async._security.effects import WarnOfExpiry
from htcondor_async._security.keys import hkdf
from htcondor_async._security.methods import akep2
from htcondor_async._security.methods.base import Method, MethodContext, MethodFailed, MethodResult, Steps
from htcondor_async._security.tokens import (
    Token,
    describe_time,
    mint,
    parse_token,
    recompute_signature,
    why_not,
)
from htcondor_async.errors import HTCondorValueError

__all__ = ["IdTokens", "shared_key"]

MINTED_LIFETIME = 60.0
"""Seconds that a token lives which a client made for itself with the pool's signing key."""


def shared_key(signed: str, signature: Secret[bytes]) -> Secret[bytes]:
    """Return the key both sides use: from the signature, which only they know."""
    return hkdf(signature, salt=akep2.KA + akep2.encode(signed), info=b"master ka", length=32)


def wrapping_key(counter: bytes) -> Secret[bytes]:
    """Return the key that a transported session key is wrapped with.

    It is made of a number that passed in clear: whoever saw the exchange can read the session key.
    """
    return hkdf(Secret(counter), salt=b"session key", info=b"htcondor", length=32)


class IdTokens(Method):
    """IDTOKENS, whose name in a negotiation is TOKEN."""

    name = "TOKEN"
    bit = 2048

    def available(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a token that fits, or with the pool's signing key."""
        selection = yield from self._select(ctx)
        if selection.token is not None:
            return None
        names = yield from self._own_keys(ctx)
        if names:
            return None
        reasons = "; ".join(f"{origin}: {reason}" for origin, reason in selection.reasons)
        return f"no token fits ({reasons})" if reasons else "there is no token"

    def _select(self, ctx: MethodContext) -> Steps[TokenSelection]:
        found = ctx.memory.get("tokens")
        if found is None:
            found = ctx.memory["tokens"] = yield from ctx.credentials.all_tokens()
        return ctx.credentials.choose(found, trust_domain=ctx.trust_domain, issuer_keys=ctx.issuer_keys, now=ctx.now)

    def offered(self, ctx: MethodContext) -> Steps[str | None]:
        """Possible with a signing key."""
        names = yield from ctx.credentials.signing_keys.names()
        return None if names else "there is no signing key"

    def _own_keys(self, ctx: MethodContext) -> Steps[list[str]]:
        """Give the names of the keys with which this client can make a token that the server takes."""
        if ctx.settings.trust_domain is None or ctx.trust_domain not in (None, ctx.settings.trust_domain):
            return []
        names = yield from ctx.credentials.signing_keys.names()
        usable = []
        for name in names:
            if ctx.issuer_keys and name not in ctx.issuer_keys:
                continue
            key = yield from ctx.credentials.signing_keys.key(name)
            if key is not None:
                usable.append(name)
        return usable

    def _choose(self, ctx: MethodContext) -> Steps[Token | None]:
        selection = yield from self._select(ctx)
        if selection.token is not None:
            if selection.token.ends_soon(ctx.now):
                yield WarnOfExpiry(
                    f"the token from {selection.token.origin} expires at "
                    f"{describe_time(selection.token.expires or 0)}; replace it before"
                )
            return selection.token
        names = yield from self._own_keys(ctx)
        key = (yield from ctx.credentials.signing_keys.key(names[0])) if names else None
        if key is None:
            return None
        return mint(
            key,
            issuer=ctx.trust_domain or ctx.settings.trust_domain or "",
            subject=akep2.peer_name(ctx.peer_version, ctx.settings.uid_domain),
            now=ctx.now,
            token_id=ctx.entropy(16).hex(),
            lifetime=MINTED_LIFETIME,
            key_id=names[0],
        )

    def client(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Show that this client holds a token."""
        token = yield from self._choose(ctx)
        if token is None:
            yield from akep2.send_client_failure(ctx, token=True)
            raise MethodFailed("there is no token any more")
        # A token without a subject is never sent: daemons of 23.9 die of it.
        name = token.subject
        if name is None:
            yield from akep2.send_client_failure(ctx, token=True)
            raise MethodFailed(f"the token from {token.origin} has no subject")
        try:
            outcome = yield from akep2.run_client(ctx, name, token.signed, shared_key(token.signed, token.signature))
        except MethodFailed as error:
            name = f"token {token.token_id or '(without jti)'} from {token.origin}"
            raise MethodFailed(f"{name}: {self._explain(ctx, token, error)}") from None
        return MethodResult(identity=outcome.peer, wrapping=wrapping_key(outcome.counter))

    def _explain(self, ctx: MethodContext, token: Token, error: MethodFailed) -> str:
        if token.expired(ctx.now):
            return f"{error}; it expired at {describe_time(token.expires or 0)}"
        if ctx.trust_domain is None and not ctx.issuer_keys:
            return f"{error}; its issuer is {token.issuer!r}, its key {token.key_id!r}"
        return str(error)

    def server(self, ctx: MethodContext) -> Steps[MethodResult]:
        """Check that the client holds a token that one of this pool's keys has signed."""
        first = yield from akep2.receive_first(ctx, token=True)
        if first is None:
            yield from akep2.send_server_failure(ctx)
            raise MethodFailed("the client has no token")
        refusal, token, signature = yield from self._check(ctx, first)
        if refusal is not None or token is None or signature is None:
            yield from akep2.send_server_failure(ctx)
            raise MethodFailed(refusal or "the token cannot be checked")
        name = akep2.peer_name(ctx.peer_version, ctx.settings.uid_domain)
        outcome = yield from akep2.run_server(ctx, first, name, shared_key(token.signed, signature))
        return MethodResult(
            identity=outcome.peer,
            wrapping=wrapping_key(outcome.counter),
            limits=tuple(word[len("condor:/") :] for word in token.scopes if word.startswith("condor:/")),
            attributes=_describe(token),
        )

    def _check(
        self, ctx: MethodContext, first: akep2.FirstMessage
    ) -> Steps[tuple[str | None, Token | None, Secret[bytes] | None]]:
        try:
            token = parse_token(Secret(first.signed or ""), "the client", signed=False)
        except HTCondorValueError as error:
            return error.what, None, None
        refusal = why_not(token, now=ctx.now, max_age=ctx.settings.token_max_age)
        if refusal is None and first.client not in (token.subject or token.token_id,):
            refusal = "the client's name is not that of its token"
        if refusal is None and token.subject is None:
            refusal = "the token has no subject"
        key = None if token.key_id is None else (yield from ctx.credentials.signing_keys.key(token.key_id))
        if refusal is None and key is None:
            refusal = "the token is signed with a key that is not here"
        if refusal is not None or key is None:
            return refusal, None, None
        try:
            return None, token, recompute_signature(token, key)
        except HTCondorValueError as error:
            return error.what, None, None


def _describe(token: Token) -> dict[str, Literal]:
    described: dict[str, Literal] = {
        "AuthTokenSubject": token.subject,
        "AuthTokenIssuer": token.issuer,
        "AuthTokenId": token.token_id,
        "AuthTokenScopes": ",".join(token.scopes) or None,
    }
    return {name: value for name, value in described.items() if value is not None}
