"""Histories beside that of the queue: of a startd and of single runs, and both forms of an answer."""

from __future__ import annotations

import pytest
from harness import observe
from harness.embedded import EmbeddedContractPool

from htcondor_async import (
    ClassAd,
    Client,
    Collector,
    DaemonError,
    DaemonTimeoutError,
    DaemonTypes,
    HTCondorValueError,
    Schedd,
    Startd,
)
from htcondor_async._cedar.commands import Command
from htcondor_async._core import pace
from htcondor_async._core.history import open_history
from htcondor_async._dialogues.history import HistoryQuery
from htcondor_async.testing import embedded_pool
from htcondor_async.testing._history import serve_history
from htcondor_async.testing._server import Handler

_ran: dict[str, int] = {}


def run_jobs(pool, count=3):
    """Let jobs run to their end, once for each real pool; return their cluster."""
    if isinstance(pool, EmbeddedContractPool):
        return _pretend(pool, count)
    if pool.id not in _ran or not observe.history(pool, f"ClusterId == {_ran[pool.id]}"):
        pool.remove_idle_jobs()
        cluster = pool.submit(count, hold=False, executable="/bin/true", arguments="")
        wanted = f"ClusterId == {cluster}"
        pool.wait_for(lambda: len(observe.history(pool, wanted)) == count, "the jobs to end", 90)
        _ran[pool.id] = cluster
    return _ran[pool.id]


def _pretend(pool, count):
    """Put into the histories of the embedded pool, which runs no jobs, what is there after some."""
    cluster = 77

    def inside():
        here = pool.running.pool
        queue = here.schedd_daemons[pool.schedds["open"]].queue
        for proc in range(count):
            ad = {"ClusterId": cluster, "ProcId": proc, "Owner": "alice", "JobStatus": 4, "ExitCode": 0}
            here.startd_daemon.history.append(ClassAd({**ad, "CompletionDate": 1_700_000_000 + proc}))
            queue.history.append(ClassAd(ad))
            queue.epochs.append(ClassAd({**ad, "EpochAdType": "EPOCH", "RunInstanceID": 0, "NumShadowStarts": 1}))
        here.startd_daemon.history.append(ClassAd({"ClusterId": 99, "ProcId": 0, "Owner": "bob"}))

    pool.running.call(inside)
    return cluster


async def the_startd(pool, client):
    return Startd(await Collector(pool.collector, client=client).locate(DaemonTypes.Startd), client=client)


