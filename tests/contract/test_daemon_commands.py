"""Commands to any daemon: its configuration from afar, reconfigure, switch on and off, which run of it this is."""

from __future__ import annotations

import re

import pytest
from harness import embedded

from htcondor_async import (
    AdTypes,
    AuthorizationError,
    ClassAd,
    Client,
    Collector,
    ConnectionClosedError,
    DaemonCommands,
    DaemonError,
    HTCondorEnumError,
    HTCondorTypeError,
    HTCondorValueError,
    RemoteParam,
    query_instance,
    send_alive,
    send_command,
    set_ready_state,
)
from htcondor_async._cedar.commands import Command


async def _ad(pool, client, kind=AdTypes.Negotiator):
    return (await Collector(pool.collector, client=client).query(kind))[0]


@pytest.fixture
def name(flavour):
    return f"CONTRACT_{flavour.upper()}"


# -- configuration


def test_names_and_values(pool, client, run):
    async def body():
        param = RemoteParam(await _ad(pool, client), client=client)
        names = await param.names()
        return (
            names,
            await param.keys(),
            await param.names("^uid_dom"),
            await param.get("Uid_Domain"),
            await param.info("UID_DOMAIN"),
        )

    names, keys, chosen, value, info = run(body)
    assert len(names) > 500 and names == keys
    assert [name.upper() for name in chosen] == ["UID_DOMAIN"]
    assert value == "testpool"
    assert (info.name, info.value, info.raw) == ("UID_DOMAIN", "testpool", "testpool")
    assert info.source and info.uses


def test_what_is_not_there(pool, client, run):
    async def body():
        param = RemoteParam(await _ad(pool, client), client=client)
        return (
            await param.get("NO_SUCH_PARAMETER"),
            await param.get("NO_SUCH_PARAMETER", "default"),
            await param.info("NO_SUCH_PARAMETER"),
            await param.names("no_such_parameter"),
        )

    assert run(body) == (None, "default", None, [])


def test_a_default(pool, client, run):
    async def body():
        return await RemoteParam(await _ad(pool, client), client=client).info("QUERY_TIMEOUT")

    info = run(body)
    assert info.source == "<Default>"
    assert info.default == info.raw == "60"


def test_a_bad_pattern(pool, client, run):
    async def body():
        await RemoteParam(await _ad(pool, client), client=client).names("(")

    with pytest.raises(DaemonError, match="pattern"):
        run(body)


def test_set_reconfigure_delete(pool, client, run, name):
    async def body():
        ad = await _ad(pool, client)
        param = RemoteParam(ad, client=client)
        await param.set(name, "$(UID_DOMAIN)-1")
        at_once = await param.get(name)
        await send_command(ad, DaemonCommands.Reconfig, client=client)
        await _until(param, name, "testpool-1")
        raw = (await param.info(name)).raw
        await param.delete(name)
        await send_command(ad, DaemonCommands.Reconfig, client=client)
        await _until(param, name, None)
        return at_once, raw

    assert run(body) == ("$(UID_DOMAIN)-1", "$(UID_DOMAIN)-1")


async def _until(param, name, value):
    found = None
    for _ in range(500):  # a daemon reconfigures after it has taken the command
        param.refresh()
        found = await param.get(name)
        if found == value:
            return
    raise AssertionError(f"{name} is {found!r}")


def test_what_may_not_be_set(pool, client, run):
    async def body(persist):
        await RemoteParam(await _ad(pool, client), client=client).set("UID_DOMAIN", "x", persist=persist)

    for persist, hint in ((False, "ENABLE_RUNTIME_CONFIG"), (True, "ENABLE_PERSISTENT_CONFIG")):
        with pytest.raises(DaemonError, match=hint) as caught:
            run(body, persist)
        assert caught.value.code == -1


@pytest.mark.parametrize("value", ["a\nB = c", "a\0b", "ends with \\"])
def test_values_that_are_more_than_one_line(pool, client, run, value):
    async def body():
        await RemoteParam(f"<127.0.0.1:{pool.port}>", client=client).set("CONTRACT_X", value)

    with pytest.raises(HTCondorValueError, match="one line"):
        run(body)


def test_names_that_are_none(pool, client, run):
    async def body(name):
        await RemoteParam(f"<127.0.0.1:{pool.port}>", client=client).get(name)

    for name in ("", "?names", "A B", "x" * 2000):
        with pytest.raises(HTCondorValueError, match="Invalid parameter name"):
            run(body, name)
    with pytest.raises(HTCondorTypeError):
        run(body, 5)


def test_condor_config_val_sees_what_was_set(real_pool, run):
    name = f"CONTRACT_SEEN_{run.flavour.upper()}"
    client = Client(real_pool.settings(), runtime=run.runtime)

    async def body():
        ad = await _ad(real_pool, client)
        await RemoteParam(ad, client=client).set(name, "seen")
        await send_command(ad, DaemonCommands.Reconfig, client=client)

    run(body)
    command = ["condor_config_val", "-negotiator", name]
    real_pool.wait_for(
        lambda: real_pool.tool(*command, check=False).stdout.strip() == "seen",
        "condor_config_val to show the value",
        20,
    )


# -- commands


