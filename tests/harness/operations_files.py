"""More of `operations.OPERATIONS`: what has to do with files, users, tokens, event logs and following jobs."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from htcondor_async import (
    Credd,
    CredTypes,
    DaemonTimeoutError,
    HistoryCursor,
    JobAction,
    JobChange,
    JobEventLog,
    JobEventLogs,
    SecMan,
    Token,
    TokenRequest,
    approve_token_request,
    auto_approve_token_requests,
    create_token,
    exchange_scitoken,
    explain_permission,
    list_token_requests,
    list_tokens,
    session_token,
    wait_for_jobs,
    watch,
)
from htcondor_async._cedar.commands import Command
from htcondor_async._secret import Secret
from htcondor_async._security.tokens import mint
from htcondor_async.classad import ClassAd
from htcondor_async.testing._common import CommonCommands
from htcondor_async.testing._credd import CreddDaemon
from htcondor_async.testing._server import Connection, Handler
from htcondor_async.testing._spool import spool_folder_of
from htcondor_async.testing._tokens import TokenDesk

from .memory_pool import COLLECTOR, Handles
from .operations import operation

_FOLDER = tempfile.TemporaryDirectory(prefix="operations-")
_ROOT = Path(_FOLDER.name)
_KEY = b"signing key of the operations" * 2
_FILES = {
    "SEC_PASSWORD_DIRECTORY": str(_ROOT),
    "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(_ROOT / "POOL"),
    "SEC_TOKEN_DIRECTORY": str(_ROOT / "tokens.d"),
    "TRUST_DOMAIN": "memory.pool",
}
_SPOOL = {"SPOOL": str(_ROOT / "spool")}
_EVENT = "000 (001.000.000) 2026-01-02 03:04:05 Job submitted from host: <127.0.0.1:9618>\n...\n"
_ADDRESS = f"<{COLLECTOR[0]}:{COLLECTOR[1]}>"


def _prepare() -> None:
    for folder in ("spool", "work", "out", "export", "tokens.d", "fs"):
        (_ROOT / folder).mkdir(mode=0o700)
    pattern = bytes((0xDE, 0xAD, 0xBE, 0xEF))
    (_ROOT / "POOL").touch(mode=0o600)
    (_ROOT / "POOL").write_bytes(bytes(byte ^ pattern[index % 4] for index, byte in enumerate(_KEY)))
    (_ROOT / "work/input").write_bytes(b"x" * 100_000)
    (_ROOT / "log").write_text(_EVENT)
    (_ROOT / "other.log").write_text(_EVENT)


def _make_proxy() -> None:
    """Write a certificate with its key, as a proxy file has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "alice")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(datetime.datetime(2020, 1, 1)).not_valid_after(datetime.datetime(2100, 1, 1))
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    (_ROOT / "proxy").touch(mode=0o600)
    (_ROOT / "proxy").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem) + plain)


_prepare()
_make_proxy()


# -- files of jobs


async def _spooled(h: Handles) -> Any:
    ad = {"Cmd": "/bin/true", "TransferInput": "input", "Iwd": str(_ROOT / "work"), "TransferExecutable": False}
    return await h.schedd.submit(ad, spool=True)


@operation("Schedd.spool", server=_SPOOL)
async def _(h: Handles) -> None:
    await h.schedd.spool(await _spooled(h))


@operation("Schedd.retrieve", server=_SPOOL)
async def _(h: Handles) -> None:
    result = await _spooled(h)
    await h.schedd.spool(result)
    await h.schedd.retrieve([f"{result.cluster()}.0"], str(_ROOT / "out"))


@operation("Schedd.refresh_gsi_proxy", server=_SPOOL, client={"DELEGATE_JOB_GSI_CREDENTIALS": "false"})
async def _(h: Handles) -> None:
    folder = spool_folder_of(h.network.schedd.spool_folder, (1, 0))
    folder.mkdir(parents=True, exist_ok=True)
    h.network.schedd.queue.procs[1, 0].update({"x509userproxy": "proxy", "Iwd": str(folder)})
    assert await h.schedd.refresh_gsi_proxy(1, 0, str(_ROOT / "proxy")) > 0


