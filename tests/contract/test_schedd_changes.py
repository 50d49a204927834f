"""The job queue, changed: submission of ads, edits, actions, transactions. Somebody else looks at the effects."""

from __future__ import annotations

import pytest
from harness import observe

from htcondor_async import (
    ClassAd,
    Collector,
    DaemonError,
    DaemonTypes,
    ExprTree,
    HTCondorTypeError,
    HTCondorValueError,
    JobAction,
    Schedd,
)
from htcondor_async.submit import Submit, SubmitError

JOB = {"Cmd": "/bin/sleep", "Args": "300", "Iwd": "/tmp", "JobStatus": 5, "HoldReason": "test", "HoldReasonCode": 15}


@pytest.fixture
def connected(pool, make_client):
    """`await connected()`: the handle of alice, who proves who she is."""

    async def connect(identity="alice@testpool"):
        client = make_client(identity, SEC_CLIENT_AUTHENTICATION="REQUIRED")
        return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)

    return connect


def jobs_of(pool, cluster):
    return observe.queue(pool, f"ClusterId == {cluster}")


# -- submission


def test_submit_one_ad(pool, connected, run):
    async def body():
        schedd = await connected()
        return await schedd.submit(ClassAd(JOB), count=3)

    result = run(body)
    assert (result.first_proc(), result.num_procs(), int(result)) == (0, 3, result.cluster())
    assert result.clusterad()["Cmd"] == "/bin/sleep"
    jobs = jobs_of(pool, result.cluster())
    assert sorted(jobs) == [f"{result.cluster()}.{proc}" for proc in range(3)]
    for job in jobs.values():
        assert job["Owner"] == "alice"
        assert job["JobStatus"] == 5
        assert job["Args"] == "300"
        assert job["ShouldTransferFiles"] == "YES"
        assert "TARGET.OPSYS ==" in job["Requirements"]
        assert "TARGET.HasFileTransfer" in job["Requirements"]
        assert job["TotalSubmitProcs"] == 3


def test_submit_many_keeps_what_each_has(pool, connected, run):
    async def body():
        schedd = await connected()
        results: list[ClassAd] = []
        procs = (({"Args": str(number), "Mark": f'a "quoted" {number} é'}, 1) for number in range(40))
        return await schedd.submit_many(JOB | {"Shared": ExprTree("1 + ProcId")}, procs, ad_results=results), results

    result, ads = run(body)
    jobs = jobs_of(pool, result.cluster())
    assert len(jobs) == len(ads) == result.num_procs() == 40
    for number in range(40):
        job = jobs[f"{result.cluster()}.{number}"]
        assert job["Args"] == str(number)
        assert job["Mark"] == f'a "quoted" {number} é'
        assert "1 + ProcId" in job["Shared"]
        assert ads[number]["ProcId"] == number
        assert ads[number]["ClusterId"] == result.cluster()


def test_submit_counts_in_proc_ads(pool, connected, run):
    async def body():
        schedd = await connected()
        return await schedd.submit_many(JOB, [({"Args": "a"}, 2), ({}, 0), ({"Args": "b"}, 3)])

    result = run(body)
    assert [job["Args"] for _, job in sorted(jobs_of(pool, result.cluster()).items())] == ["a", "a", "b", "b", "b"]


def test_requirements_of_a_job_are_completed(pool, connected, run):
    async def body():
        schedd = await connected()
        own = {"Requirements": ExprTree('TARGET.Arch == "X86_64" || TARGET.Foo'), "RequestGPUs": 1}
        return await schedd.submit_many(JOB | {"ShouldTransferFiles": "NO"}, [(own, 1)])

    result = run(body)
    (job,) = jobs_of(pool, result.cluster()).values()
    assert "TARGET.ARCH" not in job["Requirements"]
    assert "FileSystemDomain" in job["Requirements"]
    assert "RequestGPUs" in job["Requirements"]
    assert "|| TARGET.Foo) &&" in job["Requirements"]


