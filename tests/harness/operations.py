"""Every public operation of the client, in a form that can be disturbed at each of its points.

`OPERATIONS` maps a name to an operation over a `PoolNetwork`: a coroutine function of `Handles`. Beside the plain calls
there are conversations of several steps, and ways of authentication. `FOLLOW_UPS` is what must work after any of them
was disturbed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from unittest import mock

import attrs

from htcondor_async import (
    AdTypes,
    DaemonCommands,
    DaemonTypes,
    JobAction,
    Negotiator,
    QueryOpts,
    RemoteParam,
    Startd,
    poll,
    query_all,
    query_instance,
    send_alive,
    send_command,
    set_ready_state,
)
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async.classad import ClassAd

from .memory_pool import JOBS, MASTER, NEGOTIATOR, STARTD, Handles, PoolNetwork

Body = Callable[[Handles], Awaitable[Any]]

OPERATIONS: dict[str, Operation] = {}


@attrs.frozen
class Operation:
    """One operation.

    Attributes:
        body: does it.
        network: how its network differs from the usual one.
        tasks: it starts tasks, so that it needs an event loop.
        after: what must work afterwards, for a client that cannot do the usual.
        local: it needs no connection, so that there is none to break.
    """

    name: str
    body: Body
    network: Mapping[str, Any] = attrs.field(factory=dict)
    tasks: bool = False
    after: Body | None = None
    local: bool = False

    def make_network(self) -> PoolNetwork:
        """Return a fresh network."""
        return PoolNetwork(**self.network)

    async def __call__(self, runtime: MemoryRuntime) -> Any:
        """Do it over a runtime."""
        return await self.body(Handles(runtime))


def operation(
    name: str, *, tasks: bool = False, after: Body | None = None, local: bool = False, **network: Any
) -> Callable[[Body], Body]:
    """Register an operation."""

    def register(body: Body) -> Body:
        OPERATIONS[name] = Operation(name, body, network, tasks, after, local)
        return body

    return register


# -- the collector


@operation("Collector.query")
async def _(h: Handles) -> None:
    assert len(await h.collector.query(AdTypes.Schedd)) == 1


@operation("Collector.stream")
async def _(h: Handles) -> None:
    async with h.collector.stream(AdTypes.Schedd, projection=["Name"]) as stream:
        async for batch in stream.batches():
            assert batch[0]["Name"] == "schedd@memory.pool"


@operation("Collector.locate")
async def _(h: Handles) -> None:
    assert (await h.collector.locate(DaemonTypes.Schedd, "schedd@memory.pool"))["Name"] == "schedd@memory.pool"


@operation("Collector.locate_all")
async def _(h: Handles) -> None:
    assert len(await h.collector.locate_all(DaemonTypes.Schedd)) == 1


@operation("Collector.direct_query")
async def _(h: Handles) -> None:
    assert (await h.collector.direct_query(DaemonTypes.Schedd, "schedd@memory.pool"))["TotalJobAds"] == JOBS


# -- the schedd, read


@operation("Schedd.query")
async def _(h: Handles) -> None:
    assert len(await h.schedd.query()) == JOBS


@operation("Schedd.query with a callback")
async def _(h: Handles) -> None:
    async def callback(ad: ClassAd) -> ClassAd | None:
        return ad if ad["Number"] else None

    assert len(await h.schedd.query("true", ["Number"], callback)) == JOBS - 1


@operation("Schedd.query of a summary")
async def _(h: Handles) -> None:
    assert (await h.schedd.query(opts=QueryOpts.SummaryOnly))[0]["Jobs"] == JOBS


@operation("Schedd.xquery entered")
async def _(h: Handles) -> None:
    async with h.schedd.xquery() as stream:
        found = [ad async for ad in stream]
    assert len(found) == JOBS


@operation("Schedd.xquery awaited")
async def _(h: Handles) -> None:
    stream = await h.schedd.xquery()
    try:
        found = await stream.next_batch()
        found += stream.nowait()
        found += await stream.collect()
    finally:
        await stream.aclose()
    assert len(found) == JOBS


@operation("Schedd.xquery dropped")
async def _(h: Handles) -> None:
    async for ad in h.schedd.xquery():
        assert ad["Number"] == 0
        break


@operation("Schedd.history")
async def _(h: Handles) -> None:
    h.network.schedd.queue.history = [ClassAd({"ClusterId": 90 + n, "ProcId": 0, "Owner": "alice"}) for n in range(3)]
    assert len(await h.schedd.history().collect()) == 3


@operation("Schedd.job_epoch_history")
async def _(h: Handles) -> None:
    assert await h.schedd.job_epoch_history().collect() == []


# -- the schedd, changed


@operation("Schedd.act")
async def _(h: Handles) -> None:
    assert (await h.schedd.act(JobAction.Hold, ["1.0"], "testing"))["TotalSuccess"] == 1


@operation("Schedd.edit")
async def _(h: Handles) -> None:
    assert int(await h.schedd.edit(["1.0", "2.0"], {"Colour": '"red"', "Number": 7, "Nothing": None})) == 2


@operation("Schedd.edit by constraint")
async def _(h: Handles) -> None:
    assert int(await h.schedd.edit("ClusterId > 2", "Colour", '"red"')) == JOBS - 2


@operation("Schedd.edit_multiple")
async def _(h: Handles) -> None:
    assert int(await h.schedd.edit_multiple([("1.0", {"A": 1}), ("2.0", {"A": 2})])) == 2


@operation("Schedd.submit")
async def _(h: Handles) -> None:
    result = await h.schedd.submit({"Cmd": "/bin/true", "Owner": "alice"}, count=2)
    assert result.num_procs() == 2


@operation("Schedd.submit_many")
async def _(h: Handles) -> None:
    ads = (({"Arguments": str(number)}, 1) for number in range(3))
    assert (await h.schedd.submit_many({"Cmd": "/bin/true"}, ads)).num_procs() == 3


@operation("Schedd.reschedule")
async def _(h: Handles) -> None:
    await h.schedd.reschedule()


@operation("Transaction")
async def _(h: Handles) -> None:
    async with h.schedd.transaction() as txn:
        cluster = await txn.new_cluster()
        proc = await txn.new_proc(cluster)
        await txn.set_attributes(cluster, -1, {"Cmd": '"/bin/true"', "ClusterId": cluster})
        await txn.set_attribute(cluster, proc, "ProcId", proc)
        assert await txn.get_attribute(cluster, proc, "ProcId") == "0"
        await txn.set_attribute_by_constraint("ClusterId == 1", "Colour", '"red"')
        await txn.delete_attribute(1, 0, "Colour")
        await txn.commit()


@operation("Transaction of a superuser")
async def _(h: Handles) -> None:
    async with h.schedd.transaction() as txn:
        assert "LateMaterialize" in await txn.capabilities()
        await txn.allow_protected_changes(False)
        await txn.set_effective_owner("bob")
        assert (await txn.get_job(1, 0) or {})["ClusterId"] == 1
        txn.abort()


# -- negotiator, startd, any daemon

_NEVER = {f"SEC_CLIENT_{what}": "NEVER" for what in ("NEGOTIATION", "AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
_RAW = {"client": _NEVER, "after": lambda h: h.schedd.query()}  # many commands in a row, without handshakes


@operation("Negotiator read")
async def _(h: Handles) -> None:
    negotiator = Negotiator(client=h.client)
    assert [entry["Name"] for entry in await negotiator.get_priorities()] == ["<none>"]
    assert await negotiator.get_resource_usage("alice@memory.pool") == []


@operation("Negotiator told")
async def _(h: Handles) -> None:
    negotiator, user = Negotiator(_at(NEGOTIATOR), client=h.client), "alice@memory.pool"
    await negotiator.set_priority(user, 3)
    await negotiator.set_ceiling(user, 3)


@operation("Negotiator told all", **_RAW)
async def _(h: Handles) -> None:
    negotiator, user = Negotiator(_at(NEGOTIATOR), client=h.client), "alice@memory.pool"
    await negotiator.set_floor(user, 3)
    await negotiator.set_usage(user, 3)
    await negotiator.set_begin_usage(user, 3)
    await negotiator.set_last_usage(user, 3)
    await negotiator.reset_usage(user)
    await negotiator.reset_all_usage()
    await negotiator.delete_user(user)
    assert await negotiator.get_priorities(rollup=True)


@operation("Negotiator answers", **_RAW)
async def _(h: Handles) -> None:
    negotiator, user = Negotiator(_at(NEGOTIATOR), client=h.client), "alice@memory.pool"
    await negotiator.set_factor(user, 3)
    for what in ("ceiling", "floor", "factor"):
        await getattr(negotiator, f"set_{what}")(user, 5, duration=60)
        await getattr(negotiator, f"cancel_{what}")(user)


@operation("Startd drained")
async def _(h: Handles) -> None:
    startd = Startd(_at(STARTD), client=h.client)
    await startd.cancel_drain_jobs(await startd.drain_jobs())


@operation("RemoteParam", **_RAW)
async def _(h: Handles) -> None:
    param = RemoteParam(_at(NEGOTIATOR), client=h.client)
    assert "UID_DOMAIN" in await param.keys()
    assert await param.names("^uid_domain$") == ["UID_DOMAIN"]
    assert await param.get("UID_DOMAIN") == "memory.pool"
    await param.set("COLOUR", "red")
    await param.delete("COLOUR")


@operation("commands to a daemon")
async def _(h: Handles) -> None:
    await send_command(_at(MASTER), DaemonCommands.Reconfig, client=h.client)
    assert len(await query_instance(_at(MASTER), client=h.client)) == 16


@operation("signs of life")
async def _(h: Handles) -> None:
    with mock.patch.dict(os.environ, {"CONDOR_INHERIT": f"1 {_at(MASTER)} 0 0"}):
        await send_alive(client=h.client)
        await set_ready_state(client=h.client)


def _at(where: tuple[str, int]) -> str:
    return f"<{where[0]}:{where[1]}>"


# -- several at once


@operation("poll", tasks=True)
async def _(h: Handles) -> None:
    streams = [h.schedd.xquery(limit=number) for number in (1, 2, 3)]
    async with poll(streams, concurrency=2) as arrivals:
        found = [arrival async for arrival in arrivals]
    for arrival in found:
        if arrival.error is not None:
            raise arrival.error
    assert sum(len(arrival.ads) for arrival in found) == 6


@operation("query_all", tasks=True)
async def _(h: Handles) -> None:
    others = [type(h.schedd)(f"<10.0.0.2:9618?alias=number{number}>", client=h.client) for number in range(2)]
    for result in await query_all([h.schedd, *others]):
        if result.error is not None:
            raise result.error
        assert len(result.ads) == JOBS


# -- ways to a session


@operation("without negotiation", client=_NEVER, after=lambda h: h.schedd.query())
async def _(h: Handles) -> None:
    assert len(await h.schedd.query()) == JOBS


_KERBEROS = {"SEC_DEFAULT_AUTHENTICATION_METHODS": "KERBEROS"}


@operation("by KERBEROS", server=_KERBEROS, client={"SEC_CLIENT_AUTHENTICATION_METHODS": "KERBEROS"})
async def _(h: Handles) -> None:
    assert len(await h.schedd.query()) == JOBS


@operation(
    "by KERBEROS to a daemon before 23.10",
    legacy=True,
    server={**_KERBEROS, "SEC_DEFAULT_CRYPTO_METHODS": "BLOWFISH"},
    client={"SEC_CLIENT_AUTHENTICATION_METHODS": "KERBEROS", "SEC_CLIENT_CRYPTO_METHODS": "BLOWFISH, AES"},
)
async def _(h: Handles) -> None:
    await h.schedd.act(JobAction.Hold, ["1.0"])


@operation("of a daemon before 23.10", legacy=True)
async def _(h: Handles) -> None:
    await h.schedd.act(JobAction.Hold, ["1.0"])


@operation("two commands over one session")
async def _(h: Handles) -> None:
    await h.schedd.query(limit=1)
    await h.schedd.act(JobAction.Hold, ["1.0"])


@operation("a session the daemon has forgotten")
async def _(h: Handles) -> None:
    await h.schedd.query(limit=1)
    h.network.schedd.sessions.clear()
    await h.schedd.query(limit=1)


# -- afterwards


async def _commit(h: Handles) -> None:
    async with h.schedd.transaction() as txn:
        await txn.set_attribute(1, 0, "Seen", 1)


async def _abort(h: Handles) -> None:
    async with h.schedd.transaction() as txn:
        await txn.new_cluster()
        txn.abort()


async def _partly(h: Handles) -> None:
    async with h.schedd.xquery() as stream:
        assert await stream.next_batch()


async def _submit(h: Handles) -> None:
    cluster = (await h.schedd.submit({"Cmd": "/bin/true"})).cluster()
    assert (await h.schedd.act(JobAction.Remove, [f"{cluster}.0"]))["TotalSuccess"] == 1


async def _direct(h: Handles) -> None:
    ad = await h.collector.direct_query(DaemonTypes.Schedd, "schedd@memory.pool")
    assert ad["TotalJobAds"] >= JOBS  # what was disturbed may have added some


FOLLOW_UPS: dict[str, Body] = {
    "locate": OPERATIONS["Collector.locate"].body,
    "query": lambda h: h.schedd.query(limit=1),
    "xquery partly read": _partly,
    "history": lambda h: h.schedd.history().collect(),
    "commit": _commit,
    "abort": _abort,
    "submit and remove": _submit,
    "reschedule": OPERATIONS["Schedd.reschedule"].body,
    "direct query": _direct,
}


async def combined(h: Handles) -> None:
    """A change and a query, one after another."""
    await _commit(h)
    assert len(await h.schedd.query("Seen == 1")) == 1


def follow_up(body: Body) -> Callable[[MemoryRuntime], Awaitable[Any]]:
    """Return what a sweep does after each disturbed run: look for what was left behind, then do `body`."""

    @functools.wraps(body)
    async def after(runtime: MemoryRuntime) -> Any:
        network = runtime.network
        assert isinstance(network, PoolNetwork)
        if network.runtimes:
            assert len(network.runtimes[-1]._once) == 0, "a single flight was left behind"
        result = await body(Handles(runtime))
        assert not runtime.open_sockets
        return result

    return after
