"""The network in memory: scripted faults, the virtual clock, and the sweeps over suspension points."""

from __future__ import annotations

import math
import time

import anyio
import pytest

from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import Deadlock, Faults, Link, MemoryNetwork, MemoryRuntime
from htcondor_async._runtime.sweep import SweepFailure, cancel_sweep, fault_sweep, interrupt_sweep
from htcondor_async.errors import (
    ConnectError,
    ConnectionClosedError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorInternalError,
    HTCondorIOError,
)
from tests.helpers.runtimes import echo

DAY = 86400.0


def network_of(peer=echo, faults=(), **kwargs):
    network = MemoryNetwork(**kwargs)
    network.name("cm.example.org", "10.0.0.1")
    network.serve("10.0.0.1", 9618, peer, faults)
    return network


async def connect(runtime, seconds=10.0):
    addresses = await runtime.resolve("cm.example.org", 9618, runtime.clock() + seconds)
    return await runtime.connect(addresses, runtime.clock() + seconds)


async def collect(stream, deadline=math.inf):
    pieces = []
    while piece := await stream.receive(1000, deadline):
        pieces.append(piece)
    return pieces


async def greet(runtime, stream):
    await stream.send(b"0123456789", math.inf)


def pieces_of(faults):
    network = network_of(greet, faults)
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        stream = await connect(runtime)
        try:
            return await collect(stream, runtime.clock() + DAY)
        finally:
            stream.abort()

    try:
        return drive(operation()), network.time
    finally:
        assert runtime.open_sockets == []
        network.close()


def test_pieces_delays_and_corruption():
    assert pieces_of(Faults()) == ([b"0123456789"], 0.0)
    assert pieces_of(Faults(to_client=Link(chunk=4))) == ([b"0123", b"4567", b"89"], 0.0)
    assert pieces_of(Faults(to_client=Link(chunk=5, delay=2))) == ([b"01234", b"56789"], 4.0)
    assert pieces_of(Faults(connect_delay=3)) == ([b"0123456789"], 3.0)
    assert pieces_of(Faults(to_client=Link(corrupt=[0, 9]))) == ([b"\xcf12345678\xc6"], 0.0)


@pytest.mark.parametrize("count", [0, 4, 10])
def test_streams_that_stop(count):
    begun = [b"0123456789"[:count]] if count else []
    assert pieces_of(Faults(to_client=Link(stop_after=count, then="eof"))) == (begun, 0.0)
    with pytest.raises(ConnectionClosedError, match="reset"):
        pieces_of(Faults(to_client=Link(stop_after=count, then="reset")))
    with pytest.raises(DaemonTimeoutError):
        pieces_of(Faults(to_client=Link(stop_after=count, then="hang")))


def test_connections_that_fail():
    with pytest.raises(ConnectError, match="refused"):
        pieces_of(Faults(connect="refuse"))
    with pytest.raises(ConnectError, match="unreachable"):
        pieces_of(Faults(connect="unreachable"))
    with pytest.raises(DaemonTimeoutError):
        pieces_of(Faults(connect="black hole"))


def test_faults_by_connection():
    network = network_of(greet, [Faults(connect="refuse"), Faults(to_client=Link(stop_after=0, then="eof")), Faults()])
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        results = []
        for _ in range(4):
            try:
                stream = await connect(runtime)
            except ConnectError:
                results.append("refused")
                continue
            results.append(b"".join(await collect(stream)))
            stream.abort()
        return results

    assert drive(operation()) == ["refused", b"", b"0123456789", b"0123456789"]
    address = network.address("10.0.0.1", 9618)
    assert network.connections(address) == 4
    network.stop(address)
    with pytest.raises(ConnectError, match="refused"):
        drive(connect(runtime))


def test_what_the_server_receives_can_be_cut_too():
    seen = []

    async def listen(runtime, stream):
        seen.append(await collect(stream))

    network = network_of(listen, Faults(to_server=Link(stop_after=3, then="eof", chunk=2)))
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        stream = await connect(runtime)
        await stream.send(b"abcdef", math.inf)
        await runtime.sleep(1)
        stream.abort()

    drive(operation())
    assert seen == [[b"ab", b"c"]]


