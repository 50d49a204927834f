"""The server side of a connection, and daemons that share one port: what the embedded pool is built on.

It speaks through the same codecs, handshake table and effects as the client; only the role differs.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import anyio.abc
import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.sinful import Sinful
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core.context import TextView
from htcondor_async._core.wire import Wire
from htcondor_async._runtime.anyio_ import AnyioRuntime
from htcondor_async._runtime.base import Listener, Runtime, Stream
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.server import Accepted, ServerRequest, server_handshake
from htcondor_async._security.sessions import SessionTable
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.config import Config
from htcondor_async.errors import HTCondorException, HTCondorInternalError, HTCondorIOError, Phase, ProtocolError

__all__ = ["Connection", "Daemon", "Handler", "SharedPort"]

_log = logging.getLogger("htcondor_async.testing")

_HANDSHAKE_SECONDS = 20.0
_NOP = 60011

# condor_utils/condor_perms.cpp: what each level implies
IMPLIED: Mapping[str, frozenset[str]] = {
    "ALLOW": frozenset({"ALLOW"}),
    "READ": frozenset({"READ"}),
    "WRITE": frozenset({"WRITE", "READ"}),
    "NEGOTIATOR": frozenset({"NEGOTIATOR", "READ"}),
    "ADMINISTRATOR": frozenset({"ADMINISTRATOR", "WRITE", "READ"}),
    "CONFIG": frozenset({"CONFIG", "READ"}),
    "DAEMON": frozenset({"DAEMON", "WRITE", "READ"}),
    "ADVERTISE_STARTD": frozenset({"ADVERTISE_STARTD", "READ"}),
    "ADVERTISE_SCHEDD": frozenset({"ADVERTISE_SCHEDD", "READ"}),
    "ADVERTISE_MASTER": frozenset({"ADVERTISE_MASTER", "READ"}),
}


class Connection(Wire):
    """One client of a daemon, after its handshake."""

    def __init__(self, runtime: Runtime, limits: Limits, stream: Stream) -> None:
        super().__init__(runtime, limits, stream)
        self.accepted = Accepted(command=0)
        self._first: bytes | None = None

    @property
    def user(self) -> str:
        """Who the client is, as ``user@domain``."""
        return self.accepted.user

    @property
    def authenticated(self) -> bool:
        """Whether the client proved who it is."""
        return self.accepted.session is not None and self.accepted.session.authenticated_by is not None

    def unread(self, message: bytes) -> None:
        """Put a message back: it is the next one received."""
        self._first = message

    async def _next_message(self, deadline: float, max_size: int | None) -> bytes:
        if self._first is not None:
            message, self._first = self._first, None
            return message
        return await super()._next_message(deadline, max_size)

    async def request(self, deadline: float) -> Reader:
        """Return the reader of the command's arguments: those behind a bare command, else the next message."""
        if self.accepted.arguments is not None:
            arguments = self.accepted.arguments
            self.accepted = attrs.evolve(self.accepted, arguments=None)
            return self.reader(arguments)
        return self.reader(await self.receive(deadline))

    async def reply(self, writer: Writer, deadline: float = math.inf) -> None:
        """Send one message."""
        await self.send(writer.getvalue(), deadline)

    async def send_wire(self, data: bytes, deadline: float = math.inf) -> None:
        """Send frames that are made already."""
        with self.phase(Phase.SEND, deadline):
            await self.stream.send(data, deadline)

    async def send_part(self, payload: bytes, *, end: bool, deadline: float = math.inf) -> None:
        """Send a part of a message that may have any length."""
        with self.phase(Phase.SEND, deadline):
            await self.stream.send(self.cedar.send_part(payload, end=end), deadline)


@attrs.frozen
class Handler:
    """One command of a daemon: the permission it needs, and who serves it."""

    level: str
    serve: Callable[[Connection], Awaitable[None]]
    force_authentication: bool = False


