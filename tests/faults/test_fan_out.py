"""Many daemons at once: those that fail spoil nothing, cost one timeout together, and leave nothing behind."""

from __future__ import annotations

import math

import anyio
import pytest

from htcondor_async import (
    ConnectError,
    DaemonTimeoutError,
    HTCondorException,
    ProtocolError,
    Schedd,
    poll,
    query_all,
)
from htcondor_async._runtime.memory import Faults, MemoryRuntime
from htcondor_async.testing._schedd import ScheddDaemon
from tests.harness.memory_pool import JOBS, TOTAL, PoolNetwork, Turn

pytestmark = pytest.mark.allow_blocking  # the daemons in memory run inside the client's task


async def http(runtime, stream):
    """Speak another protocol."""
    await stream.receive(1000, math.inf)
    await stream.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", math.inf)


async def reset(runtime, stream):
    """Reset the connection once the request is there."""
    await stream.receive(1000, math.inf)
    stream._sock.other.break_with("reset")


def site() -> tuple[PoolNetwork, list[str]]:
    """50 schedds: 40 good ones, 4 that refuse, 3 behind a black hole, 2 that reset, 1 of another protocol."""
    network = PoolNetwork()
    hosts = [f"10.0.1.{number}" for number in range(1, 51)]
    for number, host in enumerate(hosts):
        if number < 40:
            daemon = ScheddDaemon(f"schedd{number}", network.daemon_config)
            daemon.turn = Turn()
            for proc in range(JOBS):
                daemon.queue.add({"ClusterId": number, "ProcId": proc})
            network.put(daemon, host, 9618)
        elif number < 44:
            network.fail(host, 9618, Faults(connect="refuse"))
        elif number < 47:
            network.fail(host, 9618, Faults(connect="black hole"))
        else:
            network.serve(host, 9618, reset if number < 49 else http)
    return network, hosts


async def test_dead_members(anyio_backend, clean):
    network, hosts = site()
    runtime = MemoryRuntime(network)
    client = network.over(runtime)
    schedds = [Schedd(f"<{host}:9618>", client=client) for host in hosts]
    results = await query_all(schedds)
    assert [result.schedd for result in results] == schedds
    for number, result in enumerate(results[:40]):
        assert result.error is None
        assert [(ad["ClusterId"], ad["ProcId"]) for ad in result.ads] == [(number, proc) for proc in range(JOBS)]
    errors = [result.error for result in results[40:]]
    kinds = [ConnectError] * 4 + [DaemonTimeoutError] * 3
    assert [type(error) for error in errors[:7]] == kinds
    assert isinstance(errors[9], ProtocolError)
    for host, error in zip(hosts[40:], errors, strict=True):
        assert isinstance(error, HTCondorException)
        assert host in str(error)
        assert error.phase is not None
        assert error.command == "QUERY_JOB_ADS"
    assert network.time == pytest.approx(TOTAL)  # one timeout, not a sum of them
    assert runtime.open_sockets == []
    network.close()


@pytest.mark.parametrize("after", [0, 1, 5, 20])
async def test_leaving_early_closes_all(anyio_backend, clean, after):
    network, hosts = site()
    runtime = MemoryRuntime(network)
    client = network.over(runtime)
    async with query_all([Schedd(f"<{host}:9618>", client=client) for host in hosts]) as arrivals:
        for _ in range(after):
            await arrivals.__anext__()
    assert runtime.open_sockets == []
    network.close()


async def test_a_deadline_around_it_closes_all(anyio_backend, clean):
    network, hosts = site()
    runtime = MemoryRuntime(network)
    client = network.over(runtime)
    schedds = [Schedd(f"<{host}:9618>", client=client) for host in hosts]
    runtime.cancel = lambda: scope.cancel()
    runtime._cancel_at = 100
    with anyio.CancelScope() as scope:
        await query_all(schedds)
    assert scope.cancelled_caught
    assert runtime.open_sockets == []
    network.close()


@pytest.mark.parametrize("error", [ValueError("of the body"), KeyError("x"), DaemonTimeoutError("a daemon")])
async def test_what_the_body_raises_comes_out_as_it_is(anyio_backend, clean, error):
    """Not in a group, though tasks are at work."""
    network = PoolNetwork()
    runtime = MemoryRuntime(network)
    schedd = Schedd("<10.0.0.2:9618>", client=network.over(runtime))
    with pytest.raises(type(error)) as caught:
        async with poll([schedd.xquery(), schedd.xquery()]) as arrivals:
            await arrivals.__anext__()
            raise error
    assert caught.value is error
    assert runtime.open_sockets == []
    network.close()


async def test_what_a_source_raises_beside_the_errors_of_daemons_comes_out_as_it_is(anyio_backend, clean):
    network = PoolNetwork()
    runtime = MemoryRuntime(network)
    schedd = Schedd("<10.0.0.2:9618>", client=network.over(runtime))
    broken = schedd.xquery()

    async def opener():
        raise ZeroDivisionError

    broken._opener = opener
    with pytest.raises(ZeroDivisionError):
        async with poll([schedd.xquery(), broken]) as arrivals:
            async for _ in arrivals:
                pass
    assert runtime.open_sockets == []
    network.close()


async def test_a_slow_consumer_holds_all_back(anyio_backend, clean):
    """Nothing is read ahead: while nobody takes arrivals, each source has at most one batch in hand."""
    network, hosts = site()
    runtime = MemoryRuntime(network)
    client = network.over(runtime)
    async with query_all([Schedd(f"<{host}:9618>", client=client) for host in hosts[:40]], concurrency=3) as arrivals:
        await arrivals.__anext__()
        for _ in range(200):
            await anyio.lowlevel.checkpoint()
        assert sum(network.connections(network.address(host, 9618)) for host in hosts[:40]) <= 4
    assert runtime.open_sockets == []
    network.close()
