"""The schedd dies (SIGKILL) in the middle of something: the error says what is known, and nothing is half done."""

from __future__ import annotations

import threading

import pytest
from harness import observe

from htcondor_async import Client, Collector, DaemonTypes, HTCondorIOError, OutcomeUnknownError, Schedd
from htcondor_async._runtime.blocking import BlockingRuntime, drive

JOB = {"Cmd": "/bin/sleep", "Args": "1", "Iwd": "/tmp", "Requirements": False}


@pytest.fixture
def schedd(real_pool):
    """Alice's handle; the schedd is up again after the test."""
    settings = real_pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    client = Client(settings, runtime=BlockingRuntime())
    address = real_pool.address("schedd")
    location = drive(Collector(client=client).locate(DaemonTypes.Schedd, real_pool.schedds["open"]))
    yield Schedd(location, client=client)
    real_pool.wait_for(lambda: real_pool.answers("schedd", address), "the new schedd", 60)


def kill(pool):
    """Kill the schedd and wait until its successor answers."""
    address = pool.address("schedd")
    old = pool.kill("schedd")
    pool.wait_for(lambda: pool._find("schedd") not in (None, old), "a new schedd", 60)
    pool.wait_for(lambda: pool.answers("schedd", address), "the new schedd to answer", 60)


def test_in_a_transaction(real_pool, schedd):
    mark = "InTransaction"

    async def body():
        result = await schedd.submit(JOB | {mark: 0}, count=2)
        async with schedd.transaction() as txn:
            cluster = await txn.new_cluster()
            await txn.set_attributes(cluster, -1, {"ClusterId": cluster, mark: 1, "JobUniverse": 5})
            proc = await txn.new_proc(cluster)
            await txn.set_attributes(cluster, proc, {"ProcId": proc, "JobStatus": 1})
            await txn.set_attribute(result.cluster(), 0, mark, 1)
            assert await txn.get_attribute(result.cluster(), 0, mark) == "1"
            kill(real_pool)

    with pytest.raises(HTCondorIOError) as caught:
        drive(body())
    assert caught.value.daemon
    assert [job[mark] for job in observe.queue(real_pool, f"{mark} =!= undefined").values()] == [0, 0]


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_around_a_commit(real_pool, schedd, delay):
    mark = f"AroundCommit{int(delay * 100)}"
    number = 3000
    killer = threading.Timer(delay, lambda: real_pool.kill("schedd"))

    def procs():
        for proc in range(number):
            if proc == number - 1:
                killer.start()
            yield {mark: proc}, 1

    old = real_pool.pid("schedd")
    try:
        result = drive(schedd.submit_many(JOB, procs()))
    except HTCondorIOError as error:
        outcome = error
    else:
        outcome = result
    killer.join()
    address = real_pool.address("schedd")
    real_pool.wait_for(lambda: real_pool._find("schedd") not in (None, old), "a new schedd", 60)
    real_pool.wait_for(lambda: real_pool.answers("schedd", address), "the new schedd to answer", 60)
    found = len(observe.queue(real_pool, f"{mark} =!= undefined"))
    if isinstance(outcome, OutcomeUnknownError):
        assert found in (0, number)
    elif isinstance(outcome, HTCondorIOError):
        assert found == 0
    else:
        assert found == number


def test_in_a_spool(real_pool, schedd, tmp_path):
    (tmp_path / "large").write_bytes(bytes(64 << 20))
    killed = []

    def progress(*about):
        if not killed:
            killed.append(about)
            kill(real_pool)

    result = drive(schedd.submit(JOB | {"Iwd": str(tmp_path), "TransferInput": "large"}, spool=True))
    with pytest.raises(HTCondorIOError):
        drive(schedd.spool(result, progress=progress))
    assert killed
    for job in observe.queue(real_pool, f"ClusterId == {result.cluster()}").values():
        assert job["JobStatus"] in (3, 5)
        assert "StageInFinish" not in job


def test_in_a_stream_of_history(real_pool, schedd):
    async def fill():
        from htcondor_async import JobAction

        result = await schedd.submit(JOB, count=300)
        await schedd.act(JobAction.Remove, f"ClusterId == {result.cluster()}")
        return result.cluster()

    cluster = drive(fill())
    constraint = f"ClusterId == {cluster}"
    real_pool.wait_for(lambda: len(observe.history(real_pool, constraint)) == 300, "the history", 60)

    async def body():
        seen = 0
        async with schedd.history(constraint) as stream:
            async for _ in stream:
                seen += 1
                if seen == 1:
                    kill(real_pool)
        return seen

    try:
        seen = drive(body())
    except HTCondorIOError as error:
        assert error.daemon
    else:
        assert seen == 300  # another process had the connection by then
