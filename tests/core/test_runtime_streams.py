"""Every runtime passes these: connections, names, listeners, datagrams, deadlines."""

from __future__ import annotations

import errno
import math
import socket

import pytest

from htcondor_async._runtime.base import READ_SIZE, SocketAddress, any_address, numeric_address
from htcondor_async.errors import (
    ConcurrencyError,
    ConnectError,
    ConnectionClosedError,
    DaemonTimeoutError,
    HTCondorIOError,
    HTCondorValueError,
    Phase,
)
from tests.helpers.runtimes import ALL, LATE, REAL, World, count, deaf, echo, hang_up, reset, run, silent, slow_names

SOON_ENOUGH = 0.02
GRAIN = 0.001
"""Seconds of a tick of uvloop's clock."""

every = pytest.mark.parametrize("backend", ALL)


async def take(stream, size, deadline):
    data = b""
    while len(data) < size:
        piece = await stream.receive(size - len(data), deadline)
        assert piece
        data += piece
    return data


@every
def test_connect_exchange_and_addresses(backend):
    async def case(world: World):
        address = world.serve(echo)
        stream = await world.runtime.connect([address], world.late())
        assert stream.peer == address
        assert stream.local.port > 0 and stream.local != address
        assert stream.fileno() >= 0 and not stream.closed
        await stream.send(b"", world.late())
        await stream.send(bytearray(b"hello"), world.late())
        await stream.send(memoryview(b" there"), world.late())
        assert await take(stream, 11, world.late()) == b"hello there"
        stream.abort()

    run(backend, case)


@every
def test_refused_connection_is_one_sentence(backend):
    async def case(world: World):
        address = world.refusing()
        with pytest.raises(ConnectError, match=f"^{address} refused the connection") as caught:
            await world.runtime.connect([address], world.late())
        assert caught.value.phase is Phase.CONNECT
        assert caught.value.errno == errno.ECONNREFUSED
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.address == str(address)

    run(backend, case)


@every
def test_race_goes_past_an_address_that_does_not_answer(backend):
    async def case(world: World):
        address = world.serve(echo)
        stream = await world.runtime.connect([world.black_hole(), address], world.late(), stagger=0.01)
        assert stream.peer == address
        stream.abort()

    run(backend, case)


@every
def test_race_starts_the_next_at_once_after_a_failure(backend):
    async def case(world: World):
        address = world.serve(echo)
        stream = await world.runtime.connect([world.refusing(), address], world.late(), stagger=LATE * 10)
        assert stream.peer == address
        stream.abort()

    run(backend, case)


@every
def test_race_that_all_lose_names_them_all(backend):
    async def case(world: World):
        first, second = world.refusing(), world.refusing()
        with pytest.raises(ConnectError) as caught:
            await world.runtime.connect([first, second], world.late(), stagger=0)
        assert str(first) in str(caught.value) and str(second) in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)

    run(backend, case)


@every
def test_connect_without_address(backend):
    async def case(world: World):
        with pytest.raises(ConnectError, match="no address"):
            await world.runtime.connect([], math.inf)

    run(backend, case)


@every
@pytest.mark.parametrize("past", [False, True])
def test_connect_deadline(backend, past):
    async def case(world: World):
        deadline = world.runtime.clock() - 1 if past else world.soon()
        with pytest.raises(DaemonTimeoutError) as caught:
            await world.runtime.connect([world.black_hole(), world.black_hole()], deadline, stagger=0.01)
        assert caught.value.phase is Phase.CONNECT
        assert world.runtime.clock() >= deadline - GRAIN

    run(backend, case)


