"""For trying the SDK and for testing programs that use it: a pool without HTCondor."""

from __future__ import annotations

from htcondor_async.testing.pool import EmbeddedPool

__all__ = ["EmbeddedPool"]
