"""Credentials kept by a credd, a schedd and a master; whoever asks must be known, and nobody listens."""

from __future__ import annotations

import os
import time

import pytest

from htcondor_async import (
    AdTypes,
    AuthenticationError,
    Collector,
    Credd,
    CredTypes,
    DaemonError,
    DaemonTypes,
    HTCondorEnumError,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
    SecurityError,
)

SECRET = b'{"access_token": "very-secret-indeed"}'


@pytest.fixture
def connected(pool, make_client):
    """`await connected()`: a handle on the pool's credd, of alice."""

    async def connect(identity="alice@testpool", **settings):
        client = make_client(identity, **settings)
        collector = Collector(client=make_client(None))
        for _ in range(100):
            if found := await collector.query(AdTypes.Credd):
                return Credd(found[0], client=client)
            await client._context().runtime.sleep(0.2)  # a credd takes some seconds to advertise itself
        raise AssertionError("there is no credd in the pool")

    return connect


async def code_of(call):
    with pytest.raises(DaemonError) as caught:
        await call
    assert "very-secret" not in str(caught.value)
    return caught.value.code


def test_oauth_credentials(connected, run):
    async def body():
        credd = await connected("oauth-user@testpool")
        began = int(time.time())
        await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "box", "mine")
        await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "scitokens")
        one = await credd.query_user_service_cred(CredTypes.OAuth, "box", "mine")
        every = await credd.query_user_service_cred(CredTypes.OAuth)
        assert any("box_mine" in name and began - 5 <= value <= time.time() + 5 for name, value in one.ad.items())
        assert {name.partition(".")[0] for name in every.ad} >= {"box_mine", "scitokens"}
        assert str(every).splitlines() == sorted(str(every).splitlines(), key=str.lower)
        assert "very-secret" not in str(every)
        await credd.delete_user_service_cred(CredTypes.OAuth, "box", "mine")
        await credd.delete_user_service_cred(CredTypes.OAuth, "box", "mine")
        assert await code_of(credd.query_user_service_cred(CredTypes.OAuth, "box", "mine")) == 5
        await credd.delete_user_cred(CredTypes.OAuth)
        assert await code_of(credd.query_user_service_cred(CredTypes.OAuth)) == 5

    run(body)


def test_checking_for_credentials(pool, connected, run):
    async def body():
        credd = await connected("checker@testpool")
        await credd.delete_user_cred(CredTypes.OAuth)
        missing = await credd.check_user_service_creds(
            CredTypes.OAuth, [{"Service": "drive", "Handle": "a"}, "drive"], timeout=40
        )
        assert not missing.present
        assert not missing
        assert missing.services == ("drive", "drive*a")
        assert (missing.url is None) != (missing.error is None)
        with pytest.raises(HTCondorValueError, match="no 'Service' attribute"):
            await credd.check_user_service_creds(CredTypes.OAuth, [{"Handle": "a"}])

    run(body)


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_where_to_get_what_is_missing(pool, connected, run):
    url = "https://pool.test/key/" + "ab" * 32
    pool.running.pool.credd_daemon.store.url = url

    async def body():
        credd = await connected("visitor@testpool")
        await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "there")
        present = await credd.check_user_service_creds(CredTypes.OAuth, ["there"])
        missing = await credd.check_user_service_creds(CredTypes.OAuth, ["there", "elsewhere"])
        return present, missing

    present, missing = run(body)
    assert present.present
    assert (present.url, present.error, str(present)) == (None, None, "there")
    assert (bool(missing), missing.url, missing.error, str(missing)) == (False, url, None, url)


def test_kerberos(connected, run):
    async def body():
        credd = await connected("kerberos-user@testpool")
        assert await code_of(credd.query_user_cred(CredTypes.Kerberos)) == 5
        await credd.delete_user_cred(CredTypes.Kerberos)

    run(body)


def test_passwords_of_users_are_not_for_unix(connected, run):
    async def body():
        credd = await connected()
        assert await code_of(credd.add_password("very-secret", "alice@testpool")) == 0
        assert await code_of(credd.add_user_cred(CredTypes.Password, b"very-secret")) in (0, 8)

    run(body)


@pytest.fixture
def kept_pool_password(pool):
    """The file of the pool's password, which is put back: the pool's daemons prove themselves with it."""
    if pool.id == "embedded":
        yield None
        return
    path = pool.run / "passwords.d/POOL"
    owner, mode, content = path.stat().st_uid, path.stat().st_mode & 0o777, path.read_bytes()
    yield path
    path.touch(mode)
    path.write_bytes(content)
    path.chmod(mode)
    os.chown(path, owner, owner)


