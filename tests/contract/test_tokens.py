"""Tokens: requested, listed, approved, fetched and used; for one's own session; made with the pool's key."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

import pytest

from htcondor_async import (
    AuthorizationError,
    Collector,
    DaemonError,
    DaemonTimeoutError,
    DaemonTypes,
    HTCondorIOError,
    HTCondorValueError,
    Schedd,
    SecMan,
    SecurityError,
    Token,
    TokenRequest,
    approve_token_request,
    auto_approve_token_requests,
    create_token,
    list_token_requests,
    list_tokens,
    session_token,
)


def test_a_request_from_submission_to_use(pool, make_client, run):
    asking, approving = make_client(), make_client("bob@testpool")

    async def body():
        request = TokenRequest("alice@testpool", ["READ"], 3600, client=asking)
        with pytest.raises(HTCondorIOError, match="prior to submitting"):
            _ = request.request_id
        await request.submit(timeout=20)
        with pytest.raises(HTCondorIOError, match="already submitted"):
            await request.submit()
        assert not await request.done()
        (pending,) = [r for r in await list_token_requests(client=approving) if r.request_id == request.request_id]
        assert pending.client_id == request.client_id
        assert pending.requested_identity == pending.authenticated_identity == "alice@testpool"
        assert pending.scopes == ("READ",)
        assert pending.lifetime == 3600
        assert await list_token_requests(request_id=request.request_id, client=approving) == [pending]
        with pytest.raises(DaemonError) as caught:
            await approve_token_request(request.request_id, "somebody-else-1", client=approving)
        assert caught.value.code != 0
        await approve_token_request(request.request_id, request.client_id, client=approving)
        token = await request.result(30, interval=0.1)
        assert await request.done()
        assert (token.subject, token.issuer, token.key_id) == ("alice@testpool", "testpool", "POOL")
        assert token.scopes == ("condor:/READ",)
        assert token.expires is not None
        assert token.reveal() not in repr(token) + repr(request)
        with pytest.raises(DaemonError):
            await TokenRequest.done(_other(request))
        return token

    token = run(body)
    client = make_client(token=token.reveal(), SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def use():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["tokens"])
        assert isinstance(await Schedd(location, client=client).query(limit=1), list)
        with pytest.raises(AuthorizationError):
            await Schedd(location, client=client).act(1, "false")

    run(use)


def _other(request):
    """The same request, its token not fetched yet: the daemon has forgotten it."""
    again = TokenRequest("alice@testpool", client=request._client)
    again._target, again._request_id, again._client_id = request._target, request._request_id, request._client_id
    return again


def test_waiting_in_vain(pool, client, run):
    async def body():
        request = TokenRequest("alice@testpool", client=client)
        with pytest.raises(HTCondorIOError, match="not been submitted"):
            await request.result(1)
        await request.submit()
        with pytest.raises(DaemonTimeoutError, match="waiting for token approval"):
            await request.result(0.2, interval=0.1)

    run(body)


def test_without_encryption_nothing_is_sent(pool, make_client, run):
    client = make_client(SEC_CLIENT_ENCRYPTION="NEVER", SEC_CLIENT_INTEGRITY="NEVER")

    async def body():
        with pytest.raises(SecurityError, match="encryption"):
            await TokenRequest("alice@testpool", client=client).submit()
        with pytest.raises(SecurityError, match="encryption"):
            await session_token(client=client)

    run(body)


def test_who_shows_no_identity_is_refused(pool, make_client, run):
    client = make_client(None, methods="ANONYMOUS")

    async def body():
        with pytest.raises((DaemonError, SecurityError)) as caught:
            await TokenRequest("alice@testpool", client=client).submit()
        return caught.value

    error = run(body)
    assert getattr(error, "code", 7) == 7


def test_a_token_for_ones_own_session(pool, client, make_client, run):
    async def body():
        return await session_token(scopes=["READ", "WRITE"], lifetime=600, client=client)

    token = run(body)
    assert token.subject == "alice@testpool"
    assert token.scopes == ("condor:/READ", "condor:/WRITE")

    async def ping():
        with SecMan(client=client) as security:
            security.set_token(token)
            security.set_config("SEC_CLIENT_AUTHENTICATION", "REQUIRED")
            return await security.ping({"MyAddress": f"<{pool.collector}>", "MyType": "Collector"}, "WRITE")

    assert run(ping)["User"] == "alice@testpool"


def test_a_rule_for_a_network(pool, client, run):
    async def body():
        await auto_approve_token_requests("127.0.0.0/8", 60, client=client)
        with pytest.raises(HTCondorValueError, match="not a network"):
            await auto_approve_token_requests("here", 60, client=client)

    run(body)


def test_a_token_made_with_the_pools_key(pool, make_client, run, tmp_path):
    key_file = (pool.folder if pool.id == "embedded" else pool.run) / "passwords.d/POOL"
    copy = tmp_path / "POOL"
    copy.touch(mode=0o600)
    copy.write_bytes(key_file.read_bytes())
    client = make_client(None, SEC_TOKEN_POOL_SIGNING_KEY_FILE=str(copy), SEC_PASSWORD_FILE=str(copy))

    async def body():
        with pytest.raises(HTCondorValueError, match="no signing key 'MISSING'"):
            await create_token("carol", key="MISSING", client=client)
        return await create_token("carol", ["READ", "WRITE"], 600, client=client)

    token = run(body)
    assert token.subject == "carol@testpool"
    user = make_client(token=token.reveal(), SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def ping():
        return await SecMan(client=user).ping(f"<{pool.collector}>", "WRITE")

    assert run(ping)["User"] == "carol@testpool"


@pytest.mark.parametrize("pool", ["embedded"], indirect=True)
def test_a_token_is_written_where_it_is_looked_for(pool, make_client, run, tmp_path):
    folder = tmp_path / "tokens.d"
    client = make_client(None, SEC_TOKEN_DIRECTORY=str(folder))
    token = Token(pool.token())
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    folder.mkdir(mode=0o700, parents=True)
    Path(folder, "linked").symlink_to(victim)

    async def body():
        first = await token.write(client=client)
        second = await token.write("linked", client=client)
        for bad in ("", "..", "a/b", "a\0b", "x" * 300):
            with pytest.raises(HTCondorValueError):
                await token.write(bad, client=client)
        return first, second, await list_tokens(client=client)

    first, second, listed = run(body)
    assert first == f"{folder}/python_generated_tokens"
    for path in (first, second):
        info = os.lstat(path)
        assert stat.S_ISREG(info.st_mode)
        assert stat.S_IMODE(info.st_mode) == 0o600
        assert Path(path).read_text() == token.reveal() + "\n"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert victim.read_text() == "untouched"
    assert sorted(path.name for path in folder.iterdir()) == ["linked", "python_generated_tokens"]
    assert [found.subject for found in listed.tokens] == ["alice@testpool"] * 2
    assert token.reveal() not in str(listed)
    fresh = make_client(None, SEC_TOKEN_DIRECTORY=str(tmp_path / "fresh/tokens.d"))
    assert run(token.write, "named", client=fresh) == str(tmp_path / "fresh/tokens.d/named")
    assert stat.S_IMODE((tmp_path / "fresh/tokens.d").stat().st_mode) == 0o700


def test_a_token_that_ends_soon_is_announced(pool, make_client, run, caplog):
    client = make_client(token=pool.token(lifetime=40), SEC_CLIENT_AUTHENTICATION="REQUIRED")

    async def ping():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            await SecMan(client=client).ping(f"<{pool.collector}>", "READ")
        return [str(warning.message) for warning in caught if "token" in str(warning.message)]

    with caplog.at_level("WARNING", "htcondor_async.security"):
        (warning,) = run(ping)
    assert "expires at" in warning
    assert any("expires at" in record.getMessage() for record in caplog.records)


def test_a_replaced_token_is_used_at_the_next_handshake(pool, make_client, run):
    client = make_client(token=pool.token("alice@testpool"), SEC_CLIENT_AUTHENTICATION="REQUIRED")
    file = Path(client.config["SEC_TOKEN_DIRECTORY"], "token")

    async def who():
        return (await SecMan(client=client).ping(f"<{pool.collector}>", "READ"))["User"]

    assert run(who) == "alice@testpool"
    file.write_text(pool.token("robert@testpool") + "\n")
    assert run(who) == "robert@testpool"
