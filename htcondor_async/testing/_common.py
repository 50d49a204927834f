"""Commands that every daemon of the embedded pool knows: its configuration, what it is, how it ends."""

from __future__ import annotations

import fnmatch
import re
import secrets
from collections.abc import Awaitable, Callable

from htcondor_async._cedar.commands import Command
from htcondor_async._core.context import TextView
from htcondor_async.config import Config
from htcondor_async.testing._server import Connection, Daemon, Handler
from htcondor_async.testing._tokens import TokenDesk

__all__ = ["CommonCommands"]

_TIMEOUT = 20.0
_LEVELS = ("READ", "WRITE", "ADMINISTRATOR", "DAEMON", "CONFIG", "NEGOTIATOR")
_OFF = (Command.DC_OFF_GRACEFUL, Command.DC_OFF_FAST, Command.DC_OFF_PEACEFUL, Command.DC_OFF_FORCE)
_NAME = re.compile(r"[A-Za-z0-9_./]+\Z")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_./]+)\s*=(.*)\Z", re.DOTALL)


class CommonCommands:
    """Serves them for one daemon.

    Parameters
    ----------
    daemon
        Whose commands they become.
    ends
        Called when the daemon is told to end.
    """

    def __init__(self, daemon: Daemon, ends: Callable[[], None]) -> None:
        self._daemon = daemon
        self._ends = ends
        self._given = daemon.config
        self.instance = secrets.token_hex(8)
        self.stored: dict[str, str] = {}
        self.reconfigurations = 0
        self.peaceful: str | None = None
        self.tokens = TokenDesk(daemon)
        commands = daemon.commands
        for level in ("READ", "WRITE", "NEGOTIATOR", "ADMINISTRATOR", "CONFIG", "DAEMON"):
            commands[Command[f"DC_NOP_{level}"]] = Handler(level, _nothing)
        commands[Command.CONFIG_VAL] = Handler("READ", self._value)
        commands[Command.DC_CONFIG_VAL] = Handler("READ", self._describe)
        commands[Command.DC_CONFIG_RUNTIME] = Handler("WRITE", self._store("ENABLE_RUNTIME_CONFIG"))
        commands[Command.DC_CONFIG_PERSIST] = Handler("WRITE", self._store("ENABLE_PERSISTENT_CONFIG"))
        commands[Command.DC_RECONFIG] = Handler("WRITE", self._reconfigure)
        commands[Command.DC_RECONFIG_FULL] = Handler("ADMINISTRATOR", self._reconfigure)
        commands[Command.DC_QUERY_INSTANCE] = Handler("ALLOW", self._tell_instance)
        commands[Command.DC_SET_PEACEFUL_SHUTDOWN] = Handler("ADMINISTRATOR", self._prepare("peaceful"))
        commands[Command.DC_SET_FORCE_SHUTDOWN] = Handler("ADMINISTRATOR", self._prepare("force"))
        for command in _OFF:
            commands[command] = Handler("ADMINISTRATOR", self._end)

    # -- configuration

    async def _value(self, connection: Connection) -> None:
        name = (await connection.request(connection.runtime.clock() + _TIMEOUT)).str()
        await connection.reply(connection.writer().str(self._daemon.config.get_str(name, "Not defined")))

    async def _describe(self, connection: Connection) -> None:
        name = (await connection.request(connection.runtime.clock() + _TIMEOUT)).str()
        writer = connection.writer()
        if name.startswith("?"):
            for answer in self._answers(name[1:]):
                writer.str(answer)
            await connection.reply(writer)
            return
        config = self._daemon.config
        raw, where = config.raw(name), config.where(name)
        if raw is None or where is None:
            await connection.reply(writer.null_str())
            return
        value = config.get_str(name)
        writer.null_str() if value is None else writer.str(value)
        source = f"{where.source}, line {where.line}" if where.line else where.source
        writer.str(f"{name.upper()} = {raw}").str(source)
        default = Config().raw(name)
        writer.null_str() if default is None else writer.str(default)
        await connection.reply(writer.str("0"))

    def _answers(self, question: str) -> list[str]:
        kind, _, pattern = question.partition(":")
        if kind != "names":
            return ["!error:unsup:1: the question is not supported"]
        try:
            wanted = re.compile(pattern or ".*", re.IGNORECASE)
        except re.error as error:
            return [f"!error:regex:{error.pos or 0}: error code 1"]
        return [name for name in self._daemon.config if wanted.search(name)] or [""]

    def _store(self, switch: str) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            reader = await connection.request(connection.runtime.clock() + _TIMEOUT)
            key, assignment = reader.str(), reader.str()
            reader.expect_end()
            found = _ASSIGNMENT.match(assignment)
            name = found[1] if found else key
            permitted = (
                self._daemon.config.get_bool(switch, False) is True
                and _NAME.match(key) is not None
                and (found is not None or not assignment)
                and self._settable(name, connection.user)
            )
            if permitted and found is not None:
                self.stored[key] = assignment
            elif permitted:
                self.stored.pop(key, None)
            await connection.reply(connection.writer().int(0 if permitted else -1))

        return serve

    def _settable(self, name: str, user: str) -> bool:
        text = TextView(self._daemon.config)
        for level in _LEVELS:
            listed = text.get(f"SETTABLE_ATTRS_{level}", "").replace(",", " ").split()
            covered = any(fnmatch.fnmatchcase(name.upper(), entry.upper()) for entry in listed)
            if covered and self._daemon.permits(level, user):
                return True
        return False

    async def _reconfigure(self, connection: Connection) -> None:
        changes: dict[str, object] = {}
        for assignment in self.stored.values():
            name, _, value = assignment.partition("=")
            changes[name.strip()] = value.strip()
        self._daemon.reconfigure(self._given.replace(changes))
        self.reconfigurations += 1

    # -- the rest

    async def _tell_instance(self, connection: Connection) -> None:
        await connection.reply(connection.writer().raw(self.instance.encode()))

    def _prepare(self, how: str) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            self.peaceful = how

        return serve

    async def _end(self, connection: Connection) -> None:
        self._ends()


async def _nothing(connection: Connection) -> None:
    """DC_NOP_READ and its like: the permission was all."""