class Daemon:
    """What all daemons of the embedded pool share: commands, policy, sessions.

    Parameters
    ----------
    name
        What it is called, ``Name`` in its ad.
    config
        Its configuration: ``SEC_*``, ``ALLOW_*`` and ``DENY_*`` are honoured.
    """

    kind = "DAEMON"

    def __init__(self, name: str, config: Config, *, limits: Limits | None = None, legacy: bool = False) -> None:
        self.name = name
        self.config = config
        self.limits = limits if limits is not None else Limits()
        self.legacy = legacy
        self.commands: dict[int, Handler] = {}
        text = TextView(config)
        self._text = text
        self._policies: dict[tuple[str, bool], SecurityPolicy] = {}
        self.settings = SecuritySettings.from_config(text)
        self.credentials = Credentials.from_settings(self.settings)
        self.sessions = SessionTable(slop=float(config.get_int("SEC_SESSION_DURATION_SLOP", 20)))
        self.address: Sinful | None = None
        self.received: list[str] = []
        self._numbers = itertools.count(1)
        self.commands[_NOP] = Handler("ALLOW", _nothing)

    # -- CommandRules of the handshake

    def policy(self, command: int) -> SecurityPolicy | None:
        """Return the policy of a command's permission level."""
        handler = self.commands.get(command)
        if handler is None:
            return None
        key = (handler.level, handler.force_authentication)
        found = self._policies.get(key)
        if found is None:
            forced = Level.REQUIRED if handler.force_authentication else Level.NEVER
            found = SecurityPolicy.from_config(self._text, handler.level, daemon=True, authentication=forced)
            self._policies[key] = found
        return found

    def authorize(self, command: int, user: str, limits: Sequence[str]) -> bool:
        """Return whether ``user`` may give a command: ALLOW_ and DENY_ of its level, limits of the credential."""
        handler = self.commands.get(command)
        if handler is None:
            return False
        if limits and not any(handler.level in IMPLIED.get(limit, frozenset({limit})) for limit in limits):
            return handler.level == "ALLOW"
        if handler.level == "ALLOW":
            return True
        if handler.force_authentication and user.endswith("@unmapped"):
            return False
        return self.permits(handler.level, user)

    def permits(self, level: str, user: str) -> bool:
        """Return whether ALLOW_ and DENY_ of a level let ``user`` pass."""
        denied, allowed = self._text.get(f"DENY_{level}", ""), self._text.get(f"ALLOW_{level}", "")
        return not _listed(user, denied) and _listed(user, allowed or "*")

    def reconfigure(self, config: Config) -> None:
        """Go on with another configuration; credentials and sessions stay."""
        self.config = config
        self._text = TextView(config)
        self._policies.clear()

    def valid_commands(self, command: int, user: str) -> Sequence[int]:
        """Return the commands that a session made for this one may be resumed for."""
        level = self.commands[command].level
        policy = self.policy(command)
        return [
            number
            for number, handler in self.commands.items()
            if handler.level in IMPLIED.get(level, frozenset()) | {"ALLOW"}
            and self.policy(number) == policy
            and self.authorize(number, user, ())
        ]

    # -- connections

    async def serve(self, connection: Connection) -> None:
        """Serve one client: handshake, then the command. Errors close the connection, as a daemon does."""
        runtime = connection.runtime
        here, peer = connection.stream.local, connection.stream.peer
        request = ServerRequest(
            commands=self,
            server_address=(here.host, here.port),
            client_address=(peer.host, peer.port),
            settings=self.settings,
            credentials=self.credentials,
            sessions=self.sessions,
            now=runtime.now(),
            new_sid=lambda: f"{self.name}:{id(self)}:{int(runtime.now())}:{next(self._numbers)}",
            version=self.version,
            legacy=self.legacy,
            limits=self.limits,
        )
        deadline = runtime.clock() + _HANDSHAKE_SECONDS
        try:
            connection.accepted = await connection.perform(server_handshake(request), Phase.NEGOTIATE, deadline)
            self.note(connection)
            if not connection.accepted.finished:
                await self.commands[connection.accepted.command].serve(connection)
        except HTCondorException as error:
            _log.info("%s %s closes a connection: %s", self.kind, self.name, error)
        except BaseException:
            connection.abort()
            raise
        await _linger(connection)

    def note(self, connection: Connection) -> None:
        """Keep a record of a command that was accepted, for tests: ``"QUERY_JOB_ADS alice@pool"``."""
        number = connection.accepted.command
        try:
            name = Command(number).name
        except ValueError:
            name = str(number)
        self.received.append(f"{name} {connection.user}")

    @property
    def version(self) -> str:
        """The version this daemon says it has: one that behaves as the code here does."""
        return "$CondorVersion: 23.9.6 2024-08-08 BuildID: embedded $" if self.legacy else EMBEDDED_VERSION


