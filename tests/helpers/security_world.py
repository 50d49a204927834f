"""Two sides of a handshake joined in memory, and the small worlds they live in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Sequence
from typing import Any

import attrs

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.effects import Receive, Send, StartCrypto
from htcondor_async._secret import Secret
from htcondor_async._security import effects as fx
from htcondor_async._security.credentials import Credentials, SigningKeys, TokenDirectory
from htcondor_async._security.handshake import client_handshake, client_resume
from htcondor_async._security.policy import SecurityPolicy
from htcondor_async._security.request import HandshakeRequest
from htcondor_async._security.server import ServerRequest, server_handshake
from htcondor_async._security.sessions import Session, SessionTable
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.tokens import descramble, mint
from htcondor_async.errors import ConnectionClosedError, DaemonTimeoutError
from tests.harness.fake_kerberos import FakeKerberos

NOW = 1_800_000_000.0
SERVER = ("127.0.0.1", 9618)
ADDRESS = "<127.0.0.1:9618?sock=collector>"
KEY = Secret(b"K" * 64)
TOKENS = "/home/alice/.condor/tokens.d"
KEYS = "/etc/condor/passwords.d"
PASSWORD_FILE = "/etc/condor/pool_password"
USERS = {1000: "alice", 0: "root", 1001: "bob"}


@attrs.define
class File:
    content: bytes
    uid: int = 1000
    mode: int = 0o600
    mtime: int = 1


@attrs.define
class Machine:
    """A computer: files and directories, shared by whoever runs on it."""

    files: dict[str, File] = attrs.field(factory=dict)
    directories: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    made: list[str] = attrs.field(factory=list)
    environ: dict[str, str] = attrs.field(factory=dict)
    tls: Callable[[fx.TlsSettings], object] | None = None
    reads: int = 0
    munge: str | None = None
    kerberos: FakeKerberos | None = None
    read_only: bool = False

    def carry_out(self, effect: object, uid: int) -> Any:
        match effect:
            case fx.CurrentUser():
                return fx.UserIdentity(USERS[uid], uid, f"/home/{USERS[uid]}", switches_ids=uid == 0)
            case fx.UserNameOf(uid=wanted):
                return USERS.get(wanted)
            case fx.MakeDirectory(path=path, mode=mode):
                if path in self.directories:
                    raise FileExistsError(17, "File exists", path)
                self.directories[path] = (uid, mode)
                self.made.append(path)
                return None
            case fx.RemoveDirectory(path=path):
                if path not in self.directories:
                    raise FileNotFoundError(2, "No such file or directory", path)
                del self.directories[path]
                return None
            case fx.StatFile(path=path):
                return self._stat(path)
            case fx.ReadFile(path=path, max_size=size):
                file = self.files.get(path)
                if file is None:
                    raise FileNotFoundError(2, "No such file or directory", path)
                if len(file.content) > size:
                    raise OSError(27, "File too large", path)
                self.reads += 1
                return Secret(file.content)
            case fx.AppendLine(path=path, line=line, mode=mode):
                if self.read_only:
                    raise OSError(30, "Read-only file system", path)
                file = self.files.setdefault(path, File(b"", uid, mode))
                file.content += line.encode()
                return None
            case fx.AskTrust(decide=decide, certificate=certificate):
                return decide(certificate)
            case fx.ListDirectory(path=path):
                names = {name[len(path) + 1 :] for name in self.files if name.startswith(path + "/")}
                if not names:
                    raise FileNotFoundError(2, "No such file or directory", path)
                return [name for name in names if "/" not in name]
            case fx.EnvironmentVariable(name=name):
                value = self.environ.get(name)
                return None if value is None else Secret(value)
            case fx.CallProvider(provider=provider):
                return provider()
            case fx.RunCommand(arguments=arguments, stdin=stdin):
                return Secret(self._munge(tuple(arguments), stdin.reveal(), uid))
            case fx.KerberosStep(run=run):
                if self.kerberos is None:
                    raise OSError("this machine has no Kerberos library")
                return run(self.kerberos)
            case fx.BuildTlsContext(settings=settings):
                assert self.tls is not None
                return self.tls(settings)
        raise AssertionError(f"nobody carries out {effect!r}")

    def _munge(self, arguments: tuple[str, ...], data: bytes, uid: int) -> bytes:
        """Vouch as munge does, without its cryptography: the realm is what the hosts share."""
        if self.munge is None:
            raise OSError(6, "Failed to access the socket of munged")
        if arguments == ("munge",):
            return b"MUNGE:" + base64.b64encode(f"{self.munge} {uid} ".encode() + data) + b":\n"
        assert arguments == ("unmunge", "--keys=UID", "--numeric")
        realm, owner, payload = base64.b64decode(data[6:-1]).split(b" ", 2)
        if realm.decode() != self.munge:
            raise OSError(15, "Invalid credential")
        return b"UID:      " + owner + b"\n\n" + payload

    def _stat(self, path: str) -> fx.FileInfo | None:
        if path in self.directories:
            uid, mode = self.directories[path]
            return fx.FileInfo(fx.FileKind.DIRECTORY, mode, uid, links=2)
        file = self.files.get(path)
        if file is None:
            return None
        return fx.FileInfo(fx.FileKind.FILE, file.mode, file.uid, size=len(file.content), mtime_ns=file.mtime)


class Side:
    """One end: a conversation, its connection, and the machine it runs on."""

    def __init__(self, conversation: Generator[Any, Any, Any], machine: Machine, uid: int = 1000) -> None:
        self.conversation = conversation
        self.machine = machine
        self.uid = uid
        self.connection = CedarConnection()
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.waiting: Receive | None = None
        self.sent: list[bytes] = []
        self.received: list[bytes] = []
        self._started = False

    def step(self) -> bytes:
        """Run until something must be received; returns the bytes to put on the wire."""
        out = bytearray()
        value: Any = None
        error: BaseException | None = None
        if self.waiting is not None:
            try:
                value = self.connection.next_message(self.waiting.max_size)
            except Exception as failure:
                error = failure
            if value is None and error is None:
                return b""
            if value is not None:
                self.received.append(value)
            self.waiting = None
        elif self._started:
            return b""
        self._started = True
        while True:
            try:
                effect = self.conversation.send(value) if error is None else self.conversation.throw(error)
            except StopIteration as end:
                self.result, self.done = end.value, True
                return bytes(out)
            except Exception as failure:
                self.error, self.done = failure, True
                return bytes(out)
            value = error = None
            if isinstance(effect, Send):
                self.sent.append(effect.message)
                out += self.connection.send_message(effect.message)
            elif isinstance(effect, StartCrypto):
                self.connection.start_crypto(effect.method, effect.key, encrypt=effect.encrypt, mac=effect.mac)
            elif isinstance(effect, Receive):
                self.waiting = effect
                try:
                    value = self.connection.next_message(effect.max_size)
                except Exception as failure:
                    error = failure
                if value is None and error is None:
                    return bytes(out)
                self.waiting = None
                if value is not None:
                    self.received.append(value)
            else:
                try:
                    value = self.machine.carry_out(effect, self.uid)
                except OSError as failure:
                    error = failure

    def interrupt(self, error: BaseException) -> None:
        """Throw an error into the conversation while it waits for a message; it must end."""
        self.waiting = None
        try:
            effect = self.conversation.throw(error)
            while not isinstance(effect, (Send, Receive, StartCrypto)):
                effect = self.conversation.send(self.machine.carry_out(effect, self.uid))
            raise AssertionError(f"the conversation goes on with {effect!r} after its connection is gone")
        except StopIteration as end:
            self.result, self.done = end.value, True
        except Exception as failure:
            self.error, self.done = failure, True


Tamper = Callable[[str, bytes], bytes]


def join(client: Side, server: Side, *, tamper: Tamper | None = None, timeouts: bool = False) -> None:
    """Run both sides against each other to their ends.

    ``tamper`` gets ("client" or "server", bytes on the wire) and returns what arrives. A side that ends with an error
    closes the connection. If both wait for ever the test fails, or with ``timeouts`` both get a timeout.
    """
    sides = {"client": client, "server": server}
    for _ in range(1000):
        moved = False
        for name, other in (("client", "server"), ("server", "client")):
            side, peer = sides[name], sides[other]
            if side.done:
                continue
            waited = side.waiting
            data = side.step()
            if data:
                peer.connection.feed(data if tamper is None else tamper(name, data))
            if side.done and (side.error is not None):
                peer.connection.feed_eof()
            moved = moved or bool(data) or side.done or side.waiting is not waited
        if client.done and server.done:
            return
        if not moved:
            if not timeouts and not (client.done or server.done):
                raise AssertionError("both sides wait for each other")
            for side in sides.values():
                if not side.done:
                    if timeouts:
                        side.interrupt(DaemonTimeoutError("a deadline passed"))
                    else:
                        side.interrupt(ConnectionClosedError("the peer has nothing more to say"))
            return
    raise AssertionError("the sides never end")


@attrs.define
class Rules:
    """A daemon with one policy for all its commands but those listed."""

    default: SecurityPolicy
    special: dict[int, SecurityPolicy | None] = attrs.field(factory=dict)
    denied: set[str] = attrs.field(factory=set)
    seen: list[tuple[int, str, tuple[str, ...]]] = attrs.field(factory=list)

    def policy(self, command: int) -> SecurityPolicy | None:
        return self.special.get(command, self.default)

    def authorize(self, command: int, user: str, limits: Sequence[str]) -> bool:
        self.seen.append((command, user, tuple(limits)))
        return user not in self.denied and (not limits or "READ" in limits)

    def valid_commands(self, command: int, user: str) -> Sequence[int]:
        return [command, 5, 6]


def make_credentials() -> Credentials:
    return Credentials((TokenDirectory("~/.condor/tokens.d"),), SigningKeys(KEYS, f"{KEYS}/POOL"), PASSWORD_FILE)


def give_token(machine: Machine, name: str = "pool", **fields: Any) -> str:
    """Put a token of the pool into alice's directory; returns its text."""
    key = Secret(KEY.reveal() * 2)
    values = {"issuer": "testpool", "subject": "alice@testpool", "now": NOW - 10, "token_id": "ab" * 16, **fields}
    token = mint(values.pop("key", key), **values).text().reveal()
    machine.files[f"{TOKENS}/{name}"] = File(token.encode() + b"\n")
    return token


