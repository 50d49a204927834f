"""Draining a startd."""

from __future__ import annotations

import pytest

from htcondor_async import (
    AdTypes,
    AuthorizationError,
    ClassAd,
    Client,
    Collector,
    CompletionTypes,
    DaemonError,
    DaemonTypes,
    DrainTypes,
    ExprTree,
    HTCondorEnumError,
    HTCondorTypeError,
    HTCondorValueError,
    Startd,
)


async def _startd(pool, client):
    return Startd(await Collector(pool.collector, client=client).locate(DaemonTypes.Startd), client=client)


async def _slots(pool, client, startd):
    """Ask the startd itself: the collector hears of changes later."""
    return await Collector(ClassAd({"MyAddress": str(startd._target.address)}), client=client).query(AdTypes.Startd)


@pytest.mark.parametrize("kind", list(DrainTypes), ids=lambda kind: kind.name)
def test_drain_and_cancel(pool, client, run, kind):
    reason = f'{kind.name}: a "test"'

    async def drain():
        startd = await _startd(pool, client)
        return await startd.drain_jobs(kind, CompletionTypes.Nothing, "true", "false", reason)

    async def again():
        with pytest.raises(DaemonError) as caught:
            await (await _startd(pool, client)).drain_jobs()
        return caught.value

    async def cancel():
        await (await _startd(pool, client)).cancel_drain_jobs(request)

    async def slots():
        return await _slots(pool, client, await _startd(pool, client))

    def drained():
        # what other tests left running is vacated first
        return all(slot["State"] == "Drained" for slot in run(slots))

    request = run(drain)
    try:
        pool.wait_for(drained, "all slots to be drained", 60)
        seen = run(slots)
        error = run(again)
    finally:
        run(cancel)
    after = run(slots)
    assert request.isdigit()
    assert error.code == 10001
    for slot in seen:
        assert slot["DrainReason"] == reason
        assert slot["DrainingRequestId"] == request
        # a slot that is being drained may publish no Start of its own
        assert "Start" not in slot or slot.eval("Start") is False
    assert seen and all("DrainReason" not in slot for slot in after)


def test_a_check_that_fails(pool, client, run):
    async def body():
        startd = await _startd(pool, client)
        with pytest.raises(DaemonError) as caught:
            await startd.drain_jobs(check_expr='Name == "no slot is called so"')
        return caught.value, await _slots(pool, client, startd)

    error, slots = run(body)
    assert error.code == 10003
    assert all(slot["State"] != "Drained" for slot in slots)


def test_expressions_as_trees_and_the_user_as_reason(pool, client, run):
    async def body():
        startd = await _startd(pool, client)
        request = await startd.drain_jobs(
            DrainTypes.Fast, CompletionTypes.Resume, ExprTree("Cpus >= 0"), ExprTree('Owner =?= "x"'), None
        )
        slots = await _slots(pool, client, startd)
        await startd.cancel_drain_jobs()
        return request, slots

    request, slots = run(body)
    # on a real startd without jobs it is over at once, and the startd has resumed
    assert request.isdigit() and slots


def test_cancel_what_is_not_there(pool, client, run):
    async def body():
        startd = await _startd(pool, client)
        await startd.cancel_drain_jobs()
        with pytest.raises(DaemonError) as caught:
            await startd.cancel_drain_jobs("987654")
        return caught.value.code

    assert run(body) == 10002


def test_who_may_only_read_may_not_drain(pool, make_client, run):
    async def body():
        client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        await (await _startd(pool, client)).drain_jobs()

    with pytest.raises(AuthorizationError):
        run(body)


def test_misuse(pool, client, run):
    async def drain(*arguments, **options):
        await Startd(f"<127.0.0.1:{pool.port}>", client=client).drain_jobs(*arguments, **options)

    async def cancel(request):
        await Startd(f"<127.0.0.1:{pool.port}>", client=client).cancel_drain_jobs(request)

    with pytest.raises(HTCondorEnumError, match="not a way to drain"):
        run(drain, 5)
    with pytest.raises(HTCondorEnumError, match="once it is drained"):
        run(drain, DrainTypes.Fast, 9)
    with pytest.raises(HTCondorValueError, match="does not parse"):
        run(drain, check_expr="1 +")
    with pytest.raises(HTCondorTypeError):
        run(drain, reason=5)
    with pytest.raises(HTCondorTypeError):
        run(cancel, 5)


def test_the_pools_own_tools_see_it(real_pool, run):
    client = Client(real_pool.settings(), runtime=run.runtime)

    async def drain():
        startd = await _startd(real_pool, client)
        return await startd.drain_jobs(reason="seen by tools")

    async def cancel(request):
        await (await _startd(real_pool, client)).cancel_drain_jobs(request)

    request = run(drain)
    try:
        command = ["condor_status", "-af", "State", "DrainReason"]
        real_pool.wait_for(
            lambda: "Drained seen by tools" in real_pool.tool(*command).stdout, "condor_status to show the drain", 30
        )
    finally:
        run(cancel, request)
