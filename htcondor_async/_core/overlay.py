"""What holds for one task only: parameters, a token, a pool password and a tag over those of its client.

The current overlay is a context variable: a task sees what it set itself, or what held where it was started.
"""

from __future__ import annotations

import contextvars
import hmac
import secrets
from collections.abc import Mapping

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.credentials import Credentials, ExplicitTokens, SigningKeys

__all__ = ["Overlay", "current_overlay", "overlay_for", "set_overlay"]

_HASH_KEY = Secret(secrets.token_bytes(32))
"""Of this process: an identity made with it says nothing about the secrets it is made of."""


@attrs.frozen
class Overlay:
    """Settings over those of a client.

    Parameters
    ----------
    config
        Parameters, upper case, and their values.
    tag
        Separates security sessions: those made under one tag are found under the same tag only.
    token
        The only token for IDTOKENS.
    password
        The pool password for PASSWORD.
    client
        The client that it is for, None for all.
    owner
        Who set it.
    outer
        What held before.
    """

    config: Mapping[str, str] = attrs.field(factory=dict)
    tag: str = ""
    token: Secret[str] | None = None
    password: Secret[str] | None = None
    client: object = attrs.field(default=None, repr=False, eq=False)
    owner: object = attrs.field(default=None, repr=False, eq=False)
    outer: Overlay | None = attrs.field(default=None, repr=False, eq=False)

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.config and not self.tag and self.token is None and self.password is None

    def identity(self) -> str:
        """Return what tells its sessions from all others: of two overlays that are equal it is equal too."""
        digest = hmac.new(_HASH_KEY.reveal(), digestmod="sha256")
        parts = [self.tag]
        for name in sorted(self.config):
            parts += [name, self.config[name]]
        parts += ["" if secret is None else f"={secret.reveal()}" for secret in (self.token, self.password)]
        for part in parts:
            data = part.encode("utf-8", "surrogateescape")
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()[:32]

    def credentials(self, below: Credentials) -> Credentials:
        """Return a client's credentials with the overlay's own in their place."""
        if self.token is not None:
            tokens = ExplicitTokens((self.token,), "SecMan.set_token")
            below = attrs.evolve(below, sources=(tokens,), signing_keys=SigningKeys())
        if self.password is not None:
            below = attrs.evolve(below, password=Secret(self.password.reveal().encode("utf-8", "surrogateescape")))
        return below


_current: contextvars.ContextVar[Overlay | None] = contextvars.ContextVar("htcondor_async_overlay", default=None)


def current_overlay() -> Overlay | None:
    """Return what this task has set, None for nothing."""
    return _current.get()


def overlay_for(client: object) -> Overlay | None:
    """Return what this task has set for a client, None for nothing."""
    overlay = _current.get()
    while overlay is not None and overlay.client is not None and overlay.client is not client:
        overlay = overlay.outer
    return None if overlay is None or overlay.empty else overlay


def set_overlay(overlay: Overlay | None) -> None:
    """Let ``overlay`` hold for this task, and for those that it starts from now on."""
    _current.set(overlay)
