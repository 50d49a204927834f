"""Ctrl-C in a program that blocks in the v1 API: it ends at once, in every phase, and leaves nothing (test 19)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.embedded import open_embedded
from harness.proxy import Direction, Faults
from harness.v1 import behind_proxy, configured, schedd_of

import htcondor_sync

ROOT = Path(__file__).parents[2]
LIMIT = 5.0  # seconds; a second is meant, but this machine may be busy

PROGRAM = """
import os, socket, sys, warnings
warnings.simplefilter("ignore")
import htcondor_sync as htcondor
from htcondor_sync import classad
where = classad.ClassAd()
where["MyAddress"] = os.environ["WHERE"]
schedd = htcondor.Schedd(where)
def ready():
    print("ready", flush=True)
def sockets():
    here = "/proc/self/fd/"
    names = [os.readlink(here + fd) for fd in os.listdir(here) if os.path.exists(here + fd)]
    return [name for name in names if name.startswith("socket:")]
try:
BODY
except KeyboardInterrupt:
    print("interrupted", len(sockets()), flush=True)
    raise
"""

BODIES = {
    "handshake": "ready(); schedd.query()",
    "xquery": "ready(); schedd.xquery()",
    "history": "ready(); schedd.history('true', [])",
    "act": "ready(); schedd.act(htcondor.JobAction.Hold, 'true')",
    "transaction": "ready(); schedd.transaction()",
    "submit": "ready(); schedd.submit(htcondor.Submit({'executable': '/bin/true'}))",
    "spool": (
        "ad = classad.ClassAd({'ClusterId': 1, 'ProcId': 0, 'Iwd': '/tmp', 'Cmd': '/bin/true'})\n"
        "    ready(); schedd.spool([ad])"
    ),
    "resolve": (
        "import threading, time\n"
        "    socket.getaddrinfo = lambda *args, **kwargs: time.sleep(60)\n"
        "    ready(); htcondor.Collector('nosuch.example.org').query()"
    ),
}


def environment(address: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "CONDOR_CONFIG": "ONLY_ENV",
        "PYTHONPATH": str(ROOT),
        "WHERE": address,
    }


def interrupt(body: str, env: dict[str, str], pause: float = 0.4) -> tuple[float, str, str, int]:
    """Run a program, interrupt it after it said that it is ready; return how long it took then, and what it wrote."""
    program = PROGRAM.replace("BODY", "    " + body)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd="/"
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line == "ready\n", line + process.communicate(timeout=20)[1]
        time.sleep(pause)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        return time.monotonic() - began, out, err, process.returncode
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def silent() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that accepts and answers nothing; "closed" for each connection that the peer closed."""
    closed: list[bytes] = []
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        held: list[socket.socket] = []

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    connection = None
                if connection is not None:
                    connection.settimeout(0.01)
                    held.append(connection)
                for one in list(held):
                    try:
                        data = one.recv(65536)
                    except TimeoutError:
                        continue
                    except OSError:
                        data = b""
                    if not data:
                        closed.append(b"closed")
                        one.close()
                        held.remove(one)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"<127.0.0.1:{server.getsockname()[1]}>", closed
        stop.set()
        thread.join()
        for one in held:
            one.close()


def ended_well(took: float, out: str, err: str, code: int, left: int = 0) -> None:
    """`left`: sockets that are still open where the interrupt is caught; the end of the program closes them."""
    assert took < LIMIT, f"{took:.1f} s"
    assert out == f"interrupted {left}\n", out + err
    assert code in (-signal.SIGINT, 130) and err.strip().endswith("KeyboardInterrupt"), err
    assert "Exception ignored" not in err and "During handling" not in err, err


@pytest.mark.parametrize("phase", BODIES)
def test_interrupted_while_the_daemon_is_silent(phase: str, silent: tuple[str, list[bytes]]) -> None:
    address, closed = silent
    took, out, err, code = interrupt(BODIES[phase], environment(address))
    # the look-up of a name cannot be interrupted: its thread, and that thread's socket, are left to end by themselves
    ended_well(took, out, err, code, left=1 if phase == "resolve" else 0)
    if phase != "resolve":
        until = time.monotonic() + 5
        while not closed and time.monotonic() < until:
            time.sleep(0.01)
        assert closed, "the connection stayed open"


