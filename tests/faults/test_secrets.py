"""Secrets are in no log, no message, no repr, no pickle, and in no traceback, its local variables included."""

from __future__ import annotations

import base64
import logging
import pickle
import time
import traceback
from collections.abc import Iterator

import attrs
import pytest

from htcondor_async import HTCondorException
from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async._runtime.sweep import fault_sweep, interrupt_sweep
from htcondor_async._secret import Secret
from htcondor_async._security.tokens import mint
from htcondor_async.testing import TokenIssuer
from tests.harness import certificates
from tests.harness.memory_pool import PoolNetwork
from tests.harness.operations import OPERATIONS

pytestmark = pytest.mark.allow_blocking  # the daemons in memory run inside the client's task

KEY = b"marker-of-the-signing-key-" + bytes(range(38))
NAMES = [
    "Schedd.query",
    "Schedd.act",
    "two commands over one session",
    pytest.param("Schedd.submit", marks=pytest.mark.full),
]
METHODS = ["IDTOKENS", "PASSWORD", "KERBEROS", "CLAIMTOBE", "SCITOKENS"]
ISSUER = TokenIssuer("https://issuer.memory.pool")


class Marked:
    """What must not be seen anywhere."""

    def __init__(self) -> None:
        self._secrets: set[bytes] = set()

    def add(self, secret: bytes) -> None:
        """Take note of a secret. Short ones would be found by chance, and a token but for its signature is none."""
        if len(secret) >= 8 and not (secret.startswith(b"eyJ") and secret.count(b".") == 1):
            self._secrets.add(secret)

    def found(self, text: str) -> list[bytes]:
        """Secrets that are in a text, in whatever form they may be shown."""
        return [secret for secret in self._secrets if any(form in text for form in _forms(secret))]

    def __len__(self) -> int:
        return len(self._secrets)


def _forms(secret: bytes) -> Iterator[str]:
    yield repr(secret)[2:-1]
    yield repr(bytearray(secret))[12:-2]
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")
    yield ", ".join(str(byte) for byte in secret)
    if secret.isascii():
        yield secret.decode()


@pytest.fixture
def marked(monkeypatch) -> Marked:
    """Every `Secret` that is made becomes something that must not be seen."""
    found = Marked()
    make = Secret.__init__

    def noted(self, value):
        make(self, value)
        if isinstance(value, str):
            found.add(value.encode())
        elif isinstance(value, (bytes, bytearray)):
            found.add(bytes(value))

    monkeypatch.setattr(Secret, "__init__", noted)
    found.add(KEY)
    found.add(KEY * 2)
    return found


def seen_of(error: BaseException) -> str:
    """All that anybody could print of an error."""
    parts = [repr(error), str(error), *_frames(error)]
    if isinstance(error, HTCondorException):
        parts.append(repr(pickle.dumps(error)))
        parts.append(repr(pickle.loads(pickle.dumps(error)).__dict__))
    return "\n".join(parts)


def _frames(error: BaseException | None) -> Iterator[str]:
    """The frames of an error and of its causes with their local variables: those of the package, not of the tests."""
    while error is not None:
        for frame in traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), capture_locals=True):
            if "/htcondor_async/" in frame.filename:
                yield f"{frame.filename} {frame.name} {frame.locals}"
        error = error.__cause__ or error.__context__


def world(folder, method):
    """Configurations of the daemons and of the client for a method."""
    (folder / "POOL").touch(mode=0o600)
    pattern = bytes((0xDE, 0xAD, 0xBE, 0xEF))
    (folder / "POOL").write_bytes(bytes(byte ^ pattern[index % 4] for index, byte in enumerate(KEY)))
    (folder / "tokens.d").mkdir(mode=0o700)
    token = mint(
        Secret(KEY * 2), issuer="memory.pool", subject="alice@memory.pool", now=1.7e9, token_id="1", lifetime=1e8
    )
    (folder / "tokens.d/token").touch(mode=0o600)
    (folder / "tokens.d/token").write_text(token.text().reveal())
    files = {
        "SEC_PASSWORD_DIRECTORY": str(folder),
        "SEC_PASSWORD_FILE": str(folder / "POOL"),
        "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(folder / "POOL"),
        "SEC_TOKEN_DIRECTORY": str(folder / "tokens.d"),
    }
    server = {"SEC_DEFAULT_AUTHENTICATION_METHODS": method, "QUEUE_SUPER_USERS": "alice, condor", **files}
    client = {"SEC_CLIENT_AUTHENTICATION_METHODS": method, **files}
    if method == "SCITOKENS":
        certificates.make(folder)
        (folder / "map").write_text(f"SCITOKENS ^{ISSUER.url},(.*)$ \\1@memory.pool\n")
        (folder / "bearer").touch(mode=0o600)
        (folder / "bearer").write_text(ISSUER.token("alice", scopes=["READ", "WRITE", "DAEMON", "ADMINISTRATOR"]))
        server["AUTH_SSL_SERVER_CERTFILE"] = str(folder / "server.pem")
        server["AUTH_SSL_SERVER_KEYFILE"] = str(folder / "server.key")
        server["CERTIFICATE_MAPFILE"] = str(folder / "map")
        client["AUTH_SSL_CLIENT_CAFILE"] = str(folder / "ca.pem")
        client["SSL_SKIP_HOST_CHECK"] = "true"  # addresses in memory have no names
        client["SCITOKENS_FILE"] = str(folder / "bearer")
    return server, client