@every
def test_receive_now(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        assert stream.receive_now(10) is None
        await stream.send(b"abcdef", world.late())
        assert await world.runtime.first_readable([stream], world.late()) == [stream]
        assert stream.receive_now(2) == b"ab"
        assert stream.receive_now(10) == b"cdef"
        assert stream.receive_now(10) is None
        stream.abort()

    run(backend, case)


@every
def test_large_message_to_a_slow_reader(backend):
    async def case(world: World):
        size = 3_000_000 if backend in REAL else 300_000
        stream = await world.runtime.connect([world.serve(count)], world.late())
        await stream.send(size.to_bytes(4, "big") + bytes(size), world.late())
        assert await take(stream, len(str(size)), world.late()) == str(size).encode()
        stream.abort()

    run(backend, case)


@every
def test_large_answer(backend):
    async def flood(runtime, stream):
        await stream.send(bytes(range(256)) * 8000, math.inf)

    async def case(world: World):
        stream = await world.runtime.connect([world.serve(flood)], world.late())
        data = b""
        while piece := await stream.receive(READ_SIZE, world.late()):
            assert len(piece) <= READ_SIZE
            data += piece
        assert data == bytes(range(256)) * 8000
        stream.abort()

    run(backend, case)


@every
def test_end_of_stream_stays_the_end(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(hang_up)], world.late())
        assert await take(stream, 3, world.late()) == b"bye"
        for _ in range(3):
            assert await stream.receive(10, world.late()) == b""
        assert stream.receive_now(10) == b""
        assert not stream.closed
        stream.abort()

    run(backend, case)


@every
def test_reset_closes_the_stream(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(reset)], world.late())
        await stream.send(b"request", world.late())
        with pytest.raises(ConnectionClosedError, match="reset") as caught:
            await stream.receive(10, world.late())
        assert caught.value.errno == errno.ECONNRESET
        assert isinstance(caught.value.__cause__, OSError)
        assert stream.closed and stream.fileno() == -1

    run(backend, case)


@every
def test_send_to_a_peer_that_has_closed(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(hang_up)], world.late())
        while await stream.receive(10, world.late()):
            pass
        with pytest.raises(ConnectionClosedError):
            for _ in range(100):
                await stream.send(b"x" * 1000, world.late())
                await world.runtime.sleep(0.001)
        assert stream.closed

    run(backend, case)


