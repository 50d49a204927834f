"""The job queue, read."""

from __future__ import annotations

import pytest

from htcondor_async import (
    Collector,
    ConcurrencyError,
    DaemonError,
    DaemonTypes,
    ExprTree,
    HTCondorValueError,
    QueryOpts,
    Schedd,
)


@pytest.fixture
def cluster(pool):
    return pool.submit(5, text='+Marker = "contract"\n+Sum = 1 + 2')


def schedd_of(pool, client):
    """The handle on the schedd that requires nothing."""

    async def locate():
        return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)

    return locate()


def test_query_gives_whole_ads(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return await schedd.query(f"ClusterId == {cluster}")

    ads = run(body)
    assert sorted(ad["ProcId"] for ad in ads) == [0, 1, 2, 3, 4]
    for ad in ads:
        assert ad["Marker"] == "contract"
        assert isinstance(ad["Sum"], ExprTree)
        assert ad.eval("Sum") == 3
        assert ad["JobStatus"] == 5
        assert ad["Owner"] == "alice"
        assert type(ad["ServerTime"]) is int
        assert "requestmemory" in ad


def test_projection(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return await schedd.query(f"ClusterId == {cluster}", ["ProcId", "NoSuchAttribute"])

    ads = run(body)
    assert [set(ad) for ad in ads] == [{"ProcId", "ServerTime"}] * 5


def test_xquery_three_ways(pool, client, run, cluster):
    constraint = f"ClusterId == {cluster}"

    async def body():
        schedd = await schedd_of(pool, client)
        async with schedd.xquery(constraint, ["ProcId"]) as stream:
            entered = [ad["ProcId"] async for ad in stream]
            summary = stream.summary
        iterated = [ad["ProcId"] async for ad in schedd.xquery(constraint, ["ProcId"])]
        opened = await schedd.xquery(constraint, ["ProcId"])
        awaited = [ad["ProcId"] for ad in await opened.collect()]
        batched = []
        async with schedd.xquery(constraint, ["ProcId"]) as stream:
            async for batch in stream.batches():
                batched += [ad["ProcId"] for ad in batch]
        return entered, iterated, awaited, batched, summary

    *found, summary = run(body)
    assert [sorted(procs) for procs in found] == [[0, 1, 2, 3, 4]] * 4
    assert summary["Jobs"] == 5
    assert summary["Held"] == 5
    assert "Owner" not in summary


def test_no_server_time_in_a_stream(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return [set(ad) async for ad in schedd.xquery(f"ClusterId == {cluster}", ["ProcId"])]

    assert run(body) == [{"ProcId"}] * 5


def test_limit(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return [len(await schedd.query(f"ClusterId == {cluster}", limit=limit)) for limit in (0, 2, 99, -1)]

    assert run(body) == [0, 2, 5, 5]


def test_callback_filters_and_replaces(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        seen = []

        def keep_even(ad):
            seen.append(ad["ProcId"])
            return ad if ad["ProcId"] % 2 == 0 else None

        async def later(ad):
            return ad["ProcId"]

        kept = await schedd.query(f"ClusterId == {cluster}", ["ProcId"], keep_even)
        return seen, kept, await schedd.query(f"ClusterId == {cluster}", ["ProcId"], later)

    seen, kept, awaited = run(body)
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert sorted(ad["ProcId"] for ad in kept) == [0, 2, 4]
    assert sorted(awaited) == [0, 1, 2, 3, 4]


def test_callback_that_raises_ends_the_query(pool, client, run, cluster):
    async def body():
        def refuse(ad):
            raise LookupError("mine")

        await (await schedd_of(pool, client)).query(f"ClusterId == {cluster}", [], refuse)

    with pytest.raises(LookupError, match="mine"):
        run(body)


def test_summary_only(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return await schedd.query(f"ClusterId == {cluster}", opts=QueryOpts.SummaryOnly)

    (summary,) = run(body)
    assert summary["Jobs"] == 5
    assert summary["AllusersJobs"] >= 5
    assert summary["MyType"] == "Summary"


def test_my_jobs_only(pool, make_client, run):
    pool.submit(2, user="alice")
    theirs = pool.submit(3, user="bob")

    async def body():
        schedd = await schedd_of(pool, make_client("bob@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED"))
        return await schedd.query(projection=["Owner", "ClusterId"], opts=QueryOpts.DefaultMyJobsOnly)

    ads = run(body)
    assert {ad["Owner"] for ad in ads} == {"bob"}
    assert sum(ad["ClusterId"] == theirs for ad in ads) == 3


def test_group_by(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        constraint = f"ClusterId == {cluster}"
        # the constraint holds for the jobs and again for the groups, which have what is projected
        empty = await schedd.query(constraint, ["Owner"], opts=QueryOpts.GroupBy)
        return empty, await schedd.query(constraint, ["Owner", "ClusterId"], opts=QueryOpts.GroupBy)

    empty, (group,) = run(body)
    assert empty == []
    assert group["Owner"] == "alice"
    assert group["JobCount"] == 5
    assert str(cluster) in group["JobIds"]


def test_autoclusters(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        return await schedd.query(opts=QueryOpts.AutoCluster)

    groups = run(body)
    assert all("AutoClusterId" in group for group in groups)


def test_cluster_ads_beside_and_instead_of_jobs(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        constraint = f"ClusterId == {cluster}"
        both = await schedd.query(constraint, ["ProcId"], opts=QueryOpts.IncludeClusterAd)
        alone = await schedd.query(constraint, ["ClusterId", "ProcId"], opts=QueryOpts.ClusterAds)
        return both, alone

    both, alone = run(body)
    assert sum("ProcId" not in ad for ad in both) == 1
    assert len(both) == 6
    assert len(alone) == 1
    assert "ProcId" not in alone[0]


def test_contradicting_options(pool, client, run):
    async def body():
        (await schedd_of(pool, client)).xquery(opts=QueryOpts.AutoCluster | QueryOpts.GroupBy)

    with pytest.raises(HTCondorValueError, match="exclude each other"):
        run(body)


def test_constraint_as_expression_and_bool(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        by_tree = await schedd.query(ExprTree(f"ClusterId =?= {cluster}"), ["ProcId"])
        nothing = await schedd.query(False)
        return len(by_tree), nothing

    assert run(body) == (5, [])


@pytest.mark.parametrize("constraint", ["Foo ==", "((", "a b", '"open', "1 +"])
def test_constraint_that_does_not_parse_goes_nowhere(pool, client, run, constraint):
    async def body():
        (await schedd_of(pool, client)).xquery(constraint)

    with pytest.raises(HTCondorValueError, match="does not parse"):
        run(body)


def test_the_daemons_own_error(pool, client, run):
    from htcondor_async._cedar.commands import Command
    from htcondor_async._core.command import open_command
    from htcondor_async._core.query import _JobAnswer
    from htcondor_async._core.source import AdSource

    async def body():
        schedd = await schedd_of(pool, client)
        context = client._context()
        target = await schedd._where(context, float("inf"))
        channel = await open_command(context, target, Command.QUERY_JOB_ADS, float("inf"))
        await channel.send(channel.writer().ad([("Projection", "5")]).getvalue(), float("inf"))
        source = AdSource(channel, _JobAnswer(channel, False), float("inf"), 30)
        try:
            await source.batch()
        finally:
            source.abort()

    with pytest.raises(DaemonError) as caught:
        run(body)
    assert caught.value.code == 3
    assert caught.value.error_stack
    assert caught.value.daemon.startswith("schedd")


def test_leaving_early_closes_the_socket(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        async with schedd.xquery(f"ClusterId == {cluster}") as stream:
            number = stream.fileno()
            async for _ in stream:
                break
        assert stream.fileno() == -1
        with pytest.raises(ConcurrencyError):
            await stream.__anext__()
        return number

    assert run(body) > 0


def test_nowait_and_done(pool, client, run, cluster):
    async def body():
        schedd = await schedd_of(pool, client)
        stream = await schedd.xquery(f"ClusterId == {cluster}", ["ProcId"], name="mine")
        assert stream.name == "mine"
        assert not stream.done
        found = []
        while not stream.done:
            ads = stream.nowait()
            found += ads
            if not ads:
                await client._context().runtime.sleep(0.01)
        await stream.aclose()
        return found

    assert len(run(body)) == 5


def test_direct_address_as_location(pool, client, run, cluster):
    async def body():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        return await Schedd(location["MyAddress"], client=client).query(f"ClusterId == {cluster}", ["ProcId"])

    assert len(run(body)) == 5


@pytest.mark.parametrize("location", [{}, {"MyAddress": "nonsense <"}, {"MyAddress": 5}, "<127.0.0.1"])
def test_locations_that_are_none(location):
    with pytest.raises(HTCondorValueError):
        Schedd(location)
