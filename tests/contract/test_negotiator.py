"""The negotiator's accounting: priorities, factors, limits, usage; and what HTCondor's own tools see of it."""

from __future__ import annotations

import itertools

import pytest

from htcondor_async import (
    AuthorizationError,
    Collector,
    ConnectionClosedError,
    DaemonError,
    DaemonTypes,
    HTCondorTypeError,
    HTCondorValueError,
    Negotiator,
)

_numbers = itertools.count(1)
_DECAY = 1e-3
"""What part of a priority two minutes take away: it decays with each negotiation, by half in a day."""


@pytest.fixture
def user(flavour):
    return f"group_x.person{next(_numbers)}.{flavour}@testpool"


async def _entry(negotiator, user):
    """Return the entry of one submitter; what is not answered may not be done yet when the next command comes."""
    for _ in range(200):
        for entry in await negotiator.get_priorities():
            if entry["Name"] == user:
                return entry
    return None


async def _until(negotiator, user, **wanted):
    entry = None
    for _ in range(200):
        entry = await _entry(negotiator, user) or {}
        if all(
            entry.get(name) == pytest.approx(value, rel=_DECAY if name == "Priority" else 1e-6)
            for name, value in wanted.items()
        ):
            return entry
    raise AssertionError(f"{user} is {dict(entry)}, not {wanted}")


def test_groups_come_first(pool, client, run):
    async def body():
        negotiator = Negotiator(client=client)
        return await negotiator.get_priorities(), await negotiator.get_priorities(rollup=True)

    for found in run(body):
        assert found[0]["Name"] == "<none>"
        assert found[0]["IsAccountingGroup"] is True
        assert isinstance(found[0]["PriorityFactor"], float)


def test_everything_that_can_be_set(pool, client, run, user):
    async def body():
        negotiator = Negotiator(client=client)
        await negotiator.set_factor(user, 7.5)
        await negotiator.set_priority(user, 3)
        await negotiator.set_ceiling(user, 9)
        await negotiator.set_floor(user, 2)
        await negotiator.set_usage(user, 12.25)
        await negotiator.set_begin_usage(user, 1000)
        await negotiator.set_last_usage(user, 2000)
        return await _until(
            negotiator,
            user,
            Priority=22.5,
            PriorityFactor=7.5,
            Ceiling=9,
            Floor=2,
            WeightedAccumulatedUsage=12.25,
            BeginUsageTime=1000,
            LastUsageTime=2000,
        )

    entry = run(body)
    assert entry["IsAccountingGroup"] is False
    assert type(entry["Ceiling"]) is int and type(entry["PriorityFactor"]) is float


def test_reset_and_delete(pool, client, run, user):
    async def body():
        negotiator = Negotiator(client=client)
        await negotiator.set_usage(user, 500)
        await negotiator.set_begin_usage(user, 1000)
        await _until(negotiator, user, WeightedAccumulatedUsage=500, BeginUsageTime=1000)
        await negotiator.reset_usage(user)
        entry = await _until(negotiator, user, WeightedAccumulatedUsage=0)
        await negotiator.set_usage(user, 500)
        await _until(negotiator, user, WeightedAccumulatedUsage=500)
        await negotiator.reset_all_usage()
        await _until(negotiator, user, WeightedAccumulatedUsage=0)
        await negotiator.delete_user(user)
        for _ in range(200):
            if user not in [one["Name"] for one in await negotiator.get_priorities()]:
                return entry
        raise AssertionError(f"{user} is still there")

    assert run(body)["BeginUsageTime"] > 1_000_000_000


def test_no_limit(pool, client, run, user):
    async def body():
        negotiator = Negotiator(client=client)
        await negotiator.set_ceiling(user, 5)
        await _until(negotiator, user, Ceiling=5)
        await negotiator.set_ceiling(user, -1)
        await _until(negotiator, user, Ceiling=-1)

    run(body)