def trusting(network: PoolNetwork) -> PoolNetwork:
    """Let the daemons take tokens of the issuer, whose clock is not theirs."""
    network.started = time.time()
    for daemon in (network.collector, network.schedd):
        daemon.credentials = attrs.evolve(daemon.credentials, bearer_issuers={ISSUER.url: ISSUER.key_set})
    return network


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_ever_seen(tmp_path, caplog, marked, name, method):
    """Broken in every way at every point; nothing that is logged or raised holds a secret."""
    caplog.set_level(logging.DEBUG)
    server, client = world(tmp_path, method)
    networks: list[PoolNetwork] = []
    shown: list[str] = []

    def make_network() -> PoolNetwork:
        network = PoolNetwork(server=server, client=client)
        networks.append(trusting(network) if method == "SCITOKENS" else network)
        return networks[-1]

    def check(error: HTCondorException) -> None:
        shown.append(seen_of(error))

    for breakage in ("eof", "reset", "hang"):
        drive(fault_sweep(OPERATIONS[name], make_network, breakage, blocking=True, check=check))
    raised = []

    def interruption() -> KeyboardInterrupt:
        raised.append(KeyboardInterrupt())
        return raised[-1]

    interrupt_sweep(OPERATIONS[name], make_network, interruption=interruption)
    shown += [seen_of(error) for error in raised]
    for network in networks:
        used = network.client
        shown += [repr(used), repr(used.__dict__), repr(used._sessions.__dict__), repr(used._context())]
        shown += [repr(network.schedd.__dict__), repr(network.schedd.sessions.__dict__)]
    assert len(shown) > 40
    assert len(marked) > 3
    assert marked.found("\n".join(shown)) == []
    assert marked.found(caplog.text) == []
    assert {note.partition(" ")[0] for network in networks for note in network.schedd.received}


@pytest.mark.parametrize("wrong", ["expired", "foreign", "forged", "malformed"])
def test_refused_credentials_are_not_seen(tmp_path, caplog, marked, wrong):
    """The credential that was refused is named, not shown."""
    caplog.set_level(logging.DEBUG)
    server, client = world(tmp_path, "IDTOKENS")
    text = mint(
        Secret((KEY if wrong != "forged" else b"f" * 64) * 2),
        issuer="memory.pool" if wrong != "foreign" else "elsewhere",
        subject="alice@memory.pool",
        now=1.7e9,
        token_id="1",
        lifetime=-100 if wrong == "expired" else 1e8,
    ).text()
    token = text.reveal() if wrong != "malformed" else "marker-of-a-token-that-is-none"
    marked.add(token.rpartition(".")[2].encode())
    (tmp_path / "tokens.d/token").write_text(token)
    client["SEC_PASSWORD_DIRECTORY"] = client["SEC_TOKEN_POOL_SIGNING_KEY_FILE"] = str(tmp_path / "nothing")
    network = PoolNetwork(server=server, client=client)
    with pytest.raises(HTCondorException) as caught:
        drive(OPERATIONS["Schedd.act"](MemoryRuntime(network, blocking=True)))
    network.close()
    assert marked.found(seen_of(caught.value)) == []
    assert marked.found(caplog.text) == []


def test_the_search_finds_secrets(marked):
    """In each form, so that finding none means something."""
    key = Secret(b"a secret of some length\xff\x00")
    assert marked.found(repr({"key": key})) == []
    for text in (
        key.reveal().hex(),
        repr(key.reveal()),
        base64.b64encode(key.reveal()).decode(),
        str(list(key.reveal())),
    ):
        assert marked.found(f"... {text} ...") == [key.reveal()]


def test_secrets_do_not_travel():
    """Nothing that holds one can be pickled by mistake."""
    with pytest.raises(TypeError):
        pickle.dumps(Secret(b"x"))
