"""Credentials of users, which a credd, a schedd or a master keeps for their jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core import locate as _locate
from htcondor_async._core.context import Context, Target
from htcondor_async._core.credd import confidential_exchange, produce
from htcondor_async._dialogues import credd as _dialogue
from htcondor_async._dialogues.credd import Operation, ServiceRequest, Stored, StoreRequest
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.daemons import Location, _target
from htcondor_async.enums import CredTypes, DaemonTypes
from htcondor_async.errors import HTCondorEnumError, HTCondorTypeError, HTCondorValueError

__all__ = ["CredCheck", "CredStatus", "Credd"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[\x21-\x7e]+\Z")


@attrs.frozen
class CredCheck:
    """Whether the credentials of some services are there.

    Parameters
    ----------
    services
        The services that were asked about, as ``service`` or ``service*handle``, sorted.
    reply
        What the daemon answered: nothing if all are there, an address to visit, or an error.
    """

    services: tuple[str, ...]
    reply: str

    @property
    def present(self) -> bool:
        """Whether all are there."""
        return not self.reply

    @property
    def url(self) -> str | None:
        """Where the user can get those that are missing, with a browser."""
        return self.reply if _URL.match(self.reply) else None

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self.reply if self.reply and self.url is None else None

    def __bool__(self) -> bool:
        return self.present

    def __str__(self) -> str:
        return self.reply or ",".join(self.services)


@attrs.frozen
class CredStatus:
    """What is stored for a user: names of credentials with the time, in seconds since 1970, they were stored at.

    ``pending`` is true while the daemon's credential monitor has not processed one.
    """

    ad: ClassAd
    pending: bool = False

    def __str__(self) -> str:
        return "".join(f"{name} = {self.ad.lookup(name).old()}\n" for name in sorted(self.ad, key=str.lower))


class Credd:
    """A handle on the daemon that keeps credentials: a credd, a schedd or a master. It holds no connection.

    Credentials travel over connections that are encrypted and authenticated; where the daemon or the configuration
    excludes that, ``SecurityError`` is raised and nothing is sent.

    Parameters
    ----------
    location
        The daemon's ad or its address; by default this machine's schedd, and its credd for
        :meth:`check_user_service_creds`.
    client
        Who asks; by default the client of the current context.
    """

    def __init__(self, location: Location | None = None, *, client: Client | None = None) -> None:
        self._client = client if client is not None else default_client()
        self._target = None if location is None else _target(location)

    def __repr__(self) -> str:
        return f"<Credd {self._target or 'of this machine'}>"

    async def _where(self, context: Context, kind: DaemonTypes, deadline: float) -> Target:
        if self._target is not None:
            return self._target
        return _locate.target_of_ad(await _locate.locate_local(context, kind, deadline), kind.name.lower())

    async def _store(self, request: StoreRequest, timeout: float | None) -> Stored:
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, DaemonTypes.Schedd, deadline)
        if request.kind is CredTypes.Password and _dialogue.is_pool_password(request.user):
            if request.operation is not Operation.QUERY:
                return await self._store_pool(context, target, request, deadline)
            request = attrs.evolve(request, legacy=True)
        if request.legacy and not request.user:
            request = attrs.evolve(request, user=_own_name(context))
        return await confidential_exchange(
            context,
            target,
            Command.STORE_CRED,
            request.write,
            request.read,
            deadline,
            changes=request.operation is not Operation.QUERY,
        )

    async def _store_pool(self, context: Context, target: Target, request: StoreRequest, deadline: float) -> Stored:
        return await confidential_exchange(
            context,
            target,
            Command.STORE_POOL_CRED,
            lambda writer: _dialogue.pool_password_request(writer, request.user, request.credential),
            lambda reader: _dialogue.check_result(Stored(reader.int(), ClassAd()), request.operation),
            deadline,
            changes=True,
        )

    # -- passwords

    async def add_password(self, password: str | Secret[str], user: str = "", *, timeout: float | None = None) -> None:
        """Store a password. Daemons on Unix keep that of ``condor_pool@DOMAIN`` only, and their master does it.

        Parameters
        ----------
        password
            Not empty.
        user
            Whose, as ``user@domain``; by default this process's user.
        timeout
            Seconds for all of it.

        Raises
        ------
        DaemonError
            The daemon refused; ``code`` says why.
        SecurityError
            The connection would not be encrypted.
        OutcomeUnknownError
            The answer was lost.
        """
        text = password.reveal() if isinstance(password, Secret) else password
        if not isinstance(text, str):
            raise HTCondorTypeError(f"a password is text, not {type(text).__name__}")
        if not text or "\0" in text:
            raise HTCondorValueError("password may not be empty" if not text else "a password cannot contain NUL")
        credential = Secret(text.encode("utf-8", "surrogateescape"))
        request = StoreRequest(CredTypes.Password, Operation.ADD, _dialogue.checked_user(user), credential, legacy=True)
        await self._store(request, timeout)

    async def delete_password(self, user: str = "", *, timeout: float | None = None) -> bool:
        """Delete a password; returns True, also if there was none."""
        request = StoreRequest(CredTypes.Password, Operation.DELETE, _dialogue.checked_user(user), legacy=True)
        await self._store(request, timeout)
        return True

    async def query_password(self, user: str = "", *, timeout: float | None = None) -> bool:
        """Return whether a password is stored."""
        request = StoreRequest(CredTypes.Password, Operation.QUERY, _dialogue.checked_user(user), legacy=True)
        return (await self._store(request, timeout)).found

    # -- credentials of a user

    async def add_user_cred(
        self,
        credtype: CredTypes,
        credential: bytes | Secret[bytes] | None,
        user: str = "",
        *,
        timeout: float | None = None,
    ) -> None:
        """Store a password or a Kerberos credential.

        Parameters
        ----------
        credtype
            ``CredTypes.Password`` or ``CredTypes.Kerberos``.
        credential
            The credential; None to run the program that SEC_CREDENTIAL_PRODUCER names.
        user
            Whose, as ``user@domain``; by default whoever asks.
        timeout
            Seconds for all of it. The daemon may wait some time for its credential monitor.

        Raises
        ------
        HTCondorEnumError
            ``credtype`` is another.
        DaemonError, SecurityError, OutcomeUnknownError
            As for :meth:`add_password`.
        """
        kind = _kind(credtype, CredTypes.Password, CredTypes.Kerberos)
        user = _dialogue.checked_user(user)
        secret = await self._credential(credential, "SEC_CREDENTIAL_PRODUCER", timeout)
        if secret is None:
            return
        wait = kind is CredTypes.Kerberos
        await self._store(StoreRequest(kind, Operation.ADD, user, secret, wait=wait), timeout)

    async def delete_user_cred(self, credtype: CredTypes, user: str = "", *, timeout: float | None = None) -> None:
        """Delete a user's credential, all tokens of the user for ``CredTypes.OAuth``; none is fine."""
        request = StoreRequest(_kind(credtype, *CredTypes), Operation.DELETE, _dialogue.checked_user(user))
        await self._store(request, timeout)

    async def query_user_cred(self, credtype: CredTypes, user: str = "", *, timeout: float | None = None) -> int:
        """Return the time a user's credential was stored at, in seconds since 1970; 6 while it is being processed.

        Raises
        ------
        DaemonError
            There is none (code 5), or the daemon refused.
        """
        kind = _kind(credtype, *CredTypes)
        wait = kind is not CredTypes.Password
        stored = await self._store(
            StoreRequest(kind, Operation.QUERY, _dialogue.checked_user(user), wait=wait), timeout
        )
        if not stored.found:
            raise _dialogue.not_found()
        return stored.result

    # -- credentials for services

    async def add_user_service_cred(
        self,
        credtype: CredTypes,
        credential: bytes | Secret[bytes] | None,
        service: str,
        handle: str = "",
        user: str = "",
        *,
        refresh: bool | None = None,
        timeout: float | None = None,
    ) -> None:
        """Store an OAuth credential.

        Parameters
        ----------
        credtype
            ``CredTypes.OAuth``.
        credential
            The credential; None to run the program that SEC_CREDENTIAL_PRODUCER_OAUTH_``service`` names.
        service, handle
            What it is for; the handle may be empty.
        user
            Whose, as ``user@domain``; by default whoever asks.
        refresh
            Whether the daemon is to refresh it.
        timeout
            Seconds for all of it.
        """
        kind, service, handle = _service(credtype, service, handle)
        user = _dialogue.checked_user(user)
        secret = await self._credential(credential, f"SEC_CREDENTIAL_PRODUCER_OAUTH_{service}", timeout)
        if secret is None:
            return
        request = StoreRequest(kind, Operation.ADD, user, secret, service=service, handle=handle, refresh=refresh)
        await self._store(request, timeout)

    async def delete_user_service_cred(
        self, credtype: CredTypes, service: str, handle: str = "", user: str = "", *, timeout: float | None = None
    ) -> None:
        """Delete an OAuth credential; none is fine."""
        kind, service, handle = _service(credtype, service, handle)
        request = StoreRequest(kind, Operation.DELETE, _dialogue.checked_user(user), service=service, handle=handle)
        await self._store(request, timeout)

    async def query_user_service_cred(
        self, credtype: CredTypes, service: str = "", handle: str = "", user: str = "", *, timeout: float | None = None
    ) -> CredStatus:
        """Return what is stored of a service's OAuth credentials; of all services for an empty name.

        Raises
        ------
        DaemonError
            There is none (code 5), or the daemon refused.
        """
        kind = _kind(credtype, CredTypes.OAuth)
        if service:
            kind, service, handle = _service(credtype, service, handle)
        elif handle:
            raise HTCondorValueError("invalid service arg", hint="a handle needs a service")
        request = StoreRequest(kind, Operation.QUERY, _dialogue.checked_user(user), service=service, handle=handle)
        stored = await self._store(request, timeout)
        if not stored.found:
            raise _dialogue.not_found()
        return CredStatus(stored.ad, stored.pending)

    async def check_user_service_creds(
        self,
        credtype: CredTypes,
        services: Iterable[Mapping[str, object] | str],
        user: str = "",
        *,
        timeout: float | None = None,
    ) -> CredCheck:
        """Ask whether the OAuth credentials of some services are there, and where the missing ones can be had.

        Parameters
        ----------
        credtype
            ``CredTypes.OAuth``.
        services
            Ads with ``Service`` and, if wanted, ``Handle``, ``Scopes``, ``Audience``; or names of services.
        user
            Whose; by default whoever asks.
        timeout
            Seconds for all of it. The daemon may take 20 s.
        """
        _kind(credtype, CredTypes.OAuth)
        if isinstance(services, (str, Mapping)):
            raise HTCondorTypeError("services are given as a list")
        user = _dialogue.checked_user(user)
        requests = [ServiceRequest.of(given, user) for given in services]
        if not requests:
            raise HTCondorValueError("invalid services argument", hint="name one or more")
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, DaemonTypes.Credd, deadline)
        reply = await confidential_exchange(
            context,
            target,
            Command.CREDD_CHECK_CREDS,
            lambda writer: _dialogue.check_request(writer, requests),
            lambda reader: reader.str(),
            deadline,
            changes=False,
        )
        return CredCheck(tuple(sorted({request.name for request in requests})), reply)

    async def _credential(
        self, given: bytes | Secret[bytes] | None, parameter: str, timeout: float | None
    ) -> Secret[bytes] | None:
        if given is None:
            context = self._client._context()
            return await produce(context, parameter, context.deadline(timeout))
        data = given.reveal() if isinstance(given, Secret) else given
        if not isinstance(data, (bytes, bytearray)):
            raise HTCondorTypeError(f"a credential is bytes, not {type(data).__name__}")
        if not data:
            raise HTCondorValueError("credential may not be empty")
        if len(data) > _dialogue.MAX_CREDENTIAL:
            raise HTCondorValueError(f"a credential of {len(data)} bytes; at most {_dialogue.MAX_CREDENTIAL}")
        return Secret(bytes(data))


def _kind(credtype: CredTypes, *allowed: CredTypes) -> CredTypes:
    try:
        kind = CredTypes(credtype)
    except ValueError:
        raise HTCondorEnumError("invalid credtype", hint=", ".join(kind.name for kind in allowed)) from None
    if kind not in allowed:
        raise HTCondorEnumError("invalid credtype", hint=f"it is {' or '.join(kind.name for kind in allowed)} here")
    return kind


def _service(credtype: CredTypes, service: str, handle: str) -> tuple[CredTypes, str, str]:
    kind = _kind(credtype, CredTypes.OAuth)
    if not service:
        raise HTCondorValueError("invalid service arg", hint="name the service")
    return kind, _dialogue.checked_name(service, "service"), _dialogue.checked_name(handle, "handle") if handle else ""


def _own_name(context: Context) -> str:
    """Return this process's user as the old layout needs it."""
    return f"{context.runtime.user().name}@{context.settings.uid_domain or context.runtime.hostname()}"
