"""What goes wrong with a queue, its history and its files, and the sentence that a user reads; see test_failures.py."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager

import pytest
from harness.disks import small_disk
from harness.pools import Pool
from harness.proxies import write_proxy

from htcondor_async import Client, Collector, DaemonTypes, HistoryCursor, JobAction, Schedd, Submit
from htcondor_async._cedar.commands import Command
from htcondor_async._dialogues.queue import Op
from htcondor_async._runtime import sandbox
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async.testing import _sandbox, embedded_pool
from htcondor_async.testing._server import Handler
from tests.harness.memory_pool import Handles, PoolNetwork

JOB = {"Cmd": "/bin/sleep", "Args": "300", "Iwd": "/tmp", "Requirements": False}


@pytest.fixture
def connected(pool, make_client, run):
    """`await connected()`: the handle of alice on a schedd, who proves who she is.

    Versions before 24.7 tell the next client of what they refused to one who hung up: here it is this one.
    """

    async def connect(identity="alice@testpool", schedd="open"):
        client = make_client(identity, SEC_CLIENT_AUTHENTICATION="REQUIRED")
        ad = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds[schedd], timeout=30)
        return Schedd(ad, client=client)

    yield connect

    async def begin_afresh():
        await (await connect()).submit(JOB)

    run(begin_afresh)


@pytest.fixture
def own(run):
    """An embedded pool that a test may spoil, and a handle on its schedd: `running, daemon, schedd`."""
    with embedded_pool() as running:
        daemon = next(iter(running.pool.schedd_daemons.values()))
        config = {"COLLECTOR_HOST": running.address, "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}
        yield running, daemon, Schedd(daemon.ad(), client=Client(config, runtime=run.runtime))


@pytest.fixture
def folder(tmp_path):
    """Where a job's files are."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "input.txt").write_text("hello\n")
    return work


def spooled(folder, **more):
    return {**JOB, "Cmd": "/bin/true", "TransferExecutable": False, "Iwd": str(folder), **more}


# -- jobs


def test_unknown_job(pool, connected, provoke):
    async def body():
        await (await connected()).edit(["99999.7"], "Mark", "1")

    provoke("an edit of a job that does not exist", body)


def test_unknown_jobs_among_many(pool, connected, provoke):
    async def body():
        await (await connected()).edit([f"99999.{number}" for number in range(100)], "Mark", "1")

    provoke("edits of many jobs that do not exist", body)


def test_malformed_id(pool, connected, provoke):
    async def body():
        await (await connected()).act(JobAction.Hold, ["5.x"])

    provoke("a job id that is none", body)


def test_bad_constraint_of_an_action(pool, connected, provoke):
    async def body():
        await (await connected()).act(JobAction.Hold, "Owner ==")

    provoke("an action by a constraint that does not parse", body)


def test_nothing_matches_an_edit(pool, connected, provoke):
    async def body():
        await (await connected()).edit("ClusterId == 99999", "Mark", "1")

    provoke("an edit by a constraint that no job matches", body)


def test_bad_value(pool, connected, provoke):
    async def body():
        await (await connected()).edit(["1.0"], "Mark", "1 +")

    provoke("a value that is no expression", body)


def test_immutable_attribute(pool, connected, provoke):
    async def body():
        schedd = await connected()
        result = await schedd.submit(JOB)
        await schedd.edit([f"{result.cluster()}.0"], "ClusterId", "3")

    provoke("an attribute that may not be set", body)


def test_foreign_job(pool, connected, provoke):
    theirs = pool.submit(1, user="bob")

    async def body():
        await (await connected()).edit([f"{theirs}.0"], "Mark", "1")

    provoke("a job of somebody else", body)


@pytest.mark.parametrize(
    ("name", "before", "count"),
    [
        ("more jobs than MAX_JOBS_PER_SUBMISSION", 0, 3),
        ("more jobs than MAX_JOBS_PER_OWNER", 2, 2),
    ],
)
def test_limits(pool, connected, provoke, run, flavour, name, before, count):
    # a schedd counts the jobs of a user anew only every few seconds: each run has a user of its own
    user = f"{flavour}{before}@testpool"

    async def clean():
        await (await connected(user, "limited")).act(JobAction.Remove, f'User == "{user}"')

    async def fill():
        if before:
            await (await connected(user, "limited")).submit(JOB, count=before)

    async def body():
        await (await connected(user, "limited")).submit(JOB, count=count)

    try:
        run(fill)
        provoke(name, body)
    finally:
        run(clean)


def test_refused_submission(pool, connected, provoke):
    async def body():
        description = Submit({"executable": "/bin/true", "transfer_executable": "false", "+Owner": '"carol"'})
        await (await connected()).submit(description)

    provoke("a submission with an attribute that may not be set", body)


# -- transactions


def test_command_within_a_transaction(pool, connected, provoke):
    async def body():
        schedd = await connected()
        result = await schedd.submit(JOB)
        async with schedd.transaction() as txn:
            await txn.set_attribute(result.cluster(), 0, "Mark", 1)
            assert await txn.get_attribute(result.cluster(), 0, "Mark") == "1"
            await schedd.act(JobAction.Hold, f"{result.cluster()}.0")

    provoke("another command to a schedd within its open transaction", body)


