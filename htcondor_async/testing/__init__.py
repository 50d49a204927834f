"""For trying the SDK and for testing programs that use it: a pool without HTCondor."""

from __future__ import annotations

from htcondor_async.testing.issuer import TokenIssuer
from htcondor_async.testing.pool import EmbeddedPool
from htcondor_async.testing.threaded import ThreadedPool, embedded_pool

__all__ = ["EmbeddedPool", "ThreadedPool", "TokenIssuer", "embedded_pool"]