@operation("jobs exported and taken back")
async def _(h: Handles) -> None:
    folder = str(_ROOT / "export")
    assert (await h.schedd.export_jobs("1", folder))["TotalJobAds"] == 1
    await h.schedd.import_exported_job_results(folder)
    await h.schedd.unexport_jobs("1")


# -- users


@operation("users of a schedd")
async def _(h: Handles) -> None:
    await h.schedd.add_users("carol@memory.pool")
    assert len(await h.schedd.query_users()) >= 1


@operation("users of a schedd, switched")
async def _(h: Handles) -> None:
    h.network.schedd.users.setdefault("carol@memory.pool", ClassAd({"User": "carol@memory.pool", "Enabled": True}))
    await h.schedd.disable_users("carol@memory.pool", "a reason")
    await h.schedd.enable_users("carol@memory.pool")


# -- following jobs


@operation("HistoryCursor")
async def _(h: Handles) -> None:
    h.network.schedd.queue.history = [ClassAd({"ClusterId": 90 + n, "ProcId": 0, "QDate": n}) for n in range(3)]
    cursor = HistoryCursor(h.schedd, from_beginning=True)
    assert len(await cursor.read()) == 3
    assert await cursor.read() == []


@operation("watch")
async def _(h: Handles) -> None:
    await h.schedd.act(JobAction.Hold, ["1.0"])
    following = watch(h.schedd, ["1.0"], patience=0.0)
    assert await following.next_events(timeout=5)
    assert following.waiting == ["1.0"]


@operation("wait_for_jobs")
async def _(h: Handles) -> None:
    h.network.schedd.queue.procs[2, 0]["JobStatus"] = 5
    assert set(await wait_for_jobs(h.schedd, ["2.0"], timeout=5, patience=0.0)) == {"2.0"}
    async for event in watch(h.schedd, ["2.0"], patience=0.0):
        assert event.job == "2.0"
        break


@operation("watch with logs")
async def _(h: Handles) -> None:
    queue = h.network.schedd.queue
    queue.change((1, 0), {"QDate": 1_767_323_000, "UserLog": str(_ROOT / "log")})
    queue.change((2, 0), {"JobStatus": 5, "NumHolds": 1, "UserLog": str(_ROOT / "other.log")})
    async with watch(h.schedd, ["1.0", "2.0"], find_logs=True, patience=0.0) as following:
        told = await following.next_events(timeout=5)
        while len(told) < 2:
            told += await following.next_events(timeout=5)
        assert {news.job: news.change for news in told} == {"1.0": JobChange.IDLE, "2.0": JobChange.HELD}
        with pytest.raises(DaemonTimeoutError):
            await following.next_events(timeout=0.5)


# -- ads


@operation("Collector.advertise")
async def _(h: Handles) -> None:
    ads = [ClassAd({"MyType": "Testing", "Name": f"ad{number}"}) for number in range(3)]
    await h.collector.advertise(ads)


@operation("Collector.invalidate")
async def _(h: Handles) -> None:
    await h.collector.invalidate([ClassAd({"MyType": "Testing", "Name": "ad1"})])


@operation("SecMan")
async def _(h: Handles) -> None:
    CommonCommands(h.network.collector, lambda: None)
    security = SecMan(client=h.client)
    assert (await security.ping(_ADDRESS, "WRITE"))["AuthorizationSucceeded"]
    await security.report(_ADDRESS, "READ")


@operation("explain_permission")
async def _(h: Handles) -> None:
    CommonCommands(h.network.collector, lambda: None)
    explanation = await explain_permission(_ADDRESS, "READ", client=h.client)
    if explanation.error is not None:  # it tells of failures, and raises none
        raise explanation.error
    assert explanation.allowed


# -- tokens


def _desk(h: Handles) -> TokenDesk:
    return TokenDesk(h.network.collector)


@operation("TokenRequest", server=_FILES)
async def _(h: Handles) -> None:
    _desk(h)
    request = TokenRequest("alice@memory.pool", ["READ"], 600, client=h.client)
    await request.submit(timeout=5)
    assert not await request.done(timeout=5)
    await list_token_requests(client=h.client)
    await approve_token_request(request.request_id, request.client_id, client=h.client)
    assert (await request.wait(timeout=5)).subject == "alice@memory.pool"


