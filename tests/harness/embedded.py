"""The embedded pool in the contract suite: it is driven from the test's thread like a real one.

`OPENERS` maps an id to what opens such a pool for one test. It must offer `ContractPool`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.testing import ThreadedPool, TokenIssuer, embedded_pool

from . import certificates, pool_config, pools, tokens


class ContractPool(Protocol):
    """What contract tests use of a pool; `pools.Pool` says what each means."""

    id: str
    version: str
    collector: str
    schedds: dict[str, str]

    def settings(self, identity: str | None = ..., **options: Any) -> dict[str, str]:
        """Make a client's configuration."""
        ...

    def token(
        self,
        identity: str = ...,
        scopes: Sequence[str] = ...,
        lifetime: float | None = ...,
        *,
        key: str | bytes = ...,
        issuer: str = ...,
    ) -> str:
        """Mint a token."""
        ...

    def submit(
        self,
        count: int = ...,
        *,
        user: str = ...,
        schedd: str = ...,
        hold: bool = ...,
        text: str = ...,
        **commands: object,
    ) -> int:
        """Submit jobs and return their cluster."""
        ...

    def restart(self, daemon: str, timeout: float = ...) -> None:
        """Kill a daemon and wait for its successor."""
        ...

    def logs(self, daemon: str) -> str:
        """All that a daemon has logged."""
        ...

    def wait_for(self, condition: Callable[[], object], what: str, timeout: float = ...) -> None:
        """Wait until a condition holds."""
        ...