@pytest.mark.parametrize(
    ("ad", "error"),
    [
        ([("Cmd", "x")], HTCondorTypeError),
        ({"a b": 1}, (HTCondorTypeError, HTCondorValueError)),
        ({"Cmd": object()}, HTCondorTypeError),
        ({"Cmd": "two\nlines", "Args": ""}, HTCondorValueError),
    ],
)
def test_ads_that_are_none(pool, connected, run, ad, error):
    async def body():
        return await (await connected()).submit(ad)

    with pytest.raises(error):
        run(body)


def test_what_the_iterator_raises_submits_nothing(pool, connected, run):
    seen = []

    async def body():
        def procs():
            for number in range(1000):
                if number == 700:
                    raise LookupError("mine")
                seen.append(number)
                yield {"Trial": 4711}, 1

        await (await connected()).submit_many(JOB, procs())

    with pytest.raises(LookupError, match="mine"):
        run(body)
    assert len(seen) == 700
    assert observe.queue(pool, "Trial == 4711") == {}


def test_somebody_elses_name_is_refused(pool, connected, run):
    async def body():
        await (await connected()).submit(JOB | {"Owner": "carol", "Trial": 4712})

    with pytest.raises(DaemonError, match="carol"):
        run(body)
    assert observe.queue(pool, "Trial == 4712") == {}


# -- edits


def test_edit_by_ids_and_by_constraint(pool, connected, run):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB, count=4))
        by_ids = await schedd.edit([f"{cluster}.0", (cluster, 1)], "Mark", '"ids"')
        by_constraint = await schedd.edit(f"ClusterId == {cluster} && ProcId >= 2", "Mark", ExprTree("ProcId * 2"))
        both = await schedd.edit(f"{cluster}.3", {"Other": 5, "JobPrio": 7})
        removed = await schedd.edit([f"{cluster}.3"], {"Other": None})
        return cluster, [int(result) for result in (by_ids, by_constraint, both, removed)]

    cluster, counts = run(body)
    assert counts == [2, 2, 1, 1]
    jobs = jobs_of(pool, cluster)
    assert [jobs[f"{cluster}.{proc}"]["Mark"] for proc in (0, 1)] == ["ids", "ids"]
    assert "ProcId * 2" in jobs[f"{cluster}.2"]["Mark"]
    assert jobs[f"{cluster}.3"]["JobPrio"] == 7
    assert "Other" not in jobs[f"{cluster}.3"]


def test_many_edits_of_their_own(pool, connected, run):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB, count=150))
        count = await schedd.edit_multiple(([f"{cluster}.{proc}"], {"Mark": proc * 3}) for proc in range(150))
        return cluster, int(count)

    cluster, count = run(body)
    assert count == 150
    assert {job["ProcId"]: job["Mark"] for job in jobs_of(pool, cluster).values()} == {
        proc: proc * 3 for proc in range(150)
    }


@pytest.mark.parametrize("jobs", [1, 100])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("Owner", '"carol"', "Owner|immutable|denied"), ("ProcId", "9", "ProcId|immutable|denied")],
)
def test_refused_edits_change_nothing(pool, connected, run, jobs, name, value, words):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB, count=jobs))
        ids = [f"{cluster}.{proc}" for proc in range(jobs)]
        with pytest.raises(DaemonError, match=words) as caught:
            await schedd.edit(ids, {"Mark": 1, name: value})
        assert caught.value.daemon.startswith("schedd")
        # a refusal must not outlive its transaction
        await schedd.edit(ids[0], "Other", "2")
        return cluster

    cluster = run(body)
    found = jobs_of(pool, cluster)
    assert not any("Mark" in job for job in found.values())
    assert found[f"{cluster}.0"]["Other"] == 2


