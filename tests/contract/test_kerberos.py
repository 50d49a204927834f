"""KERBEROS with MIT's key distribution centre: this client and real ones, embedded daemons and real ones."""

from __future__ import annotations

import re
import socket
import time

import pytest
from harness import bindings, embedded
from harness.flavours import Run

from htcondor_async import AdTypes, AuthenticationError, Client, Collector, DaemonTypes, HTCondorIOError, Schedd
from htcondor_async._runtime.kerberos import SystemKerberos
from htcondor_async._secret import Secret
from htcondor_async._security import handshake
from htcondor_async._security.handshake import _Handshake
from htcondor_async._security.keys import unwrap_key
from htcondor_async.errors import ProtocolError

ONLY = {"methods": "KERBEROS", "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}


async def read(pool, client):
    """Query a schedd and return the session that was made for it."""
    location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"], timeout=30)
    async with Schedd(location, client=client).xquery(projection=["Owner"], timeout=30) as stream:
        async for _ in stream:
            pass
        return stream._source.channel.session


def fail(pool, **settings):
    """Query without success; return the reason that KERBEROS gave."""
    run = Run("blocking")
    with pytest.raises(AuthenticationError) as caught:
        run(read, pool, Client(pool.settings(None, **{**ONLY, **settings}), runtime=run.runtime))
    attempts = dict(caught.value.attempts)
    assert list(attempts) == ["KERBEROS"]
    assert attempts["KERBEROS"] in str(caught.value)
    return attempts["KERBEROS"]


def test_a_ticket(realm, pool, make_client, run, monkeypatch):
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    session = run(read, pool, make_client(None, SEC_CLIENT_ENCRYPTION="REQUIRED", **ONLY))
    assert session.authenticated_by == "KERBEROS"
    assert session.user == "alice@testpool"
    assert session.server_identity == "condor@TEST.REALM"  # this client has no map of realms
    assert session.method == "AES"


def test_a_keytab_of_the_client(realm, pool, make_client, run):
    keytab = str(realm.keytab("carol"))
    session = run(read, pool, make_client(None, KERBEROS_CLIENT_KEYTAB=keytab, **ONLY))
    assert (session.authenticated_by, session.user) == ("KERBEROS", "carol@testpool")


def test_the_keytab_of_the_host(realm, pool, make_client, run):
    """The superuser may read it, and is who the daemons are."""
    client = make_client(None, KERBEROS_SERVER_KEYTAB=str(realm.server_keytab), **ONLY)
    assert run(read, pool, client).user == "condor@testpool"


def test_no_ticket(realm, pool):
    reason = fail(pool)
    assert reason.startswith("No credentials cache found")
    assert "keytab' not found" in reason  # this is the superuser, who might have the host's


def test_an_expired_ticket(realm, pool, monkeypatch):
    cache = realm.ticket("alice", lifetime="1s")
    monkeypatch.setenv("KRB5CCNAME", cache)
    time.sleep(1.1)
    reason = fail(pool)
    assert reason.startswith(f"the ticket of alice@TEST.REALM in {cache} ended at ")
    assert "kinit" in reason


def test_a_service_that_the_realm_does_not_know(realm, pool, monkeypatch):
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    reason = fail(pool, KERBEROS_SERVER_SERVICE="nobody")
    assert "nobody/localhost@TEST.REALM not found in Kerberos database" in reason


def test_a_service_that_the_daemon_has_no_key_of(realm, pool, monkeypatch):
    realm.keytab("other/localhost")
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    reason = fail(pool, KERBEROS_SERVER_SERVICE="other")
    assert reason.startswith("the daemon refused the ticket for other/localhost@TEST.REALM")


def test_a_realm_that_the_client_does_not_let_in(realm, pool, monkeypatch, tmp_path):
    (tmp_path / "realms").write_text("ELSEWHERE = elsewhere\n")
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    reason = fail(pool, KERBEROS_MAP_FILE=str(tmp_path / "realms"))
    assert reason == "KERBEROS_MAP_FILE does not name the realm of host/localhost@TEST.REALM"


@pytest.mark.parametrize(
    ("ticket", "service", "said"),
    [(False, "host", "No credentials"), (True, "nobody", "not found"), (True, "other", "refused the ticket")],
    ids=["no-ticket", "no-service", "refused"],
)
def test_the_next_method_after_a_failure(realm, pool, monkeypatch, ticket, service, said):
    realm.keytab("other/localhost")
    if ticket:
        monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    settings = {**ONLY, "methods": "KERBEROS, CLAIMTOBE", "KERBEROS_SERVER_SERVICE": service}
    run = Run("blocking")
    client = Client(pool.settings(None, SEC_CLAIMTOBE_USER="dora", **settings), runtime=run.runtime)
    session = run(read, pool, client)
    assert session.authenticated_by == "CLAIMTOBE"
    assert said in dict(session.authentication_attempts)["KERBEROS"]


@pytest.mark.parametrize("cipher", ["BLOWFISH", "3DES"])
def test_a_session_key_that_kerberos_wraps(realm, pool, monkeypatch, cipher):
    """As between daemons before 9.0: without a key exchange the daemon makes a key and sends it."""
    proposed = _Handshake._proposal

    def without_exchange(self, usable):
        values = proposed(self, usable)
        del values["ECDHPublicKey"]
        return values

    unwrapped = []

    def noted(*arguments):
        unwrapped.append(unwrap_key(*arguments))
        return unwrapped[-1]

    monkeypatch.setattr(_Handshake, "_proposal", without_exchange)
    monkeypatch.setattr(handshake, "unwrap_key", noted)
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    run = Run("blocking")
    settings = {**ONLY, "SEC_CLIENT_ENCRYPTION": "REQUIRED", "SEC_CLIENT_CRYPTO_METHODS": cipher}
    session = run(read, pool, Client(pool.settings(None, **settings), runtime=run.runtime))
    assert (session.authenticated_by, session.method) == ("KERBEROS", cipher)
    assert session.key in unwrapped


def test_a_realm_that_does_not_answer(realm, pool, run, monkeypatch, tmp_path):
    """The library waits for half a minute, in a thread of its own; this client waits as long as it was told."""
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        text = (realm.folder / "krb5.conf").read_text()
        text = re.sub(r"kdc = \S+", f"kdc = 127.0.0.1:{deaf.getsockname()[1]}", text)
        (tmp_path / "krb5.conf").write_text(text.replace("[realms]", "    udp_preference_limit = 1\n[realms]"))
        monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "krb5.conf"))
        client = Client(pool.settings(None, **ONLY), runtime=run.runtime)

        async def body():
            collector = Collector(client=client)
            began = time.monotonic()
            with pytest.raises(HTCondorIOError):
                await collector.query(AdTypes.Schedd, timeout=0.5)
            return time.monotonic() - began

        assert 0.4 < run(body) < 5


