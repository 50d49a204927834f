"""Every public operation, disturbed at every point at which it can be.

An operation is cancelled, interrupted, or its connections broken, at its first point, its second, and so on until it
completes. Afterwards nothing may be open, the error must say all there is to say, and the same client must work on.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import htcondor_async
from htcondor_async import DaemonTimeoutError, HTCondorException, HTCondorIOError, Phase
from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import Faults, Link, MemoryRuntime
from htcondor_async._runtime.sweep import cancel_sweep, fault_sweep, interrupt_sweep
from htcondor_async.testing._server import Handler
from tests.harness import operations_files
from tests.harness.memory_pool import TOTAL, Handles, PoolNetwork
from tests.harness.operations import FOLLOW_UPS, OPERATIONS, combined, follow_up

pytestmark = pytest.mark.allow_blocking  # the daemons in memory run inside the client's task and read their own files

EVERY = list(OPERATIONS.values())
ALONE = [operation for operation in EVERY if not operation.tasks]
REMOTE = [operation for operation in EVERY if not operation.local]
REMOTE_ALONE = [operation for operation in ALONE if not operation.local]
assert operations_files.__doc__  # imported for what it registers
FULL = pytest.mark.full
BREAKAGES = ("eof", "reset", "pipe")
LOOPS = [pytest.param(("asyncio", {"debug": True}), id="asyncio"), pytest.param(("trio", {}), id="trio")]
SAMPLE = {"Schedd.query", "Schedd.act", "Schedd.submit", "Transaction", "Collector.direct_query", "poll", "query_all"}
"""Operations whose sweeps by means of asyncio alone run in the gate."""


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda each: getattr(each, "name", None))


def told(error: HTCondorException) -> None:
    """Check that an error says who, where, what and when."""
    assert error.daemon, repr(error)
    assert error.address, repr(error)
    assert error.command, repr(error)
    assert error.phase is not None, repr(error)
    assert error.elapsed is not None, repr(error)
    assert isinstance(error, HTCondorIOError)


@named(EVERY)
async def test_cancelled_by_a_scope(operation, anyio_backend):
    report = await cancel_sweep(operation, operation.make_network, after=follow_up(operation.after or combined))
    assert set(report.outcomes) == {"cancelled"}
    assert len(report.points) >= 1


@pytest.mark.parametrize("how", ["task", "wait_for"])
@named([pytest.param(each, marks=() if each.name in SAMPLE else FULL, id=each.name) for each in EVERY])
def test_cancelled_by_asyncio(operation, how):
    async def main():
        return await cancel_sweep(
            operation, operation.make_network, how=how, after=follow_up(operation.after or combined)
        )

    assert set(anyio.run(main).outcomes) == {"cancelled"}


@pytest.mark.parametrize("breakage", ["eof", *(pytest.param(each, marks=FULL) for each in ("reset", "pipe"))])
@named(REMOTE)
async def test_broken(operation, breakage, anyio_backend):
    errors: list[HTCondorException] = []
    report = await fault_sweep(
        operation, operation.make_network, breakage, after=follow_up(operation.after or combined), check=errors.append
    )
    for error in errors:
        told(error)
    assert errors, report


@pytest.mark.parametrize("breakage", ["reset", *(pytest.param(each, marks=FULL) for each in ("eof", "pipe"))])
@named(REMOTE_ALONE)
def test_broken_in_a_blocking_call(operation, breakage):
    errors: list[HTCondorException] = []
    drive(
        fault_sweep(
            operation,
            operation.make_network,
            breakage,
            blocking=True,
            after=follow_up(operation.after or combined),
            check=errors.append,
        )
    )
    for error in errors:
        told(error)
    assert errors


@named(ALONE)
def test_interrupted_by_the_keyboard(operation):
    report = interrupt_sweep(operation, operation.make_network, after=follow_up(operation.after or combined))
    assert set(report.outcomes) == {"KeyboardInterrupt"}


@named([pytest.param(each, marks=() if each.name in SAMPLE else FULL, id=each.name) for each in REMOTE])
async def test_silence_ends_at_the_deadline(operation, anyio_backend):
    errors: list[HTCondorException] = []
    await fault_sweep(
        operation, operation.make_network, "hang", after=follow_up(operation.after or combined), check=errors.append
    )
    assert errors
    for error in errors:
        told(error)
        assert error.elapsed <= TOTAL + 1e-9
        if isinstance(error, DaemonTimeoutError):
            assert error.phase in set(Phase) - {Phase.RESOLVE}


@named(REMOTE_ALONE)
def test_silence_ends_a_blocking_call(operation):
    errors: list[HTCondorException] = []
    drive(fault_sweep(operation, operation.make_network, "hang", blocking=True, check=errors.append))
    for error in errors:
        told(error)
    assert errors


@FULL
@pytest.mark.parametrize("after", FOLLOW_UPS)
@named([each for each in EVERY if not each.after])  # one with a follow-up of its own has no other
@pytest.mark.parametrize("anyio_backend", LOOPS, indirect=True)
async def test_all_works_afterwards(operation, after, anyio_backend):
    await cancel_sweep(operation, operation.make_network, after=follow_up(FOLLOW_UPS[after]))
    for breakage in BREAKAGES:
        await fault_sweep(operation, operation.make_network, breakage, after=follow_up(FOLLOW_UPS[after]))


@named(ALONE)
def test_one_send_drives_it(operation):
    network = operation.make_network()
    drive(operation(MemoryRuntime(network, blocking=True)))
    assert network.failures == []
    network.close()


@named(ALONE)
async def test_one_send_drives_it_inside_a_running_loop(operation, anyio_backend):
    network = operation.make_network()
    drive(operation(MemoryRuntime(network, blocking=True)))
    network.close()


# -- nothing is left out


RESULTS = ("Stream", "Transaction", "QueryAll", "Arrivals")
DUNDERS = ("__await__", "__aenter__", "__aexit__", "__anext__")


def public_operations() -> Iterator[tuple[str, Any]]:
    """Names and functions of all that is awaited, or gives something to be awaited."""
    for name in htcondor_async.__all__:
        value = getattr(htcondor_async, name)
        if inspect.isclass(value) and not issubclass(value, BaseException):
            for member in dir(value):
                function = inspect.getattr_static(value, member)
                if inspect.isfunction(function) and (not member.startswith("_") or member in DUNDERS):
                    returns = str(function.__annotations__.get("return", ""))
                    if inspect.iscoroutinefunction(function) or returns.startswith(RESULTS) or member in DUNDERS:
                        yield f"{name}.{member}", function
        elif inspect.isfunction(value):
            returns = str(value.__annotations__.get("return", ""))
            if inspect.iscoroutinefunction(value) or returns.startswith(RESULTS):
                yield name, value


def test_every_public_operation_is_swept():
    """All of them are entered by the undisturbed runs of the registered operations."""
    entered = set()

    def note(frame, event, argument):
        if event == "call":
            entered.add(frame.f_code)

    async def main():
        for operation in EVERY:
            network = operation.make_network()
            await operation(MemoryRuntime(network))
            network.close()

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        anyio.run(main)
    finally:
        sys.setprofile(before)
    found = dict(public_operations())
    assert len(found) > 40
    assert sorted(name for name, function in found.items() if function.__code__ not in entered) == []


# -- deadlines, phase by phase


async def query(runtime, **options):
    return await Handles(runtime).schedd.query(**options)


def silent(times: int):
    """A schedd that takes connections and falls silent after ``times`` messages of the client."""

    async def serve(runtime, stream):
        for _ in range(times):
            await stream.receive(100_000, math.inf)
        await runtime.sleep(1e6)

    return serve


def expect_timeout(network, phase, total, **options):
    runtime = MemoryRuntime(network, blocking=True)
    with pytest.raises(DaemonTimeoutError) as caught:
        drive(query(runtime, **options))
    assert caught.value.phase is phase
    assert caught.value.elapsed == pytest.approx(total, abs=1e-9)
    assert network.time == pytest.approx(total, abs=1e-9)
    assert runtime.open_sockets == []
    network.close()


def test_deadline_while_resolving():
    network = PoolNetwork()
    network.name("slow.example.org", "10.0.0.2", delay=1e6)
    runtime = MemoryRuntime(network, blocking=True)
    schedd = htcondor_async.Schedd("<slow.example.org:9618>", client=network.over(runtime))
    with pytest.raises(DaemonTimeoutError) as caught:
        drive(schedd.query(timeout=3))
    assert (caught.value.phase, caught.value.elapsed) == (Phase.RESOLVE, 3)
    network.close()


def test_deadline_while_connecting():
    expect_timeout(PoolNetwork(faults=Faults(connect="black hole")), Phase.CONNECT, 3, timeout=3)


def test_deadline_while_negotiating():
    network = PoolNetwork()
    network.serve("10.0.0.2", 9618, silent(0))
    expect_timeout(network, Phase.NEGOTIATE, 3, timeout=3)


def test_deadline_while_authenticating():
    """The answer that chooses a method is the last that comes."""
    seen = set()
    for size in range(0, 4000, 20):
        network = PoolNetwork(faults=Faults(to_client=Link(stop_after=size)))
        runtime = MemoryRuntime(network, blocking=True)
        try:
            drive(query(runtime, timeout=3))
        except DaemonTimeoutError as error:
            seen.add(error.phase)
            assert error.elapsed == pytest.approx(3)
            assert runtime.open_sockets == []
        network.close()
    assert seen == {Phase.NEGOTIATE, Phase.AUTHENTICATE, Phase.RECEIVE}


def test_deadline_while_sending():
    """Nobody takes what is sent: the request is larger than what is under way at most."""
    network = PoolNetwork(faults=Faults(to_server=Link(capacity=4096)))
    names = [f"Attribute{number:05}" for number in range(100_000)]

    async def deaf(connection):
        await connection.runtime.sleep(1e6)

    network.schedd.commands[516] = Handler("READ", deaf)
    expect_timeout(network, Phase.SEND, 3, projection=names, timeout=3)


def test_an_idle_limit_counts_from_the_last_bytes_and_a_total_one_from_the_start():
    """Answers that trickle in, one byte a second, do not end an idle limit of two; a total limit they do."""
    slow = Faults(to_client=Link(delay=0.5, chunk=64))

    def read(idle, total):
        network = PoolNetwork(faults=slow, jobs=20)
        runtime = MemoryRuntime(network, blocking=True)

        async def main():
            ads = []
            async with Handles(runtime).schedd.xquery(timeout=total, idle_timeout=idle) as stream:
                async for ad in stream:
                    ads.append(ad)
            return ads

        try:
            return len(drive(main())), network.time
        finally:
            network.close()

    count, took = read(2, math.inf)
    assert count == 20
    assert took > 20
    with pytest.raises(DaemonTimeoutError) as caught:
        read(2, 10)
    assert caught.value.phase is Phase.RECEIVE
    assert caught.value.elapsed == pytest.approx(10)
    with pytest.raises(DaemonTimeoutError) as caught:
        read(0.25, math.inf)
    assert caught.value.phase is Phase.RECEIVE


def test_the_number_of_points_is_reported(record_property):
    """How many points each operation has; none has none."""
    counts = Counter()
    for operation in ALONE:
        network = operation.make_network()
        runtime = MemoryRuntime(network, blocking=True)
        drive(operation(runtime))
        network.close()
        counts[operation.name] = len(runtime.points)
        record_property(operation.name, len(runtime.points))
    assert min(counts.values()) > 0
    print(dict(counts))