@every
def test_finish_is_the_end_of_the_stream_for_the_peer(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        await stream.send(b"last words", world.late())
        stream.finish()
        data = b""
        while piece := await stream.receive(100, world.late()):
            data += piece
        assert data == b"last words"
        stream.abort()
        stream.finish()

    run(backend, case)


@every
def test_abort_twice_and_use_afterwards(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        stream.abort()
        stream.abort()
        assert stream.fileno() == -1 and stream.closed
        for use in (lambda: stream.receive(1, math.inf), lambda: stream.send(b"x", math.inf)):
            with pytest.raises(ConnectionClosedError, match="this side"):
                await use()
        with pytest.raises(ConnectionClosedError, match="this side"):
            stream.receive_now(1)
        assert await world.runtime.first_readable([stream], world.late()) == [stream]
        assert "closed" in repr(stream)

    run(backend, case)


@every
def test_receive_deadline_leaves_the_stream_open(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        deadline = world.soon()
        with pytest.raises(DaemonTimeoutError) as caught:
            await stream.receive(10, deadline)
        assert world.runtime.clock() >= deadline - GRAIN
        assert caught.value.phase is None and caught.value.errno == errno.ETIMEDOUT
        assert not stream.closed
        await stream.send(b"still usable", world.late())
        assert await take(stream, 12, world.late()) == b"still usable"
        stream.abort()

    run(backend, case)


@every
def test_passed_deadline_strikes_even_if_data_is_there(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(hang_up)], world.late())
        await world.runtime.first_readable([stream], world.late())
        with pytest.raises(DaemonTimeoutError):
            await stream.receive(10, world.runtime.clock() - 1)
        assert await take(stream, 3, world.late()) == b"bye"
        with pytest.raises(DaemonTimeoutError):
            await stream.send(b"x", world.runtime.clock() - 1)
        assert stream.closed

    run(backend, case)


@every
def test_send_deadline_closes_the_stream(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(deaf)], world.late())
        with pytest.raises(DaemonTimeoutError):
            await stream.send(bytes(50_000_000), world.soon())
        assert stream.closed

    run(backend, case)


@every
def test_nothing_is_received_into_nothing(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        with pytest.raises(HTCondorValueError):
            await stream.receive(0, math.inf)
        with pytest.raises(HTCondorValueError):
            stream.receive_now(0)
        stream.abort()

    run(backend, case)


@every
def test_first_readable(backend):
    async def case(world: World):
        runtime = world.runtime
        quiet = await runtime.connect([world.serve(silent)], world.late())
        lively = await runtime.connect([world.serve(echo)], world.late())
        listener = await runtime.listen("127.0.0.1", 0)
        sources = [quiet, lively, listener, lively]
        assert await runtime.first_readable(sources, world.soon()) == []
        await lively.send(b"x", world.late())
        assert await runtime.first_readable(sources, world.late()) == [lively]
        caller = await runtime.connect([listener.address], world.late())
        ready = await runtime.first_readable([quiet, listener], world.late())
        assert ready == [listener]
        (await listener.accept(world.late())).abort()
        assert await runtime.first_readable([], world.soon()) == []
        for each in (quiet, lively, caller):
            each.abort()
        listener.close()

    run(backend, case)


@every
def test_listener(backend):
    async def case(world: World):
        runtime = world.runtime
        listener = await runtime.listen("127.0.0.1", 0)
        assert listener.address.host == "127.0.0.1" and listener.address.port > 0
        deadline = world.soon()
        with pytest.raises(DaemonTimeoutError):
            await listener.accept(deadline)
        assert runtime.clock() >= deadline - GRAIN
        client = await runtime.connect([listener.address], world.late())
        server = await listener.accept(world.late())
        assert server.peer == client.local and server.local == client.peer
        await client.send(b"over", world.late())
        assert await take(server, 4, world.late()) == b"over"
        with pytest.raises(HTCondorIOError, match="in use"):
            await runtime.listen("127.0.0.1", listener.address.port)
        client.abort()
        assert await server.receive(1, world.late()) == b""
        server.abort()
        listener.close()
        listener.close()
        with pytest.raises(ConnectionClosedError):
            await listener.accept(world.late())
        with pytest.raises(ConnectError):
            await runtime.connect([listener.address], world.late())

    run(backend, case)


@every
def test_listening_takes_a_numeric_address(backend):
    async def case(world: World):
        with pytest.raises(HTCondorValueError, match="numeric"):
            await world.runtime.listen("localhost", 0)
        with pytest.raises(HTCondorValueError, match="port"):
            await world.runtime.listen("127.0.0.1", 70000)

    run(backend, case)


@every
def test_datagrams(backend):
    async def case(world: World):
        runtime = world.runtime
        one = await runtime.datagram(SocketAddress(socket.AF_INET, "127.0.0.1", 0))
        two = await runtime.datagram(SocketAddress(socket.AF_INET, "127.0.0.1", 0))
        with pytest.raises(DaemonTimeoutError):
            await one.receive(100, world.soon())
        await one.send(b"ping", two.address, world.late())
        assert await runtime.first_readable([one, two], world.late()) == [two]
        assert await two.receive(100, world.late()) == (b"ping", one.address)
        await two.send(b"pong pong", one.address, world.late())
        assert await one.receive(4, world.late()) == (b"pong", two.address)
        with pytest.raises(HTCondorIOError, match="in use"):
            await runtime.datagram(two.address)
        one.close()
        two.close()
        two.close()
        with pytest.raises(ConnectionClosedError):
            await one.receive(1, math.inf)

    run(backend, case)


@every
def test_numeric_hosts_need_no_look_up(backend):
    async def case(world: World):
        late = world.late()
        assert await world.runtime.resolve("10.0.0.5", 9618, late) == [SocketAddress(socket.AF_INET, "10.0.0.5", 9618)]
        assert await world.runtime.resolve("[::1]", 1, late) == [SocketAddress(socket.AF_INET6, "::1", 1)]
        with pytest.raises(HTCondorValueError, match="port"):
            await world.runtime.resolve("10.0.0.5", -1, late)

    run(backend, case)


@every
def test_names(backend, monkeypatch):
    async def case(world: World):
        world.network.name("slow.example.org", "127.0.0.1")
        found = await world.runtime.resolve("slow.example.org", 80, world.late())
        assert SocketAddress(socket.AF_INET, "127.0.0.1", 80) in found
        assert len(set(found)) == len(found)
        with pytest.raises(ConnectError, match=r"'unknown\.example\.org' is unknown") as caught:
            await world.runtime.resolve("unknown.example.org", 80, world.late())
        assert caught.value.phase is Phase.RESOLVE
        assert isinstance(caught.value.__cause__, socket.gaierror)

    with slow_names(monkeypatch) as release:
        release.set()
        run(backend, case)


@every
def test_slow_names_end_at_the_deadline(backend, monkeypatch):
    async def case(world: World):
        world.network.name("slow.example.org", "127.0.0.1", delay=LATE * 10)
        deadline = world.soon()
        try:
            with pytest.raises(DaemonTimeoutError, match=r"slow\.example\.org") as caught:
                await world.runtime.resolve("slow.example.org", 80, deadline)
            assert caught.value.phase is Phase.RESOLVE
            assert world.runtime.clock() >= deadline - GRAIN
        finally:
            release.set()

    with slow_names(monkeypatch) as release:
        run(backend, case)


@pytest.mark.parametrize("backend", REAL)
@pytest.mark.parametrize("host", ["a" * 70 + ".example.org", "", "nul\0.example.org", "..", "\udcff"])
def test_names_that_cannot_be(backend, host):
    async def case(world: World):
        with pytest.raises(ConnectError):
            await world.runtime.resolve(host, 80, world.late())

    run(backend, case)


@every
def test_sleep_and_clocks(backend):
    async def case(world: World):
        before, wall = world.runtime.clock(), world.runtime.now()
        await world.runtime.sleep(SOON_ENOUGH)
        assert world.runtime.clock() >= before + SOON_ENOUGH - GRAIN
        assert world.runtime.now() > wall
        await world.runtime.sleep(-1)
        await world.runtime.sleep(0)
        await world.runtime.checkpoint()

    run(backend, case)


@pytest.mark.parametrize("backend", [each for each in ALL if each != "memory-blocking"])
def test_abort_wakes_whoever_waits(backend):
    async def case(world: World):
        runtime = world.runtime
        stream = await runtime.connect([world.serve(silent)], world.late())
        listener = await runtime.listen("127.0.0.1", 0)
        other = await runtime.connect([world.serve(silent)], world.late())

        async def close_all():
            await runtime.sleep(0.1)
            stream.abort()
            listener.close()
            other.abort()

        received, accepted, ready, _ = await world.gather(
            lambda: stream.receive(1, world.late()),
            lambda: listener.accept(world.late()),
            lambda: runtime.first_readable([other], world.late()),
            close_all,
        )
        assert isinstance(received, ConnectionClosedError) and "this side" in str(received)
        assert isinstance(accepted, ConnectionClosedError)
        assert ready == [other]

    run(backend, case)


@pytest.mark.parametrize("backend", [each for each in ALL if each != "memory-blocking"])
def test_two_cannot_read_from_one_stream(backend):
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(silent)], world.late())
        until = world.runtime.clock() + 0.2
        first, second = await world.gather(lambda: stream.receive(1, until), lambda: stream.receive(1, until))
        assert {type(first), type(second)} == {DaemonTimeoutError, ConcurrencyError}
        stream.abort()

    run(backend, case)


def test_addresses():
    assert str(numeric_address("10.1.2.3", 9618)) == "10.1.2.3:9618"
    assert str(numeric_address("::1", 9618)) == "[::1]:9618"
    assert numeric_address("[fe80::1%eth0]", 1) == SocketAddress(socket.AF_INET6, "fe80::1%eth0", 1)
    for name in ("localhost", "10.1.2", "1.2.3.4.5", "", "1.2.3.4\0", "[1.2.3.4", "::g"):
        assert numeric_address(name, 1) is None
    assert any_address(socket.AF_INET6).host == "::"
    assert any_address(socket.AF_INET, 5) == SocketAddress(socket.AF_INET, "0.0.0.0", 5)
    with pytest.raises(HTCondorValueError):
        SocketAddress(socket.AF_INET, "10.0.0.1", 65536)
