"""Security of a client: asking what a daemon would allow, sessions, and settings that hold for one task."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Literal, TypeVar

import attrs

from htcondor_async._cedar.commands import Command, find_command
from htcondor_async._core.overlay import Overlay, current_overlay, set_overlay
from htcondor_async._core.security_query import SecurityReport, query_security
from htcondor_async._secret import Secret
from htcondor_async._security.claims import session_from_capability
from htcondor_async._security.inheritance import Inheritance
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.daemons import Location, _target
from htcondor_async.errors import HTCondorEnumError, HTCondorTypeError, HTCondorValueError
from htcondor_async.tokens import Token

__all__ = ["SecMan", "authorization_command"]

S = TypeVar("S", bound="SecMan")

LEVELS = (
    "READ",
    "WRITE",
    "NEGOTIATOR",
    "ADMINISTRATOR",
    "OWNER",
    "CONFIG",
    "DAEMON",
    "ADVERTISE_STARTD",
    "ADVERTISE_SCHEDD",
    "ADVERTISE_MASTER",
)


def authorization_command(name: str | int) -> Command:
    """Return a command by its name or number, or for an authorisation level the command that needs just that.

    Raises
    ------
    HTCondorEnumError
        There is neither.
    """
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise HTCondorTypeError(f"a command is a name or a number, not {type(name).__name__}")
    text = name.strip().upper() if isinstance(name, str) else name
    if text in LEVELS:
        return Command[f"DC_NOP_{text}"]
    try:
        return find_command(text)
    except HTCondorEnumError as error:
        raise HTCondorEnumError(
            f"Unable to determine DaemonCore command value: {error.what}", hint=f"levels are {', '.join(LEVELS)}"
        ) from None


class SecMan:
    """The security of one client; as a context manager, settings over it for the task inside.

    ::

        with SecMan() as security:
            security.set_token(token)
            await schedd.submit(...)

    What is set inside holds for the task that sets it, and for tasks that it starts afterwards; other tasks, and
    threads, do not see it. Sessions made inside are used inside only. What was set before entering holds from there.

    Parameters
    ----------
    client
        Whose sessions, and for whose commands the settings hold; by default those of the current context's client,
        and of every client.
    """

    def __init__(self, *, client: Client | None = None) -> None:
        self._given = client
        self._prepared = Overlay(client=client)

    def __repr__(self) -> str:
        return f"<SecMan of {self._given or 'the current client'}>"

    @property
    def _client(self) -> Client:
        return self._given if self._given is not None else default_client()

    # -- asking

    async def ping(self, location: Location, command: str | int = "DC_NOP", *, timeout: float | None = None) -> ClassAd:
        """Ask a daemon whether it would let this client give a command; return what the two agreed on.

        It always negotiates anew. The ad has ``AuthorizationSucceeded``, the agreed policy (``Authentication``,
        ``AuthMethods``, ``Encryption``, ``CryptoMethods`` ...), who this client is to the daemon
        (``MyRemoteUserName``), its ``RemoteVersion``, ``TrustDomain``, ``ValidCommands`` ... and no secret.

        Parameters
        ----------
        location
            The daemon's ad, or its address.
        command
            A command's name or number, or a level as ``"WRITE"``.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorEnumError
            There is no such command.
        AuthorizationError
            The daemon knows this client and refuses the command.
        AuthenticationError, SecurityError
            The two do not come to an agreement.
        """
        return (await self.report(location, command, timeout=timeout)).ad()

    async def report(
        self, location: Location, command: str | int = "DC_NOP", *, timeout: float | None = None
    ) -> SecurityReport:
        """As :meth:`ping`, but with the session itself, for :func:`htcondor_async.explain_permission`."""
        wanted = authorization_command(command)
        context = self._client._context()
        return await query_security(context, _target(location), wanted, context.deadline(timeout))

    @staticmethod
    def get_command_string(command: int) -> str:
        """Return the name of a command's number.

        Raises
        ------
        HTCondorEnumError
            It has none.
        """
        if isinstance(command, bool) or not isinstance(command, int):
            raise HTCondorTypeError(f"a command is a number, not {type(command).__name__}")
        return find_command(command).name

    # -- sessions

    def invalidate_all_sessions(self) -> None:
        """Drop all sessions of the client: the next command to each daemon negotiates anew."""
        self._client.forget_sessions()

    def invalidate_sessions(self, location: Location) -> int:
        """Drop the client's sessions with one daemon; return how many there were."""
        return self._client._sessions.drop_address(str(_target(location).address))

    def add_session(self, location: Location, capability: str | Secret[str], *, user: str | None = None) -> str:
        """Use the session in a claim id or another capability for a daemon; return its name.

        Parameters
        ----------
        location
            The daemon's ad, or its address.
        capability
            The claim id.
        user
            Who this client is in the session, as ``"submit-side@matchsession"``.

        Raises
        ------
        HTCondorValueError
            The capability carries no session.
        """
        secret = Secret(capability) if isinstance(capability, str) else capability
        context = self._client._context()
        session = session_from_capability(secret, user=user)
        if not session.valid_commands:
            # a claim id may leave open what it is for; the daemon decides at each use
            session = attrs.evolve(session, valid_commands=frozenset(map(int, Command)))
        address = str(_target(location).address)
        context.sessions.add(session, now=context.runtime.now(), tag=context.tag, address=address)
        return session.sid

    def inherit_sessions(self, environ: Mapping[str, str]) -> bool:
        """Use the sessions that a parent daemon left in CONDOR_INHERIT and CONDOR_PRIVATE_INHERIT.

        Returns whether there were any.

        Raises
        ------
        HTCondorValueError
            The variables are malformed; the message holds no secret.
        """
        inherited = Inheritance.read(environ)
        if inherited is None:
            return False
        sessions = ((inherited.family, "condor@family"), (inherited.session, "condor@parent"))
        for capability, user in sessions:
            if capability is not None:
                self.add_session(str(inherited.parent), capability, user=user)
        return any(capability is not None for capability, _ in sessions)

    # -- settings of a task

    def _change(self, **changes: object) -> None:
        current = current_overlay()
        if current is not None and current.owner is self:
            set_overlay(attrs.evolve(current, **changes))  # type: ignore[arg-type]  # fields of Overlay
        else:
            self._prepared = attrs.evolve(self._prepared, **changes)  # type: ignore[arg-type]  # as above

    def _now(self) -> Overlay:
        current = current_overlay()
        return current if current is not None and current.owner is self else self._prepared

    def set_config(self, name: str, value: str) -> None:
        """Let a parameter have a value."""
        for what in (name, value):
            if not isinstance(what, str):
                raise HTCondorTypeError(f"a parameter and its value are text, not {type(what).__name__}")
        if not name or any(character in name for character in " =\n"):
            raise HTCondorValueError(f"{name!r} is not the name of a parameter")
        self._change(config={**self._now().config, name.upper(): value})

    def set_tag(self, tag: str) -> None:
        """Keep the sessions apart from those under other tags; the empty tag is that of the client itself."""
        if not isinstance(tag, str):
            raise HTCondorTypeError(f"a tag is text, not {type(tag).__name__}")
        self._change(tag=tag)

    def set_token(self, token: Token | str | Secret[str]) -> None:
        """Use this token, and no other, for IDTOKENS."""
        if isinstance(token, Token):
            token = token.reveal()
        secret = Secret(token) if isinstance(token, str) else token
        if not isinstance(secret, Secret):
            raise HTCondorTypeError("a token is text, or a Token")
        self._change(token=secret)

    def set_pool_password(self, password: str | Secret[str]) -> None:
        """Use this pool password for PASSWORD, instead of SEC_PASSWORD_FILE."""
        secret = Secret(password) if isinstance(password, str) else password
        if not isinstance(secret, Secret):
            raise HTCondorTypeError("a password is text")
        if not secret or "\0" in secret.reveal():
            raise HTCondorValueError("a password must not be empty, nor contain NUL")
        self._change(password=secret)

    def set_gsi_credential(self, path: str) -> None:
        """Name a proxy file for GSI, which HTCondor no longer has: the parameter is kept and has no effect."""
        if not isinstance(path, str) or not path:
            raise HTCondorTypeError("a path is text, and not empty")
        self._change(config={**self._now().config, "X509_USER_PROXY": path})

    def __enter__(self: S) -> S:
        set_overlay(attrs.evolve(self._prepared, owner=self, outer=current_overlay()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        current = current_overlay()
        if current is not None and current.owner is self:
            set_overlay(current.outer)
        self._prepared = Overlay(client=self._given)
        return False
