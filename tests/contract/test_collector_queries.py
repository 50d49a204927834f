"""The collector: queries of every kind of ad, location of daemons, lists of collectors."""

from __future__ import annotations

import pytest

from htcondor_async import (
    AdTypes,
    ClassAd,
    Collector,
    ConnectError,
    ConnectionClosedError,
    DaemonTypes,
    HTCondorEnumError,
    HTCondorLocateError,
    HTCondorValueError,
    LimitExceededError,
)

LOCATION = {"MyAddress", "CondorVersion", "Name", "Machine"}


def test_every_kind_of_ad_can_be_asked_for(pool, client, run):
    async def body():
        collector = Collector(client=client)
        return {kind: await collector.query(kind, timeout=30) for kind in AdTypes if kind is not AdTypes.None_}

    found = run(body)
    assert {ad["Name"] for ad in found[AdTypes.Schedd]} == set(pool.schedds.values())
    assert all(ad["MyType"] == "Scheduler" for ad in found[AdTypes.Schedd])
    assert [ad["MyType"] for ad in found[AdTypes.Collector]] == ["Collector"]
    assert len(found[AdTypes.Any]) >= len(found[AdTypes.Schedd]) + 1


def test_no_ads_of_no_kind(pool, client, run):
    async def body():
        await Collector(client=client).query(AdTypes.None_)

    with pytest.raises(HTCondorEnumError, match="None_"):
        run(body)


def test_constraint_and_projection(pool, client, run):
    name = pool.schedds["tokens"]

    async def body():
        collector = Collector(client=client)
        return await collector.query(AdTypes.Schedd, f'Name == "{name}"', ["Name", "MyAddress"])

    (ad,) = run(body)
    assert set(ad) == {"Name", "MyAddress"}
    assert ad["name"] == name


def test_constraints_that_match_nothing(pool, client, run):
    async def body():
        collector = Collector(client=client)
        return [await collector.query(AdTypes.Schedd, text) for text in ('"text"', "undefined", "false", "0", "1/0")]

    assert run(body) == [[], [], [], [], []]


def test_constraint_that_is_a_number_matches(pool, client, run):
    async def body():
        return await Collector(client=client).query(AdTypes.Schedd, "17", ["Name"])

    assert len(run(body)) == len(pool.schedds)


def test_limit_is_exact(pool, client, run):
    async def body():
        collector = Collector(client=client)
        return [len(await collector.query(AdTypes.Schedd, limit=limit)) for limit in (0, 1, 3, -1, None)]

    everything = len(pool.schedds)
    assert run(body) == [0, 1, 3, everything, everything]


def test_stream_of_ads(pool, client, run):
    async def body():
        async with Collector(client=client).stream(AdTypes.Schedd, projection=["Name"]) as stream:
            names = [ad["Name"] async for ad in stream]
            assert stream.done
        async with Collector(client=client).stream(AdTypes.Schedd) as stream:
            first = await stream.__anext__()
        return names, first

    names, first = run(body)
    assert sorted(names) == sorted(pool.schedds.values())
    assert isinstance(first, ClassAd)


def test_locate_by_name_in_any_case(pool, client, run):
    async def body():
        collector = Collector(pool.collector, client=client)
        return await collector.locate(DaemonTypes.Schedd, pool.schedds["open"].upper())

    ad = run(body)
    assert ad["Name"] == pool.schedds["open"]
    assert set(ad) >= LOCATION
    assert ad["MyAddress"].startswith("<127.0.0.1:")


def test_locate_without_a_name_takes_the_first(pool, client, run):
    async def body():
        return await Collector(pool.collector, client=client).locate(DaemonTypes.Schedd)

    assert run(body)["Name"] in pool.schedds.values()


def test_locate_the_collector_itself(pool, client, run):
    async def body():
        explicit = await Collector(pool.collector, client=client).locate(DaemonTypes.Collector)
        configured = await Collector(client=client).locate(DaemonTypes.Collector)
        return explicit, configured

    explicit, configured = run(body)
    assert explicit["MyType"] == "Collector"
    assert f":{pool.port}" in configured["MyAddress"]


def test_locate_all(pool, client, run):
    async def body():
        collector = Collector(client=client)
        return await collector.locate_all(DaemonTypes.Schedd), await collector.locate_all(DaemonTypes.HAD)

    schedds, none = run(body)
    assert {ad["Name"] for ad in schedds} == set(pool.schedds.values())
    assert none == []


def test_locate_what_is_not_there(pool, client, run):
    async def body():
        await Collector(client=client).locate(DaemonTypes.Schedd, "nosuch@nowhere")

    with pytest.raises(HTCondorLocateError) as caught:
        run(body)
    assert "nosuch@nowhere" in str(caught.value)
    assert str(pool.port) in caught.value.address


def test_locate_a_kind_that_cannot_be_located(pool, client, run):
    async def body():
        await Collector(client=client).locate(DaemonTypes.Any, "x")

    with pytest.raises(HTCondorEnumError):
        run(body)


def test_direct_query_of_a_schedd(pool, client, run):
    async def body():
        collector = Collector(client=client)
        return await collector.direct_query(DaemonTypes.Schedd, pool.schedds["open"], ["Name"], "SCHEDD:2")

    assert run(body)["Name"] == pool.schedds["open"]


def test_list_of_collectors_with_a_dead_one_in_front(pool, client, run, closed_port):
    async def body():
        collector = Collector([f"127.0.0.1:{closed_port}", pool.collector], client=client)
        return await collector.query(AdTypes.Schedd, projection=["Name"])

    assert len(run(body)) == len(pool.schedds)


def test_list_of_dead_collectors_names_them_all(pool, client, run, closed_port):
    async def body():
        await Collector(f"127.0.0.1:{closed_port}, 127.0.0.2:{closed_port}", client=client).query()

    with pytest.raises(ConnectError) as caught:
        run(body)
    assert f"127.0.0.1:{closed_port}" in str(caught.value)
    assert f"127.0.0.2:{closed_port}" in str(caught.value)


def test_no_collector_configured(make_client, run):
    async def body():
        await Collector(client=make_client(COLLECTOR_HOST="", CONDOR_HOST="")).query()

    with pytest.raises(HTCondorLocateError, match="COLLECTOR_HOST"):
        run(body)


@pytest.mark.parametrize("projection", [["a b"], [""], ["a,b"], ['x"y']])
def test_projection_of_what_is_no_name(pool, client, run, projection):
    async def body():
        await Collector(client=client).query(AdTypes.Schedd, projection=projection)

    with pytest.raises(HTCondorValueError, match="not an attribute name"):
        run(body)


def test_a_limit_on_ads_ends_the_stream(pool, make_client, run):
    from htcondor_async import Client
    from htcondor_async._cedar.limits import Limits

    async def body():
        client = Client(pool.settings(), limits=Limits(max_ad_attributes=2), runtime=run.runtime)
        await Collector(client=client).query(AdTypes.Schedd)

    with pytest.raises(LimitExceededError) as caught:
        run(body)
    assert caught.value.limit == "max_ad_attributes"


def test_a_query_for_private_ads_needs_rights_or_is_answered(pool, client, run):
    async def body():
        try:
            return await Collector(client=client).query(AdTypes.StartdPrivate)
        except ConnectionClosedError as error:
            return error

    assert isinstance(run(body), list)  # NEGOTIATOR is open to all in these pools
