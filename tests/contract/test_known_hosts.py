"""The first contact over SSL without an authority: our client and HTCondor's own share one file of known hosts."""

from __future__ import annotations

import base64
import os
import ssl
from pathlib import Path

import pytest
from harness import roots

from htcondor_async import AuthenticationError, Collector, DaemonTypes, Schedd

BOOTSTRAP = {"BOOTSTRAP_SSL_SERVER_TRUST": "true"}


async def read(pool, client):
    """Query the schedd that takes SSL alone and return how it was authenticated."""
    location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["ssl"], timeout=30)
    async with Schedd(location, client=client).xquery(limit=1, timeout=30) as stream:
        async for _ in stream:
            pass
        return stream._source.channel.session.authenticated_by


@pytest.fixture
def known_hosts(tmp_path):
    """The file of known hosts of the test's clients; there is none at first."""
    return tmp_path / "new" / "known_hosts"


@pytest.fixture
def stranger(make_client, known_hosts):
    """`stranger(...)`: a client that trusts no authority."""
    return lambda **extra: make_client(
        None, methods="SSL", AUTH_SSL_CLIENT_CAFILE="", SEC_KNOWN_HOSTS=str(known_hosts), **extra
    )


def certificate(pool, name="ca") -> str:
    """A certificate as it stands in the file; daemons send that of the pool's authority behind their own."""
    folder = (pool.folder if pool.id == "embedded" else pool.run) / "ssl"
    return base64.b64encode(ssl.PEM_cert_to_DER_cert((folder / f"{name}.pem").read_text())).decode()


def test_first_contact_second_contact_changed_certificate(pool, run, stranger, known_hosts):
    assert run(read, pool, stranger(**BOOTSTRAP)) == "SSL"
    host, *rest = known_hosts.read_text().split()
    assert rest == ["SSL", certificate(pool)]
    assert known_hosts.stat().st_mode & 0o777 == 0o644
    assert run(read, pool, stranger()) == "SSL"
    known_hosts.write_text(f"{host} SSL @trusted\n")
    with pytest.raises(AuthenticationError, match="an authority answered for the host before"):
        run(read, pool, stranger(**BOOTSTRAP))
    assert known_hosts.read_text() == f"{host} SSL @trusted\n!{host} SSL {certificate(pool)}\n"
    known_hosts.write_text(f"{host} SSL {certificate(pool, 'client')}\n")
    with pytest.raises(AuthenticationError, match=r"shows another certificate than .*known_hosts has"):
        run(read, pool, stranger(**BOOTSTRAP))


def test_a_stranger_is_refused(pool, run, stranger, known_hosts):
    with pytest.raises(AuthenticationError, match="no authority answers for it"):
        run(read, pool, stranger())
    assert known_hosts.read_text().startswith("!")
    with pytest.raises(AuthenticationError, match="refuses the host"):
        run(read, pool, stranger(**BOOTSTRAP))


def _shared(pool, **extra):
    """Settings of a client of alice without an authority, and its file of known hosts."""
    nobody = {"AUTH_SSL_CLIENT_CAFILE": "", "AUTH_SSL_CLIENT_USE_DEFAULT_CAS": "false"}
    settings = pool.settings(None, methods="SSL", owner="alice", **nobody, **extra)
    folder = Path(settings["SEC_TOKEN_DIRECTORY"]).parent
    os.chown(folder, roots.USERS["alice"], roots.USERS["alice"])
    return settings, folder / "known_hosts"


def _ping(pool, settings):
    """Let HTCondor's own client authenticate to the schedd that takes SSL alone; whether it could."""
    config = Path(settings["SEC_TOKEN_DIRECTORY"]).with_name("condor_config")
    arguments = ["-name", pool.schedds["ssl"], "-type", "SCHEDD", "-quiet", "READ"]
    return pool.tool("condor_ping", *arguments, user="alice", config=config, check=False).returncode == 0


def _as_alice(settings, schedd):
    """Query as an ordinary user; gives what went wrong."""
    from htcondor_async import Client
    from htcondor_async._runtime.blocking import BlockingRuntime, drive

    client = Client(settings, runtime=BlockingRuntime())

    async def body():
        location = await Collector(client=client).locate(DaemonTypes.Schedd, schedd, timeout=30)
        await Schedd(location, client=client).query(limit=1, timeout=30)

    try:
        drive(body())
    except AuthenticationError as error:
        return str(error)
    return None


def test_what_our_client_wrote_htcondor_honours(real_pool, as_user):
    schedd = real_pool.schedds["ssl"]
    settings, file = _shared(real_pool)
    assert as_user(_as_alice, {**settings, **BOOTSTRAP}, schedd) is None
    assert file.read_text() == f"pool.test SSL {certificate(real_pool)}\n"
    assert _ping(real_pool, settings)
    # and what ours refused, HTCondor's refuses
    settings, file = _shared(real_pool, **BOOTSTRAP)
    assert "no authority" in as_user(_as_alice, {**settings, "BOOTSTRAP_SSL_SERVER_TRUST": "false"}, schedd)
    assert file.read_text() == f"!pool.test SSL {certificate(real_pool)}\n"
    assert not _ping(real_pool, settings)


def test_what_htcondor_wrote_our_client_honours(real_pool, as_user):
    schedd = real_pool.schedds["ssl"]
    settings, file = _shared(real_pool, **BOOTSTRAP)
    assert _ping(real_pool, settings)
    assert f"pool.test SSL {certificate(real_pool)}\n" in file.read_text()
    assert as_user(_as_alice, {**settings, "BOOTSTRAP_SSL_SERVER_TRUST": "false"}, schedd) is None
    settings, file = _shared(real_pool)
    assert not _ping(real_pool, settings)
    assert f"!pool.test SSL {certificate(real_pool)}\n" in file.read_text()
    assert "refuses the host" in as_user(_as_alice, {**settings, **BOOTSTRAP}, schedd)