EMBEDDED_VERSION = "$CondorVersion: 25.14.1 2026-10-16 BuildID: htcondor-async-embedded $"


async def _nothing(connection: Connection) -> None:
    """DC_NOP: the handshake was all."""


async def _linger(connection: Connection) -> None:
    """Close so that what was sent arrives: a close with unread input would reset the connection."""
    deadline = connection.runtime.clock() + 1
    try:
        if not connection.stream.closed:
            connection.stream.finish()
            while await connection.stream.receive(65536, deadline):
                pass
    except HTCondorIOError as error:
        _log.debug("a client does not end its connection: %s", error)
    finally:
        connection.abort()


def _listed(user: str, entries: str) -> bool:
    """Return whether a user matches an ALLOW_ list: ``*``, ``user@domain``, ``user@*``, ``*@domain``."""
    name, _, domain = user.rpartition("@")
    for entry in entries.replace(",", " ").split():
        entry = entry.partition("/")[0]
        if entry == "*":
            return True
        wanted_name, at, wanted_domain = entry.rpartition("@")
        if at and wanted_name in ("*", name) and wanted_domain in ("*", domain):
            return True
    return False


class SharedPort:
    """One listening socket for several daemons, told apart by their shared-port ids.

    Parameters
    ----------
    default
        The id of the daemon that clients reach which name none.
    """

    def __init__(self, default: str = "collector") -> None:
        self._runtime = AnyioRuntime()
        self._default = default
        self._daemons: dict[str, Daemon] = {}
        self._listener: Listener | None = None
        self._connections: set[Connection] = set()

    @property
    def runtime(self) -> Runtime:
        """The runtime of all connections."""
        return self._runtime

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._listener is None:
            raise HTCondorInternalError("the shared port is not open")
        return self._listener.address.port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Begin to listen."""
        self._listener = await self._runtime.listen(host, port)

    def add(self, sock: str, daemon: Daemon) -> Sinful:
        """Put a daemon behind the port under an id and return its address."""
        if self._listener is None:
            raise HTCondorInternalError("the shared port is not open")
        self._daemons[sock] = daemon
        address = self._listener.address
        daemon.address = Sinful(
            address.host,
            address.port,
            (("addrs", f"{address.host}-{address.port}"), ("alias", "localhost"), ("noUDP", ""), ("sock", sock)),
        )
        return daemon.address

    def remove(self, sock: str) -> None:
        """Take a daemon away: clients that name it are turned off."""
        self._daemons.pop(sock, None)

    def replace(self, sock: str, daemon: Daemon) -> Sinful:
        """Put another daemon behind an id, as a restart does: same address, no sessions."""
        for connection in list(self._connections):
            connection.abort()
        return self.add(sock, daemon)

    async def serve(self, group: anyio.abc.TaskGroup) -> None:
        """Take connections until cancelled."""
        if self._listener is None:
            raise HTCondorInternalError("the shared port is not open")
        while True:
            stream = await self._listener.accept(math.inf)
            group.start_soon(self._serve_one, stream)

    async def _serve_one(self, stream: Stream) -> None:
        await self.serve_connection(Connection(self._runtime, Limits(), stream))

    async def serve_connection(self, connection: Connection) -> None:
        """Serve a connection on which nothing was said yet: whom it is for, then the daemon's own part."""
        self._connections.add(connection)
        try:
            daemon = await self._addressee(connection)
            if daemon is not None:
                await daemon.serve(connection)
        except HTCondorException as error:
            _log.info("a connection ends: %s", error)
        finally:
            self._connections.discard(connection)
            connection.abort()

    async def _addressee(self, connection: Connection) -> Daemon | None:
        deadline = self._runtime.clock() + _HANDSHAKE_SECONDS
        message = await connection.receive(deadline)
        reader = connection.reader(message)
        if reader.remaining < 8:
            raise ProtocolError("the first message holds no command")
        if reader.int() != Command.SHARED_PORT_CONNECT:
            connection.unread(message)
            return self._daemons.get(self._default)
        sock, _name, _deadline, more = reader.str(), reader.str(), reader.int(), reader.int()
        if not 0 <= more <= 100:
            raise ProtocolError(f"{more} further arguments of a shared port request")
        for _ in range(more):
            reader.str()
        reader.expect_end()
        if sock != "self":
            connection.cedar.reset_transcript()
        return self._daemons.get(sock)

    def close(self) -> None:
        """Stop listening and close all connections."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.abort()