def test_limits_for_some_time(pool, client, run, user):
    async def body():
        negotiator = Negotiator(client=client)
        await negotiator.set_ceiling(user, 5)
        await _until(negotiator, user, Ceiling=5)
        await negotiator.set_ceiling(user, 3, duration=1000)
        await _until(negotiator, user, Ceiling=3)
        await negotiator.cancel_ceiling(user)
        await _until(negotiator, user, Ceiling=5)
        await negotiator.set_floor(user, 1, duration=1000)
        await negotiator.set_factor(user, 20, duration=1000)
        await _until(negotiator, user, Floor=1, PriorityFactor=20)
        await negotiator.cancel_floor(user)
        await negotiator.cancel_factor(user)
        await _until(negotiator, user, Floor=0)

    if pool.version.startswith("23."):
        with pytest.raises(ConnectionClosedError, match="does not know this command"):
            run(body)
    else:
        run(body)


def test_a_limit_that_is_not_there_cannot_be_cancelled(pool, client, run, user):
    async def body():
        await Negotiator(client=client).cancel_ceiling(user)

    with pytest.raises(ConnectionClosedError if pool.version.startswith("23.") else DaemonError):
        run(body)


def test_resources_of_nobody(pool, client, run):
    async def body():
        return await Negotiator(client=client).get_resource_usage("nobody.here@testpool")

    assert run(body) == []


def test_a_handle_by_ad_and_by_address(pool, client, run):
    async def body():
        ad = await Collector(pool.collector, client=client).locate(DaemonTypes.Negotiator)
        return [len(await Negotiator(where, client=client).get_priorities()) for where in (ad, ad["MyAddress"])]

    assert min(run(body)) >= 1


def test_who_may_only_read_may_not_change(pool, make_client, run, user):
    async def body():
        negotiator = Negotiator(
            client=make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        )
        assert await negotiator.get_priorities()
        await negotiator.set_priority(user, 3)

    with pytest.raises(AuthorizationError):
        run(body)


def test_who_may_write_but_not_administer_is_told_so_by_the_negotiator(pool, make_client, run, user):
    async def body():
        await Negotiator(
            client=make_client(token=pool.token(scopes=["READ", "WRITE"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        ).set_factor(user, 5)

    if pool.id == "embedded":
        # its ALLOW_ADMINISTRATOR = * lets everybody pass whom the token lets pass at all
        run(body)
        return
    with pytest.raises(DaemonError, match="did not set the priority factor") as caught:
        run(body)
    assert caught.value.code in (1, 2)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("set_priority", -1),
        ("set_factor", 0.5),
        ("set_ceiling", -2),
        ("set_ceiling", 1.5),
        ("set_floor", 1 << 40),
        ("set_usage", float("nan")),
        ("set_begin_usage", -1),
    ],
)
def test_numbers_out_of_range(pool, client, run, method, value):
    async def body():
        await getattr(Negotiator(client=client), method)("someone@testpool", value)

    with pytest.raises(HTCondorValueError):
        run(body)


def test_names_that_are_not_full(pool, client, run):
    async def body(name):
        await Negotiator(client=client).set_priority(name, 1)

    with pytest.raises(HTCondorValueError, match="full name"):
        run(body, "alice")
    with pytest.raises(HTCondorTypeError):
        run(body, 5)


def test_the_pools_own_tools_see_it(real_pool, run):
    user = f"tools.see.{run.flavour}@testpool"

    async def body():
        from htcondor_async import Client

        client = Client(real_pool.settings(), runtime=run.runtime)
        negotiator = Negotiator(client=client)
        await negotiator.set_factor(user, 12)
        await negotiator.set_ceiling(user, 4)

    run(body)

    def shown():
        out = real_pool.tool("condor_userprio", "-allusers", "-af", "Name", "PriorityFactor", "Ceiling").stdout
        return f"{user} 12.0 4" in out.splitlines()

    real_pool.wait_for(shown, "condor_userprio to show the factor and the ceiling", 20)


def test_what_a_tool_sets_is_read(real_pool, run):
    user = f"tools.set.{run.flavour}@testpool"
    real_pool.tool("condor_userprio", "-setfactor", user, "33")

    async def body():
        from htcondor_async import Client

        negotiator = Negotiator(client=Client(real_pool.settings(), runtime=run.runtime))
        await _until(negotiator, user, PriorityFactor=33)

    run(body)
