"""Security policies: what daemons require and clients require, method by method, and who the daemon says one is."""

from __future__ import annotations

import threading

import anyio
import pytest

from htcondor_async import (
    AuthenticationError,
    AuthorizationError,
    Client,
    Collector,
    DaemonTypes,
    Schedd,
    SecurityError,
)


async def read(pool, client, name):
    """Query a schedd and return the session that was made for it."""
    location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds[name], timeout=30)
    schedd = Schedd(location, client=client)
    async with schedd.xquery(projection=["Owner"], timeout=30) as stream:
        async for _ in stream:
            pass
        return stream._source.channel.session


@pytest.mark.parametrize("name", ["open", "integrity", "encryption", "tokens"])
def test_token_for_every_policy(pool, client, run, name):
    session = run(read, pool, client, name)
    if name == "tokens":
        assert session.user == "alice@testpool"
        assert session.authenticated_by == "TOKEN"
    if name in ("encryption", "integrity", "tokens"):
        assert session.method == "AES"


@pytest.mark.parametrize("identity", ["alice@testpool", "bob@testpool", "carol@elsewhere"])
def test_who_the_daemon_says_one_is(pool, make_client, run, identity):
    session = run(read, pool, make_client(identity, SEC_CLIENT_AUTHENTICATION="REQUIRED"), "open")
    assert session.user == identity


def test_two_clients_in_one_loop_are_two_identities(pool, make_client, run):
    if run.flavour == "blocking":
        identities = ("alice@testpool", "bob@testpool")
        clients = [make_client(who, SEC_CLIENT_AUTHENTICATION="REQUIRED") for who in identities]
        found = [run(read, pool, clients[number % 2], "tokens").user for number in range(6)]
        assert found == list(identities) * 3
        return

    async def body():
        identities = ("alice@testpool", "bob@testpool")
        clients = [make_client(who, SEC_CLIENT_AUTHENTICATION="REQUIRED") for who in identities]
        found = {}

        async def one(number):
            found[number] = (await read(pool, clients[number % 2], "tokens")).user

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(one, number)
        return found

    assert run(body) == {number: ("alice@testpool", "bob@testpool")[number % 2] for number in range(8)}


def test_claimtobe(pool, make_client, run):
    claim = {"SEC_CLAIMTOBE_USER": "dora", "SEC_CLAIMTOBE_INCLUDE_DOMAIN": "true"}
    client = make_client(None, methods="CLAIMTOBE", SEC_CLIENT_AUTHENTICATION="REQUIRED", **claim)
    session = run(read, pool, client, "claim")
    assert session.authenticated_by == "CLAIMTOBE"
    assert session.user == "dora@testpool"


