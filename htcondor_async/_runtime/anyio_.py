"""The runtime for asyncio and trio.

Connections are plain non-blocking sockets: a read is one system call, tried at once, and only when it would block does
the task wait for the descriptor. On asyncio (uvloop too) the wait is a future and at most one timer, on trio its own
``wait_readable``; everything else goes through anyio. An event loop of asyncio that cannot watch sockets for others, as
the usual one of Windows, has a thread do it for each wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from htcondor_async._runtime.base import Readable, Runtime
from htcondor_async._runtime.common import SocketRuntime
from htcondor_async._runtime.lookout import Lookout
from htcondor_async._runtime.once import OnceTable
from htcondor_async._runtime.sockets import R, RawSocket
from htcondor_async.errors import ConcurrencyError, HTCondorValueError

__all__ = ["AnyioRuntime"]

T = TypeVar("T")


def _asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop if this is an asyncio task, None if it is a trio task (even of a guest of asyncio)."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return None if task is None else asyncio.get_running_loop()


def _trio() -> Any:
    """Return trio if this is one of its tasks."""
    trio = sys.modules.get("trio")
    try:
        if trio is not None and trio.lowlevel.current_task() is not None:
            return trio
    except RuntimeError as error:
        raise _outside() from error
    raise _outside()


def _outside() -> HTCondorValueError:
    return HTCondorValueError("this runs only in a task of asyncio or trio", hint="use htcondor_sync elsewhere")


def _settle(future: asyncio.Future[bool], ready: bool) -> None:
    if not future.done():
        future.set_result(ready)


class _Gate:
    """One waiter's gate between tasks."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = anyio.Event()

    def open(self) -> None:
        self._event.set()

    async def wait(self, deadline: float) -> bool:
        with anyio.CancelScope(deadline=deadline):
            await self._event.wait()
        return self._event.is_set()


class _Errand(Generic[T]):
    """A function run in a worker thread, whose caller may leave before it has ended."""

    def __init__(self, function: Callable[[], T], discard: Callable[[T], None] | None) -> None:
        self._function = function
        self._discard = discard
        self._lock = threading.Lock()
        self._results: list[T] = []
        self._left = False

    def run(self) -> T:
        result = self._function()
        with self._lock:
            if not self._left:
                self._results.append(result)
                return result
        if self._discard is not None:
            self._discard(result)
        return result

    def leave(self) -> None:
        with self._lock:
            self._left = True
            results, self._results = self._results, []
        for result in results:
            if self._discard is not None:
                self._discard(result)


