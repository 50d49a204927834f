"""The embedded pool in a thread of its own, for programs and tests that block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from htcondor_async.testing.pool import EmbeddedPool

__all__ = ["ThreadedPool", "embedded_pool"]

T = TypeVar("T")


class ThreadedPool:
    """A running pool and the thread it runs in."""

    def __init__(self, pool: EmbeddedPool, portal: BlockingPortal) -> None:
        self.pool = pool
        self._portal = portal

    @property
    def address(self) -> str:
        """The collector's address as ``host:port``."""
        return self.pool.address

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function, or a coroutine function, in the pool's thread and return its result."""
        return self._portal.call(function, *arguments)


@contextmanager
def embedded_pool(**options: Any) -> Iterator[ThreadedPool]:
    """Run an :class:`~htcondor_async.testing.EmbeddedPool` in a thread; takes its arguments.

    ::

        with embedded_pool(jobs=[{"Owner": "alice"}]) as running:
            ...  # COLLECTOR_HOST is running.address
    """
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(EmbeddedPool(**options)) as pool:
        yield ThreadedPool(pool, portal)
