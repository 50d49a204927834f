"""SecMan: questions for a permission, sessions, settings of one task."""

from __future__ import annotations

import anyio
import pytest

from htcondor_async import (
    AdTypes,
    AuthenticationError,
    AuthorizationError,
    ClassAd,
    Collector,
    DaemonTypes,
    HTCondorEnumError,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
    Schedd,
    SecMan,
)


@pytest.fixture
def address(pool):
    return f"<{pool.collector}>"


def test_ping(pool, make_client, run, address):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def body():
        return await SecMan(client=client).ping(address, "WRITE")

    ad = run(body)
    assert isinstance(ad, ClassAd)
    assert ad["AuthorizationSucceeded"] is True
    assert ad["User"] == ad["MyRemoteUserName"] == "alice@testpool"
    assert ad["AuthMethods"] == "TOKEN"
    assert ad["CryptoMethods"] == "AES"
    assert ad["AuthCommand"] == 60021
    assert ad["TrustDomain"] == "testpool"
    assert "CondorVersion" in ad["RemoteVersion"]
    assert str(60021) in ad["ValidCommands"].split(",")
    assert "ECDHPublicKey" not in ad
    assert all(len(value) < 3000 for value in ad.values() if isinstance(value, str))


@pytest.mark.parametrize("command", ["read", "QUERY_STARTD_ADS", 5, "DC_NOP"])
def test_ping_takes_levels_commands_and_numbers(pool, client, run, address, command):
    async def body():
        return (await SecMan(client=client).ping({"MyAddress": address}, command))["AuthorizationSucceeded"]

    assert run(body) is True


def test_ping_for_what_is_not_allowed(pool, make_client, run, address):
    client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def body():
        await SecMan(client=client).ping(address, "READ")
        with pytest.raises(AuthorizationError, match="DC_NOP_ADMINISTRATOR"):
            await SecMan(client=client).ping(address, "ADMINISTRATOR")

    run(body)


def test_ping_for_what_is_not_there(pool, client, run, closed_port):
    async def body():
        with pytest.raises(HTCondorEnumError, match="Unable to determine"):
            await SecMan(client=client).ping("<127.0.0.1:9618>", "NO_SUCH_COMMAND")
        with pytest.raises(HTCondorTypeError):
            await SecMan(client=client).ping("<127.0.0.1:9618>", 3.5)
        with pytest.raises(HTCondorIOError):
            await SecMan(client=client).ping(f"<127.0.0.1:{closed_port}>", "READ", timeout=5)

    run(body)


def test_names_of_commands():
    assert SecMan.get_command_string(60010) == "DC_AUTHENTICATE"
    with pytest.raises(HTCondorEnumError):
        SecMan.get_command_string(123456)


def test_a_ping_leaves_no_session(pool, client, run, address):
    async def body():
        await SecMan(client=client).ping(address, "READ")
        return len(client._sessions)

    assert run(body) == 0


def test_sessions_are_dropped_one_daemon_at_a_time(pool, make_client, run):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def sid(schedd):
        async with schedd.xquery(limit=1) as stream:
            return stream._source.channel.session.sid

    async def body():
        security = SecMan(client=client)
        collector = Collector(client=client)
        locations = [await collector.locate(DaemonTypes.Schedd, pool.schedds[name]) for name in ("open", "tokens")]
        one, two = (Schedd(location, client=client) for location in locations)
        first = [await sid(one), await sid(two)]
        assert [await sid(one), await sid(two)] == first
        assert security.invalidate_sessions(locations[0]) >= 1
        assert security.invalidate_sessions(locations[0]) == 0
        second = [await sid(one), await sid(two)]
        assert second[0] != first[0]
        assert second[1] == first[1]
        security.invalidate_all_sessions()
        third = [await sid(one), await sid(two)]
        assert third[0] != second[0]
        assert third[1] != second[1]

    run(body)