def test_the_pools_password(pool, make_client, run, kept_pool_password):
    client = make_client("condor@testpool")

    async def body():
        while not (ads := await Collector(client=client).locate_all(DaemonTypes.Master)):
            await run.runtime.sleep(0.2)  # a master advertises itself after its daemons have started
        master = Credd(ads[0], client=client)

        async def stored():
            if kept_pool_password is None:
                return await master.query_password("condor_pool@testpool")
            with pytest.raises(HTCondorIOError):  # HTCondor's master cannot be asked
                await master.query_password("condor_pool@testpool")
            return kept_pool_password.exists()

        assert await master.delete_password("condor_pool@testpool")
        assert not await stored()
        await master.add_password("very-secret", "condor_pool@testpool")
        assert await stored()
        assert await master.delete_password("condor_pool@other")  # there is one, whatever the domain
        assert not await stored()

    run(body)


def test_for_somebody_else(connected, run):
    async def body():
        credd = await connected()
        for call in (
            credd.add_user_service_cred(CredTypes.OAuth, SECRET, "box", user="bob@testpool"),
            credd.query_user_service_cred(CredTypes.OAuth, "box", user="bob@testpool"),
            credd.delete_user_service_cred(CredTypes.OAuth, "box", user="bob@testpool"),
        ):
            assert await code_of(call) == 7
        assert await code_of(credd.query_user_service_cred(CredTypes.OAuth, "box", user="alice")) == 8

    run(body)


def test_without_encryption_nothing_is_sent(connected, run):
    async def body():
        credd = await connected(SEC_CLIENT_ENCRYPTION="NEVER", SEC_CLIENT_INTEGRITY="NEVER")
        with pytest.raises(SecurityError, match="encryption"):
            await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "box")
        credd = await connected(SEC_CLIENT_NEGOTIATION="NEVER", SEC_CLIENT_AUTHENTICATION="NEVER")
        with pytest.raises(SecurityError, match="encryption"):
            await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "box")

    run(body)


def test_without_an_identity_nothing_is_sent(connected, run):
    async def body():
        credd = await connected(None, methods="IDTOKENS")
        with pytest.raises(AuthenticationError):
            await credd.add_user_service_cred(CredTypes.OAuth, SECRET, "box")

    run(body)


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_wrong_arguments(connected, run):
    oauth, kerberos = CredTypes.OAuth, CredTypes.Kerberos

    async def body():
        credd = await connected()
        for error, call in (
            (HTCondorEnumError, credd.add_user_cred(oauth, b"x")),
            (HTCondorEnumError, credd.add_user_service_cred(kerberos, b"x", "s")),
            (HTCondorEnumError, credd.query_user_cred(99)),
            (HTCondorTypeError, credd.add_user_cred(kerberos, "text")),
            (HTCondorValueError, credd.add_user_cred(kerberos, b"")),
            (HTCondorValueError, credd.add_user_cred(kerberos, None)),
            (HTCondorValueError, credd.add_password("")),
            (HTCondorValueError, credd.add_password("x", user="x")),
            (HTCondorValueError, credd.add_user_service_cred(oauth, b"x", "")),
            (HTCondorValueError, credd.add_user_service_cred(oauth, b"x", "../up")),
            (HTCondorValueError, credd.query_user_service_cred(oauth, "", "handle")),
            (HTCondorValueError, credd.check_user_service_creds(oauth, [])),
            (HTCondorTypeError, credd.check_user_service_creds(oauth, "one")),
        ):
            with pytest.raises(error):
                await call

    run(body)


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_a_program_that_makes_the_credential(pool, connected, run, tmp_path):
    program = tmp_path / "producer"
    program.write_text("#!/bin/sh\nprintf made-by-program\n")
    program.chmod(0o700)
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)

    async def body():
        credd = await connected(SEC_CREDENTIAL_PRODUCER_OAUTH_box=str(program), SEC_CREDENTIAL_PRODUCER=str(broken))
        await credd.add_user_service_cred(CredTypes.OAuth, None, "box")
        with pytest.raises(HTCondorIOError, match="status 3"):
            await credd.add_user_cred(CredTypes.Kerberos, None)

    run(body)
    kept = pool.running.pool.credd_daemon.store.kept
    assert kept["alice", "oauth/box"][0].reveal() == b"made-by-program"