def test_interrupted_while_connecting() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        address = f"<127.0.0.1:{full.getsockname()[1]}>"
        result = interrupt("ready(); schedd.query()", environment(address))
        for filler in fillers:
            filler.close()
    ended_well(*result)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("it = schedd.xquery(); next(it); ready(); list(it)", 0),
        ("schedd.query('false'); ready(); schedd.query()", 0),
        # poll only waits: the iterator is the program's, and stays usable
        ("it = schedd.xquery(); next(it); ready(); [q.nextAdsNonBlocking() for q in htcondor.poll([it], -1)]", 1),
    ],
    ids=["stream", "query", "poll"],
)
def test_interrupted_in_the_middle_of_a_stream(body: str, left: int) -> None:
    with open_embedded() as pool:
        pool.submit(3000)
        with configured({"COLLECTOR_HOST": pool.collector}):
            ad = schedd_of(pool.running)
        # far enough for the first ads, not for all of them
        with behind_proxy(pool.running, ad, Faults("black hole", after=150_000)) as (moved, _proxy):
            settings = pool.settings("alice@testpool")
            env = environment(moved["MyAddress"])
            env.update({f"_CONDOR_{name}": value for name, value in settings.items()})
            ended_well(*interrupt(body, env), left=left)


@pytest.mark.parametrize(("way", "direction"), [("spool", "to server"), ("retrieve", "to client")])
def test_interrupted_in_the_middle_of_the_files_of_a_job(way: str, direction: Direction, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(8 << 20))
    commands = {
        "executable": "/bin/true",
        "transfer_executable": "false",
        "transfer_input_files": "large",
        "transfer_output_files": "large",
        "initialdir": str(tmp_path),
        "requirements": "false",
    }
    with open_embedded() as pool:
        settings = pool.settings("alice@testpool")
        with configured({"COLLECTOR_HOST": pool.collector, **settings}):
            ad = schedd_of(pool.running)
            schedd, description = htcondor_sync.Schedd(ad), htcondor_sync.Submit(commands)
            result = schedd.submit(description, spool=True)
            if way == "retrieve":
                schedd.spool(result)
                large.unlink()
        bodies = {
            "spool": f"jobs = list(htcondor.Submit({commands}).jobs(clusterid={result.cluster()}))\n"
            "    ready(); schedd.spool(jobs)",
            "retrieve": f"ready(); schedd.retrieve('ClusterId == {result.cluster()}')",
        }
        # the handshake takes some thousand bytes: it strikes amid those of the file
        with behind_proxy(pool.running, ad, Faults("black hole", after=1 << 20, direction=direction)) as (moved, proxy):
            env = environment(moved["MyAddress"])
            env.update({f"_CONDOR_{name}": value for name, value in settings.items()})
            ended_well(*interrupt(bodies[way], env))
            assert proxy.passed[direction] >= 1 << 20
        with configured(settings):
            jobs = htcondor_sync.Schedd(ad).query(f"ClusterId == {result.cluster()}")
    # a schedd removes a job whose files did not arrive; here, a file that came only in part is not there
    assert len(jobs) == (0 if way == "spool" else 1)
    assert [path.name for path in tmp_path.iterdir()] == (["large"] if way == "spool" else [])


def test_an_interrupted_transaction_leaves_nothing_in_the_queue() -> None:
    with open_embedded() as pool:
        with configured({"COLLECTOR_HOST": pool.collector}):
            ad = schedd_of(pool.running)
        settings = pool.settings("alice@testpool")
        env = environment(ad["MyAddress"])
        env.update({f"_CONDOR_{name}": value for name, value in settings.items()})
        body = (
            "import time\n"
            "    with schedd.transaction() as txn:\n"
            "        htcondor.Submit({'executable': '/bin/true', 'hold': 'true'}).queue(txn, 3)\n"
            "        ready(); time.sleep(60)"
        )
        took, _out, err, code = interrupt(body, env)
        assert took < LIMIT and "KeyboardInterrupt" in err and code in (-signal.SIGINT, 130), err
        with configured(settings):
            assert htcondor_sync.Schedd(ad).query() == []
