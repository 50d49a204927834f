"""What only the blocking runtime promises: Ctrl-C, threads, fork, no event loop."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async.errors import ConcurrencyError, ConnectionClosedError, DaemonTimeoutError, HTCondorInternalError
from tests.helpers.runtimes import LATE, SOON, World, echo, run, silent


def test_no_event_loop_is_imported():
    script = (
        "import sys, htcondor_async._runtime.blocking\n"
        "print([name for name in ('anyio', 'asyncio', 'trio', 'ssl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_drive_returns_raises_and_refuses_to_wait():
    async def returns():
        return 5

    async def raises():
        raise KeyError("x")

    closed = []

    async def suspends():
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(True)

    assert drive(returns()) == 5
    with pytest.raises(KeyError):
        drive(raises())
    with pytest.raises(HTCondorInternalError, match="suspended"):
        drive(suspends())
    assert closed == [True]


def test_it_works_inside_a_running_event_loop():
    """Notebooks call blocking functions with a loop running in the same thread."""

    async def case(world: World):
        stream = await world.runtime.connect([world.serve(echo)], world.late())
        await stream.send(b"x", world.late())
        assert await stream.receive(1, world.late()) == b"x"
        stream.abort()

    async def main():
        run("blocking", case)

    asyncio.run(main())


def test_threads_wait_side_by_side():
    """Thirty-two that are stuck for half a second need half a second, not sixteen."""

    async def case(world: World):
        address = world.serve(silent)

        async def wait():
            stream = await world.runtime.connect([address], world.late())
            try:
                await stream.receive(1, world.runtime.clock() + 0.5)
            finally:
                stream.abort()

        began = time.monotonic()
        results = await world.gather(*[wait] * 32)
        assert {type(each) for each in results} == {DaemonTimeoutError}
        assert time.monotonic() - began < 8

    run("blocking", case)


def test_threads_do_not_mix_up_their_answers():
    async def case(world: World):
        address = world.serve(echo)

        def client(number):
            async def talk():
                message = b"%d," % number * 500
                for _ in range(20):
                    stream = await world.runtime.connect([address], world.late())
                    await stream.send(message, world.late())
                    data = b""
                    while len(data) < len(message):
                        data += await stream.receive(1000, world.late())
                    stream.abort()
                    assert data == message
                return number

            return talk

        assert await world.gather(*map(client, range(16))) == list(range(16))

    run("blocking", case)


INTERRUPTED = """
import math, os, socket, sys, threading
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._runtime.base import numeric_address

runtime = BlockingRuntime()
real = socket.getaddrinfo
socket.getaddrinfo = lambda *args, **kwargs: threading.Event().wait()
address = numeric_address("127.0.0.1", int(sys.argv[2]))

async def operation(what):
    if what == "resolve":
        await runtime.resolve("slow.example.org", 1, math.inf)
    if what == "sleep":
        await runtime.sleep(math.inf)
    if what == "once":
        gate = threading.Event()
        async def hold():
            gate.wait()
        threading.Thread(target=lambda: drive(runtime.once("key").run(hold, math.inf)), daemon=True).start()
        while not len(runtime.once_table()):
            pass
        try:
            await runtime.once("key").run(hold, math.inf)
        finally:
            gate.set()
    if what == "command":
        await runtime.run_command(["sleep", "600"], math.inf)
    if what == "accept":
        await (await runtime.listen("127.0.0.1", 0)).accept(math.inf)
    stream = await runtime.connect([address], math.inf)
    print("connected", flush=True)
    if what == "receive":
        await stream.receive(1, math.inf)
    if what == "send":
        await stream.send(bytes(100_000_000), math.inf)

print("begun", flush=True)
try:
    drive(operation(sys.argv[1]))
except KeyboardInterrupt:
    folder = "/proc/self/fd/"
    links = [os.readlink(folder + each) for each in os.listdir(folder) if os.path.lexists(folder + each)]
    print("interrupted", sum(each.startswith("socket:") for each in links), flush=True)
    if sys.argv[1] == "accept":
        sys.exit(0)