async def the_schedd(pool, client):
    ad = await Collector(pool.collector, client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
    return Schedd(ad, client=client)


# -- the startd's


def test_jobs_that_ran_on_a_machine(pool, client, run):
    cluster = run_jobs(pool)
    mine = f"ClusterId == {cluster}"

    async def body():
        startd = await the_startd(pool, client)
        runtime = client._context().runtime
        for _ in range(100):
            whole = await startd.history(mine).collect()
            if len(whole) == 3:
                break
            await runtime.sleep(0.1)
        some = [ad async for ad in startd.history(mine, ["ProcId", "ExitCode", "NoSuch"])]
        first = await startd.history(mine, ["ProcId"], match=1).collect()
        stop = f"{cluster}.{whole[2]['ProcId']}"
        since = await startd.history(mine, ["ProcId"], since=stop).collect()
        since_cluster = await startd.history(mine, since=cluster).collect()
        since_expression = await startd.history(mine, ["ProcId"], since=f"ProcId == {whole[1]['ProcId']}").collect()
        nothing = await startd.history("ClusterId == -1").collect()
        return whole, some, first, since, since_cluster, since_expression, nothing

    whole, some, first, since, since_cluster, since_expression, nothing = run(body)
    order = [ad["ProcId"] for ad in whole]
    assert sorted(order) == [0, 1, 2]
    assert all(ad["Owner"] == "alice" and ad["JobStatus"] == 4 for ad in whole)
    dates = [ad["CompletionDate"] for ad in whole]
    assert dates == sorted(dates, reverse=True)  # newest first
    assert [dict(ad) for ad in some] == [{"ProcId": number, "ExitCode": 0} for number in order]
    assert [ad["ProcId"] for ad in first] == order[:1]
    assert [ad["ProcId"] for ad in since] == order[:2]
    assert since_cluster == nothing == []
    assert [ad["ProcId"] for ad in since_expression] == order[:1]


def test_bad_queries_of_a_startd(pool, client, run):
    async def constraint():
        await (await the_startd(pool, client)).history("Owner ==").collect()

    async def since():
        await (await the_startd(pool, client)).history(since="1 +").collect()

    for body in (constraint, since):
        with pytest.raises(HTCondorValueError, match="does not parse"):
            run(body)


def test_a_history_that_a_startd_does_not_keep(pool, client, run):
    async def body():
        context = client._context()
        target = (await the_startd(pool, client))._target
        query = HistoryQuery(source="NOSUCH")
        source = await open_history(context, target, query, context.deadline(30), 30, of_startd=True)
        return await source.batch()

    with pytest.raises(DaemonError, match="5") as caught:
        run(body)
    assert caught.value.code == 5
    assert "NOSUCH_HISTORY" in str(caught.value)


def test_a_startd_without_a_history_file(run):
    with embedded_pool(config={"STARTD_HISTORY": ""}) as running:
        client = Client({"COLLECTOR_HOST": running.address}, runtime=run.runtime)

        async def body():
            return await Startd(str(running.pool.startd_daemon.address), client=client).history().collect()

        with pytest.raises(DaemonError) as caught:
            run(body)
    assert caught.value.code == 5


# -- runs of jobs


def test_runs_of_jobs(pool, client, run):
    cluster = run_jobs(pool)
    mine = f"ClusterId == {cluster}"

    async def body():
        schedd = await the_schedd(pool, client)
        whole = await schedd.job_epoch_history(mine).collect()
        some = await schedd.job_epoch_history(mine, ["ProcId"], ad_type="EPOCH").collect()
        first = await schedd.job_epoch_history(mine, match=1, ad_type=["EPOCH"]).collect()
        since = await schedd.job_epoch_history(mine, ["ProcId"], since=f"ProcId == {some[1]['ProcId']}").collect()
        return whole, some, first, since

    if pool.id == "real-23.9":  # its configuration has no JOB_EPOCH_HISTORY
        with pytest.raises(DaemonError, match="JOB_EPOCH_HISTORY undefined") as caught:
            run(body)
        assert caught.value.code == 5
        return
    whole, some, first, since = run(body)
    assert sorted({ad["ProcId"] for ad in whole}) == [0, 1, 2]
    assert all(ad["NumShadowStarts"] == 1 for ad in whole if ad.get("EpochAdType", "EPOCH") == "EPOCH")
    assert sorted(ad["ProcId"] for ad in some) == [0, 1, 2]
    assert all(set(ad) == {"ProcId"} for ad in some)
    assert [ad["ProcId"] for ad in first] == [some[0]["ProcId"]]
    assert [ad["ProcId"] for ad in since] == [some[0]["ProcId"]]


# -- the two forms of an answer


@pytest.mark.parametrize("of_startd", [False, True], ids=["schedd", "startd"])
def test_an_answer_in_one_message_or_many(pool, client, run, of_startd):
    cluster = run_jobs(pool)

    async def body(stream):
        context = client._context()
        handle = await (the_startd if of_startd else the_schedd)(pool, client)
        query = HistoryQuery(f"ClusterId == {cluster}", ["ProcId"], source="STARTD" if of_startd else "", stream=stream)
        source = await open_history(context, handle._target, query, context.deadline(30), 30, of_startd=of_startd)
        ads = []
        while batch := await source.batch():
            ads += batch
        return [ad["ProcId"] for ad in ads]

    assert run(body, True) == run(body, False)
    assert sorted(run(body, True)) == [0, 1, 2]


def test_ads_that_are_let_gather(pool, client, run, monkeypatch):
    pauses = []
    monkeypatch.setattr(pace.Pace, "pause", lambda self, now: pauses.append(now) or pace.PAUSE)  # before every read
    cluster = run_jobs(pool)

    async def body():
        schedd = await the_schedd(pool, client)
        return await schedd.history(f"ClusterId == {cluster}", ["ProcId"]).collect()

    assert sorted(ad["ProcId"] for ad in run(body)) == [0, 1, 2]
    assert pauses


def test_a_timeout_while_ads_gather(pool, client, run, monkeypatch):
    run_jobs(pool)
    stream = None

    async def body():
        nonlocal stream
        schedd = await the_schedd(pool, client)
        monkeypatch.setattr(pace.Pace, "pause", lambda self, now: 60.0)
        stream = await schedd.history(timeout=2)
        await stream.collect()

    with pytest.raises(DaemonTimeoutError):
        run(body)
    assert stream.fileno() == -1


class _Heard:
    """A connection of a daemon that may be older than an attribute of queries; keeps the queries."""

    def __init__(self, connection, queries, unknown):
        self._connection, self._queries, self._unknown = connection, queries, unknown

    def __getattr__(self, name):
        return getattr(self._connection, name)

    async def request(self, deadline):
        query = (await self._connection.request(deadline)).ad()
        self._queries.append(ClassAd(query))
        query.pop(self._unknown, None)
        return self._connection.reader(self._connection.writer().ad(query).getvalue())


@pytest.mark.parametrize("knows", [True, False], ids=["streams", "does-not"])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_streamed_results_are_asked_for(run, knows, count):
    queries = []
    with embedded_pool() as running:
        schedd, startd = next(iter(running.pool.schedd_daemons.values())), running.pool.startd_daemon
        records = [ClassAd({"ClusterId": 1, "ProcId": number}) for number in range(count)]
        sources = dict.fromkeys(("", "JOB_EPOCH", "STARTD"), records)

        async def serve(connection):
            heard = _Heard(connection, queries, "" if knows else "StreamResults")
            await serve_history(heard, schedd.config, sources)

        schedd.commands[Command.QUERY_SCHEDD_HISTORY] = startd.commands[Command.GET_HISTORY] = Handler("READ", serve)
        client = Client({"COLLECTOR_HOST": running.address}, runtime=run.runtime)

        async def body():
            jobs, machine = Schedd(schedd.ad(), client=client), Startd(str(startd.address), client=client)
            streams = (jobs.history(), jobs.job_epoch_history(), machine.history())
            return [[ad["ProcId"] for ad in await stream.collect()] for stream in streams]

        assert run(body) == [list(reversed(range(count)))] * 3
    assert [query["StreamResults"] for query in queries] == [True] * 3
