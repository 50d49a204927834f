"""Credentials as the daemons of the embedded pool keep them: in memory, per user and kind."""

from __future__ import annotations

import time
from collections.abc import Iterable

from htcondor_async._cedar.commands import Command
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.errors import ProtocolError
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["CreddDaemon", "CredentialStore"]

_FAILURE, _SUCCESS, _NOT_SECURE, _NOT_FOUND, _NOT_ALLOWED, _BAD_ARGS = 0, 1, 4, 5, 7, 8
_KERBEROS, _PASSWORD, _OAUTH = 0x20, 0x24, 0x28
_KINDS, _OPERATIONS, _LEGACY = 0x2C, 0x03, 0x40
_ADD, _DELETE, _QUERY = 0, 1, 2
_MAX_CREDENTIAL = 1 << 20
_MAX_SERVICES = 1000
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+=_.")


class CredentialStore:
    """What one daemon keeps, and the commands by which it is asked.

    Parameters
    ----------
    daemon
        Its configuration's CRED_SUPER_USERS may act for others.
    url
        Where a user is sent for OAuth credentials that are missing; without one that is an error.
    """

    def __init__(self, daemon: Daemon, url: str = "") -> None:
        self._daemon = daemon
        self.url = url
        #: Credentials and the time they were stored at, by user's name and ``kind`` or ``kind/service[_handle]``.
        self.kept: dict[tuple[str, str], tuple[Secret[bytes], int]] = {}
        daemon.commands[Command.STORE_CRED] = Handler("WRITE", self._store, force_authentication=True)
        daemon.commands[Command.CREDD_CHECK_CREDS] = Handler("WRITE", self._check, force_authentication=True)

    def serve_pool_password(self) -> None:
        """Take the pool's password too, as a master does."""
        self._daemon.commands[Command.STORE_POOL_CRED] = Handler(
            "ADMINISTRATOR", self._store_pool, force_authentication=True
        )

    # -- STORE_CRED

    async def _store(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + 20)
        user, password, mode = reader.str(), reader.str(), reader.int()
        if mode & _LEGACY:
            reader.expect_end()
            result = self._legacy(connection, user, password, mode)
            await connection.reply(connection.writer().int(result))
            return
        length = reader.int()
        if not 0 <= length <= _MAX_CREDENTIAL:
            raise ProtocolError(f"a credential of {length} bytes")
        credential = Secret(reader.raw(length))
        request = reader.ad()
        reader.expect_end()
        answer = ClassAd()
        name = self._whose(connection, user)
        if isinstance(name, int):
            result = name
        else:
            answer["fully_qualified_user"] = f"{name}@{connection.user.partition('@')[2]}"
            result = self._act(name, mode, credential, request, answer)
        await connection.reply(connection.writer().int(result).ad(answer))

    def _whose(self, connection: Connection, user: str) -> str | int:
        """Return the name of the user that is meant, or why it may not be."""
        if not connection.cedar.crypto:
            return _NOT_SECURE
        own = connection.user.partition("@")[0]
        if not user:
            return own
        name, at, _ = user.partition("@")
        if not at or not name:
            return _BAD_ARGS
        if name != own and own not in self._daemon.config.get_str("CRED_SUPER_USERS", "").replace(",", " ").split():
            return _NOT_ALLOWED
        return name

    def _legacy(self, connection: Connection, user: str, password: str, mode: int) -> int:
        """Daemons on Unix keep the pool's password only."""
        if not connection.cedar.crypto:
            return _NOT_SECURE
        if user.partition("@")[0] != "condor_pool":
            return _FAILURE
        kept = ("condor_pool", "password") in self.kept
        return _SUCCESS if mode & _OPERATIONS == _QUERY and kept else _NOT_FOUND

    def _act(self, name: str, mode: int, credential: Secret[bytes], request: ClassAd, answer: ClassAd) -> int:
        kind, operation = mode & _KINDS, mode & _OPERATIONS
        if kind not in (_KERBEROS, _OAUTH, _PASSWORD):
            return _BAD_ARGS
        if kind == _PASSWORD:
            return _FAILURE
        key = "kerberos"
        if kind == _OAUTH:
            service, handle = request.get("service"), request.get("handle")
            for part in (service, handle):
                if part is not None and (not isinstance(part, str) or not part or not set(part) <= _NAME):
                    return _BAD_ARGS
            if service is None and (operation == _ADD or handle is not None):
                return _BAD_ARGS
            key = "oauth/" + ("" if service is None else f"{service}_{handle}" if handle else str(service))
        now = int(time.time())
        if operation == _ADD:
            if not credential:
                return _BAD_ARGS
            self.kept[name, key] = (credential, now)
            return now
        every = key == "oauth/"
        found = [
            entry
            for entry in self.kept
            if entry[0] == name and (entry[1].startswith(key) if every else entry[1] == key)
        ]
        if operation == _DELETE:
            for entry in found:
                del self.kept[entry]
            return _SUCCESS if found else _NOT_FOUND
        for entry in found:
            if kind == _OAUTH:
                answer[entry[1].partition("/")[2] + (".use" if every else "")] = self.kept[entry][1]
        return max(self.kept[entry][1] for entry in found) if found else _NOT_FOUND

    async def _store_pool(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + 20)
        reader.str()
        password = Secret(reader.bytes_())
        reader.expect_end()
        if not connection.cedar.crypto:
            result = _NOT_SECURE
        elif password:
            self.kept["condor_pool", "password"] = (password, int(time.time()))
            result = _SUCCESS
        else:
            result = _SUCCESS if self.kept.pop(("condor_pool", "password"), None) else _NOT_FOUND
        await connection.reply(connection.writer().int(result))

    # -- CREDD_CHECK_CREDS

    async def _check(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + 20)
        count = reader.int()
        if not 0 <= count <= _MAX_SERVICES:
            raise ProtocolError(f"{count} services to check")
        requests = [reader.ad() for _ in range(count)]
        reader.expect_end()
        await connection.reply(connection.writer().str(self._missing(connection, requests)))

    def _missing(self, connection: Connection, requests: Iterable[ClassAd]) -> str:
        own = connection.user.partition("@")[0]
        missing = []
        for request in requests:
            name = request.get("Username") or own
            if name != own:
                allowed = self._whose(connection, f"{name}@")
                if isinstance(allowed, int):
                    return f"ERROR - user {own} may not ask for {name}"
            service, handle = str(request.get("Service", "")), str(request.get("Handle", ""))
            key = f"oauth/{service}_{handle}" if handle else f"oauth/{service}"
            if (str(name), key) not in self.kept:
                missing.append(service)
        if not missing:
            return ""
        return self.url or f"ERROR - credentials are missing for {', '.join(missing)}"


class CreddDaemon(Daemon):
    """A daemon that keeps credentials and does nothing else."""

    kind = "credd"

    def __init__(self, name: str, config: Config, *, legacy: bool = False) -> None:
        super().__init__(name, config, legacy=legacy)
        self.store = CredentialStore(self)

    def ad(self) -> ClassAd:
        """Return the ad that this credd advertises."""
        return ClassAd(
            {
                "MyType": "CredD",
                "Name": self.name,
                "Machine": "localhost",
                "MyAddress": str(self.address),
                "CreddIpAddr": str(self.address),
                "CondorVersion": self.version,
            }
        )
