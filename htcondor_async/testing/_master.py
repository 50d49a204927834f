"""The master of the embedded pool: switches its daemons off and on, and hears signs of life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["MasterDaemon", "Switches"]

_TIMEOUT = 20.0
_ONE = {
    "DAEMON_ON": True,
    "DAEMON_OFF": False,
    "DAEMON_OFF_FAST": False,
    "DAEMON_OFF_PEACEFUL": False,
}
_ALL = {
    "DAEMONS_ON": True,
    "DAEMONS_OFF": False,
    "DAEMONS_OFF_FAST": False,
    "DAEMONS_OFF_PEACEFUL": False,
}
_RESTARTS = ("RESTART", "RESTART_PEACEFUL")


@attrs.frozen
class Switches:
    """What the master can do to the pool: by subsystem, as ``"SCHEDD"``."""

    subsystems: Callable[[], list[str]]
    switch: Callable[[str, bool], None]


class MasterDaemon(Daemon):
    """Obeys commands for its daemons.

    Parameters
    ----------
    switches
        How daemons are switched.
    """

    kind = "master"

    def __init__(self, name: str, config: Config, *, switches: Switches, legacy: bool = False) -> None:
        super().__init__(name, config, legacy=legacy)
        self._switches = switches
        self.restarts = 0
        #: Seconds that each process promised, and when it did, by process id.
        self.alive: dict[int, tuple[int, float]] = {}
        #: State of each daemon that said one, by its name.
        self.ready: dict[str, str] = {}
        for command, on in _ONE.items():
            self.commands[Command[command]] = Handler("ADMINISTRATOR", self._one(on))
        for command, on in _ALL.items():
            self.commands[Command[command]] = Handler("ADMINISTRATOR", self._all(on))
        for command in _RESTARTS:
            self.commands[Command[command]] = Handler("ADMINISTRATOR", self._restart)
        self.commands[Command.DC_CHILDALIVE] = Handler("DAEMON", self._hear)
        self.commands[Command.DC_SET_READY] = Handler("DAEMON", self._set_ready)

    def ad(self, extra: Mapping[str, object] | None = None) -> ClassAd:
        """Return the ad that this master advertises."""
        ad = ClassAd(
            {
                "MyType": "DaemonMaster",
                "Name": self.name,
                "Machine": "localhost",
                "MyAddress": str(self.address),
                "MasterIpAddr": str(self.address),
                "CondorVersion": self.version,
            }
        )
        ad.update(dict(extra or {}))
        return ad

    def _one(self, on: bool) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            name = (await connection.request(connection.runtime.clock() + _TIMEOUT)).str()
            if name.upper() in self._switches.subsystems():
                self._switches.switch(name.upper(), on)

        return serve

    def _all(self, on: bool) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            for name in self._switches.subsystems():
                self._switches.switch(name, on)

        return serve

    async def _restart(self, connection: Connection) -> None:
        self.restarts += 1
        for on in (False, True):
            for name in self._switches.subsystems():
                self._switches.switch(name, on)

    async def _hear(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + _TIMEOUT)
        pid, seconds = reader.int(), reader.int()
        reader.double()
        reader.expect_end()
        self.alive[pid] = (seconds, connection.runtime.now())

    async def _set_ready(self, connection: Connection) -> None:
        ad = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        name, state = ad.get("DaemonName"), ad.get("DaemonState")
        if isinstance(name, str) and isinstance(state, str):
            self.ready[name] = state
