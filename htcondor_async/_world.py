"""Where pure code finds the world when none is given to it: a slot that the package fills at import, for nothing.

The environment itself (:mod:`~htcondor_async._system`) is made when the first expression asks for the time or the like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

__all__ = ["default_environment", "provide"]

_provider: Callable[[], Environment] | None = None
_made: Environment | None = None


def provide(provider: Callable[[], Environment] | None) -> None:
    """Set what makes the default environment, called once and only when it is needed; None for nothing."""
    global _provider, _made
    _provider, _made = provider, None


def default_environment() -> Environment | None:
    """Return the environment that the provider made, or None where there is no provider."""
    global _made
    if _made is None and _provider is not None:
        _made = _provider()
    return _made
