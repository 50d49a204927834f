"""Ads sent to collectors and withdrawn."""

from __future__ import annotations

import pytest

from htcondor_async import (
    AdTypes,
    ClassAd,
    Collector,
    ConnectionClosedError,
    ExprTree,
    HTCondorEnumError,
    HTCondorIOError,
    HTCondorLocateError,
    HTCondorTypeError,
    HTCondorValueError,
)


async def kept(collector, kind):
    return {ad["Name"]: ad for ad in await collector.query(AdTypes.Any, f'MyType == "{kind}"')}


@pytest.fixture
def kind(request, run):
    """A type of ads of this test alone: the real pools are shared."""
    return f"Reach{abs(hash(request.node.nodeid)) % 10**9}"


def test_advertise_and_withdraw(pool, client, run, kind):
    shared = {"MyType": kind, "Expr": ExprTree("1 + Other"), "Big": "x" * 3000}
    ads = [ClassAd(shared | {"Name": f"n{i}"}) for i in range(20)]

    async def body():
        collector = Collector(client=client)
        await collector.advertise(ads)
        found = await kept(collector, kind)
        assert sorted(found) == sorted(ad["Name"] for ad in ads)
        assert "Other" in str(found["n3"].lookup("Expr"))
        await collector.advertise([{"MyType": kind, "Name": "n3", "New": True}])
        assert (await kept(collector, kind))["n3"]["New"] is True
        await collector.invalidate(ads[:5])
        assert len(await kept(collector, kind)) == 15
        query = {"MyType": "Query", "TargetType": kind, "Requirements": ExprTree('Name != "n19"')}
        await collector.advertise([query], "invalidate_ads_generic")
        assert list(await kept(collector, kind)) == ["n19"]
        await collector.invalidate(ads)
        assert await kept(collector, kind) == {}

    run(body)


def test_one_handshake_for_all(pool, make_client, run, kind):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")
    before = pool.logs("collector").count("UPDATE_AD_GENERIC")

    async def body():
        await Collector(client=client).advertise([{"MyType": kind, "Name": f"n{i}"} for i in range(50)])

    run(body)
    if pool.id == "embedded":
        assert pool.logs("collector").count("UPDATE_AD_GENERIC") == before + 1
    assert len(client._sessions) == 1


def test_the_identity_is_noted(pool, make_client, run, kind):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def body():
        collector = Collector(client=client)
        await collector.advertise([{"MyType": kind, "Name": "mine"}])
        return (await kept(collector, kind))["mine"]

    assert run(body)["AuthenticatedIdentity"] == "alice@testpool"


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_ad_that_is_rejected_is_noticed(pool, client, run, kind, bad):
    ads = [{"MyType": kind, "Name": f"n{i}"} for i in range(3)]
    del ads[bad]["Name"]

    async def body():
        with pytest.raises(ConnectionClosedError, match="rejected"):
            await Collector(client=client).advertise(ads)

    run(body)


def test_an_acknowledged_update(pool, client, run, kind):
    async def body():
        collector = Collector(client=client)
        ad = {"MyType": "Machine", "Name": f"slot1@{kind}", "MyAddress": "<127.0.0.1:1>", "State": "Owner"}
        await collector.advertise([ad], "UPDATE_STARTD_AD_WITH_ACK", timeout=20)
        found = await collector.query(AdTypes.Slot, f'Name == "slot1@{kind}"')
        assert [ad["State"] for ad in found] == ["Owner"]
        await collector.invalidate([ad], "INVALIDATE_STARTD_ADS")
        assert await collector.query(AdTypes.Slot, f'Name == "slot1@{kind}"') == []

    run(body)


def test_every_collector_of_a_list_gets_them(pool, make_client, run, kind, closed_port):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")
    good, other, dead = pool.collector, f"{pool.collector}?sock=collector_tokens", f"127.0.0.1:{closed_port}"
    ad = {"MyType": kind, "Name": "everywhere"}

    async def body():
        await Collector([good, other], client=client).advertise([ad])
        assert list(await kept(Collector(other, client=client), kind)) == ["everywhere"]
        with pytest.raises(HTCondorIOError, match="2 of 3 collectors took the ads"):
            await Collector([dead, good, other], client=client).advertise([ad | {"Name": "again"}], timeout=20)
        for address in (good, other):
            assert sorted(await kept(Collector(address, client=client), kind)) == ["again", "everywhere"]

    run(body)


def test_a_dead_collector_is_asked_last(pool, make_client, run, closed_port):
    client = make_client()
    dead = f"127.0.0.1:{closed_port}"

    async def body():
        collector = Collector([dead, pool.collector], client=client)
        await collector.query(AdTypes.Collector, timeout=20)
        context = client._context()
        first, second = collector._targets()
        assert not context.avoidance.avoided(second, context.runtime.clock())
        order = context.avoidance.order([first, second], context.runtime.clock())
        assert order == [second, first] or not context.avoidance.avoided(first, context.runtime.clock())

    run(body)


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_wrong_arguments(pool, client, run):
    async def body():
        collector = Collector(client=client)
        await collector.advertise([])
        for error, arguments in (
            (HTCondorEnumError, ([{}], "NO_SUCH_COMMAND")),
            (HTCondorEnumError, ([{}], "QUERY_ANY_ADS")),
            (HTCondorTypeError, ({"MyType": "x"},)),
            (HTCondorTypeError, (["ad"],)),
            (HTCondorTypeError, ([{}], None)),
        ):
            with pytest.raises(error):
                await collector.advertise(*arguments)
        with pytest.raises(HTCondorValueError):
            await collector.invalidate([{"MyType": "x"}])
        with pytest.raises(HTCondorLocateError):
            await Collector(" , ", client=client).advertise([{"MyType": "x", "Name": "y"}])

    run(body)


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_by_udp_to_a_collector_without_it(pool, client, run):
    """An address that excludes UDP is sent to by TCP, and so arrives."""
    location = pool.running.pool.collector_daemon.address

    async def body():
        collector = Collector(str(location), client=client)
        await collector.advertise([{"MyType": "ByUdp", "Name": "one"}], use_tcp=False)
        assert list(await kept(collector, "ByUdp")) == ["one"]

    run(body)
