"""The pytest plugin: the fixture ``condor_pool``, an embedded pool for one test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from htcondor_async.testing.threaded import ThreadedPool, embedded_pool

__all__ = ["condor_pool", "condor_pool_options"]


@pytest.fixture
def condor_pool_options() -> dict[str, Any]:
    """Arguments of :class:`~htcondor_async.testing.EmbeddedPool`; override it to change the pool of a module."""
    return {}


@pytest.fixture
def condor_pool(condor_pool_options: dict[str, Any]) -> Iterator[ThreadedPool]:
    """A pool without HTCondor, in a thread of its own; ``condor_pool.address`` is for COLLECTOR_HOST."""
    with embedded_pool(**condor_pool_options) as running:
        yield running
