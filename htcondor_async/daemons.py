"""Commands to any daemon, and what a daemon written in Python says to the master that runs it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeAlias

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Writer
from htcondor_async._core import locate as _locate
from htcondor_async._core.context import Context, Target
from htcondor_async._core.tell import ask, tell
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async._runtime import host
from htcondor_async._security.claims import session_from_capability
from htcondor_async._security.inheritance import Inheritance
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.enums import DaemonCommands
from htcondor_async.errors import HTCondorEnumError, HTCondorTypeError, HTCondorValueError

__all__ = ["query_instance", "send_alive", "send_command", "set_ready_state"]

Location: TypeAlias = "ClassAd | Mapping[str, object] | str"

_WITH_TARGET = frozenset(
    (DaemonCommands.DaemonOn, DaemonCommands.DaemonOff, DaemonCommands.DaemonOffFast, DaemonCommands.DaemonOffPeaceful)
)
# a daemon's own address is preferred to MyAddress (condor_daemon_client/daemon.cpp); by MyType of the ad
_ADDRESSES = {
    "scheduler": ("schedd", "ScheddIpAddr"),
    "schedd": ("schedd", "ScheddIpAddr"),
    "machine": ("startd", "StartdIpAddr"),
    "startd": ("startd", "StartdIpAddr"),
    "daemonmaster": ("master", "MasterIpAddr"),
    "master": ("master", "MasterIpAddr"),
    "negotiator": ("negotiator", "NegotiatorIpAddr"),
    "collector": ("collector", "CollectorIpAddr"),
    "credd": ("credd", "CreddIpAddr"),
}
_MAX_NAME = 1024
_PARENT = "the parent daemon"
_PARENT_USER = "condor@parent"
_DEFAULT_HANG = 3600


def _target(location: Location) -> Target:
    if isinstance(location, str):
        location = {"MyAddress": location}
    if not isinstance(location, Mapping):
        raise HTCondorTypeError(f"a daemon is named by its ad or its address, not by {type(location).__name__}")
    kind = location.get("MyType")
    word, attribute = _ADDRESSES.get(kind.lower() if isinstance(kind, str) else "", ("daemon", "MyAddress"))
    address = location.get(attribute)
    if isinstance(address, str) and attribute != "MyAddress":
        location = {"MyAddress": address, "Name": location.get("Name")}
    return _locate.target_of_ad(location, word)


async def send_command(
    location: Location,
    command: DaemonCommands,
    target: str = "",
    *,
    client: Client | None = None,
    timeout: float | None = None,
) -> None:
    """Tell a daemon to reconfigure, restart, end ... It does not answer: a call that returns was permitted and sent.

    Parameters
    ----------
    location
        The daemon's ad, or its address in angle brackets.
    command
        What to do. Those that begin with ``Daemon``, and ``Restart``, are for a master.
    target
        Which of its daemons a master is to switch on or off, as in its DAEMON_LIST: ``"NEGOTIATOR"``.
    client
        Who asks; by default the client of the current context.
    timeout
        Seconds for all of it.

    Raises
    ------
    HTCondorEnumError
        ``command`` is not a ``DaemonCommands``.
    HTCondorValueError
        The ad has no address, or the command needs a target.
    AuthorizationError
        This client is not an administrator there.
    ConnectionClosedError
        The daemon does not know the command: it is not a master.
    """
    try:
        command = DaemonCommands(command)
    except ValueError as error:
        raise HTCondorEnumError(f"{command!r} is not a command to a daemon") from error
    if not isinstance(target, str):
        raise HTCondorTypeError(f"the target is text, not {type(target).__name__}")
    if command in _WITH_TARGET and not target:
        raise HTCondorValueError(f"{command.name} needs a target", hint="name one of the master's DAEMON_LIST")
    if len(target) > _MAX_NAME or "\0" in target:
        raise HTCondorValueError("the target is not the name of a daemon")
    where = _target(location)
    context = (client if client is not None else default_client())._context()
    build: Callable[[Writer], Writer] | None = (lambda writer: writer.str(target)) if target else None
    await tell(context, where, Command(command.value), build, context.deadline(timeout))


async def query_instance(location: Location, *, client: Client | None = None, timeout: float | None = None) -> str:
    """Return what tells this run of a daemon from all others: 16 hexadecimal digits, new after each restart."""
    context = (client if client is not None else default_client())._context()
    digits = await ask(
        context,
        _target(location),
        Command.DC_QUERY_INSTANCE,
        None,
        lambda reader: reader.raw(16),
        context.deadline(timeout),
    )
    return digits.decode("ascii", "replace")


# -- a child of the master


def _inherited() -> Inheritance | None:
    return Inheritance.read(host.environ())


def _use_inherited_session(context: Context, inherited: Inheritance, target: Target) -> None:
    """Let commands to the parent go over the session that it shares with this child."""
    if inherited.session is None:
        return
    session = session_from_capability(inherited.session, user=_PARENT_USER)
    if context.sessions.get(session.sid, context.runtime.now()) is None:
        context.sessions.add(session, now=context.runtime.now(), tag=context.tag, address=str(target.address))


async def send_alive(
    location: Location | None = None,
    pid: int | None = None,
    timeout: int | None = None,
    *,
    client: Client | None = None,
    total_timeout: float | None = None,
) -> None:
    """Tell the master that this process is alive; without it in time the master takes it for hung and kills it.

    For a program in a master's DAEMON_LIST that is also in its DC_DAEMON_LIST. It proves who it is by the session that
    the master gave it in CONDOR_PRIVATE_INHERIT, where there is one.

    Parameters
    ----------
    location
        The master's ad or address; by default the parent's, from CONDOR_INHERIT.
    pid
        Whose sign of life; by default this process.
    timeout
        Seconds within which the next one comes; by default NOT_RESPONDING_TIMEOUT.
    client
        Who says so; by default the client of the current context.
    total_timeout
        Seconds for all of it.

    Raises
    ------
    HTCondorValueError
        There is no location: this process is not a daemon's child.
    """
    inherited = _inherited()
    if location is not None:
        target = _target(location)
    elif inherited is not None:
        target = Target(inherited.parent, _PARENT)
    else:
        raise HTCondorValueError(
            "No location specified and CONDOR_INHERIT not in environment.",
            hint="give the master's ad, or have the master start this program",
        )
    context = (client if client is not None else default_client())._context()
    if timeout is None:
        timeout = context.config.get_int("NOT_RESPONDING_TIMEOUT", _DEFAULT_HANG)
    for name, number in (("pid", pid), ("timeout", timeout)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise HTCondorTypeError(f"{name} is a whole number, not {type(number).__name__}")
    seconds, process = max(int(timeout), 1), os.getpid() if pid is None else pid
    if inherited is not None and str(inherited.parent) == str(target.address):
        _use_inherited_session(context, inherited, target)
    await tell(
        context,
        target,
        Command.DC_CHILDALIVE,
        lambda writer: writer.int(process).int(seconds).double(0.0),
        context.deadline(total_timeout),
    )


async def set_ready_state(
    state: str = "Ready", *, name: str | None = None, client: Client | None = None, timeout: float | None = None
) -> None:
    """Tell the master how far this child of it is; it may wait with other daemons until this one is ready.

    Parameters
    ----------
    state
        What the master shows, as ``"Ready"``.
    name
        Which daemon this is, in the master's DAEMON_LIST; by default the configuration's subsystem.
    client
        Who says so; by default the client of the current context.
    timeout
        Seconds for all of it.

    Raises
    ------
    HTCondorValueError
        This process is not a daemon's child.
    """
    inherited = _inherited()
    if inherited is None:
        raise HTCondorValueError("CONDOR_INHERIT not in environment.", hint="have the master start this program")
    if not isinstance(state, str):
        raise HTCondorTypeError(f"a state is text, not {type(state).__name__}")
    context = (client if client is not None else default_client())._context()
    target = Target(inherited.parent, _PARENT)
    _use_inherited_session(context, inherited, target)
    ad = [
        ("DaemonPID", str(os.getpid())),
        ("DaemonName", string_literal(name if name is not None else context.config.subsystem)),
        ("DaemonState", string_literal(state)),
    ]
    await tell(context, target, Command.DC_SET_READY, lambda writer: writer.ad(ad), context.deadline(timeout))