def test_unknown_and_foreign_jobs(pool, connected, run):
    theirs = pool.submit(1, user="bob")

    async def body():
        schedd = await connected()
        with pytest.raises(DaemonError):
            await schedd.edit("999999.0", "Mark", "1")
        with pytest.raises(DaemonError):
            await schedd.edit(f"{theirs}.0", "Mark", "1")
        with pytest.raises(DaemonError, match="no job"):
            await schedd.edit(f"ClusterId == {theirs}", "Mark", "1")
        for bad in ("1 +", "", '"open'):
            with pytest.raises(HTCondorValueError):
                await schedd.edit("1.0", "Mark", bad)
        with pytest.raises(HTCondorValueError):
            await schedd.edit("1.0", "a b", "1")
        with pytest.raises(HTCondorValueError):
            await schedd.edit(["x.0"], "Mark", "1")

    run(body)
    (job,) = jobs_of(pool, theirs).values()
    assert "Mark" not in job


# -- transactions


def test_transaction_commits_at_its_end(pool, connected, run):
    async def body():
        schedd = await connected()
        async with schedd.transaction() as txn:
            cluster = await txn.new_cluster()
            shared = {"ClusterId": cluster, "Cmd": '"/bin/true"', "Iwd": '"/tmp"', "JobUniverse": 5}
            await txn.set_attributes(cluster, -1, shared)
            for number in range(3):
                proc = await txn.new_proc(cluster)
                assert proc == number
                await txn.set_attributes(cluster, proc, {"ProcId": proc, "JobStatus": 5, "Mark": f'"{proc}"'})
            assert await txn.get_attribute(cluster, 1, "Mark") == '"1"'
            await txn.delete_attribute(cluster, 1, "Mark")
        return cluster

    cluster = run(body)
    assert [job.get("Mark") for _, job in sorted(jobs_of(pool, cluster).items())] == ["0", None, "2"]


def test_transaction_that_is_left_by_an_error_leaves_nothing(pool, connected, run):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB))
        with pytest.raises(LookupError):
            async with schedd.transaction() as txn:
                await txn.set_attribute(cluster, 0, "Mark", "1")
                assert await txn.set_attribute_by_constraint(f"ClusterId == {cluster}", "Other", "1") == 1
                raise LookupError("mine")
        return cluster

    (job,) = jobs_of(pool, run(body)).values()
    assert "Mark" not in job
    assert "Other" not in job


# -- actions


def test_actions_and_their_counts(pool, connected, run):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB | {"Requirements": False}, count=4))
        ids = [f"{cluster}.{proc}" for proc in range(4)]
        done = {}
        done["release"] = await schedd.act(JobAction.Release, ids[:2], "for now")
        done["again"] = await schedd.act(JobAction.Release, ids[:2])
        done["hold"] = await schedd.act(JobAction.Hold, ids[0], ("because", 7))
        done["remove"] = await schedd.act(JobAction.Remove, f"ClusterId == {cluster} && ProcId == 3", "gone")
        done["unknown"] = await schedd.act(JobAction.Remove, [f"{cluster}.99"])
        done["none"] = await schedd.act(JobAction.Hold, "false")
        return cluster, done

    cluster, done = run(body)
    assert done["release"]["TotalSuccess"] == 2
    assert done["release"]["TotalChangedAds"] == 1
    assert done["again"]["TotalBadStatus"] == 2
    assert done["again"]["TotalChangedAds"] == 0
    assert done["hold"]["TotalSuccess"] == 1
    assert done["remove"]["TotalSuccess"] == 1
    assert done["unknown"]["TotalNotFound"] == 1
    assert sum(done["none"][name] for name in done["none"] if name != "TotalJobAds") == 0
    jobs = jobs_of(pool, cluster)
    assert sorted(jobs) == [f"{cluster}.{proc}" for proc in range(3)]
    assert jobs[f"{cluster}.0"]["HoldReason"].startswith("because")
    assert jobs[f"{cluster}.0"]["HoldReasonSubCode"] == 7
    assert jobs[f"{cluster}.1"]["JobStatus"] == 1
    pool.wait_for(lambda: observe.history(pool, f"ClusterId == {cluster}"), "the removed job in the history", 20)
    (gone,) = observe.history(pool, f"ClusterId == {cluster}").values()
    assert gone["ProcId"] == 3
    assert gone["JobStatus"] == 3
    assert gone["RemoveReason"].startswith("gone")


