"""What one operation acts with: a runtime, a configuration snapshot, credentials, the session table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any
from weakref import WeakSet

import attrs

from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.sinful import Sinful
from htcondor_async._core.avoidance import Avoidance
from htcondor_async._core.retry import RetryPolicy
from htcondor_async._runtime.base import Runtime
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.policy import SecurityPolicy
from htcondor_async._security.sessions import SessionTable
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.config import Config

__all__ = ["Context", "Target", "TextView", "Timeouts"]


@attrs.frozen
class Timeouts:
    """Limits in seconds that hold where a call gives none; ``math.inf`` means no limit.

    ``connect`` bounds the way to an open TCP connection, ``handshake`` the security negotiation after it,
    ``total`` a whole operation, ``idle`` the wait for the next bytes of a stream, and ``answer`` the wait for one
    answer of an operation that has no limit as a whole. The defaults are those of HTCondor's own parameters:
    DEFAULT_CEDAR_TIMEOUT, SEC_TCP_SESSION_DEADLINE, and QUERY_TIMEOUT for ``idle``; a schedd that serves a transaction
    answers nobody else for up to 20 s, and an action on many jobs takes it minutes.
    """

    connect: float = 20.0
    handshake: float = 120.0
    total: float = math.inf
    idle: float = 60.0
    answer: float = 300.0
    stagger: float = 0.25


@attrs.frozen
class Target:
    """A daemon to talk to: where it listens, and what people call it."""

    address: Sinful
    daemon: str

    def __str__(self) -> str:
        return f"{self.daemon} at {self.address}"


class TextView(Mapping[str, str]):
    """A configuration whose values are all text, expanded: what the security layer reads."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __getitem__(self, name: str) -> str:
        value = self._config.get_str(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)


@attrs.frozen
class Context:
    """What one operation acts with. Immutable; the session table it refers to is shared and safe to share."""

    runtime: Runtime
    config: Config
    policy: SecurityPolicy
    settings: SecuritySettings
    credentials: Credentials
    sessions: SessionTable
    limits: Limits
    timeouts: Timeouts
    retries: RetryPolicy
    tag: str
    version: str
    platform: str
    avoidance: Avoidance = attrs.field(factory=lambda: Avoidance(nullcontext()))
    streams: WeakSet[Any] = attrs.field(factory=WeakSet, eq=False)  # the answers that are being read

    def own_network(self) -> str:
        """Return the private network this process is in: PRIVATE_NETWORK_NAME, by default the name of the host."""
        return self.config.get_str("PRIVATE_NETWORK_NAME", "").strip() or self.runtime.hostname()

    def deadline(self, timeout: float | None) -> float:
        """Return the point on the runtime's clock at which an operation that begins now must be over."""
        seconds = self.timeouts.total if timeout is None else timeout
        return math.inf if math.isinf(seconds) else self.runtime.clock() + seconds