def test_anonymous(pool, make_client, run):
    client = make_client(None, methods="ANONYMOUS", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    session = run(read, pool, client, "claim")
    assert session.authenticated_by == "ANONYMOUS"


def test_a_failed_method_is_followed_by_the_next(pool, make_client, run):
    client = make_client(methods="IDTOKENS, CLAIMTOBE", token=None, SEC_CLIENT_AUTHENTICATION="REQUIRED")
    assert run(read, pool, client, "claim").authenticated_by == "CLAIMTOBE"


@pytest.mark.parametrize("level", ["OPTIONAL", "PREFERRED", "REQUIRED"])
def test_client_levels_of_authentication(pool, make_client, run, level):
    session = run(read, pool, make_client(SEC_CLIENT_AUTHENTICATION=level), "open")
    assert (session.authenticated_by == "TOKEN") == (level != "OPTIONAL")


def test_encryption_required_by_the_client(pool, make_client, run):
    session = run(read, pool, make_client(SEC_CLIENT_ENCRYPTION="REQUIRED"), "open")
    assert session.method == "AES"
    # without a key agreement of its own, an old daemon has a key only by authentication
    assert (session.authenticated_by is not None) == pool.version.startswith("23.")


def test_no_negotiation_at_all(pool, make_client, run):
    never = {f"SEC_CLIENT_{name}": "NEVER" for name in ("NEGOTIATION", "AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
    assert run(read, pool, make_client(None, **never), "open") is None


def test_policies_that_do_not_meet(pool, make_client, run):
    never = {f"SEC_CLIENT_{name}": "NEVER" for name in ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
    client = make_client(None, **never)
    with pytest.raises(Exception) as caught:
        run(read, pool, client, "tokens")
    assert "polic" in str(caught.value) or "security" in str(caught.value).lower()


def test_no_common_method(pool, make_client, run):
    client = make_client(None, methods="CLAIMTOBE", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    with pytest.raises(AuthenticationError) as caught:
        run(read, pool, client, "tokens")
    assert "CLAIMTOBE" in str(caught.value)


def test_an_expired_token_is_named_with_its_end(pool, make_client, run):
    client = make_client(token=pool.token(lifetime=-3 * 86400))
    with pytest.raises(AuthenticationError) as caught:
        run(read, pool, client, "tokens")
    assert "expired" in str(caught.value)
    assert "tokens.d/token" in str(caught.value)


def test_a_foreign_token_is_named_with_its_issuer(pool, make_client, run):
    client = make_client(token=pool.token(issuer="elsewhere"))
    with pytest.raises(AuthenticationError) as caught:
        run(read, pool, client, "tokens")
    assert "elsewhere" in str(caught.value)


def test_a_token_signed_with_a_wrong_key(pool, make_client, run):
    client = make_client(token=pool.token(key=b"not the key" * 4))
    with pytest.raises(AuthenticationError) as caught:
        run(read, pool, client, "tokens")
    assert "TOKEN" in str(caught.value)


def test_a_token_without_the_right_is_refused(pool, make_client, run):
    async def body():
        client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        schedd = Schedd(location, client=client)
        assert isinstance(await schedd.query(limit=1), list)
        await schedd.act(1, "false")

    with pytest.raises(AuthorizationError) as caught:
        run(body)
    assert "ACT_ON_JOBS" in str(caught.value)


def test_sessions_are_resumed(pool, client, run):
    async def body():
        first = await read(pool, client, "tokens")
        second = await read(pool, client, "tokens")
        return first.sid, second.sid

    first, second = run(body)
    assert first == second


def test_one_of_many_negotiates(pool, make_client, run):
    """Twenty tasks, or threads, need a session with one schedd at the same time: there is one handshake."""
    client = make_client(SEC_CLIENT_AUTHENTICATION="REQUIRED")
    sids = []

    async def locate():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["tokens"])
        return Schedd(location, client=client)

    async def one(schedd):
        async with schedd.xquery(limit=1) as stream:
            sids.append(stream._source.channel.session.sid)

    async def many(schedd):
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(one, schedd)

    schedd = run(locate)
    if run.flavour == "blocking":
        threads = [threading.Thread(target=run, args=(one, schedd)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        run(many, schedd)
    assert len(sids) == 20
    assert len(set(sids)) == 1


def test_a_restarted_daemon_is_spoken_to_again(pool, client, run):
    async def before():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["restart"])
        schedd = Schedd(location, client=client)
        await schedd.query(limit=1)
        return schedd

    schedd = run(before)
    pool.restart("schedd_restart")

    async def after():
        return await schedd.query(limit=1, timeout=40)

    assert run(after) == []


def test_no_secret_in_any_repr(pool, client, run):
    session = run(read, pool, client, "tokens")
    shown = repr(session) + repr(client) + repr(client._sessions) + repr(client._credentials)
    assert session.key.reveal().hex() not in shown
    assert repr(session.key.reveal())[2:20] not in shown


def test_downgrade_is_refused_locally(make_client):
    with pytest.raises(Exception) as caught:
        make_client(SEC_CLIENT_ENCRYPTION="REQUIRED", SEC_CLIENT_NEGOTIATION="NEVER")
    assert isinstance(caught.value, (SecurityError, ValueError))


def _as_alice(settings, name, schedd):
    """Runs as an ordinary user: FS is about who owns a directory."""
    from htcondor_async._runtime.blocking import BlockingRuntime, drive

    client = Client(settings, runtime=BlockingRuntime())

    async def body():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, schedd)
        async with Schedd(location, client=client).xquery(limit=1, timeout=30) as stream:
            async for _ in stream:
                pass
            session = stream._source.channel.session
            return session.user, session.authenticated_by

    return drive(body())


def test_fs_as_an_ordinary_user(real_pool, as_user):
    settings = real_pool.settings(None, methods="FS", owner="alice")
    if real_pool.version.startswith("23."):
        settings["SEC_FS_ENFORCE_CHANNEL_BINDING"] = "false"
    assert as_user(_as_alice, settings, "alice", real_pool.schedds["fs"]) == ("alice@testpool", "FS")


def test_fs_without_channel_binding_is_refused_by_default(trixie_pool, as_user):
    settings = trixie_pool.settings(None, methods="FS", owner="alice")
    with pytest.raises(AuthenticationError, match="SEC_FS_ENFORCE_CHANNEL_BINDING"):
        as_user(_as_alice, settings, "alice", trixie_pool.schedds["fs"])
