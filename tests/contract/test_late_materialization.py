"""Jobs that the schedd makes itself, out of a digest and rows of items, as others leave."""

from __future__ import annotations

import json

import pytest
from harness import observe
from harness.embedded import EmbeddedContractPool

from htcondor_async import Collector, DaemonError, DaemonTypes, JobAction, Schedd, Submit

IDLE = """
executable = /bin/sleep
arguments = 300 $(word)
environment = "WORD=$(word)"
transfer_executable = false
should_transfer_files = no
initialdir = /tmp
requirements = false
request_memory = 77
+Mark = "$(word)/$(Process)/$(Step)"
"""


@pytest.fixture
def schedd(pool, make_client):
    """`await schedd()`: the handle of alice, who proves who she is."""

    async def connect():
        client = make_client("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
        return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)

    return connect


@pytest.fixture
def submit(pool, schedd, run):
    """`submit(text, ...)` returns the cluster's number; its jobs are removed in the end."""
    made = []

    def call(text, **options):
        async def body():
            return await (await schedd()).submit(Submit(text), **options)

        result = run(body)
        made.append(int(result))
        return int(result)

    yield call

    async def remove():
        for cluster in made:
            await (await schedd()).act(JobAction.Remove, f"ClusterId == {cluster}")

    run(remove)
    for cluster in made:
        pool.wait_for(lambda: not jobs_of(pool, cluster), f"the jobs of {cluster} to go", 30)  # noqa: B023


def jobs_of(pool, cluster):
    """The jobs in the queue by number."""
    return {ad["ProcId"]: ad for ad in observe.queue(pool, f"ClusterId == {cluster}").values()}


def wait_for_jobs(pool, cluster, numbers):
    """Wait until the cluster has exactly these jobs."""
    pool.wait_for(lambda: list(jobs_of(pool, cluster)) and sorted(jobs_of(pool, cluster)) == numbers, f"{numbers}", 40)
    return jobs_of(pool, cluster)


def do(run, schedd, method, *arguments):
    async def body():
        return await getattr(await schedd(), method)(*arguments)

    return run(body)


def set_shared(run, schedd, cluster, **attributes):
    """Change the ad of a cluster."""

    async def body():
        async with (await schedd()).transaction() as txn:
            for name, value in attributes.items():
                await txn.set_attribute(cluster, -1, name, value)

    run(body)


