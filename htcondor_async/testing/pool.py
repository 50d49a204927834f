"""A pool in one process, without HTCondor: for trying the SDK and for testing programs that use it."""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
import attrs

from htcondor_async._preload import preload
from htcondor_async._secret import Secret
from htcondor_async._security.tokens import mint
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client
from htcondor_async.collector import Collector
from htcondor_async.config import Config
from htcondor_async.errors import ConcurrencyError
from htcondor_async.negotiator import Negotiator
from htcondor_async.schedd import Schedd
from htcondor_async.startd import Startd
from htcondor_async.testing._ccb import Broker
from htcondor_async.testing._collector import CollectorDaemon
from htcondor_async.testing._common import CommonCommands
from htcondor_async.testing._credd import CreddDaemon, CredentialStore
from htcondor_async.testing._master import MasterDaemon, Switches
from htcondor_async.testing._negotiator import NegotiatorDaemon
from htcondor_async.testing._schedd import ScheddDaemon
from htcondor_async.testing._server import Daemon, SharedPort
from htcondor_async.testing._startd import StartdDaemon
from htcondor_async.testing.issuer import TokenIssuer

__all__ = ["EmbeddedPool"]

preload()

_DEFAULTS = {
    "UID_DOMAIN": "embedded.pool",
    "TRUST_DOMAIN": "embedded.pool",
    "SEC_DEFAULT_AUTHENTICATION_METHODS": "FS, IDTOKENS, CLAIMTOBE, ANONYMOUS",
    "ALLOW_READ": "*",
    "ALLOW_WRITE": "*",
    "ALLOW_DAEMON": "*",
    "ALLOW_ADMINISTRATOR": "*",
    "ALLOW_NEGOTIATOR": "*",
    "ALLOW_ADVERTISE_SCHEDD": "*",
    "ALLOW_ADVERTISE_STARTD": "*",
    "ALLOW_ADVERTISE_MASTER": "*",
}


