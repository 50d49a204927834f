"""Jobs followed over queue and history, the history read bit by bit, user records, jobs lent to another queue."""

from __future__ import annotations

import json

import pytest
from harness import observe

from htcondor_async import (
    Collector,
    DaemonError,
    DaemonTimeoutError,
    DaemonTypes,
    HistoryCursor,
    HTCondorException,
    HTCondorValueError,
    JobAction,
    JobChange,
    Schedd,
    wait_for_jobs,
    watch,
)

JOB = {"Cmd": "/bin/sleep", "Args": "300", "Iwd": "/tmp", "Requirements": False}
FAST = {"interval": 0.05, "longest": 0.2}


@pytest.fixture
def connected(pool, make_client):
    """`await connected()`: the handle of alice, who proves who she is."""

    async def connect(identity="alice@testpool", **options):
        client = make_client(identity, SEC_CLIENT_AUTHENTICATION="REQUIRED", **options)
        return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)

    return connect


# -- following


def test_hold_release_and_removal_are_seen(pool, connected, run):
    async def body():
        schedd = await connected()
        result = await schedd.submit(JOB, count=3)
        ids = [f"{result.cluster()}.{proc}" for proc in range(3)]
        following = watch(schedd, result, **FAST)
        seen = [await following.next_events()]
        await schedd.act(JobAction.Hold, ids[0], "look at this")
        seen.append(await following.next_events())
        await schedd.act(JobAction.Release, ids[0])
        seen.append(await following.next_events())
        saved = json.loads(json.dumps(following.state))
        await schedd.act(JobAction.Remove, ids[:2], "enough")
        again = watch(schedd, state=saved, **FAST)
        found = []
        while len(found) < 2:
            found += await again.next_events()
        waiting = again.waiting
        await schedd.act(JobAction.Remove, ids[2])
        rest = [event async for event in again]
        return ids, seen, found, waiting, rest, again.done

    ids, seen, found, waiting, rest, done = run(body)
    assert {(event.job, event.change) for event in seen[0]} == {(job, JobChange.IDLE) for job in ids}
    assert [(event.job, event.change) for event in seen[1]] == [(ids[0], JobChange.HELD)]
    assert seen[1][0].reason.startswith("look at this")
    assert [(event.job, event.change) for event in seen[2]] == [(ids[0], JobChange.IDLE)]
    assert {(event.job, event.change) for event in found} == {(job, JobChange.REMOVED) for job in ids[:2]}
    assert found[0].reason.startswith("enough")
    assert waiting == [ids[2]]
    assert [(event.job, event.change) for event in rest] == [(ids[2], JobChange.REMOVED)]
    assert done


def test_wait_for_jobs(pool, connected, run):
    async def body():
        schedd = await connected()
        result = await schedd.submit(JOB, count=2)
        cluster = result.cluster()
        await schedd.act(JobAction.Hold, f"{cluster}.0", "wait")
        await schedd.act(JobAction.Remove, f"{cluster}.1")
        held = await wait_for_jobs(schedd, result, **FAST)
        with pytest.raises(DaemonTimeoutError, match="1 of the jobs"):
            await wait_for_jobs(schedd, result, until_held=False, timeout=0.5, **FAST)
        gone = await wait_for_jobs(schedd, ["999999.0"], **FAST)
        none = await wait_for_jobs(schedd, "false", **FAST)
        return cluster, held, gone, none

    cluster, held, gone, none = run(body)
    assert {job: event.change for job, event in held.items()} == {
        f"{cluster}.0": JobChange.HELD,
        f"{cluster}.1": JobChange.REMOVED,
    }
    assert [event.change for event in gone.values()] == [JobChange.GONE]
    assert none == {}


def test_many_jobs_are_one_query_a_round(pool, connected, run):
    async def body():
        schedd = await connected()
        result = await schedd.submit(JOB, count=1500)
        following = watch(schedd, result, **FAST)
        first = await following.next_events()
        await schedd.act(JobAction.Remove, f"ClusterId == {result.cluster()}")
        return len(first), [event.change async for event in following]

    first, changes = run(body)
    assert first == 1500
    assert changes == [JobChange.REMOVED] * 1500


def test_what_cannot_be_followed(pool, connected, run):
    async def body():
        schedd = await connected()
        for bad in (["5"], ["x.1"], "(("):
            with pytest.raises(HTCondorValueError):
                watch(schedd, bad)
        with pytest.raises(HTCondorValueError):
            watch(schedd)
        for state in ({}, {"version": 2}, {"version": 1, "constraint": None, "jobs": {"1.0": ["nonsense", 1]}}):
            with pytest.raises(HTCondorValueError):
                watch(schedd, state=state)

    run(body)


# -- the history, bit by bit