@pytest.mark.parametrize(("address", "taken"), [("127.0.0.1", True), ("192.0.2.7", False)])
def test_a_ticket_that_is_for_some_addresses(realm, pool, monkeypatch, tmp_path, address, taken):
    text = (realm.folder / "krb5.conf").read_text()
    (tmp_path / "krb5.conf").write_text(text.replace("[realms]", f"    extra_addresses = {address}\n[realms]"))
    options = ["-a", "-S", "host/localhost"]
    monkeypatch.setenv("KRB5CCNAME", realm.ticket(options=options, config=tmp_path / "krb5.conf"))
    if taken:
        run = Run("blocking")
        assert run(read, pool, Client(pool.settings(None, **ONLY), runtime=run.runtime)).user == "alice@testpool"
    else:
        reason = fail(pool)
        assert "refused the ticket" in reason or "no name" in reason


def test_a_request_counts_once(realm, monkeypatch):
    """HTCondor's servers keep no account of requests; the embedded pool's do, where the library does."""
    monkeypatch.setenv("KRB5CCNAME", realm.ticket("alice"))
    library, keytab = SystemKerberos(), str(realm.server_keytab)
    exchange = library.request("127.0.0.1", "host", None, time.time())
    answer = library.accept(exchange.request, keytab)
    with pytest.raises(OSError, match="replay"):
        library.accept(exchange.request, keytab)
    other = library.accept(library.request("127.0.0.1", "host", None, time.time()).request, keytab)
    with pytest.raises(OSError, match="Mutual authentication failed"):
        library.confirm(exchange, other.reply)
    key = library.confirm(exchange, answer.reply)
    wrapped = answer.key.wrap(Secret(b"a session key"))
    assert key.unwrap(wrapped) == Secret(b"a session key")
    for changed in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), wrapped[:-1], wrapped[:11], b""):
        with pytest.raises(ProtocolError):
            key.unwrap(changed)