def give_pool_key(machine: Machine, key: Secret[bytes] = KEY) -> None:
    machine.files[f"{KEYS}/POOL"] = File(descramble(key).reveal(), uid=0)


@attrs.define
class World:
    """A client and a daemon, on one machine unless told otherwise."""

    client_machine: Machine = attrs.field(factory=Machine)
    server_machine: Machine = attrs.field(factory=Machine)
    client_policy: SecurityPolicy = attrs.field(factory=SecurityPolicy)
    server_policy: SecurityPolicy = attrs.field(factory=SecurityPolicy)
    settings: SecuritySettings = attrs.field(
        factory=lambda: SecuritySettings(trust_domain="testpool", uid_domain="example.org", password_directory=KEYS)
    )
    server_settings: SecuritySettings | None = None
    credentials: Credentials = attrs.field(factory=make_credentials)
    server_credentials: Credentials = attrs.field(factory=make_credentials)
    sessions: SessionTable = attrs.field(factory=lambda: SessionTable(slop=20.0))
    legacy: bool = False
    now: float = NOW
    rules: Rules | None = None
    counter: int = 0
    server_address: tuple[str, int] = SERVER
    client_version: str | None = None
    server_sees: tuple[str, int] | None = None
    request_fields: dict[str, Any] = attrs.field(factory=dict)
    server_fields: dict[str, Any] = attrs.field(factory=dict)

    def share_machine(self) -> None:
        self.client_machine.directories = self.server_machine.directories

    def new_sid(self) -> str:
        self.counter += 1
        return f"host:1:1800000000:{self.counter}"

    def request(self, command: int = 48, **fields: Any) -> HandshakeRequest:
        return HandshakeRequest(
            command=command,
            address=ADDRESS,
            server_address=self.server_address,
            policy=self.client_policy,
            settings=self.settings,
            credentials=self.credentials,
            now=self.now,
            **{**self.request_fields, **fields},
        )

    def server_request(self) -> ServerRequest:
        if self.rules is None:
            self.rules = Rules(self.server_policy)
        self.rules.default = self.server_policy
        return ServerRequest(
            commands=self.rules,
            server_address=self.server_sees or self.server_address,
            settings=self.server_settings or self.settings,
            credentials=self.server_credentials,
            sessions=self.sessions,
            now=self.now,
            new_sid=self.new_sid,
            legacy=self.legacy,
            **self.server_fields,
        )

    def server_side(self) -> Side:
        return Side(server_handshake(self.server_request()), self.server_machine, uid=0)

    def run(
        self, command: int = 48, *, tamper: Tamper | None = None, timeouts: bool = False, **fields: Any
    ) -> tuple[Side, Side]:
        client = Side(client_handshake(self.request(command, **fields)), self.client_machine)
        server = self.server_side()
        join(client, server, tamper=tamper, timeouts=timeouts)
        return client, server

    def resume(self, session: Session, command: int = 48, **fields: Any) -> tuple[Side, Side]:
        client = Side(client_resume(self.request(command, **fields), session), self.client_machine)
        server = self.server_side()
        join(client, server)
        return client, server


def talk(client: Side, server: Side) -> None:
    """Prove that both ends agree on their state: one message each way."""
    for sender, receiver, text in ((client, server, b"arguments of the command"), (server, client, b"the answer")):
        receiver.connection.feed(sender.connection.send_message(text))
        assert receiver.connection.next_message(1 << 16) == text