async def removed(schedd, count, mark):
    """Submit and remove jobs; wait until they are in the history."""
    result = await schedd.submit(JOB | {"Mark": mark}, count=count)
    await schedd.act(JobAction.Remove, f"ClusterId == {result.cluster()}")
    runtime = schedd._client._context().runtime
    for _ in range(200):
        found = await schedd.history(f"ClusterId == {result.cluster()}", ["ProcId"]).collect()
        if len(found) == count:
            return [f"{result.cluster()}.{ad['ProcId']}" for ad in reversed(found)]
        await runtime.sleep(0.05)
    raise AssertionError("the jobs do not come to the history")


def names(ads):
    return [f"{ad['ClusterId']}.{ad['ProcId']}" for ad in ads]


def test_cursor_gives_each_record_once(pool, connected, run):
    async def body():
        schedd = await connected()
        await removed(schedd, 2, "before")
        cursor = HistoryCursor(schedd, projection=["JobStatus"])
        assert await cursor.read() == []
        assert await cursor.read() == []
        first = await removed(schedd, 3, "one")
        got_first = names(await cursor.read())
        saved = json.loads(json.dumps(cursor.state))
        second = await removed(schedd, 1, "two") + await removed(schedd, 2, "three")
        resumed = HistoryCursor(schedd, saved, projection=["JobStatus"])
        got_second = names(await resumed.read())
        nothing = await resumed.read()
        return first, got_first, second, got_second, nothing

    first, got_first, second, got_second, nothing = run(body)
    assert got_first == first
    assert got_second == second
    assert nothing == []


def test_cursor_from_the_beginning_with_a_constraint(pool, connected, run):
    async def body():
        schedd = await connected()
        first = await removed(schedd, 3, "start")
        cluster = first[0].partition(".")[0]
        cursor = HistoryCursor(schedd, constraint=f"ClusterId >= {cluster}", from_beginning=True)
        got = names(await cursor.read())
        second = await removed(schedd, 2, "more")
        with pytest.raises(HTCondorValueError, match="another cursor"):
            HistoryCursor(schedd, cursor.state)
        return first, got, second, names(await cursor.read())

    first, got, second, got_second = run(body)
    assert got == first
    assert got_second == second


def test_a_record_that_is_gone_is_a_gap(pool, connected, run):
    from htcondor_async import HistoryGapError

    async def body():
        schedd = await connected()
        seen = await removed(schedd, 2, "gap")
        state = {"version": 1, "constraint": "true", "newest": [[987654, 3, 17], [987654, 2, 17]]}
        cursor = HistoryCursor(schedd, state)
        with pytest.raises(HistoryGapError) as caught:
            await cursor.read()
        assert cursor.state == state
        after = names(await cursor.read(accept_gap=True))
        return seen, caught.value, after, await cursor.read()

    seen, error, after, nothing = run(body)
    assert error.oldest == "987654.3"
    assert error.newest == after[0]
    assert after[-2:] == seen
    assert nothing == []


# -- users


def test_records_of_users(pool, connected, run):
    async def body():
        schedd = await connected()
        await schedd.submit(JOB)
        everybody = await schedd.query_users()
        named = await schedd.query_users('User == "alice@testpool"', ["User"])
        with pytest.raises(HTCondorException) as caught:  # of the embedded pool and 23.9, only administrators may
            await schedd.disable_users("nobody-there@testpool", "no more")
        with pytest.raises(HTCondorValueError):
            await schedd.enable_users()
        with pytest.raises(HTCondorValueError):
            await schedd.add_users(["a b"])
        return everybody, named, caught.value

    everybody, named, error = run(body)
    assert "alice@testpool" in {ad["User"] for ad in everybody}
    (alice,) = named
    assert alice["User"] == "alice@testpool"
    assert any(words in str(error) for words in ("ermission denied", "no such user", "not authorized")), error


# -- jobs lent to another queue


def test_export_and_unexport(pool, connected, run, tmp_path):
    tmp_path.chmod(0o777)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)

    async def export():
        schedd = await connected()
        result = await schedd.submit(JOB, count=2)
        return result.cluster(), await schedd.export_jobs(str(result.cluster()), str(tmp_path))

    async def back(cluster):
        schedd = await connected()
        with pytest.raises(DaemonError) as missing:
            await schedd.export_jobs(str(cluster), "/no/such/directory")
        with pytest.raises(DaemonError) as nothing:
            await schedd.unexport_jobs("999999")
        return await schedd.unexport_jobs(f"ClusterId == {cluster}"), missing.value, nothing.value

    cluster, exported = run(export)
    assert exported["TotalJobAds"] == 2
    jobs = observe.queue(pool, f"ClusterId == {cluster}")
    assert {job["Managed"] for job in jobs.values()} == {"External"}
    unexported, missing, nothing = run(back, cluster)
    assert unexported["TotalJobAds"] == 2
    assert missing.code == 4007
    assert nothing.error_stack
    jobs = observe.queue(pool, f"ClusterId == {cluster}")
    assert not any(job.get("Managed") == "External" for job in jobs.values())
