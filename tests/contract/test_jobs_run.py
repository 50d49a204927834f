"""Jobs submitted by descriptions that run to their end on a real pool."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import anyio
import pytest
from harness import observe, pools, roots

from htcondor_async import Client, Collector, DaemonTypes, JobAction, JobChange, Schedd, Submit, watch
from htcondor_async._runtime.blocking import BlockingRuntime, drive


@pytest.fixture(params=["real-25", pytest.param("real-23.9", marks=pytest.mark.full)])
def pool(request, get_real_pool):
    """One real pool in the gate, both in full runs."""
    found = get_real_pool(request.param)
    found.remove_idle_jobs()
    return found


@pytest.fixture
def work(pool):
    """A folder of alice, where her jobs are submitted."""
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=pool.run / "clients"))
    os.chown(folder, roots.USERS["alice"], roots.USERS["alice"])
    folder.chmod(0o777)
    return folder


@pytest.fixture
def schedd(pool):
    """The handle of alice on the open schedd."""
    settings = pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    client = Client(settings, runtime=BlockingRuntime())
    return Schedd(drive(Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])), client=client)


def script(work: Path, name: str, text: str) -> Path:
    """Write a program of alice."""
    path = work / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def submit(schedd, text, **options):
    return drive(schedd.submit(Submit(text, schedd._client.submit_context()), **options))


def ended(pool: pools.Pool, cluster: int, count: int, timeout: float = 90) -> list[dict]:
    """Wait until jobs have left the queue; return their last ads by number."""
    constraint = f"ClusterId == {cluster}"
    pool.wait_for(lambda: len(observe.history(pool, constraint)) == count, f"{count} jobs of {cluster} to end", timeout)
    return sorted(observe.history(pool, constraint).values(), key=lambda job: job["ProcId"])


def test_files_there_and_back(pool, work, schedd):
    script(work, "count.sh", 'wc -l < data.txt > lines.txt\ncat sub/more\necho "$1" "$GREETING"\necho oops >&2\n')
    (work / "data.txt").write_text("1\n2\n3\n")
    (work / "sub").mkdir()
    (work / "sub/more").write_text("more\n")
    result = submit(
        schedd,
        f"""
        executable = count.sh
        initialdir = {work}
        executable = {work}/count.sh
        arguments = "'two words' x"
        environment = "GREETING='good morning'"
        transfer_input_files = data.txt, sub
        should_transfer_files = yes
        output = out.$(Cluster).$(Process)
        error = err
        log = log
        queue
        """,
    )
    (job,) = ended(pool, int(result), 1)
    assert (job["ExitCode"], job["JobStatus"]) == (0, 4)
    assert (work / f"out.{int(result)}.0").read_text() == "more\ntwo words good morning\n"
    assert (work / "err").read_text() == "oops\n"
    assert (work / "lines.txt").read_text().strip() == "3"
    assert "Job terminated" in (work / "log").read_text()


def test_one_job_for_each_line(pool, work, schedd):
    script(work, "echo.sh", 'echo "$1=$2"\n')
    (work / "rows").write_text("a, 1\nb, 2\nc, 3\n")
    text = f"executable = {work}/echo.sh\ninitialdir = {work}\narguments = $(name) $(value)\noutput = $(name).out\n"
    result = submit(schedd, text + f"should_transfer_files = yes\nqueue name, value from {work}/rows")
    assert [job["ExitCode"] for job in ended(pool, int(result), 3)] == [0, 0, 0]
    assert [(work / f"{name}.out").read_text() for name in "abc"] == ["a=1\n", "b=2\n", "c=3\n"]


def test_retries(pool, work, schedd):
    script(work, "fail.sh", f"echo x >> {work}/tries\nexit 3\n")
    result = submit(
        schedd,
        f"executable = {work}/fail.sh\ninitialdir = {work}\nshould_transfer_files = yes\nmax_retries = 2\nqueue",
    )
    (job,) = ended(pool, int(result), 1)
    assert (job["ExitCode"], job["NumJobCompletions"]) == (3, 3)
    assert (work / "tries").read_text() == "x\nx\nx\n"


def test_a_job_that_fails_is_held_with_its_reason(pool, work, schedd):
    script(work, "seven.sh", "exit 7\n")
    result = submit(
        schedd,
        f"""
        executable = {work}/seven.sh
        initialdir = {work}
        should_transfer_files = yes
        on_exit_hold = ExitCode == 7
        on_exit_hold_reason = strcat("it said ", ExitCode)
        on_exit_hold_subcode = 42
        queue
        """,
    )
    key = f"{int(result)}.0"

    def status():
        return observe.queue(pool, f"ClusterId == {int(result)}")[key]

    pool.wait_for(lambda: status()["JobStatus"] == 5, "the job to be held", 60)
    assert status()["HoldReason"] == "it said 7"
    assert (status()["HoldReasonCode"], status()["HoldReasonSubCode"]) == (3, 42)
    drive(schedd.act(JobAction.Remove, key))


def test_jobs_are_followed_by_their_log(pool, work):
    """What becomes of jobs is told by their log: the queue is asked once, before any of it has happened."""
    script(work, "job.sh", "case $1 in 0) exit 3 ;; 1) exit 7 ;; esac\nexec sleep 300\n")
    text = f"""
        executable = {work}/job.sh
        arguments = $(Process)
        initialdir = {work}
        should_transfer_files = yes
        on_exit_hold = ExitCode =?= 7
        on_exit_hold_reason = "it said 7"
        hold = true
        log = log
        queue 3
        """

    async def body():
        client = Client(pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED"))
        schedd = Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)
        result = await schedd.submit(Submit(text, client.submit_context()))
        one, two = (f"{result.cluster()}.{proc}" for proc in (1, 2))
        told = {}
        async with watch(schedd, result, find_logs=True, interval=500, longest=500) as following:
            first = await following.next_events()
            held_first = {f"{result.cluster()}.{proc}": JobChange.HELD for proc in range(3)}
            assert {news.job: news.change for news in first} == held_first
            # What is of the very second in which the queue told of a job counts as known, until the queue is asked
            # again; and the queue is asked, about all of them, whenever a run ends without a word of the reason.
            await anyio.sleep(1.1)
            await schedd.act(JobAction.Release, f"ClusterId == {result.cluster()}")
            while events := await following.next_events(timeout=90):
                await anyio.sleep(1.1)
                for news in events:
                    told.setdefault(news.job, []).append(news)
                    state = (news.job, news.change, len(told[news.job]))
                    if state[:2] == (one, JobChange.HELD):
                        await schedd.act(JobAction.Remove, one, "no more of it")
                    elif state == (two, JobChange.STARTED, 2):
                        await schedd.act(JobAction.Hold, two, "a pause")
                    elif state[:2] == (two, JobChange.HELD):
                        await schedd.act(JobAction.Release, two)
                    elif state[:2] == (two, JobChange.STARTED):
                        await schedd.act(JobAction.Remove, two, "enough")
        return [told[f"{result.cluster()}.{proc}"] for proc in range(3)]

    zero, one, two = anyio.run(body)
    idle, started, held, removed = JobChange.IDLE, JobChange.STARTED, JobChange.HELD, JobChange.REMOVED
    assert [news.change for news in zero] == [idle, started, JobChange.COMPLETED]
    assert zero[-1].exit_code == 3
    assert [news.change for news in one] == [idle, started, held, removed]
    assert one[2].reason == "it said 7"
    assert one[3].reason.startswith("no more of it")
    assert [news.change for news in two] == [idle, started, held, idle, started, removed]
    assert two[2].reason.startswith("a pause")
    assert two[2].ad["HoldReasonCode"] == 1


def test_spooled_job_and_its_output(pool, work, schedd, tmp_path):
    (tmp_path / "in.txt").write_text("spooled\n")
    text = f"executable = /bin/cat\ntransfer_executable = false\narguments = in.txt\ninitialdir = {tmp_path}\n"
    result = submit(schedd, text + "transfer_input_files = in.txt\noutput = out\nqueue", spool=True)
    drive(schedd.spool(result))

    def done():
        return [job for job in observe.queue(pool, f"ClusterId == {int(result)}").values() if job["JobStatus"] == 4]

    pool.wait_for(done, "the job to end", 60)
    drive(schedd.retrieve(f"ClusterId == {int(result)}"))
    assert (tmp_path / "out").read_text() == "spooled\n"


def late(pool, work, schedd, count):
    text = f"executable = /bin/true\ntransfer_executable = false\ninitialdir = {work}\n"
    text += "max_idle = 5\nmax_materialize = 20\n"
    result = submit(schedd, text + f"should_transfer_files = no\nqueue {count}")
    assert result.num_procs() == count
    constraint = f"ClusterId == {int(result)}"
    pool.wait_for(lambda: observe.queue(pool, constraint) or observe.history(pool, constraint), "the first jobs", 60)
    assert len(observe.queue(pool, constraint)) <= 20
    pool.tool("condor_rm", "-pool", pool.collector, "-name", pool.schedds["open"], str(int(result)), user="alice")


def test_late_materialization_of_10_000_jobs(pool, work, schedd):
    late(pool, work, schedd, 10_000)


@pytest.mark.full
def test_late_materialization_of_a_million_jobs(pool, work, schedd):
    late(pool, work, schedd, 1_000_000)


def test_a_dag_of_three_nodes(pool, work, schedd):
    script(work, "node.sh", f'echo "$1" >> {work}/order\n')
    (work / "node.sub").write_text(
        f"executable = {work}/node.sh\narguments = $(NAME)\nlog = {work}/nodes.log\nshould_transfer_files = no\nqueue\n"
    )
    nodes = "".join(f'JOB {name} node.sub\nVARS {name} NAME="{name}"\n' for name in "ABC")
    (work / "run.dag").write_text(f"{nodes}PARENT A CHILD B\nPARENT B CHILD C\n")
    context = schedd._client.submit_context()
    description = Submit.from_dag(f"{work}/run.dag", {"dagman": "/usr/bin/condor_dagman"}, context)
    description["initialdir"] = str(work)
    description["getenv"] = "false"
    # DAGMan runs as the pool's own user, who has no token of alice
    settings = {
        "_CONDOR_DAGMAN_LOG": f"{work}/run.dag.dagman.out",
        "_CONDOR_MAX_DAGMAN_LOG": "0",
        "_CONDOR_DAGMAN_USE_STRICT": "0",  # it warns of logs below /tmp, where the pool of the tests lives
        "CONDOR_CONFIG": f"{pool.run}/condor_config",
        "PATH": "/usr/bin:/bin",
    }
    description["environment"] = '"' + " ".join(f"{name}={value}" for name, value in settings.items()) + '"'
    (job,) = ended(pool, int(drive(schedd.submit(description))), 1, 100)
    said = (work / "run.dag.dagman.out").read_text()[-3000:]
    assert job["ExitCode"] == 0, said
    assert (work / "order").read_text() == "A\nB\nC\n", said
