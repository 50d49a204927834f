"""Cancelled anywhere, an operation closes its sockets at once and leaves nothing behind."""

from __future__ import annotations

import asyncio
import math
import socket

import anyio
import pytest

from htcondor_async._runtime.anyio_ import AnyioRuntime
from htcondor_async._runtime.base import SocketAddress
from tests.helpers.runtimes import SOON, TASKS, World, deaf, echo, run, silent, slow_names


async def by_scope(world, operation):
    """Cancel by an anyio scope, from another task, once the operation waits."""
    async with anyio.create_task_group() as group:

        async def cancel():
            await pause(world)
            scope.cancel()

        group.start_soon(cancel)
        with anyio.CancelScope() as scope:
            await operation()
    return scope.cancelled_caught


async def by_task(world, operation):
    """Cancel by ``task.cancel()``."""
    task = asyncio.ensure_future(operation())
    await pause(world)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


async def by_wait_for(world, operation):
    """Cancel by ``asyncio.wait_for``."""
    try:
        await asyncio.wait_for(operation(), SOON)
    except asyncio.TimeoutError:
        return True
    return False


async def pause(world):
    if world.in_memory:
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
    else:
        await anyio.sleep(SOON)


WAYS = [
    pytest.param(backend, way, id=f"{backend}-{way.__name__}")
    for backend in TASKS
    for way in (by_scope, by_task, by_wait_for)
    if way is by_scope or not (backend.endswith("trio") or (way is by_wait_for and backend.startswith("memory")))
]
every_way = pytest.mark.parametrize(("backend", "cancel"), WAYS)


@every_way
def test_receive(backend, cancel):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(silent)], world.late())
        assert await cancel(world, lambda: stream.receive(1, math.inf))
        assert stream.closed
        stream = await world.runtime.connect([world.serve(silent)], world.late())
        assert await cancel(world, lambda: stream.receive(1, world.late()))
        assert stream.closed

    run(backend, case)


@every_way
def test_send(backend, cancel):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(deaf)], world.late())
        assert await cancel(world, lambda: stream.send(bytes(50_000_000), math.inf))
        assert stream.closed

    run(backend, case)


@every_way
def test_connect(backend, cancel):
    async def case(world: World):
        holes = [world.black_hole(), world.black_hole()]
        assert await cancel(world, lambda: world.runtime.connect(holes, math.inf, stagger=0.001))

    run(backend, case)


@every_way
def test_accept_leaves_the_listener_open(backend, cancel):
    async def case(world: World):
        listener = await world.runtime.listen("127.0.0.1", 0)
        assert await cancel(world, lambda: listener.accept(math.inf))
        client = await world.runtime.connect([listener.address], world.late())
        server = await listener.accept(world.late())
        server.abort()
        client.abort()
        listener.close()

    run(backend, case)


@pytest.mark.parametrize("backend", TASKS)
def test_a_cancelled_accept_loses_no_connection(backend):
    async def case(world: World):
        listener = await world.runtime.listen("127.0.0.1", 0)
        client = await world.runtime.connect([listener.address], world.late())
        await world.runtime.first_readable([listener], world.late())
        with anyio.CancelScope() as scope:
            scope.cancel()
            await listener.accept(math.inf)
        assert scope.cancelled_caught
        server = await listener.accept(world.late())
        assert server.peer == client.local
        for each in (server, client, listener):
            each.close()

    run(backend, case)


@every_way
def test_first_readable_leaves_the_streams_open(backend, cancel):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        other = await world.runtime.connect([world.serve(echo)], world.late())
        assert await cancel(world, lambda: world.runtime.first_readable([stream, other], math.inf))
        await stream.send(b"x", world.late())
        assert await stream.receive(1, world.late()) == b"x"
        stream.abort()
        other.abort()

    run(backend, case)


@every_way
def test_resolve(backend, cancel, monkeypatch):
    async def case(world: World):
        world.network.name("slow.example.org", "127.0.0.1", delay=1e9)
        try:
            assert await cancel(world, lambda: world.runtime.resolve("slow.example.org", 1, math.inf))
        finally:
            release.set()

    with slow_names(monkeypatch) as release:
        run(backend, case)


@every_way
def test_sleep(backend, cancel):
    async def case(world: World):
        async def sleep():
            listener = await world.runtime.listen("127.0.0.1", 0)  # so that the virtual clock has nothing to jump to
            try:
                await listener.accept(math.inf) if world.in_memory else await world.runtime.sleep(math.inf)
            finally:
                listener.close()

        assert await cancel(world, sleep)

    run(backend, case)


@pytest.mark.parametrize("backend", TASKS)
def test_data_that_is_there_does_not_outrun_cancellation(backend):
    async def flood(runtime, stream):
        while True:
            await stream.send(bytes(1000), math.inf)

    async def case(world: World):
        stream = await world.runtime.connect([world.serve(flood)], world.late())
        await world.runtime.first_readable([stream], world.late())
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.receive(100, math.inf)
        assert scope.cancelled_caught and stream.closed

        stream = await world.runtime.connect([world.serve(flood)], world.late())
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.send(b"x", math.inf)
        assert scope.cancelled_caught and stream.closed

        address = world.serve(flood)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await world.runtime.connect([address], math.inf)
        assert scope.cancelled_caught

    run(backend, case)


@pytest.mark.parametrize("backend", TASKS)
def test_a_busy_stream_lets_other_tasks_run(backend):
    async def flood(runtime, stream):
        while True:
            await stream.send(bytes(100_000), math.inf)

    async def case(world: World):
        stream = await world.runtime.connect([world.serve(flood)], world.late())
        turns = 0

        async def other():
            nonlocal turns
            while True:
                turns += 1
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            for _ in range(50):
                await stream.receive(1000, world.late())
            group.cancel_scope.cancel()
        assert turns >= 40  # the other task may start later
        stream.abort()

    run(backend, case)


@pytest.mark.parametrize("backend", ["asyncio", "trio", "uvloop"])
def test_an_abandoned_task_leaves_no_warning(backend):
    """A coroutine that is closed by the garbage collector closes its socket, with or without an event loop."""

    async def case(world: World):
        stream = await world.runtime.connect([world.serve(silent)], world.late())
        abandoned = stream.receive(1, math.inf)
        if backend != "trio":
            task = asyncio.ensure_future(abandoned)
            await anyio.sleep(SOON)
            task.cancel()
            await asyncio.wait([task])
            assert stream.closed
        else:
            abandoned.close()
            stream.abort()

    run(backend, case)


def test_outside_of_an_event_loop_it_says_so():
    from htcondor_async._runtime.blocking import drive
    from htcondor_async.errors import HTCondorValueError

    runtime = AnyioRuntime()
    with pytest.raises(HTCondorValueError, match="only in a task of asyncio or trio"):
        runtime.clock()
    with pytest.raises(HTCondorValueError, match="htcondor_sync"):
        drive(runtime.wait_any([], False, math.inf))


@pytest.mark.parametrize("backend", ["asyncio", "trio", "uvloop"])
def test_a_stream_can_be_closed_after_its_event_loop(backend):
    async def open_one():
        return await runtime.connect([address], math.inf)

    runtime = AnyioRuntime()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = SocketAddress(socket.AF_INET, *server.getsockname())
        options = {"use_uvloop": True} if backend == "uvloop" else {}
        stream = anyio.run(open_one, backend=backend.replace("uvloop", "asyncio"), backend_options=options)
        stream.abort()
    assert stream.closed
