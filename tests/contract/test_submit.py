"""Submit descriptions into the queue. Somebody else looks at what is there afterwards."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import anyio
import pytest
from harness import observe

from htcondor_async import (
    ClassAd,
    Collector,
    DaemonError,
    DaemonTypes,
    HTCondorValueError,
    JobAction,
    Schedd,
    Submit,
    SubmitContext,
    SubmitError,
    SubmitTypoWarning,
)

TEXT = """
executable = /bin/sleep
arguments = 300 $(Process)
transfer_executable = false
should_transfer_files = no
initialdir = /tmp
hold = true
+Mark = "a $(Process)"
"""


@pytest.fixture
def connected(pool, make_client):
    """`await connected()`: the handle of alice, who proves who she is."""

    async def connect(located=True, **options):
        client = make_client("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED", **options)
        ad = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        return Schedd(ad if located else ad["MyAddress"], client=client)

    return connect


def jobs_of(pool, cluster):
    found = observe.queue(pool, f"ClusterId == {cluster}")
    return [found[name] for name in sorted(found, key=lambda name: int(name.rpartition(".")[2]))]


def marked(pool, mark):
    return observe.queue(pool, f'Mark is "{mark}"')


def test_a_queue_statement(pool, connected, run):
    async def body():
        schedd = await connected()
        return await schedd.submit(Submit(TEXT + "queue 3"))

    result = run(body)
    assert (result.first_proc(), result.num_procs(), int(result)) == (0, 3, result.cluster())
    assert result.clusterad()["Cmd"] == "/bin/sleep"
    jobs = jobs_of(pool, result.cluster())
    assert [job["ProcId"] for job in jobs] == [0, 1, 2]
    assert [job["Mark"] for job in jobs] == ["a 0", "a 1", "a 2"]
    assert [job["Args"] for job in jobs] == ["300 0", "300 1", "300 2"]
    for job in jobs:
        assert job["Owner"] == "alice"
        assert job["JobStatus"] == 5
        assert job["HoldReasonCode"] == 15
        assert job["TotalSubmitProcs"] == 3


@pytest.mark.parametrize("located", [True, False], ids=["ad", "address"])
def test_ads_follow_the_schedds_version(pool, connected, run, located):
    async def body():
        return await (await connected(located)).submit(Submit(TEXT + "queue"))

    (job,) = jobs_of(pool, int(run(body)))
    new = int(pool.version.partition(".")[0]) >= 25
    assert (job["RequestMemory"] == 128) is new


def test_the_configuration_of_the_client_counts(pool, connected, run):
    async def body():
        schedd = await connected(JOB_DEFAULT_REQUESTMEMORY="77", SUBMIT_ATTRS="Site", Site='"here"')
        return await schedd.submit(Submit(TEXT + "queue"))

    (job,) = jobs_of(pool, int(run(body)))
    assert job["RequestMemory"] == 77
    assert job["Site"] == "here"


def test_a_context_of_its_own_counts_more(pool, connected, run):
    async def body():
        schedd = await connected(JOB_DEFAULT_REQUESTMEMORY="77")
        known = {"JOB_DEFAULT_REQUESTMEMORY": "55"}
        return await schedd.submit(Submit(TEXT + "queue", SubmitContext(param=known.get)))

    (job,) = jobs_of(pool, int(run(body)))
    assert job["RequestMemory"] == 55


def test_count_for_a_mapping(pool, connected, run):
    async def body():
        schedd = await connected()
        description = Submit(executable="/bin/true", hold="true", transfer_executable="false", log="")
        ads: list[ClassAd] = []
        return await schedd.submit(description, count=4, ad_results=ads), ads

    result, ads = run(body)
    assert result.num_procs() == len(jobs_of(pool, int(result))) == 4
    assert [(ad["ClusterId"], ad["ProcId"]) for ad in ads] == [(int(result), proc) for proc in range(4)]


ITEMS = "one, 1\ntwo, 2\nthree, 3\n"
WANTED = (
    [("one", "1", step) for step in "01"] + [("two", "2", step) for step in "01"] + [("three", "3", s) for s in "01"]
)


@pytest.mark.parametrize("source", ["inline", "file", "iterator", "dictionaries"])
def test_items(pool, connected, run, tmp_path, source):
    (tmp_path / "items").write_text(ITEMS)
    text = TEXT.replace('"a $(Process)"', '"$(name)/$(number)/$(Step)"')
    queue = {
        "inline": f"queue 2 name,number from (\n{ITEMS})",
        "file": f"queue 2 name,number from {tmp_path}/items",
    }.get(source, "")
    rows = [line.split(", ") for line in ITEMS.splitlines()]
    given = {
        "iterator": iter([dict(zip(("name", "number"), row, strict=True)) for row in rows]),
        "dictionaries": [dict(zip(("name", "number"), row, strict=True)) for row in rows],
    }.get(source)

    async def body():
        return await (await connected()).submit(Submit(text + queue), count=0 if queue else 2, item_data=given)

    result = run(body)
    assert [tuple(job["Mark"].split("/")) for job in jobs_of(pool, int(result))] == WANTED


def test_spooled_jobs_wait_for_their_files(pool, connected, run, tmp_path):
    (tmp_path / "in.txt").write_text("input\n")
    text = f"executable = /bin/cat\ninitialdir = {tmp_path}\ntransfer_input_files = in.txt\noutput = out\nqueue 2"

    async def submitted():
        return await (await connected()).submit(Submit(text), spool=True)

    async def spooled(result):
        await (await connected()).spool(result)

    result = run(submitted)
    assert [(job["JobStatus"], job["HoldReasonCode"]) for job in jobs_of(pool, int(result))] == [(5, 16), (5, 16)]
    run(spooled, result)
    pool.wait_for(
        lambda: all("StageInFinish" in job for job in jobs_of(pool, int(result))), "the files to be there", 20
    )
    for job in jobs_of(pool, int(result)):
        assert "LeaveJobInQueue" in job


def test_late_materialization(pool, connected, run, tmp_path):
    rows = "".join(f"item{number}\n" for number in range(700))
    (tmp_path / "rows").write_text(rows)
    # 25.14.1 does not hold such jobs, so that they would run, one after the other
    text = TEXT.replace("$(Process)", "$(word)") + "requirements = false\nmax_materialize = 3\n"

    async def body():
        return await (await connected()).submit(Submit(text + f"queue word from {tmp_path}/rows"))

    result = run(body)
    assert result.num_procs() == 700
    pool.wait_for(lambda: len(jobs_of(pool, int(result))) >= 3, "the first jobs", 30)
    jobs = jobs_of(pool, int(result))
    assert [job["Mark"] for job in jobs[:3]] == [f"a item{number}" for number in range(3)]
    assert len(jobs) == 3
    if pool.id == "embedded":
        (cluster,) = [ad for ad in clusters_of(pool) if ad["ClusterId"] == int(result)]
    else:
        place = ["-pool", pool.collector, "-name", pool.schedds["open"]]
        (cluster,) = json.loads(pool.tool("condor_q", *place, "-factory", "-json", str(int(result))).stdout)
    assert cluster["TotalSubmitProcs"] == 700
    assert cluster["JobMaterializeLimit"] == 3
    assert cluster["JobMaterializeNextProcId"] == 3
    assert (cluster["JobFactoryId"], cluster["JobFactoryPaused"], cluster["JobsPresent"]) == (int(result), 0, 3)
    run(removed, connected, int(result))


async def removed(connected, cluster):
    await (await connected()).act(JobAction.Remove, f"ClusterId == {cluster}")


def clusters_of(pool):
    """The clusters of the embedded pool, as a query for them shows them."""

    def inside():
        daemon = pool.running.pool.schedd_daemons[pool.schedds["open"]]
        return list(daemon._candidates(ClassAd({"IncludeClusterAd": True, "NoProcAds": True})))

    return pool.running.call(inside)


def test_a_million_jobs_in_seconds(pool, connected, run):
    async def body():
        schedd = await connected()
        started = schedd._client._context().runtime.clock()
        result = await schedd.submit(Submit(TEXT + "requirements = false\nmax_idle = 2\nqueue 1000000"))
        return result, schedd._client._context().runtime.clock() - started

    result, seconds = run(body)
    assert result.num_procs() == 1_000_000
    assert math.isfinite(seconds)
    pool.wait_for(lambda: jobs_of(pool, int(result)), "the first jobs", 30)
    assert jobs_of(pool, int(result))[0]["Mark"] == "a 0"
    run(removed, connected, int(result))


# -- what goes wrong


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("universe = nonsense\nexecutable = /bin/true\nqueue", "nonsense"),
        ("arguments = 1\nqueue", "executable"),
        (TEXT + "request_memory = 1 +\nqueue", "(?i)request_?memory"),
        (TEXT + "queue name from /no/such/file", "/no/such/file"),
    ],
)
def test_descriptions_that_make_no_jobs(pool, connected, run, text, words):
    async def body():
        await (await connected()).submit(Submit(text))

    with pytest.raises(SubmitError, match=words):
        run(body)


def test_no_items_no_jobs(pool, connected, run):
    async def body():
        await (await connected()).submit(Submit(TEXT), item_data=[])

    with pytest.raises(HTCondorValueError, match="no items"):
        run(body)


def test_misspelled_commands_are_warned_of(pool, connected, run):
    async def body():
        return await (await connected()).submit(Submit(TEXT + "reqest_memory = 5\nqueue"))

    with pytest.warns(SubmitTypoWarning, match="request_memory"):
        result = run(body)
    assert len(jobs_of(pool, int(result))) == 1


def test_a_refused_attribute_names_the_reason(pool, connected, run):
    async def body():
        await (await connected()).submit(Submit(TEXT.replace("a $(Process)", "refused") + '+Owner = "carol"\nqueue 2'))

    with pytest.raises(DaemonError, match="carol"):
        run(body)
    assert marked(pool, "refused") == {}


def test_a_mistake_in_a_late_job_submits_nothing(pool, connected, run):
    text = (
        TEXT.replace("a $(Process)", "late")
        + "request_memory = $(value)\nqueue value from (\n"
        + "5\n" * 700
        + "1 +\n)"
    )

    async def body():
        await (await connected()).submit(Submit(text))

    with pytest.raises(SubmitError):
        run(body)
    assert marked(pool, "late") == {}


def test_items_that_raise_submit_nothing(pool, connected, run):
    def items():
        yield from ("a", "b")
        raise LookupError("mine")

    async def body():
        await (await connected()).submit(Submit(TEXT.replace("a $(Process)", "raising")), item_data=items())

    with pytest.raises(LookupError, match="mine"):
        run(body)
    assert marked(pool, "raising") == {}


@pytest.mark.parametrize("spent", [0.02, 0.1, 0.2])
def test_cancellation_leaves_nothing_half_submitted(pool, connected, run, spent):
    blocking = run.flavour == "blocking"  # a call that blocks cannot be cancelled, but runs into its timeout
    mark = f"cut {spent} {run.flavour}"

    async def body():
        schedd = await connected()
        await schedd.submit(Submit(TEXT + "queue"))  # so that the session is there
        description = Submit(TEXT.replace("a $(Process)", mark) + "queue 3000")
        if blocking:
            try:
                await schedd.submit(description, timeout=spent)
            except DaemonError:
                raise
            except Exception as error:
                return type(error).__name__
            return "done"
        with anyio.move_on_after(spent) as scope:
            await schedd.submit(description)
        return "cancelled" if scope.cancelled_caught else "done"

    outcome = run(body)
    found = len(marked(pool, mark))
    # what ends it may strike between the commit and its answer: then all jobs are there, otherwise none
    assert found == 3000 or (found == 0 and outcome != "done")


def test_the_description_may_change_meanwhile(pool, connected, run):
    """What is submitted is the description at the time of the call."""

    async def body():
        schedd = await connected()
        description = Submit(TEXT)

        def items():
            description["+Mark"] = '"changed"'
            yield from "ab"

        return await schedd.submit(description, item_data=items())

    assert {job["Mark"] for job in jobs_of(pool, int(run(body)))} == {"a 0", "a 1"}


@pytest.mark.allow_blocking  # a preview is a plain call, and reads files
def test_the_preview_is_what_is_submitted(pool, connected, run):
    volatile = {"ClusterId", "QDate", "EnteredCurrentStatus", "JobSubmitMethod"}

    async def body():
        schedd = await connected()
        description = Submit(TEXT + "queue 2", schedd._client.submit_context(pool.version))
        ads: list[ClassAd] = []
        await schedd.submit(description, ad_results=ads)
        return description, ads

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        description, sent = run(body)
    for shown, real in zip(description.preview(), sent, strict=True):
        assert {name: str(shown.lookup(name)) for name in shown if name not in volatile} == {
            name: str(real.lookup(name)) for name in real if name not in volatile
        }


def test_nothing_is_left_in_the_temporary_folder(pool, connected, run, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def body():
        await (await connected()).submit(Submit(TEXT + "max_idle = 1\nqueue x from (\na\nb\n)"))

    run(body)
    assert list(Path(tmp_path).iterdir()) == []