"""


@pytest.mark.parametrize("what", ["resolve", "connect", "receive", "send", "accept", "sleep", "once", "command"])
def test_control_c_interrupts_at_once_and_cleanly(what):
    async def case(world: World):
        interrupt(what, world.black_hole() if what == "connect" else world.serve(silent))

    run("blocking", case)


def interrupt(what, address):
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, what, str(address.port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline() == "begun\n"
        if what in ("receive", "send"):
            assert child.stdout.readline() == "connected\n"
        wait_until_it_waits(child.pid)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        # of a look-up that was given up the thread keeps its end; the listener belongs to the script
        left = {"resolve": 1, "accept": 1}.get(what, 0)
        assert child.stdout.readline() == f"interrupted {left}\n"
        assert child.wait(LATE) == 0
        assert time.monotonic() - began < 10
        assert "Traceback" not in child.stderr.read()
    finally:
        child.kill()
        child.communicate()


def wait_until_it_waits(number):
    """Return when a process sleeps in the kernel, several looks in a row."""
    looks = 0
    for _ in range(3000):
        with open(f"/proc/{number}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
        looks = looks + 1 if state == "S" else 0
        if looks >= 5:
            return
        time.sleep(0.01)
    raise AssertionError("the process never waits")


def in_child(function):
    """Run ``function`` in a forked child; return what it returns (text)."""
    reader, writer = os.pipe()
    number = os.fork()
    if number == 0:
        try:
            told = function()
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writer, told.encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        told = file.read().decode()
    os.waitpid(number, 0)
    return told


def test_a_forked_child_cannot_use_its_parents_connection():
    runtime = BlockingRuntime()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LATE)
        from htcondor_async._runtime.base import SocketAddress

        address = SocketAddress(socket.AF_INET, *server.getsockname())
        stream = drive(runtime.connect([address], math.inf))
        peer, _ = server.accept()
        peer.settimeout(LATE)

        def misuse():
            told = []
            for use in (
                lambda: drive(stream.send(b"child", math.inf)),
                lambda: drive(stream.receive(1, math.inf)),
                lambda: stream.receive_now(1),
                lambda: stream.finish(),
            ):
                try:
                    use()
                except ConcurrencyError as error:
                    told.append(str(error))
            stream.abort()
            return str(len(told)) + told[0]

        told = in_child(misuse)
        assert told.startswith("4this connection was opened by process")
        assert "fork" in told
        drive(stream.send(b"parent", math.inf))
        assert peer.recv(100) == b"parent"
        peer.sendall(b"answer")
        assert drive(stream.receive(100, math.inf)) == b"answer"

        # a child that lives on does not keep the connection open
        hold_reader, hold_writer = os.pipe()
        number = os.fork()
        if number == 0:
            os.close(hold_writer)
            os.read(hold_reader, 1)
            os._exit(0)
        stream.abort()
        assert peer.recv(100) == b""
        os.close(hold_reader)
        os.close(hold_writer)
        os.waitpid(number, 0)
        peer.close()


def test_a_forked_child_makes_its_own_connections():
    async def case(world: World):
        address = world.serve(echo)
        holding, release = threading.Event(), threading.Event()

        async def hold():
            holding.set()
            release.wait(LATE)

        leader = threading.Thread(target=lambda: drive(world.runtime.once("key").run(hold, math.inf)))
        leader.start()
        holding.wait(LATE)

        async def talk():
            async def compute():
                return "computed"

            told = await world.runtime.once("key").run(compute, world.late())
            stream = await world.runtime.connect([address], world.late())
            await stream.send(b"x", world.late())
            told += str(await stream.receive(1, world.late()))
            stream.abort()
            return told

        assert in_child(lambda: drive(talk())) == "computedb'x'"
        release.set()
        leader.join()

    run("blocking", case)


def test_abort_from_another_thread_wakes_the_reader():
    async def case(world: World):
        stream = await world.runtime.connect([world.serve(silent)], world.late())
        timer = threading.Timer(SOON, stream.abort)
        timer.start()
        with pytest.raises(ConnectionClosedError, match="this side"):
            await stream.receive(1, world.late())
        timer.join()

    run("blocking", case)


def test_nothing_to_wait_for():
    with pytest.raises(ConcurrencyError, match="for ever"):
        drive(BlockingRuntime().first_readable([], math.inf))