def test_more_jobs_come_as_jobs_leave(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 3\nqueue 2 word in (a b c)")
    jobs = wait_for_jobs(pool, cluster, [0, 1, 2])
    assert [job["Mark"] for job in jobs.values()] == ["a/0/0", "a/1/1", "b/2/0"]
    assert [job["Args"] for job in jobs.values()] == ["300 a", "300 a", "300 b"]
    for number, job in jobs.items():
        assert (job["JobStatus"], job["RequestMemory"], job["Cmd"]) == (1, 77, "/bin/sleep")
        assert (job["Owner"], job["TotalSubmitProcs"], job["JobMaterializeLimit"]) == ("alice", 6, 3)
        assert job["GlobalJobId"].startswith(f"{pool.schedds['open']}#{cluster}.{number}#")
        assert pool.id == "real-23.9" or job["JobMaterializeDate"] > 0  # which came later
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.1", f"{cluster}.2"])
    jobs = wait_for_jobs(pool, cluster, [0, 3, 4])
    assert [job["Environment"] for job in jobs.values()] == ["WORD=a", "WORD=b", "WORD=c"]
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.{number}" for number in (0, 3, 4)])
    assert [job["Mark"] for job in wait_for_jobs(pool, cluster, [5]).values()] == ["c/5/1"]
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.5"])
    pool.wait_for(lambda: not jobs_of(pool, cluster), "the last job to go", 30)


def test_jobs_that_do_not_run_count_against_max_idle(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_idle = 2\nqueue 50")
    wait_for_jobs(pool, cluster, [0, 1])
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.0"])
    wait_for_jobs(pool, cluster, [1, 2])
    set_shared(run, schedd, cluster, JobMaterializeMaxIdle=4)
    wait_for_jobs(pool, cluster, [1, 2, 3, 4])


def test_the_limit_can_be_changed(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 1\nqueue 3")
    wait_for_jobs(pool, cluster, [0])
    set_shared(run, schedd, cluster, JobMaterializeLimit=2)
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.0"])  # it is looked at when a job leaves
    wait_for_jobs(pool, cluster, [1, 2])


def test_a_paused_factory_makes_nothing(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 1\nqueue 9")
    wait_for_jobs(pool, cluster, [0])
    held = do(run, schedd, "act", JobAction.Hold, [str(cluster)], "a pause")  # a bare cluster is its factory
    assert held["TotalSuccess"] == 1
    set_shared(run, schedd, cluster, JobMaterializeLimit=3)
    other = submit(IDLE + "max_materialize = 1\nqueue 3")
    wait_for_jobs(pool, other, [0])  # the schedd has been at work meanwhile
    job = wait_for_jobs(pool, cluster, [0])[0]
    assert (job["JobMaterializePaused"], job["JobMaterializePauseReason"].split(" (")[0]) == (1, "a pause")
    do(run, schedd, "act", JobAction.Release, [str(cluster)])
    assert wait_for_jobs(pool, cluster, [0, 1, 2])[1]["JobMaterializePaused"] == 0


def test_what_the_digest_lacks_comes_from_the_cluster(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 1\nqueue word in (a b)")
    wait_for_jobs(pool, cluster, [0])
    set_shared(run, schedd, cluster, Args='"edited"', JobPrio=7)
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.0"])
    job = wait_for_jobs(pool, cluster, [1])[1]
    assert (job["Args"], job["JobPrio"], job["Mark"]) == ("300 b", 7, "b/1/0")


def test_jobs_submitted_on_hold(pool, schedd, submit):
    cluster = submit(IDLE + "hold = true\nmax_materialize = 2\nqueue word in (a b)")
    jobs = wait_for_jobs(pool, cluster, [0, 1])
    assert [job["HoldReasonCode"] for job in jobs.values()] == [15, 15]
    # 25.14.1 forgets the hold, for its own condor_submit too
    assert [job["JobStatus"] for job in jobs.values()] == [1 if pool.id == "real-25" else 5] * 2


def test_removing_by_constraint_ends_the_factory(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 2\nqueue 9")
    wait_for_jobs(pool, cluster, [0, 1])
    removed = do(run, schedd, "act", JobAction.Remove, f"ClusterId == {cluster}")
    assert removed["TotalSuccess"] == 3  # two jobs and the factory
    pool.wait_for(lambda: not jobs_of(pool, cluster), "the jobs to go", 30)
    again = submit(IDLE + "max_materialize = 1\nqueue 2")
    wait_for_jobs(pool, again, [0])
    assert jobs_of(pool, cluster) == {}


def test_a_job_that_cannot_be_made_pauses_the_factory(pool, schedd, submit, run):
    cluster = submit(IDLE + "max_materialize = 1\npriority = $(number)\nqueue number from (\n1\n2\nx\n3\n)")
    wait_for_jobs(pool, cluster, [0])
    set_shared(run, schedd, cluster, JobMaterializeLimit=3)
    do(run, schedd, "act", JobAction.Remove, [f"{cluster}.0"])
    # job 1 could be made, but would be so in one transaction with job 2
    factory = {}

    def paused():
        factory.update(cluster_of(pool, cluster))
        return factory.get("JobMaterializePaused") == 1

    pool.wait_for(paused, "the pause", 30)
    assert f"{cluster}.2" in factory["JobMaterializePauseReason"]
    assert "priority" in factory["JobMaterializePauseReason"]
    assert jobs_of(pool, cluster) == {}


def cluster_of(pool, cluster):
    """The ad of a factory's cluster."""
    if isinstance(pool, EmbeddedContractPool):

        def inside():
            return dict(pool.running.pool.schedd_daemons[pool.schedds["open"]].queue.clusters[cluster])

        return pool.running.call(inside)
    place = ["-pool", pool.collector, "-name", pool.schedds["open"]]
    (found,) = json.loads(pool.tool("condor_q", *place, "-factory", "-json", str(cluster)).stdout)
    return found


def test_somebody_elses_factory(pool, schedd, submit, make_client, run):
    cluster = submit(IDLE + "max_materialize = 1\nqueue 9")

    async def body():
        client = make_client("bob@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
        ad = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        async with Schedd(ad, client=client).transaction() as txn:
            await txn.set_attribute(cluster, -1, "JobMaterializeLimit", 5)

    with pytest.raises(DaemonError):
        run(body)
    wait_for_jobs(pool, cluster, [0])


ROWS = [10_000, pytest.param(1_000_000, marks=pytest.mark.full)]


@pytest.mark.parametrize("count", ROWS)
def test_many_rows(pool, submit, count):
    items = ({"word": f"w{number}"} for number in range(count))
    cluster = submit(IDLE + "max_materialize = 2\n", item_data=items)
    jobs = wait_for_jobs(pool, cluster, [0, 1])
    assert [job["Mark"] for job in jobs.values()] == ["w0/0/0", "w1/1/0"]
    assert jobs[0]["TotalSubmitProcs"] == count