def test_foreign_jobs_are_not_acted_upon(pool, connected, run):
    theirs = pool.submit(2, user="bob")

    async def body():
        return await (await connected()).act(JobAction.Remove, [f"{theirs}.0", f"{theirs}.1"])

    assert run(body)["TotalPermissionDenied"] == 2
    assert len(jobs_of(pool, theirs)) == 2


def test_history_of_removed_jobs(pool, connected, run):
    async def body():
        schedd = await connected()
        cluster = int(await schedd.submit(JOB, count=5))
        await schedd.act(JobAction.Remove, f"ClusterId == {cluster}")
        runtime = schedd._client._context().runtime
        for _ in range(100):
            ads = [ad async for ad in schedd.history(f"ClusterId == {cluster}", ["ProcId", "JobStatus"])]
            if len(ads) == 5:
                break
            await runtime.sleep(0.1)
        first = [ad["ProcId"] async for ad in schedd.history(f"ClusterId == {cluster}", match=2)]
        backwards = [ad["ProcId"] for ad in ads]
        forwards = [ad["ProcId"] async for ad in schedd.history(f"ClusterId == {cluster}", ["ProcId"], forwards=True)]
        since = [
            ad["ProcId"]
            async for ad in schedd.history(f"ClusterId == {cluster}", ["ProcId"], since=f"{cluster}.{backwards[3]}")
        ]
        nothing = [ad async for ad in schedd.history("false")]
        await schedd.reschedule()
        return ads, first, backwards, forwards, since, nothing

    ads, first, backwards, forwards, since, nothing = run(body)
    assert all(set(ad) == {"ProcId", "JobStatus"} and ad["JobStatus"] == 3 for ad in ads)
    assert sorted(backwards) == [0, 1, 2, 3, 4]
    assert forwards == backwards[::-1]
    assert first == backwards[:2]
    assert since == backwards[:3]
    assert nothing == []


# -- descriptions


def test_description_with_items(pool, connected, run):
    async def body():
        schedd = await connected()
        text = "executable = /bin/sleep\narguments = $(x) $(Cluster).$(Process)\nhold = true\nqueue 2 x in (a, b, c)\n"
        ads: list[ClassAd] = []
        result = await schedd.submit(Submit(text), ad_results=ads)
        other = await schedd.submit(Submit(text), count=1, item_data=[{"x": "own"}])
        with pytest.raises(HTCondorValueError):
            await schedd.submit(JOB, item_data=["a"])
        with pytest.raises(SubmitError):
            await schedd.submit(Submit(executable="/bin/sleep", universe="nonsense"))
        return result, ads, other

    result, ads, other = run(body)
    wanted = [f"{item} {result.cluster()}.{proc}" for proc, item in enumerate("aabbcc")]
    assert [job["Args"] for _, job in sorted(jobs_of(pool, result.cluster()).items())] == wanted
    assert [ad["Args"] for ad in ads] == wanted
    assert result.num_procs() == 6
    assert [job["Args"] for job in jobs_of(pool, other.cluster()).values()] == [f"own {other.cluster()}.0"]


def test_jobs_that_the_schedd_makes_itself(pool, connected, run):
    async def body():
        text = "executable = /bin/sleep\narguments = $(x) $(y)\nrequirements = false\nmax_materialize = 2\n"
        text += "queue x, y from (\n"
        rows = "".join(f"row{number} é{number}\n" for number in range(50))
        return await (await connected()).submit(Submit(text + rows + ")\n"))

    result = run(body)
    assert result.num_procs() == 50
    pool.wait_for(lambda: len(jobs_of(pool, result.cluster())) == 2, "the jobs to be made", 30)
    jobs = jobs_of(pool, result.cluster())
    assert sorted(job["Args"] for job in jobs.values()) == sorted(f"row{number} é{number}" for number in range(2))
