"""Going through all points at which an operation can be disturbed.

An operation runs over the memory runtime once for each of its suspension points, each time over a fresh network, and is
cancelled, interrupted or broken off at that point, until the run in which it completes undisturbed. After each run no
socket and no task may be left, and a follow-up over the same network has to succeed.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeAlias

import attrs

from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import MemoryNetwork, MemoryRuntime
from htcondor_async._runtime.memory_socket import Breakage
from htcondor_async.errors import HTCondorException

__all__ = ["Operation", "SweepFailure", "SweepReport", "cancel_sweep", "fault_sweep", "interrupt_sweep"]

Operation: TypeAlias = Callable[[MemoryRuntime], Coroutine[Any, Any, object]]
"""Does something over a runtime, and closes what it has opened."""

How: TypeAlias = Literal["scope", "task", "wait_for"]

_LIMIT = 5000
"""Points after which an operation is taken for endless."""

_JUMP = 7200.0
_PATIENCE = 3600.0


class SweepFailure(AssertionError):
    """A disturbed operation did not behave."""


@attrs.frozen
class SweepReport:
    """What a sweep has gone through.

    Parameters
    ----------
    points
        The names of the points of the undisturbed run, in order.
    outcomes
        What came of the run disturbed at each of them: ``"cancelled"``, ``"completed"``, or the name of an error.
    """

    points: tuple[str, ...]
    outcomes: tuple[str, ...]


async def cancel_sweep(
    operation: Operation,
    make_network: Callable[[], MemoryNetwork],
    *,
    how: How = "scope",
    after: Operation | None = None,
) -> SweepReport:
    """Cancel ``operation`` at each of its points.

    Parameters
    ----------
    operation
        What is cancelled.
    make_network
        Makes the network of one run.
    how
        By an anyio scope (asyncio and trio), by ``task.cancel()``, or by ``asyncio.wait_for`` (asyncio's own loop).
    after
        A follow-up that has to succeed after each run.

    Raises
    ------
    SweepFailure
        If a cancellation was lost or turned into something else, a socket or task was left, or the follow-up failed.
    """
    run = {"scope": _cancel_by_scope, "task": _cancel_by_task, "wait_for": _cancel_by_wait_for}[how]

    async def disturbed(number: int, network: MemoryNetwork) -> tuple[MemoryRuntime, str]:
        runtime = MemoryRuntime(network, cancel_at=number)
        before = _tasks()
        try:
            cancelled = await run(operation, runtime)
        except Exception as error:
            raise SweepFailure(f"{_at(runtime, number)}: raised {error!r} instead of being cancelled") from error
        left = _tasks() - before
        if left:
            raise SweepFailure(f"{_at(runtime, number)}: left tasks {left}")
        # A point that is shielded passes the cancellation on, and it may be the last one.
        shielded = len(runtime.points) >= number and runtime.points[-1] == "call always"
        if not cancelled and len(runtime.points) >= number and not shielded:
            raise SweepFailure(f"{_at(runtime, number)}: went on as if it had not been cancelled")
        return runtime, "cancelled" if cancelled else "completed"

    return await _sweep(disturbed, make_network, after, blocking=False)


async def fault_sweep(
    operation: Operation,
    make_network: Callable[[], MemoryNetwork],
    breakage: Breakage,
    *,
    blocking: bool = False,
    after: Operation | None = None,
    check: Callable[[HTCondorException], object] | None = None,
) -> SweepReport:
    """Break all connections of ``operation`` at each of its points; with ``blocking``, to be driven.

    It may complete or raise an error of this package, which is given to ``check``. Anything else that it raises is a
    :class:`SweepFailure`. ``"hang"`` is a sweep over deadlines: the virtual clock goes on until one strikes.
    """

    async def disturbed(number: int, network: MemoryNetwork) -> tuple[MemoryRuntime, str]:
        runtime = MemoryRuntime(network, blocking=blocking, break_at=(number, breakage))
        try:
            await operation(runtime)
        except HTCondorException as error:
            if len(runtime.points) < number:
                raise
            if check is not None:
                check(error)
            return runtime, type(error).__name__
        except Exception as error:
            raise SweepFailure(f"{_at(runtime, number)}: raised {error!r}") from error
        return runtime, "completed"

    return await _sweep(disturbed, make_network, after, blocking=blocking)


def interrupt_sweep(
    operation: Operation,
    make_network: Callable[[], MemoryNetwork],
    *,
    interruption: Callable[[], BaseException] = KeyboardInterrupt,
    after: Operation | None = None,
) -> SweepReport:
    """Raise an ``interruption`` out of each point of ``operation``, driven without an event loop."""

    async def disturbed(number: int, network: MemoryNetwork) -> tuple[MemoryRuntime, str]:
        raised = interruption()
        runtime = MemoryRuntime(network, blocking=True, raise_at=(number, raised))
        try:
            drive(operation(runtime))
        except BaseException as error:
            if error is not raised:
                raise SweepFailure(f"{_at(runtime, number)}: raised {error!r} when interrupted") from error
            return runtime, type(error).__name__
        if len(runtime.points) >= number:
            raise SweepFailure(f"{_at(runtime, number)}: went on as if it had not been interrupted")
        return runtime, "completed"

    return drive(_sweep(disturbed, make_network, after, blocking=True))


async def _sweep(
    disturbed: Callable[[int, MemoryNetwork], Awaitable[tuple[MemoryRuntime, str]]],
    make_network: Callable[[], MemoryNetwork],
    after: Operation | None,
    *,
    blocking: bool,
) -> SweepReport:
    outcomes: list[str] = []
    for number in range(1, _LIMIT):
        network = make_network()
        try:
            runtime, outcome = await disturbed(number, network)
            if runtime.open_sockets:
                raise SweepFailure(f"{_at(runtime, number)}: left open {runtime.open_sockets}")
            if after is not None:
                fresh = MemoryRuntime(network, blocking=blocking)
                try:
                    await after(fresh)
                except Exception as error:
                    raise SweepFailure(f"{_at(runtime, number)}: afterwards {error!r}") from error
        finally:
            network.close()
        if len(runtime.points) < number:
            return SweepReport(tuple(runtime.points), tuple(outcomes))
        outcomes.append(outcome)
    raise SweepFailure(f"the operation has more than {_LIMIT} points")


def _at(runtime: MemoryRuntime, number: int) -> str:
    names = runtime.points
    return f"at point {number} ({names[number - 1]})" if number <= len(names) else f"undisturbed ({len(names)} points)"


def _tasks() -> set[object]:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return set()
    return set(asyncio.all_tasks())


async def _cancel_by_scope(operation: Operation, runtime: MemoryRuntime) -> bool:
    import anyio

    with anyio.CancelScope() as scope:
        runtime.cancel = scope.cancel
        await operation(runtime)
    return bool(scope.cancelled_caught)


async def _cancel_by_task(operation: Operation, runtime: MemoryRuntime) -> bool:
    import asyncio

    task = asyncio.ensure_future(operation(runtime))
    runtime.cancel = task.cancel
    try:
        await asyncio.wait([task])
    finally:
        task.cancel()
    if task.cancelled():
        return True
    task.result()
    return False


async def _cancel_by_wait_for(operation: Operation, runtime: MemoryRuntime) -> bool:
    """Let the timer of ``wait_for`` run out at the point, by the loop's clock and not by waiting."""
    import asyncio

    loop = asyncio.get_running_loop()
    real_time = loop.time
    ahead = 0.0

    def run_out() -> None:
        nonlocal ahead
        ahead = _JUMP

    vars(loop)["time"] = lambda: real_time() + ahead
    runtime.cancel = run_out
    try:
        await asyncio.wait_for(operation(runtime), _PATIENCE)
    except (TimeoutError, asyncio.TimeoutError) as error:
        if isinstance(error, HTCondorException):
            raise
        return True
    finally:
        del vars(loop)["time"]
    return False