class EmbeddedContractPool:
    """An embedded pool with the daemons, policies and accounts of the real ones."""

    id = "embedded"

    def __init__(self, running: ThreadedPool, folder: Path, version: str, issuer: TokenIssuer) -> None:
        self.running = running
        self.issuer = issuer
        self.folder = folder
        self.version = version
        self.port = int(running.address.rpartition(":")[2])
        self.collector = pool_config.collector_address(self.port)
        self.collectors = {
            name: pool_config.collector_address(self.port, name) for name in pool_config.COLLECTOR_POLICIES
        }
        self.schedds = {name: f"{name}@{pool_config.TRUST_DOMAIN}" for name in ["open", *pool_config.SCHEDD_POLICIES]}
        self._clients = 0

    def __repr__(self) -> str:
        return f"<embedded pool at {self.running.address}>"

    @property
    def signing_key(self) -> bytes:
        """What tokens of key "POOL" are signed with."""
        return self._key("POOL")

    def _key(self, name: str) -> bytes:
        return tokens.signing_key((self.folder / "passwords.d" / name).read_bytes(), name)

    def token(
        self,
        identity: str = "alice@testpool",
        scopes: Sequence[str] = (),
        lifetime: float | None = None,
        *,
        key: str | bytes = "POOL",
        issuer: str = pool_config.TRUST_DOMAIN,
    ) -> str:
        """Mint a token, as `pools.Pool.token` does."""
        name, secret = ("POOL", key) if isinstance(key, bytes) else (key, self._key(key))
        return tokens.mint(secret, name=name, identity=identity, scopes=scopes, lifetime=lifetime, issuer=issuer)

    def settings(
        self,
        identity: str | None = "alice@testpool",
        *,
        methods: str = "IDTOKENS",
        password: bool = False,
        token: str | None = None,
        **extra: str,
    ) -> dict[str, str]:
        """Make a folder for a client and return its whole configuration, as `pools.Pool.settings` does."""
        self._clients += 1
        folder = self.folder / f"client-{self._clients}"
        for sub in ("tokens.d", "passwords.d"):
            (folder / sub).mkdir(mode=0o700, parents=True)
        secret_files: dict[str, bytes] = {}
        if token is not None or identity is not None:
            text = token if token is not None else self.token(identity or "")
            secret_files["tokens.d/token"] = text.encode() + b"\n"
        if password:
            secret_files["passwords.d/POOL"] = (self.folder / "passwords.d/POOL").read_bytes()
        for name in ("client.pem", "client.key"):
            secret_files[name] = (self.folder / "ssl" / name).read_bytes()
        for name, data in secret_files.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(data)
        settings = {**pool_config.client_settings(self.port, folder, self.folder / "ssl/ca.pem"), **extra}
        settings.setdefault("SEC_CLIENT_AUTHENTICATION_METHODS", methods)
        return settings

    def submit(
        self,
        count: int = 1,
        *,
        user: str = "alice",
        schedd: str = "open",
        hold: bool = True,
        text: str = "",
        **commands: object,
    ) -> int:
        """Put held jobs into a schedd's queue and return their cluster."""
        queue = self.running.pool.schedd_daemons[self.schedds[schedd]].queue
        extra = {}
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.strip().startswith("+"):
                extra[name.strip()[1:]] = ExprTree(value)
        cluster = queue.new_cluster()
        queue.clusters[cluster] = ClassAd(
            {
                "ClusterId": cluster,
                "MyType": "Job",
                "JobUniverse": 5,
                "Owner": user,
                "User": f"{user}@{pool_config.TRUST_DOMAIN}",
                "HoldReason": "submitted on hold at user's request",
                "HoldReasonCode": 15,
                "Cmd": "/bin/sleep",
                "Arguments": "300",
                "Iwd": "/tmp",
                "QDate": int(time.time()),
                "RequestMemory": ExprTree("ifthenelse(MemoryUsage isnt undefined,MemoryUsage,128)"),
                **extra,
            }
        )
        for proc in range(count):
            queue.procs[cluster, proc] = ClassAd({"ProcId": proc, "JobStatus": 5 if hold else 1})
        return cluster

    def restart(self, daemon: str, timeout: float = 60) -> None:
        """Replace a daemon by a new one at the same address."""
        program, _, local = daemon.partition("_")
        pool = self.running.pool
        self.running.call(pool.restart, None if program == "collector" else self.schedds[local or "open"])

    def logs(self, daemon: str) -> str:
        """The commands that a daemon accepted."""
        program, _, local = daemon.partition("_")
        pool = self.running.pool
        found = pool.collector_daemon if program == "collector" else pool.schedd_daemons[self.schedds[local or "open"]]
        return "\n".join(found.received)

    def wait_for(self, condition: Callable[[], object], what: str, timeout: float = 60) -> None:
        """Wait until `condition()` is true."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s in vain for {what}")
            time.sleep(0.02)


@contextmanager
def open_embedded(**extra: str) -> Iterator[EmbeddedContractPool]:
    """Start an embedded pool like the real ones in a thread; ``extra`` are further parameters of its daemons."""
    with tempfile.TemporaryDirectory(prefix="embedded-contract-") as name:
        folder = Path(name)
        (folder / "passwords.d").mkdir(mode=0o700)
        for key in ("POOL", "OTHER"):
            (folder / "passwords.d" / key).touch(mode=0o600)
            (folder / "passwords.d" / key).write_bytes(key.encode() * 16)
        (folder / "ssl").mkdir()
        certificates.make(folder / "ssl")
        (folder / "realms").write_text(pool_config.REALM_MAP)
        config = {
            "UID_DOMAIN": pool_config.TRUST_DOMAIN,
            "TRUST_DOMAIN": pool_config.TRUST_DOMAIN,
            "ENABLE_RUNTIME_CONFIG": True,
            "SETTABLE_ATTRS_ADMINISTRATOR": "CONTRACT_*",
            "SEC_DEFAULT_AUTHENTICATION_METHODS": pool_config.ALL_METHODS,
            "SEC_PASSWORD_DIRECTORY": str(folder / "passwords.d"),
            "SEC_PASSWORD_FILE": str(folder / "passwords.d/POOL"),
            "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(folder / "passwords.d/POOL"),
            "AUTH_SSL_SERVER_CERTFILE": str(folder / "ssl/server.pem"),
            "AUTH_SSL_SERVER_KEYFILE": str(folder / "ssl/server.key"),
            "AUTH_SSL_SERVER_CAFILE": str(folder / "ssl/ca.pem"),
            "CERTIFICATE_MAPFILE": str(folder / "mapfile"),
            "KERBEROS_SERVER_KEYTAB": f"{os.environ[pools.RUN_VARIABLE]}/{pool_config.SERVER_KEYTAB}",
            "KERBEROS_MAP_FILE": str(folder / "realms"),
            **extra,
        }
        (folder / "mapfile").write_text(pool_config.MAP_FILE)
        issuer = TokenIssuer("https://localhost:4443")
        schedds = {f"{name}@{pool_config.TRUST_DOMAIN}": policy for name, policy in pool_config.SCHEDD_POLICIES.items()}
        options = {
            "config": config,
            "schedds": {f"open@{pool_config.TRUST_DOMAIN}": {}, **schedds},
            "collectors": pool_config.COLLECTOR_POLICIES,
            "issuers": [issuer],
        }
        with embedded_pool(**options) as running:
            version = running.pool.collector_daemon.version.split()[1]
            yield EmbeddedContractPool(running, folder, version, issuer)


OPENERS: dict[str, Callable[[], AbstractContextManager[ContractPool]]] = {"embedded": open_embedded}