def test_settings_of_a_task(pool, make_client, run, address):
    client = make_client("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def who():
        return (await SecMan(client=client).ping(address, "READ"))["User"]

    async def body():
        assert await who() == "alice@testpool"
        with SecMan(client=client) as security:
            security.set_token(pool.token("bob@testpool"))
            assert await who() == "bob@testpool"
            with SecMan(client=client) as inner:
                # whoever claims to be somebody is believed by these pools' collectors
                inner.set_config("SEC_CLIENT_AUTHENTICATION_METHODS", "CLAIMTOBE")
                inner.set_config("SEC_CLAIMTOBE_USER", "carol")
                assert (await who()).partition("@")[0] == "carol"
            assert await who() == "bob@testpool"
        assert await who() == "alice@testpool"

    run(body)


def test_a_wrong_setting_is_an_error(pool, client, run, address):
    security = SecMan(client=client)
    with pytest.raises(HTCondorTypeError):
        security.set_tag(5)
    with pytest.raises(HTCondorTypeError):
        security.set_token(5)
    with pytest.raises(HTCondorValueError):
        security.set_pool_password("")
    with pytest.raises(HTCondorValueError):
        security.set_config("A = B", "x")

    async def body():
        with security:
            security.set_token("no token at all")
            security.set_config("SEC_CLIENT_AUTHENTICATION", "REQUIRED")
            with pytest.raises(AuthenticationError) as caught:
                await security.ping(address, "READ")
            assert "no token at all" not in str(caught.value)
            assert "SecMan.set_token" in str(caught.value)

    run(body)


def test_a_tag_keeps_sessions_apart(pool, make_client, run):
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def body():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        schedd = Schedd(location, client=client)

        async def sid():
            async with schedd.xquery(limit=1) as stream:
                return stream._source.channel.session.sid

        plain = await sid()
        with SecMan() as security:
            security.set_tag("one")
            tagged = await sid()
            assert tagged != plain
            assert await sid() == tagged
            security.set_tag("")
            assert await sid() == plain
        with SecMan() as again:
            again.set_tag("one")
            assert await sid() == tagged
        assert await sid() == plain

    run(body)


def test_the_pool_password_of_a_task(pool, make_client, run):
    client = make_client(None, methods="PASSWORD", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    folder = pool.folder if pool.id == "embedded" else pool.run
    scrambled = (folder / "passwords.d/POOL").read_bytes().split(b"\0")[0]
    pattern = bytes.fromhex("deadbeef")
    password = bytes(byte ^ pattern[i % 4] for i, byte in enumerate(scrambled)).split(b"\0")[0]

    async def body():
        location = await Collector(pool.collector, client=make_client(None)).locate(
            DaemonTypes.Schedd, pool.schedds["password"]
        )
        security = SecMan(client=client)
        with pytest.raises(AuthenticationError):
            await security.ping(location, "READ")
        with security:
            security.set_pool_password(password.decode("utf-8", "surrogateescape"))
            return await security.ping(location, "READ")

    ad = run(body)
    assert ad["AuthMethods"] == "PASSWORD"
    assert ad["User"].startswith("condor")


@pytest.mark.parametrize("flavour", ["asyncio", "trio"])
def test_each_task_has_its_own_settings(pool, flavour, make_client, run, address):
    """Two tasks of one client are two people at the same time."""
    client = make_client("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    seen = {}

    async def one(name):
        with SecMan(client=client) as security:
            security.set_token(pool.token(f"{name}@testpool"))
            for _ in range(3):
                ad = await security.ping(address, "READ")
                await Collector(client=client).query(AdTypes.Collector, limit=1)
                seen.setdefault(name, set()).add(ad["User"])

    async def body():
        async with anyio.create_task_group() as group:
            for name in ("bob", "carol", "dave"):
                group.start_soon(one, name)
        return (await SecMan(client=client).ping(address, "READ"))["User"]

    assert run(body) == "alice@testpool"
    assert seen == {name: {f"{name}@testpool"} for name in ("bob", "carol", "dave")}