def test_months_pass_at_once():
    """Virtual time costs nothing and wakes everybody in order."""
    network = MemoryNetwork(started=1_000_000_000)
    order = []

    async def tick(runtime, name, days):
        for _ in range(90 // days):
            await runtime.sleep(days * DAY)
            order.append((runtime.clock() / DAY, name))

    async def main():
        runtime = MemoryRuntime(network)
        async with anyio.create_task_group() as group:
            group.start_soon(tick, runtime, "daily", 1)
            group.start_soon(tick, runtime, "weekly", 7)
        return runtime.now()

    began = time.monotonic()
    for backend in ("asyncio", "trio"):
        network.time = 0
        order.clear()
        assert anyio.run(main, backend=backend) == 1_000_000_000 + 90 * DAY
        assert [when for when, _ in order] == sorted(when for when, _ in order)
        assert len(order) == 90 + 12
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_dead_members_cost_one_time_out_not_their_sum(backend):
    network = MemoryNetwork()
    good = [network.serve("10.0.0.1", port, greet) for port in range(40)]
    dead = [network.fail("10.0.0.2", port, Faults(connect="black hole")) for port in range(10)]
    runtime = MemoryRuntime(network)
    results = []

    async def ask(address):
        try:
            stream = await runtime.connect([address], runtime.clock() + 20)
            results.append(await collect(stream, runtime.clock() + 20))
            stream.abort()
        except DaemonTimeoutError:
            results.append(None)

    async def main():
        async with anyio.create_task_group() as group:
            for address in (*good, *dead):
                group.start_soon(ask, address)

    anyio.run(main, backend=backend)
    assert results.count(None) == 10 and results.count([b"0123456789"]) == 40
    assert network.time == 20
    assert runtime.open_sockets == []


def test_a_deadlock_is_an_error_and_not_a_hang():
    async def mute(runtime, stream):
        await stream.receive(1, math.inf)

    network = network_of(mute)
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        stream = await connect(runtime)
        await stream.receive(1, math.inf)

    with pytest.raises(Deadlock):
        drive(operation())
    assert runtime.open_sockets == []
    network.close()


def test_failures_of_peers():
    async def picky(runtime, stream):
        request = await stream.receive(100, math.inf)
        assert request == b"please"

    async def operation():
        stream = await connect(runtime)
        try:
            await stream.send(b"now!", math.inf)
            await stream.receive(1, math.inf)
        finally:
            stream.abort()

    runtime = MemoryRuntime(network_of(picky), blocking=True)
    with pytest.raises(AssertionError, match="please"):
        drive(operation())

    async def foreign(runtime, stream):
        await anyio.sleep(1)

    async def strict(runtime, stream):
        await stream.receive(1, runtime.clock() + 5)

    runtime = MemoryRuntime(network_of(strict), blocking=True)
    stream = drive(connect(runtime))
    drive(runtime.sleep(10))
    assert [type(each) for each in runtime.network.failures] == [DaemonTimeoutError]
    stream.abort()


def test_peers_call_and_serve_each_other():
    """A peer may listen, connect and use single flights as any code over a runtime."""
    network = MemoryNetwork()

    async def proxy(runtime, stream):
        onward = await runtime.connect([network.address("10.0.0.1", 1)], runtime.clock() + 5)
        await onward.send(await stream.receive(100, math.inf), math.inf)
        await stream.send(b"<" + await onward.receive(100, math.inf) + b">", math.inf)
        onward.abort()

    async def server(runtime):
        listener = await runtime.listen("10.0.0.1", 1)
        stream = await listener.accept(math.inf)
        await echo(runtime, stream)
        stream.abort()
        listener.close()

    network.spawn(server(network.peer_runtime))
    address = network.serve("10.0.0.2", 2, proxy)
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        stream = await runtime.connect([address], 10)
        await stream.send(b"hello", math.inf)
        answer = await stream.receive(100, 10)
        stream.abort()
        return answer

    assert drive(operation()) == b"<hello>"


def test_lost_datagrams():
    network = MemoryNetwork()
    network.unreliable = lambda data: data == b"lost"
    runtime = MemoryRuntime(network, blocking=True)

    async def operation():
        one = await runtime.datagram(network.address("10.0.0.1", 0))
        two = await runtime.datagram(network.address("10.0.0.2", 0))
        await one.send(b"lost", two.address, math.inf)
        await one.send(b"found", two.address, math.inf)
        await one.send(b"to nobody", network.address("10.0.0.3", 7), math.inf)
        received = await two.receive(100, 10)
        one.close()
        two.close()
        return received[0]

    assert drive(operation()) == b"found"


# -- sweeps ----------------------------------------------------------------------------------------------------------


SIZE = 200_000


async def answer(runtime, stream):
    taken = 0
    while taken < SIZE:
        data = await stream.receive(65536, math.inf)
        if not data:
            return
        taken += len(data)
    await stream.send(bytes(SIZE), math.inf)


def answering():
    return network_of(answer)


async def query(runtime):
    """An operation as the core writes them: it closes its connection whatever happens."""
    deadline = runtime.clock() + 20
    stream = await connect(runtime, 20)
    try:
        await stream.send(b"x" * SIZE, deadline)
        received = 0
        while received < SIZE:
            data = await stream.receive(65536, deadline)
            if not data:
                raise ConnectionClosedError("the peer closed the connection")
            received += len(data)
        await runtime.once("key").run(runtime.checkpoint, deadline)
    finally:
        stream.abort()


SCOPES = [("asyncio", "scope"), ("asyncio", "task"), ("asyncio", "wait_for"), ("trio", "scope")]


@pytest.mark.parametrize(("backend", "how"), SCOPES)
def test_cancel_sweep(backend, how):
    async def main():
        return await cancel_sweep(query, answering, how=how, after=query)

    report = anyio.run(main, backend=backend)
    assert len(report.outcomes) == len(report.points) > 8
    assert set(report.outcomes) == {"cancelled"}
    assert {"resolve", "read", "write", "checkpoint"} <= set(report.points)


def test_points_are_the_same_for_all_runtimes():
    async def main():
        return (await cancel_sweep(query, answering)).points

    blocking = interrupt_sweep(query, answering, after=query)
    assert set(blocking.outcomes) == {"KeyboardInterrupt"}
    assert anyio.run(main, backend="asyncio") == anyio.run(main, backend="trio")
    assert len(blocking.points) > 8


@pytest.mark.parametrize("backend", ["asyncio", "trio", "blocking"])
@pytest.mark.parametrize("breakage", ["eof", "reset", "hang"])
def test_fault_sweep(backend, breakage):
    errors = []

    async def main():
        return await fault_sweep(
            query, answering, breakage, after=query, check=errors.append, blocking=backend == "blocking"
        )

    report = drive(main()) if backend == "blocking" else anyio.run(main, backend=backend)
    expected = {
        "eof": {"completed", "ConnectionClosedError"},
        "reset": {"completed", "ConnectError", "ConnectionClosedError"},
        "hang": {"completed", "DaemonTimeoutError"},
    }[breakage]
    assert set(report.outcomes) == expected
    assert report.outcomes[0] == "completed"  # nothing is open yet
    assert all(isinstance(each, HTCondorIOError) for each in errors)


def failing_sweep(operation, sweep, **kwargs):
    async def main():
        return await sweep(operation, answering, **kwargs)

    with pytest.raises(SweepFailure) as caught:
        anyio.run(main)
    return str(caught.value)


def test_sweeps_find_what_is_wrong():
    kept = []

    async def leaks(runtime):
        stream = await connect(runtime)
        kept.append(stream)
        await runtime.sleep(1)
        stream.abort()

    async def swallows(runtime):
        try:
            await runtime.sleep(1)
        except BaseException:
            return

    async def translates(runtime):
        try:
            await runtime.sleep(1)
        except BaseException as error:
            raise HTCondorException("cancelled") from error

    async def leaves_a_task(runtime):
        import asyncio

        kept.append(asyncio.ensure_future(asyncio.sleep(0.1)))
        await runtime.sleep(1)

    async def lets_bare_errors_out(runtime):
        stream = await connect(runtime)
        try:
            if await stream.receive(1, runtime.clock() + 5) == b"":
                raise KeyError("Name")
        finally:
            stream.abort()

    async def broken_afterwards(runtime):
        raise ConnectError("broken")

    assert "left open" in failing_sweep(leaks, cancel_sweep)
    assert "went on" in failing_sweep(swallows, cancel_sweep)
    assert "instead of being cancelled" in failing_sweep(translates, cancel_sweep)
    assert "left tasks" in failing_sweep(leaves_a_task, cancel_sweep)
    assert "KeyError" in failing_sweep(lets_bare_errors_out, fault_sweep, breakage="eof")
    assert "afterwards" in failing_sweep(query, cancel_sweep, after=broken_afterwards)
    with pytest.raises(SweepFailure, match="went on"):
        interrupt_sweep(swallows, network_of)
    with pytest.raises(SweepFailure, match="when interrupted"):
        interrupt_sweep(translates, network_of)


def test_shielded_points_pass_the_cancellation_on(tmp_path):
    async def operation(runtime):
        path = str(tmp_path / "directory")
        await runtime.make_directory(path)
        try:
            await runtime.sleep(1)
        finally:
            await runtime.remove_directory(path)

    async def main(how):
        return await cancel_sweep(operation, network_of, how=how)

    report = anyio.run(main, "scope", backend="trio")
    assert report.points == ("call", "sleep", "call always")
    assert report.outcomes[:2] == ("cancelled", "cancelled")
    assert list(tmp_path.iterdir()) == []


def test_cancelling_needs_a_way():
    runtime = MemoryRuntime(blocking=True, cancel_at=1)
    with pytest.raises(HTCondorInternalError):
        drive(runtime.sleep(1))


def test_points_are_told():
    told = []
    runtime = MemoryRuntime(blocking=True, on_point=lambda number, name: told.append((number, name)))
    drive(runtime.sleep(1))
    drive(runtime.checkpoint())
    assert told == [(1, "sleep"), (2, "checkpoint")]
    assert runtime.points == ["sleep", "checkpoint"]
