"""The three ways in which the client runs: awaited on asyncio, awaited on trio, called.

A contract test is written once, as a coroutine over the public API; `Run` executes it in one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import anyio

from htcondor_async._runtime.anyio_ import AnyioRuntime
from htcondor_async._runtime.base import Runtime
from htcondor_async._runtime.blocking import BlockingRuntime, drive

T = TypeVar("T")

FLAVOURS = ("asyncio", "trio", "blocking")


class Run:
    """Calls a coroutine function to its end: `run(body, *args, **options)`.

    Attributes:
        flavour: "asyncio", "trio" or "blocking".
        runtime: the runtime to make a `Client` with.
    """

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.runtime: Runtime = BlockingRuntime() if flavour == "blocking" else AnyioRuntime()

    def __repr__(self) -> str:
        return f"<Run {self.flavour}>"

    def __call__(
        self, body: Callable[..., Coroutine[Any, Any, T]], *args: Any, timeout: float = 60, **options: Any
    ) -> T:
        """Run `body(*args, **options)`; more than `timeout` seconds are a failure (not on the blocking flavour,
        where pytest's own limit ends a test that hangs)."""
        if self.flavour == "blocking":
            return drive(body(*args, **options))
        settings = {"debug": True} if self.flavour == "asyncio" else {}
        return anyio.run(
            partial(self._within, partial(body, *args, **options), timeout),
            backend=self.flavour,
            backend_options=settings,
        )

    @staticmethod
    async def _within(body: Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
        with anyio.fail_after(timeout):
            result = await body()
        # trio's own tasks have names in angle brackets
        left = [task.name for task in anyio.get_running_tasks() if task.id != anyio.get_current_task().id]
        left = [name for name in left if name is not None and not name.startswith(("<", "trio._core"))]
        assert not left, f"tasks left behind: {left}"
        return result
