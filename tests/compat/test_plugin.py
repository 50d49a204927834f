"""The pytest plugin, and a program whose tests run under pytest-asyncio's habits or anyio's."""

from __future__ import annotations

import asyncio

import pytest

from htcondor_async import Client, Collector, Schedd


@pytest.fixture
def condor_pool_options():
    return {"jobs": [{"Owner": "alice"}, {"Owner": "bob"}]}


def test_the_fixture_gives_a_pool(condor_pool):
    async def program():
        client = Client({"COLLECTOR_HOST": condor_pool.address})
        location = (await Collector(condor_pool.address, client=client).locate_all(3))[0]
        return [job["Owner"] async for job in Schedd(location, client=client).xquery()]

    assert asyncio.run(program()) == ["alice", "bob"]


def test_things_are_done_in_the_pools_thread(condor_pool):
    condor_pool.call(condor_pool.pool.schedd_daemons["schedd@localhost"].queue.add, {"Owner": "carol"})

    async def program():
        return len(await condor_pool.pool.schedd().query())

    assert asyncio.run(program()) == 3