@pytest.mark.allow_blocking  # the daemons in memory run inside the client's task
def test_idle_transaction(provoke, flavour):
    network = PoolNetwork()

    async def body(handles):
        async with handles.schedd.transaction(timeout=200) as txn:
            await txn.new_cluster()
            await handles.client._context().runtime.sleep(25)
            await txn.get_job(1, 0)

    try:
        provoke(
            "a transaction in which nothing was done for too long",
            body,
            Handles(MemoryRuntime(network, blocking=flavour == "blocking")),
        )
    finally:
        network.close()


def test_lost_answer_of_a_commit(own, provoke):
    _, daemon, schedd = own

    async def breaks_off(connection):
        while connection.reader(await connection.receive(float("inf"))).int() != Op.CommitNoFlags:
            await connection.reply(connection.writer().int(1))
        connection.abort()

    daemon.commands[Command.QMGMT_WRITE_CMD] = Handler("WRITE", breaks_off, force_authentication=True)

    async def body():
        async with schedd.transaction() as txn:
            await txn.new_cluster()

    provoke("a commit whose answer is lost", body)


@pytest.mark.allow_blocking  # the test restarts a daemon
def test_schedd_killed_in_a_transaction(pool, connected, provoke):
    async def body():
        schedd = await connected(schedd="restart")
        async with schedd.transaction() as txn:
            await txn.new_cluster()
            pool.restart("schedd_restart")
            await txn.new_cluster()

    provoke("a schedd that is killed in the middle of a transaction", body)


# -- history and users


def test_gap(pool, connected, provoke):
    async def body():
        schedd = await connected()
        state = {"version": 1, "constraint": "false", "newest": [[987654, 3, 17], [987654, 2, 17]]}
        await HistoryCursor(schedd, state, constraint="false").read()

    provoke("records of history that are out of reach", body)


def test_no_runs_kept(run, provoke):
    with embedded_pool(legacy=True) as running:
        daemon = next(iter(running.pool.schedd_daemons.values()))
        client = Client({"COLLECTOR_HOST": running.address}, runtime=run.runtime)

        async def body():
            await Schedd(daemon.ad(), client=client).job_epoch_history().collect()

        provoke("a history of runs that the schedd does not keep", body)


def test_old_schedd_and_users(own, provoke):
    _, daemon, schedd = own
    for command in (Command.QUERY_USERREC_ADS, Command.ENABLE_USERREC):
        del daemon.commands[command]

    async def query():
        await schedd.query_users()

    async def add():
        await schedd.add_users("carol@testpool")

    provoke("records of users of a schedd that is too old", query)
    provoke("a new record of a user of a schedd that is too old", add)


# -- files


def test_missing_input(pool, connected, provoke, folder):
    async def body():
        schedd = await connected()
        await schedd.spool(await schedd.submit(spooled(folder, TransferInput="input.txt,nowhere"), spool=True))

    provoke("an input file that is not there", body)


@contextmanager
def full_disk(pool, cluster, monkeypatch):
    """What the schedd of the pool writes for a cluster's jobs finds no space."""
    if isinstance(pool, Pool):
        with small_disk(pool, pool.run / "spool" / str(cluster)):
            yield
        return

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sandbox, "_write", full)  # the pool runs in this process, and only it writes
        yield


def test_full_disk_of_the_schedd(pool, connected, run, provoke, folder, monkeypatch):
    (folder / "large").write_bytes(bytes(3 << 20))

    async def submit():
        return await (await connected()).submit(spooled(folder, TransferInput="large"), spool=True)

    result = run(submit)

    async def body():
        await (await connected()).spool(result)

    with full_disk(pool, result.cluster(), monkeypatch):
        provoke("a disk of the schedd that is full", body)


def test_name_that_leaves_the_folder(own, provoke, folder, tmp_path, monkeypatch):
    _, _, schedd = own

    async def body():
        result = await schedd.submit(spooled(folder, TransferInput="input.txt", TransferOutput="input.txt"), spool=True)
        await schedd.spool(result)
        made = _sandbox._made
        monkeypatch.setattr(_sandbox, "_made", lambda ad: [_renamed(entry) for entry in made(ad)])
        await schedd.retrieve(f"ClusterId == {result.cluster()}", str(tmp_path / "back"))

    provoke("a received name that leads out of the target folder", body)


def _renamed(entry):
    return entry._replace(name="../outside")


@pytest.mark.parametrize("kind", ["expired", "none", "missing"])
def test_proxies(pool, connected, provoke, folder, kind):
    path = {"expired": write_proxy(folder / "old.pem", -60), "none": folder / "input.txt", "missing": folder / "no.pem"}
    names = {
        "expired": "a proxy that has expired",
        "none": "a proxy that is none",
        "missing": "a proxy that is not there",
    }

    async def body():
        await (await connected()).refresh_gsi_proxy(1, 0, str(path[kind]))

    provoke(names[kind], body)


def test_proxy_for_an_unknown_job(pool, connected, provoke, folder):
    path = write_proxy(folder / "new.pem", 3600)

    async def body():
        await (await connected()).refresh_gsi_proxy(99999, 0, str(path))

    provoke("a proxy for a job that does not exist", body)


def test_files_of_no_job(pool, connected, provoke, tmp_path):
    async def body():
        await (await connected()).retrieve("1 +", str(tmp_path))

    provoke("files of jobs by a constraint that does not parse", body)