def test_switch_a_daemon_off_and_on(pool, client, run):
    schedd = pool.schedds["restart"]

    async def names():
        return [ad["Name"] for ad in await Collector(pool.collector, client=client).query(AdTypes.Schedd)]

    async def send(command):
        await send_command(await _ad(pool, client, AdTypes.Master), command, "SCHEDD_RESTART", client=client)

    assert schedd in run(names)
    run(send, DaemonCommands.DaemonOffFast)
    try:
        pool.wait_for(lambda: schedd not in run(names), "the schedd to go", 30)
    finally:
        run(send, DaemonCommands.DaemonOn)
    pool.wait_for(lambda: schedd in run(names), "the schedd to come back", 60)


@pytest.mark.parametrize("command", [DaemonCommands.SetPeacefulShutdown, DaemonCommands.Reconfig])
def test_commands_that_leave_the_daemon_running(pool, client, run, command):
    async def body():
        ad = await _ad(pool, client, AdTypes.Startd)
        await send_command(ad, command, client=client)
        return await query_instance(ad, client=client)

    assert re.fullmatch("[0-9a-f]{16}", run(body))


def test_each_run_of_a_daemon_is_told_apart(pool, client, run):
    async def body():
        return [
            await query_instance(await _ad(pool, client, kind), client=client)
            for kind in (AdTypes.Negotiator, AdTypes.Negotiator, AdTypes.Master)
        ]

    first, again, other = run(body)
    assert first == again != other


def test_a_daemons_own_address_is_preferred(pool, client, run):
    async def body():
        ad = await _ad(pool, client)
        ad["MyAddress"] = "<127.0.0.1:1>"
        await send_command(ad, DaemonCommands.Reconfig, client=client)

    run(body)


def test_a_command_for_a_master_to_another_daemon(pool, client, run):
    async def body():
        await send_command(await _ad(pool, client), DaemonCommands.DaemonOn, "SCHEDD", client=client)

    with pytest.raises(ConnectionClosedError):
        run(body)


def test_who_may_only_read_may_not_command(pool, make_client, run):
    async def body():
        client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        await send_command(await _ad(pool, client), DaemonCommands.Reconfig, client=client)

    with pytest.raises(AuthorizationError):
        run(body)


def test_misuse(client, run):
    async def send(*arguments):
        await send_command(*arguments, client=client)

    with pytest.raises(HTCondorEnumError):
        run(send, "<127.0.0.1:1>", 12345)
    with pytest.raises(HTCondorValueError, match="needs a target"):
        run(send, "<127.0.0.1:1>", DaemonCommands.DaemonOn)
    with pytest.raises(HTCondorValueError, match="address"):
        run(send, ClassAd({"MyType": "Negotiator"}), DaemonCommands.Reconfig)
    with pytest.raises(HTCondorTypeError):
        run(send, "<127.0.0.1:1>", DaemonCommands.Reconfig, 5)


# -- signs of life


def test_signs_of_life_to_a_master_that_is_named(pool, client, run):
    async def body():
        await send_alive(await _ad(pool, client, AdTypes.Master), 999999, 600, client=client)

    run(body)
    if pool.id == "embedded":
        pool.wait_for(lambda: 999999 in pool.running.pool.master_daemon.alive, "the master to hear it", 10)
        assert pool.running.pool.master_daemon.alive[999999][0] == 600


def test_a_process_that_no_daemon_has_started(client, run, monkeypatch):
    monkeypatch.delenv("CONDOR_INHERIT", raising=False)

    async def alive():
        await send_alive(client=client)

    async def ready():
        await set_ready_state(client=client)

    for body in (alive, ready):
        with pytest.raises(HTCondorValueError, match="CONDOR_INHERIT not in environment"):
            run(body)


def test_a_parent_in_the_environment(pool, client, run, monkeypatch):
    if pool.id != "embedded":
        address = run(lambda: _ad(pool, client, AdTypes.Master))["MyAddress"]
    else:
        address = str(pool.running.pool.master_daemon.address)
    monkeypatch.setenv("CONDOR_INHERIT", f"1 {address} 0 0")
    monkeypatch.delenv("CONDOR_PRIVATE_INHERIT", raising=False)

    async def body():
        await send_alive(client=client)
        await set_ready_state("Warm", name="CONTRACT", client=client)

    run(body)
    if pool.id == "embedded":
        pool.wait_for(lambda: pool.running.pool.master_daemon.ready, "the master to hear it", 10)
        assert pool.running.pool.master_daemon.ready == {"CONTRACT": "Warm"}


def test_a_malformed_parent(client, run, monkeypatch):
    monkeypatch.setenv("CONDOR_INHERIT", "no process")

    async def body():
        await send_alive(client=client)

    with pytest.raises(HTCondorValueError, match="CONDOR_INHERIT"):
        run(body)


# -- every command, against daemons that can be ended


OF_MASTERS = {command for command in DaemonCommands if command.value < 60000}


@pytest.mark.parametrize("command", list(DaemonCommands), ids=lambda command: command.name)
def test_every_command_arrives(command, run):
    with embedded.open_embedded() as pool:
        inner = pool.running.pool
        daemon = inner.master_daemon if command in OF_MASTERS else inner.negotiator_daemon
        client = Client(pool.settings(), runtime=run.runtime)

        async def body():
            target = "SCHEDD" if command.name.startswith("DaemonO") else ""
            await send_command(daemon.ad(), command, target, client=client)

        run(body)
        name = Command(command.value).name
        pool.wait_for(lambda: name in [line.split()[0] for line in daemon.received], f"{name} to arrive", 10)
