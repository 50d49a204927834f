"""SCITOKENS: bearer tokens of an issuer of the tests, taken by real daemons, which fetch its keys over HTTPS, and by
the embedded pool; and the map file that says who a subject of a token, or of a certificate, is."""

from __future__ import annotations

import pytest
from harness import issuer as issuers

from htcondor_async import AuthenticationError, AuthorizationError, Collector, DaemonTypes, Schedd
from htcondor_async.testing import TokenIssuer


@pytest.fixture
def issuer(pool):
    """An issuer that the pool trusts."""
    if pool.id == "embedded":
        yield pool.issuer
    else:
        with issuers.serve(pool.run / "ssl") as served:
            yield served


@pytest.fixture
def bearer(make_client, tmp_path):
    """`bearer(token, ...)`: a client with that bearer token."""

    def make(token, **extra):
        path = tmp_path / "bearer"
        path.touch(mode=0o600)
        path.write_text(token)
        return make_client(None, methods="SCITOKENS", SCITOKENS_FILE=str(path), **extra)

    return make


async def schedd_of(pool, client):
    return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["ssl"]), client=client)


async def session_of(pool, client):
    """Query the schedd that takes TLS alone and return the session."""
    async with (await schedd_of(pool, client)).xquery(limit=1, timeout=30) as stream:
        async for _ in stream:
            pass
        return stream._source.channel.session


def test_whom_a_subject_is_mapped_to(pool, run, issuer, bearer):
    users = {"alice": "alice@testpool", "two words": "two words@testpool", "short": "dora@testpool"}
    for subject, user in users.items():
        session = run(session_of, pool, bearer(issuer.token(subject)))
        assert (session.user, session.authenticated_by) == (user, "SCITOKENS")


def test_whom_a_certificate_is_mapped_to(pool, run, make_client):
    session = run(session_of, pool, make_client(None, methods="SSL"))
    assert (session.user, session.authenticated_by) == ("alice@testpool", "SSL")


def test_tokens_that_are_refused(pool, run, issuer, bearer):
    other = TokenIssuer(issuer.url)
    tokens = {
        "nobody mapped": issuer.token("mallory"),
        "expired": issuer.token("alice", lifetime=-7200),
        "not yet": issuer.token("alice", nbf=4_000_000_000, exp=4_000_003_600),
        "another audience": issuer.token("alice", aud="https://elsewhere.example.org"),
        "no end": issuer.token("alice", exp=None),
        "forged": other.token("alice", iss=issuer.url),
        "unknown issuer": other.token("alice", iss="https://localhost:1"),
        "no token": "not.a.token",
    }
    for what, token in tokens.items():
        with pytest.raises(AuthenticationError, match="the daemon refused the bearer token"):
            run(session_of, pool, bearer(token))
            pytest.fail(f"taken: {what}")


def test_a_token_allows_what_it_says(pool, run, issuer, bearer):
    async def body(client):
        schedd = await schedd_of(pool, client)
        await schedd.query(limit=1, timeout=30)
        await schedd.act(1, "false", timeout=30)

    with pytest.raises(AuthorizationError, match="ACT_ON_JOBS"):
        run(body, bearer(issuer.token("alice", scopes=["READ"])))
    with pytest.raises(AuthorizationError, match="QUERY_JOB"):
        run(body, bearer(issuer.token("alice", scopes=[])))


def test_a_first_contact_counts_for_both_methods_over_tls(pool, run, issuer, bearer, make_client, tmp_path):
    options = {"AUTH_SSL_CLIENT_CAFILE": "", "SEC_KNOWN_HOSTS": str(tmp_path / "known_hosts")}
    with pytest.raises(AuthenticationError, match="not trusted"):
        run(session_of, pool, bearer(issuer.token("alice"), **options))
    (tmp_path / "known_hosts").unlink()
    session = run(session_of, pool, bearer(issuer.token("alice"), BOOTSTRAP_SSL_SERVER_TRUST="true", **options))
    assert session.authenticated_by == "SCITOKENS"
    assert run(session_of, pool, make_client(None, methods="SSL", **options)).authenticated_by == "SSL"