class AnyioRuntime(SocketRuntime):
    """Suspends the task. One instance serves any number of event loops; a stream belongs to the loop it was made in."""

    name = "anyio"

    def __init__(self) -> None:
        self._waits: dict[tuple[int, bool], asyncio.Future[bool]] = {}
        self._once: anyio.lowlevel.RunVar[OnceTable] = anyio.lowlevel.RunVar("htcondor_async_once")

    def clock(self) -> float:
        """Return the seconds of the event loop's clock."""
        loop = _asyncio_loop()
        if loop is not None:
            return loop.time()
        seconds: float = _trio().current_time()
        return seconds

    async def checkpoint(self) -> None:
        """Give way to other tasks and let a pending cancellation strike."""
        await anyio.lowlevel.checkpoint()

    async def sleep(self, seconds: float) -> None:
        """Wait for ``seconds``."""
        await anyio.sleep(max(0.0, seconds))

    async def wait(self, source: Readable, write: bool, deadline: float) -> bool:
        """Wait until the descriptor can be read (written); False if the deadline passed first."""
        loop = _asyncio_loop()
        if loop is not None:
            return bool(await self._wait_in_asyncio(loop, [source], write, deadline))
        return bool(await _wait_in_trio(_trio(), source, write, deadline))

    async def wait_any(self, sources: Sequence[R], write: bool, deadline: float) -> list[R]:
        """Wait until one of the descriptors can be read (written) and return those that can; none at the deadline."""
        loop = _asyncio_loop()
        if loop is not None:
            return await self._wait_in_asyncio(loop, list(dict.fromkeys(sources)), write, deadline)
        if len(sources) == 1:
            ready = await _wait_in_trio(_trio(), sources[0], write, deadline)
            return list(sources) if ready else []
        return await _wait_any_in_trio(_trio(), list(dict.fromkeys(sources)), write, deadline)

    async def _wait_in_asyncio(
        self, loop: asyncio.AbstractEventLoop, sources: Sequence[R], write: bool, deadline: float
    ) -> list[R]:
        # A cancellation that is pending already must not be outrun by a descriptor that is ready.
        await anyio.lowlevel.checkpoint_if_cancelled()
        future: asyncio.Future[bool] = loop.create_future()
        ready: list[R] = []

        def wake(source: R) -> None:
            ready.append(source)
            _settle(future, True)

        def wake_late(found: list[R]) -> None:
            if not future.done():
                ready.extend(found)
                future.set_result(True)

        watched: list[int] = []
        unwatched: dict[int, R] = {}
        apart = timer = None
        add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
        try:
            for source in sources:
                number = source.fileno()
                if number < 0:
                    return [source]
                other = self._waits.get((number, write))
                if other is not None and other.get_loop() is loop:
                    raise ConcurrencyError("another task is waiting for this connection already")
                try:
                    add(number, wake, source)
                except NotImplementedError:
                    unwatched[number] = source
                self._waits[number, write] = future
                watched.append(number)
            if unwatched:
                apart = Lookout(loop, unwatched, write, wake_late)
            if deadline != math.inf:
                timer = loop.call_at(deadline, _settle, future, False)
            if await future and not ready:
                # One of them was closed meanwhile.
                ready.extend(source for source in sources if source.fileno() < 0)
            return ready
        finally:
            if timer is not None:
                timer.cancel()
            if apart is not None:
                apart.stop()
            for number in watched:
                # Closed ones have been taken out already, and their number may belong to another socket by now.
                if self._waits.get((number, write)) is future:
                    del self._waits[number, write]
                    if not loop.is_closed() and number not in unwatched:
                        remove(number)

    def closing(self, sock: RawSocket) -> None:
        """Wake the tasks that wait for this socket; to be called in their event loop."""
        number = sock.fileno()
        found = False
        for write in (False, True):
            future = self._waits.pop((number, write), None)
            if future is not None:
                found = True
                loop = future.get_loop()
                if not loop.is_closed():
                    with contextlib.suppress(NotImplementedError):  # then a thread watches
                        (loop.remove_writer if write else loop.remove_reader)(number)
                    _settle(future, True)
        trio = sys.modules.get("trio")
        if not found and trio is not None:
            # Outside of trio (RuntimeError) nobody waits there.
            with contextlib.suppress(RuntimeError):
                trio.lowlevel.notify_closing(number)

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T:
        """Return what ``function``, run in a worker thread, returns."""
        errand = _Errand(function, discard)
        try:
            if not always:
                return await anyio.to_thread.run_sync(errand.run)
            # The shield cannot swallow anything: nothing cancels its own scope.
            with anyio.CancelScope(shield=True):
                result = await anyio.to_thread.run_sync(errand.run)
            return result  # noqa: RET504 - mypy does not see a return inside the scope
        except BaseException:
            errand.leave()
            raise

    def once_table(self) -> OnceTable:
        """Return the table of single flights of this event loop."""
        try:
            return self._once.get()
        except LookupError:
            table = OnceTable(_Gate, self.clock)
            self._once.set(table)
            return table


async def _wait_in_trio(trio: Any, source: Readable, write: bool, deadline: float) -> bool:
    number = source.fileno()
    if number < 0:
        return True
    with trio.CancelScope(deadline=deadline) as scope:
        try:
            await (trio.lowlevel.wait_writable if write else trio.lowlevel.wait_readable)(number)
        except trio.ClosedResourceError:
            pass
        except trio.BusyResourceError as error:
            raise ConcurrencyError("another task is waiting for this connection already") from error
    return not scope.cancelled_caught


async def _wait_any_in_trio(trio: Any, sources: Sequence[R], write: bool, deadline: float) -> list[R]:
    ready: list[R] = []
    failures: list[ConcurrencyError] = []

    async def watch(source: R) -> None:
        try:
            await _wait_in_trio(trio, source, write, math.inf)
            ready.append(source)
        except ConcurrencyError as error:
            failures.append(error)
        nursery.cancel_scope.cancel()

    with trio.CancelScope(deadline=deadline):
        async with trio.open_nursery() as nursery:
            for source in sources:
                nursery.start_soon(watch, source)
            if not sources:
                await trio.sleep_forever()
    if failures:
        raise failures[0]
    return ready


if TYPE_CHECKING:
    _checked: Runtime = AnyioRuntime()