@operation("approving tokens", server=_FILES)
async def _(h: Handles) -> None:
    _desk(h)
    await auto_approve_token_requests("10.0.0.0/8", 60, client=h.client)


@operation("session_token", server=_FILES)
async def _(h: Handles) -> None:
    _desk(h)
    assert (await session_token(client=h.client)).issuer == "memory.pool"


@operation("exchange_scitoken", server=_FILES)
async def _(h: Handles) -> None:
    async def exchange(connection: Connection) -> None:
        await connection.request(connection.runtime.clock() + 20)
        token = mint(Secret(_KEY), issuer="memory.pool", subject="alice", now=1.7e9, token_id="1")
        await connection.reply(connection.writer().ad(ClassAd({"Token": token.text().reveal()})))

    h.network.collector.commands[Command.DC_EXCHANGE_SCITOKEN] = Handler("ALLOW", exchange)
    assert (await exchange_scitoken("a.b.c", client=h.client)).subject == "alice"


@operation("local tokens", client=_FILES, local=True)
async def _(h: Handles) -> None:
    token = await create_token("alice", ["READ"], 600, client=h.client)
    assert isinstance(token, Token)
    await token.write("mine", client=h.client)
    assert await list_tokens(client=h.client)


# -- credentials


def _credd(h: Handles) -> Credd:
    daemon = CreddDaemon("credd@memory.pool", h.network.daemon_config)
    daemon.store.serve_pool_password()
    h.network.put(daemon, "10.0.0.6", 9618)
    return Credd("<10.0.0.6:9618>", client=h.client)


@operation("passwords")
async def _(h: Handles) -> None:
    credd = _credd(h)
    await credd.add_password("open sesame", "condor_pool@memory.pool")
    assert await credd.query_password("condor_pool@memory.pool")
    await credd.delete_password("condor_pool@memory.pool")


@operation("credentials of a user")
async def _(h: Handles) -> None:
    credd = _credd(h)
    await credd.add_user_cred(CredTypes.Kerberos, b"ticket", "alice@memory.pool")
    await credd.query_user_cred(CredTypes.Kerberos, "alice@memory.pool")
    await credd.delete_user_cred(CredTypes.Kerberos, "alice@memory.pool")


@operation("credentials of services")
async def _(h: Handles) -> None:
    credd = _credd(h)
    await credd.add_user_service_cred(CredTypes.OAuth, b"token", "cloud", "", "alice@memory.pool")
    await credd.query_user_service_cred(CredTypes.OAuth, "cloud", "", "alice@memory.pool")
    assert await credd.check_user_service_creds(CredTypes.OAuth, ["cloud"], "alice@memory.pool")
    await credd.delete_user_service_cred(CredTypes.OAuth, "cloud", "", "alice@memory.pool")


# -- event logs


@operation("JobEventLog", local=True)
async def _(h: Handles) -> None:
    runtime = h.client._context().runtime
    async with JobEventLog(_ROOT / "log", runtime=runtime) as log:
        await log.open()
        assert [event.cluster async for event in log.events(0)] == [1]


@operation("JobEventLogs", local=True)
async def _(h: Handles) -> None:
    runtime = h.client._context().runtime
    async with JobEventLogs([_ROOT / "log", _ROOT / "other.log"], runtime=runtime) as logs:
        assert len([event async for event in logs.events(0)]) == 2


# -- ways of authentication that use files


def _by(method: str) -> dict[str, dict[str, str]]:
    return {
        "server": {**_FILES, "SEC_DEFAULT_AUTHENTICATION_METHODS": method, "FS_LOCAL_DIR": str(_ROOT / "fs")},
        "client": {**_FILES, "SEC_CLIENT_AUTHENTICATION_METHODS": method, "FS_LOCAL_DIR": str(_ROOT / "fs")},
        "after": lambda h: h.schedd.query(),
    }


@operation("by a token", **_by("IDTOKENS"))
async def _(h: Handles) -> None:
    assert await h.schedd.query()


@operation("by FS", **_by("FS"))
async def _(h: Handles) -> None:
    assert list((_ROOT / "fs").iterdir()) == [], "a directory was left behind by the run before"
    assert await h.schedd.query()