class EmbeddedPool:
    """A collector, schedds, a negotiator, a startd and a master on one loopback port, speaking HTCondor's protocol.

    ::

        async with EmbeddedPool(jobs=[{"Owner": "alice"}]) as pool:
            async for job in pool.schedd().xquery():
                print(job["Owner"])

    It runs in the event loop of the task that enters it. It is not a batch system: pools for real work are
    HTCondor's.

    Parameters
    ----------
    config
        Configuration of the daemons over the pool's own (all levels OPTIONAL, everybody is allowed everything): any
        ``SEC_*``, ``ALLOW_*`` and ``DENY_*``.
    schedds
        Configuration of each schedd by its name, over ``config``; one schedd named ``schedd@localhost`` by default.
    collectors
        Configuration of further collectors by name; clients reach them as ``HOST:PORT?sock=collector_NAME``.
    jobs
        Job ads for the first schedd's queue.
    ads
        Further ads for the collector.
    slots
        Attributes of each slot of the startd, over those of an idle one; one slot by default.
    issuers
        Issuers whose bearer tokens the daemons take (SCITOKENS); CERTIFICATE_MAPFILE in ``config`` names the file that
        says who their subjects are.
    legacy
        Behave as daemons before 23.10 in the handshake: no key without authentication.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        schedds: Mapping[str, Mapping[str, Any]] | None = None,
        collectors: Mapping[str, Mapping[str, Any]] | None = None,
        jobs: Iterable[Mapping[str, Any]] = (),
        ads: Iterable[Mapping[str, Any]] = (),
        slots: Iterable[Mapping[str, Any]] = ({},),
        issuers: Iterable[TokenIssuer] = (),
        legacy: bool = False,
        port: int = 0,
    ) -> None:
        self._given = dict(config or {})
        self._schedd_configs = dict(schedds) if schedds is not None else {"schedd@localhost": {}}
        self._collector_configs = dict(collectors or {})
        self._jobs = list(jobs)
        self._ads = list(ads)
        self._slots = list(slots)
        self._bearer_issuers = {issuer.url: issuer.key_set for issuer in issuers}
        self._legacy = legacy
        self._wanted_port = port
        self._shared_port = SharedPort()
        self._stack: AsyncExitStack | None = None
        self._key = Secret(secrets.token_bytes(64))
        self._folder: Path | None = None
        self.collector_daemon: CollectorDaemon
        self.collector_daemons: dict[str, CollectorDaemon] = {}
        self.schedd_daemons: dict[str, ScheddDaemon] = {}
        self.negotiator_daemon: NegotiatorDaemon
        self.startd_daemon: StartdDaemon
        self.broker: Broker
        self.credd_daemon: CreddDaemon
        self.pool_password: CredentialStore
        self.master_daemon: MasterDaemon
        self._socks: dict[str, tuple[str, Daemon]] = {}
        #: The commands that all daemons have, by the shared-port id of each.
        self.common: dict[str, CommonCommands] = {}

    async def __aenter__(self) -> EmbeddedPool:
        if self._stack is not None:
            raise ConcurrencyError("this pool is running already")
        async with AsyncExitStack() as stack:
            folder = await anyio.to_thread.run_sync(self._make_folder)
            stack.push_async_callback(_remove, folder)
            await self._shared_port.open(port=self._wanted_port)
            stack.callback(self._shared_port.close)
            self._start_daemons()
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(self._shared_port.serve, group)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        stack, self._stack = self._stack, None
        if stack is None:
            raise ConcurrencyError("this pool is not running")
        return await stack.__aexit__(kind, error, traceback)

    def _make_folder(self) -> tempfile.TemporaryDirectory[str]:
        Config(_DEFAULTS)  # the first one in a process reads HTCondor's defaults from a file: here, in a thread
        folder = tempfile.TemporaryDirectory(prefix="embedded-pool-")
        self._folder = Path(folder.name)
        path = self._folder / "POOL"
        path.touch(mode=0o600)
        pattern = bytes((0xDE, 0xAD, 0xBE, 0xEF))
        key = self._key.reveal()
        path.write_bytes(bytes(byte ^ pattern[index % 4] for index, byte in enumerate(key)))
        return folder

    def _require_folder(self) -> Path:
        if self._folder is None:
            raise ConcurrencyError("this pool is not running")
        return self._folder

    def _config(self, extra: Mapping[str, Any]) -> Config:
        own = {
            "SEC_PASSWORD_DIRECTORY": str(self._require_folder()),
            "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(self._require_folder() / "POOL"),
            "SEC_TOKEN_DIRECTORY": str(self._require_folder() / "tokens.d"),
        }
        return Config(_DEFAULTS | own | self._given | dict(extra))

    def _start_daemons(self) -> None:
        self.collector_daemon = self._start_collector("collector@localhost", "collector", {})
        for name, extra in self._collector_configs.items():
            self.collector_daemons[name] = self._start_collector(name, f"collector_{name}", extra)
        for number, (name, extra) in enumerate(self._schedd_configs.items()):
            spool = {"SPOOL": str(self._require_folder() / f"spool_{number}")}
            daemon = ScheddDaemon(name, self._config(spool | dict(extra)), legacy=self._legacy)
            local = re.sub(r"[^A-Z0-9]", "_", name.partition("@")[0].upper())
            self._join(f"SCHEDD_{local}" if number else "SCHEDD", f"schedd_{number}", daemon)
            self.schedd_daemons[name] = daemon
        first = next(iter(self.schedd_daemons.values()), None)
        if first is not None:
            for job in self._jobs:
                first.queue.add(job)
        self.broker = Broker(self.collector_daemon, self._shared_port, streaming=not self._legacy)
        self._start_others()
        for _, other in self._socks.values():
            self._advertise(other)
        for ad in self._ads:
            kept = ClassAd()
            kept.update(ad)
            self.collector_daemon.put(kept)

    def _start_others(self) -> None:
        config = self._config({})
        self.startd_daemon = StartdDaemon(
            "localhost", config, slots=self._slots, advertise=self._put_slots, legacy=self._legacy
        )
        self.negotiator_daemon = NegotiatorDaemon(
            "localhost", config, slots=self.startd_daemon.ads, legacy=self._legacy
        )
        switches = Switches(lambda: sorted({kind for kind, _ in self._socks.values()} - {"MASTER"}), self._switch)
        self.master_daemon = MasterDaemon("localhost", config, switches=switches, legacy=self._legacy)
        self.credd_daemon = CreddDaemon("localhost", config, legacy=self._legacy)
        self.pool_password = CredentialStore(self.master_daemon)
        self.pool_password.serve_pool_password()
        self._join("CREDD", "credd", self.credd_daemon)
        self._join("STARTD", "startd", self.startd_daemon)
        self._join("NEGOTIATOR", "negotiator", self.negotiator_daemon)
        self._join("MASTER", "master", self.master_daemon)

    def _join(self, kind: str, sock: str, daemon: Daemon) -> None:
        """Put a daemon behind the port, with the commands that all daemons have."""
        self._shared_port.add(sock, self._trusting(daemon))
        self._socks[sock] = (kind, daemon)
        self.common[sock] = CommonCommands(daemon, lambda: self._off(sock))

    def _trusting(self, daemon: Daemon) -> Daemon:
        """Return the daemon, which takes tokens of the pool's issuers from now on."""
        daemon.credentials = attrs.evolve(daemon.credentials, bearer_issuers=self._bearer_issuers)
        return daemon

    def _collectors(self) -> list[CollectorDaemon]:
        return [self.collector_daemon, *self.collector_daemons.values()]

    def _advertise(self, daemon: Daemon) -> None:
        for collector in self._collectors():
            if isinstance(daemon, StartdDaemon):
                for slot in daemon.ads():
                    collector.put(slot)
            elif isinstance(daemon, (ScheddDaemon, NegotiatorDaemon, MasterDaemon, CreddDaemon)):
                collector.put(daemon.ad())

    def _put_slots(self, slots: list[ClassAd]) -> None:
        for collector in self._collectors():
            for slot in slots:
                collector.put(slot)

    def _off(self, sock: str) -> None:
        self._shared_port.remove(sock)
        _, daemon = self._socks[sock]
        for collector in self._collectors():
            collector.drop_address(str(daemon.address))

    def _switch(self, kind: str, on: bool) -> None:
        for sock, (own, daemon) in self._socks.items():
            if own != kind:
                continue
            if on:
                self._shared_port.add(sock, daemon)
                self._advertise(daemon)
            else:
                self._off(sock)

    def _start_collector(self, name: str, sock: str, extra: Mapping[str, Any]) -> CollectorDaemon:
        daemon = CollectorDaemon(name, self._config(extra), legacy=self._legacy)
        address = self._shared_port.add(sock, self._trusting(daemon))
        self.common[sock] = CommonCommands(daemon, lambda: self._shared_port.remove(sock))
        daemon.put(
            ClassAd(
                {
                    "MyType": "Collector",
                    "Name": name,
                    "Machine": "localhost",
                    "MyAddress": str(address),
                    "CondorVersion": daemon.version,
                }
            )
        )
        return daemon

    # -- using it

    @property
    def address(self) -> str:
        """The collector's address as ``host:port``, for COLLECTOR_HOST."""
        return f"127.0.0.1:{self._shared_port.port}"

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return self._shared_port.connections

    def token(
        self, identity: str, *, scopes: Iterable[str] = (), lifetime: float | None = None, issuer: str | None = None
    ) -> str:
        """Return a token (IDTOKENS) for ``identity``, as ``"alice@embedded.pool"``.

        Parameters
        ----------
        identity
            Its subject.
        scopes
            Levels it is limited to, as ``"READ"``.
        lifetime
            Seconds; None for a token without end, negative for one that has expired.
        issuer
            By default the pool's TRUST_DOMAIN.
        """
        token = mint(
            Secret(self._key.reveal() * 2),
            issuer=issuer if issuer is not None else str(self.collector_daemon.settings.trust_domain),
            subject=identity,
            now=self._shared_port.runtime.now(),
            token_id=secrets.token_hex(16),
            lifetime=lifetime,
            scopes=tuple(scopes),
        )
        return token.text().reveal()

    def client(self, **config: Any) -> Client:
        """Return a client whose configuration names this pool's collector."""
        return Client({"COLLECTOR_HOST": self.address, "UID_DOMAIN": "embedded.pool"} | config)

    def collector(self, *, client: Client | None = None) -> Collector:
        """Return a handle on the collector."""
        return Collector(self.address, client=client if client is not None else self.client())

    def schedd(self, name: str | None = None, *, client: Client | None = None) -> Schedd:
        """Return a handle on a schedd, the first by default."""
        daemon = self.schedd_daemons[name] if name is not None else next(iter(self.schedd_daemons.values()))
        return Schedd(daemon.ad(), client=client if client is not None else self.client())

    def negotiator(self, *, client: Client | None = None) -> Negotiator:
        """Return a handle on the negotiator."""
        return Negotiator(self.negotiator_daemon.ad(), client=client if client is not None else self.client())

    def startd(self, *, client: Client | None = None) -> Startd:
        """Return a handle on the startd."""
        return Startd(str(self.startd_daemon.address), client=client if client is not None else self.client())

    def restart(self, name: str | None = None) -> None:
        """Restart a schedd (the collector for None): same address, connections cut, sessions forgotten."""
        if name is None:
            old = self.collector_daemon
            self.collector_daemon = CollectorDaemon(old.name, old.config, legacy=self._legacy)
            self.collector_daemon._tables = old._tables
            self._shared_port.replace("collector", self._trusting(self.collector_daemon))
            self.common["collector"] = CommonCommands(
                self.collector_daemon, lambda: self._shared_port.remove("collector")
            )
            return
        previous = self.schedd_daemons[name]
        daemon = ScheddDaemon(name, previous.config, legacy=self._legacy)
        daemon.queue, daemon.generated = previous.queue, previous.generated
        number = list(self.schedd_daemons).index(name)
        self.schedd_daemons[name] = daemon
        sock = f"schedd_{number}"
        self._shared_port.replace(sock, self._trusting(daemon))
        self._socks[sock] = (self._socks[sock][0], daemon)
        self.common[sock] = CommonCommands(daemon, lambda: self._off(sock))


async def _remove(folder: tempfile.TemporaryDirectory[str]) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(folder.cleanup)
