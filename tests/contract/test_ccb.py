"""Daemons that cannot be connected to: through a broker, which has them call back or passes the connection on."""

from __future__ import annotations

import pytest

from htcondor_async import Collector, ConnectError, DaemonTypes, JobAction, Schedd
from htcondor_async._cedar.sinful import Sinful


@pytest.fixture
def hidden(pool, make_client):
    """`await hidden(client)`: the address of a schedd behind the broker."""

    async def find(client):
        if pool.id == "embedded":
            running = pool.running.pool
            return str(running.broker.hidden(running.schedd_daemons[pool.schedds["open"]].address))
        collector = Collector(client=client)
        outside = make_client(**OUTSIDE)
        for _ in range(450):
            for ad in await collector.locate_all(DaemonTypes.Schedd):
                if ad["Name"] == "ccb@testpool" and "CCBID" in ad["MyAddress"]:
                    try:
                        await Schedd(ad["MyAddress"], client=outside).query(limit=0, timeout=20)
                    except ConnectError:
                        break  # the broker was restarted, and the schedd registers again within a minute
                    return ad["MyAddress"]
            await client._context().runtime.sleep(0.2)
        raise AssertionError("no schedd is behind the broker")

    return find


OUTSIDE = {"PRIVATE_NETWORK_NAME": "outside", "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}


def test_commands_through_a_broker(pool, make_client, hidden, run):
    client = make_client(**OUTSIDE)

    async def body():
        address = await hidden(client)
        schedd = Schedd(address, client=client)
        assert isinstance(await schedd.query(limit=1, timeout=30), list)
        assert isinstance(await schedd.query(limit=1, timeout=30), list)  # over the session of the first
        result = await schedd.submit({"Cmd": "/bin/sleep", "Args": "300", "JobStatus": 5, "HoldReason": "test"})
        found = await schedd.query(f"ClusterId == {result.cluster()}")
        assert [job["Owner"] for job in found] == ["alice"]
        await schedd.act(JobAction.Remove, f"ClusterId == {result.cluster()}")

    run(body)
    if pool.id == "embedded":
        assert set(pool.running.pool.broker.done) == {"streamed"}


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_called_back_where_the_broker_cannot_pass_on(pool, make_client, hidden, run, monkeypatch):
    client = make_client(**OUTSIDE)
    pool.running.pool.broker.streaming = False
    monkeypatch.setattr("htcondor_async._core.ccb.STREAMING_SINCE", (99, 0, 0))

    async def body():
        schedd = Schedd(await hidden(client), client=client)
        for _ in range(3):
            assert isinstance(await schedd.query(limit=1, timeout=30), list)

    run(body)
    assert pool.running.pool.broker.done == ["called back"] * 3


def test_inside_the_private_network_nobody_is_asked(pool, make_client, hidden, run):
    async def body():
        outside = make_client(**OUTSIDE)
        address = await hidden(outside)
        network = Sinful.parse(address).private_network
        inside = make_client(PRIVATE_NETWORK_NAME=network)
        assert isinstance(await Schedd(address, client=inside).query(limit=1, timeout=30), list)

    run(body)
    if pool.id == "embedded":
        assert pool.running.pool.broker.done == []


def test_a_refusal(pool, make_client, hidden, run):
    client = make_client(**OUTSIDE)

    async def body():
        sinful = Sinful.parse(await hidden(client))
        (contact,) = sinful.ccb
        unknown = sinful.with_param("CCBID", f"{str(contact.broker)[1:-1]}#987654")
        with pytest.raises(ConnectError, match="no CCB broker could reach the daemon") as caught:
            await Schedd(str(unknown), client=client).query(timeout=30)
        assert "unknown" in str(caught.value) or "ccbid" in str(caught.value).lower()

    run(body)


def test_one_broker_of_several(pool, make_client, hidden, run, closed_port):
    client = make_client(**OUTSIDE)

    async def body():
        sinful = Sinful.parse(await hidden(client))
        (contact,) = sinful.ccb
        good = f"{str(contact.broker)[1:-1]}#{contact.ids[0]}"
        several = sinful.with_param("CCBID", f"127.0.0.1:{closed_port}#5 {good} {str(contact.broker)[1:-1]}#987654")
        for _ in range(4):  # they are asked in random order
            client.forget_sessions()
            assert isinstance(await Schedd(str(several), client=client).query(limit=1, timeout=30), list)

    run(body)


def test_dead_brokers(make_client, run, closed_port):
    client = make_client(**OUTSIDE)
    address = Sinful.parse("<192.0.2.1:1?CCBID=x>").with_param("CCBID", f"127.0.0.1:{closed_port}#5")

    async def body():
        with pytest.raises(ConnectError, match="no CCB broker"):
            await Schedd(str(address), client=client).query(timeout=10)

    run(body)
