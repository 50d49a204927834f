"""Trying again what may be repeated."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import attrs

from htcondor_async._runtime.base import Runtime
from htcondor_async.errors import (
    ConnectError,
    ConnectionClosedError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorIOError,
    Phase,
)

__all__ = ["RetryPolicy", "may_pass", "with_retries"]

T = TypeVar("T")


def _at_least(low: float) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not value >= low:
            raise ValueError(f"{attribute.name} must be at least {low}, not {value!r}")

    return check


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often, and after which pauses, a command that may be repeated is tried again.

    Only queries are repeated, and only while nothing of their answer has been handed out; commands that change
    something never are. The pause before attempt *n* + 1 is ``initial * factor ** (n - 1)`` seconds, at most
    ``longest``, of which a random part, up to ``jitter``, is taken away so that many clients do not come back at once.

    Parameters
    ----------
    attempts
        How often it is tried in all; 1 means never again, the default.
    initial, longest
        Seconds.
    factor
        What the pause grows by.
    jitter
        0 to 1.
    """

    attempts: int = attrs.field(default=1, validator=_at_least(1))
    initial: float = attrs.field(default=0.5, validator=_at_least(0))
    factor: float = attrs.field(default=2.0, validator=_at_least(1))
    longest: float = attrs.field(default=30.0, validator=_at_least(0))
    jitter: float = attrs.field(default=0.5, validator=_at_least(0))

    def pause(self, attempt: int, chance: float) -> float:
        """Return the seconds to wait after attempt number ``attempt`` (from 1); ``chance`` is from 0 to 1."""
        full = min(self.longest, self.initial * self.factor ** min(attempt - 1, 64))
        return full * (1 - min(self.jitter, 1.0) * chance)


def may_pass(error: HTCondorException) -> bool:
    """Return whether an error may be gone at the next attempt: the network, a daemon that restarts or is busy."""
    if isinstance(error, DaemonTimeoutError):
        return error.phase in (Phase.RESOLVE, Phase.CONNECT, Phase.NEGOTIATE)
    return isinstance(error, (ConnectError, ConnectionClosedError)) or type(error) is HTCondorIOError


async def with_retries(
    runtime: Runtime, policy: RetryPolicy, deadline: float, attempt: Callable[[], Awaitable[T]]
) -> T:
    """Return what ``attempt`` returns, tried as often as the policy and the deadline allow."""
    for number in range(1, policy.attempts):
        try:
            return await attempt()
        except HTCondorException as error:
            if not may_pass(error):
                raise
            pause = policy.pause(number, random.random())
            if not math.isinf(deadline) and runtime.clock() + pause >= deadline:
                raise
        await runtime.sleep(pause)
    return await attempt()