# -- real clients at the embedded pool


@pytest.fixture
def kerberos_only(realm):
    """An embedded pool whose daemons take nothing else."""
    with embedded.open_embedded(
        SEC_DEFAULT_AUTHENTICATION="REQUIRED", SEC_DEFAULT_AUTHENTICATION_METHODS="KERBEROS"
    ) as found:
        yield found


def test_real_tools_at_the_embedded_pool(realm, real_pool, kerberos_only):
    cache = realm.ticket("alice", owner="alice")
    options = {**ONLY, "COLLECTOR_HOST": kerberos_only.collector, "SEC_CLIENT_ENCRYPTION": "REQUIRED"}
    config = real_pool.client(None, owner="alice", **options)
    with_ticket = {"user": "alice", "config": config, "env": {**realm.environ, "KRB5CCNAME": cache}}
    told = real_pool.tool("condor_ping", "-verbose", "-type", "COLLECTOR", "READ", **with_ticket).stdout
    assert "Authenticated using:         KERBEROS" in told
    assert "Remote Mapping:              alice@testpool" in told
    found = real_pool.tool("condor_status", "-schedd", "-af", "Name", **with_ticket).stdout.split()
    assert sorted(found) == sorted(kerberos_only.schedds.values())
    without = {**with_ticket, "env": realm.environ | {"KRB5CCNAME": "FILE:/nowhere"}, "check": False}
    assert real_pool.tool("condor_status", "-schedd", **without).returncode != 0


_V1 = """
import htcondor
collector = htcondor.Collector()
emit(sorted(ad["Name"] for ad in collector.query(htcondor.AdTypes.Schedd)))
emit(htcondor.SecMan().ping(collector.locate(htcondor.DaemonTypes.Collector), "READ")["AuthMethods"])
"""
_V2 = """
import htcondor2
emit(sorted(ad["Name"] for ad in htcondor2.Collector().query(htcondor2.AdType.Schedd)))
emit("KERBEROS")
"""


@pytest.mark.parametrize(("version", "script"), [(bindings.V1_AND_V2, _V1), (bindings.V2_ONLY, _V2)], ids=["v1", "v2"])
def test_real_bindings_at_the_embedded_pool(realm, kerberos_only, run_bindings, tmp_path, version, script):
    """The superuser is the host: it logs in with the host's keytab, as daemons do."""
    settings = kerberos_only.settings(None, KERBEROS_SERVER_KEYTAB=str(realm.server_keytab), **ONLY)
    config = tmp_path / "condor_config"
    settings["KERBEROS_SERVER_PRINCIPAL"] = "host/localhost@TEST.REALM"
    config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    names, method = run_bindings(version, script, config=config, env=realm.environ)
    assert names == sorted(kerberos_only.schedds.values())
    assert method == "KERBEROS"
    assert {line.split()[1] for line in kerberos_only.logs("collector").splitlines()} == {"condor@testpool"}
