"""The daemons of the embedded pool on a network in memory: whole conversations without a socket, on a virtual clock.

`PoolNetwork` is one such network with fresh daemons. It keeps one `Client` for all that is done over it, so that what a
disturbed operation leaves in the client (sessions, single flights) meets the operations that follow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from htcondor_async import Client, Collector, RetryPolicy, Schedd, Timeouts
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.sinful import Sinful
from htcondor_async._runtime.memory import Faults, MemoryNetwork, MemoryRuntime
from htcondor_async._runtime.network import Park
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.testing._collector import CollectorDaemon
from htcondor_async.testing._common import CommonCommands
from htcondor_async.testing._master import MasterDaemon, Switches
from htcondor_async.testing._negotiator import NegotiatorDaemon
from htcondor_async.testing._schedd import ScheddDaemon
from htcondor_async.testing._server import Connection, Daemon
from htcondor_async.testing._startd import StartdDaemon

from .fake_kerberos import FakeKerberos

COLLECTOR = ("10.0.0.1", 9618)
SCHEDD = ("10.0.0.2", 9618)
NEGOTIATOR = ("10.0.0.3", 9618)
STARTD = ("10.0.0.4", 9618)
MASTER = ("10.0.0.5", 9618)

_SERVER = {
    "UID_DOMAIN": "memory.pool",
    "TRUST_DOMAIN": "memory.pool",
    "ALLOW_READ": "*",
    "ALLOW_WRITE": "*",
    "ALLOW_DAEMON": "*",
    "ALLOW_ADMINISTRATOR": "*",
    "ALLOW_NEGOTIATOR": "*",
    "ALLOW_ADVERTISE_SCHEDD": "*",
    "ALLOW_ADVERTISE_STARTD": "*",
    "ALLOW_ADVERTISE_MASTER": "*",
    "SEC_DEFAULT_AUTHENTICATION_METHODS": "CLAIMTOBE",
    "QUEUE_SUPER_USERS": "alice",
    "ENABLE_RUNTIME_CONFIG": "true",
    "SETTABLE_ATTRS_ADMINISTRATOR": "*",
}
_CLIENT = {
    "COLLECTOR_HOST": f"{COLLECTOR[0]}:{COLLECTOR[1]}",
    "UID_DOMAIN": "memory.pool",
    "SCHEDD_HOST": f"<{SCHEDD[0]}:{SCHEDD[1]}>",
    "SEC_CLIENT_AUTHENTICATION_METHODS": "CLAIMTOBE",
    "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
    "SEC_CLAIMTOBE_USER": "alice",
    "SEC_CLIENT_ENCRYPTION": "REQUIRED",
}
JOBS = 5
TOTAL = 7.0
"""Virtual seconds that the client's operations may take in all."""


@functools.cache
def _config(items: tuple[tuple[str, str], ...]) -> Config:
    return Config(dict(items))


def config(base: Mapping[str, str], extra: Mapping[str, str]) -> Config:
    """Return a configuration; the same one for the same parameters."""
    return _config(tuple(sorted({**base, **extra}.items())))


class Turn:
    """The schedd's turn for peers on a network in memory, where no event loop may be."""

    def __init__(self) -> None:
        self.taken = False

    async def __aenter__(self) -> None:
        while self.taken:
            await Park(lambda: not self.taken, math.inf)
        self.taken = True

    async def __aexit__(self, *_: object) -> None:
        self.taken = False


class PoolNetwork(MemoryNetwork):
    """A collector at `COLLECTOR`, a schedd at `SCHEDD` and so on, and a client of theirs.

    Args:
        server, client: parameters over those of the daemons and of the client.
        faults: what happens to the connections, of both daemons.
        jobs: how many jobs the schedd has.
    """

    def __init__(
        self,
        *,
        server: Mapping[str, str] | None = None,
        client: Mapping[str, str] | None = None,
        faults: Faults | list[Faults] | None = None,
        jobs: int = JOBS,
        timeouts: Timeouts | None = None,
        retries: RetryPolicy | None = None,
        legacy: bool = False,
    ) -> None:
        super().__init__()
        self.kerberos = FakeKerberos(principal="alice@memory.pool")
        self.daemon_config = config(_SERVER, server or {})
        self.collector = CollectorDaemon("collector@memory.pool", self.daemon_config, legacy=legacy)
        self.schedd = ScheddDaemon("schedd@memory.pool", self.daemon_config, legacy=legacy)
        self.schedd.turn = Turn()  # type: ignore[assignment]  # all that is used of a lock
        self.put(self.collector, *COLLECTOR, faults)
        self.put(self.schedd, *SCHEDD, faults)
        for number in range(jobs):
            self.schedd.queue.add({"ClusterId": number + 1, "ProcId": 0, "Owner": "alice", "Number": number})
        self.negotiator = NegotiatorDaemon("negotiator@memory.pool", self.daemon_config, legacy=legacy)
        self.startd = StartdDaemon("memory.pool", self.daemon_config, legacy=legacy)
        switches = Switches(lambda: ["SCHEDD"], lambda name, on: None)
        self.master = MasterDaemon("memory.pool", self.daemon_config, switches=switches, legacy=legacy)
        for daemon, (host, port) in ((self.negotiator, NEGOTIATOR), (self.startd, STARTD), (self.master, MASTER)):
            CommonCommands(daemon, lambda: None)
            self.put(daemon, host, port, faults)
        self.collector.put(self.schedd.ad())
        self.collector.put(self.negotiator.ad())
        self.client = Client(config(_CLIENT, client or {}), timeouts=timeouts or Timeouts(total=TOTAL), retries=retries)
        self.runtimes: list[MemoryRuntime] = []

    def put(self, daemon: Daemon, host: str, port: int, faults: Faults | list[Faults] | None = None) -> None:
        """Let a daemon serve an address; what served it before is forgotten."""

        async def serve(runtime: Any, stream: Any) -> None:
            await daemon.serve(Connection(runtime, Limits(), stream))

        daemon.address = Sinful(host, port, ())
        self.serve(host, port, serve, faults or ())

    def over(self, runtime: MemoryRuntime) -> Client:
        """Return the network's client, working over a runtime from now on; single flights go on as they are."""
        if self.runtimes:
            runtime._once = self.runtimes[-1]._once
        self.runtimes.append(runtime)
        self.client._runtime = runtime
        return self.client


class Handles:
    """What an operation works with: the network's client over one runtime, and handles of it."""

    def __init__(self, runtime: MemoryRuntime) -> None:
        network = runtime.network
        assert isinstance(network, PoolNetwork)
        self.network = network
        self.client = network.over(runtime)
        self.collector = Collector(client=self.client)
        self.schedd = Schedd(schedd_ad(), client=self.client)


def schedd_ad() -> ClassAd:
    """Where the schedd is, as the collector would tell."""
    return ClassAd({"MyAddress": f"<{SCHEDD[0]}:{SCHEDD[1]}>", "Name": "schedd@memory.pool"})
