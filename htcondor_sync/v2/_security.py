"""v2's ``SecurityContext``: a token that some calls shall use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from htcondor_async.tokens import Token as CoreToken
from htcondor_sync._secman import SecMan

__all__ = ["SecurityContext", "secured"]


class SecurityContext:
    """How a connection authenticates, where that differs from the configuration.

    Parameters
    ----------
    token
        The token, as text, to be used.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = None if token is None else CoreToken(token)

    @property
    def preferred_token(self) -> str | None:
        """The token to be used."""
        return None if self._token is None else self._token.reveal()

    @preferred_token.setter
    def preferred_token(self, token: str | None) -> None:
        self._token = None if token is None else CoreToken(token)

    @preferred_token.deleter
    def preferred_token(self) -> None:
        self._token = None


@contextmanager
def secured(context: SecurityContext | None) -> Iterator[None]:
    """Let calls inside the block authenticate as a context says, in this thread."""
    if context is None or context._token is None:
        yield
        return
    with SecMan() as security:
        security._core.set_token(context._token)
        yield
