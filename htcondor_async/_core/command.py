"""Opening a command: from a daemon's address to a connection that is ready for the command's arguments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.sinful import Sinful
from htcondor_async._cedar.values import Writer
from htcondor_async._core.busy import refuse_if_busy
from htcondor_async._core.channel import Channel, failing_at
from htcondor_async._core.context import Context, Target
from htcondor_async._runtime.base import SocketAddress as NumericAddress
from htcondor_async._runtime.base import Stream
from htcondor_async._security.sessions import Session
from htcondor_async.errors import (
    HTCondorInternalError,
    Phase,
    SessionInvalidError,
)

if TYPE_CHECKING:
    from htcondor_async._security.request import HandshakeRequest

__all__ = ["connect", "negotiate_for", "open_command", "resolve"]

_CLIENT_NAME = "htcondor-async"  # shown in the log of a shared port server
_SHARED_PORT_SELF = "self"


async def open_command(context: Context, target: Target, command: Command, deadline: float) -> Channel:
    """Connect to a daemon and start a command: over a known session, else over a new one.

    Of several tasks that need the same new session one negotiates it and the others resume it. A session that the
    daemon no longer knows is dropped, that one alone, and the command begins once more with a new negotiation:
    nothing of it has been sent by then.

    Returns
    -------
    Channel
        Owned by the caller, who goes on with the command's arguments.

    Raises
    ------
    ConcurrencyError
        The daemon is a schedd, and busy with a transaction of the same task.
    """
    refuse_if_busy(context, target, command)
    started = context.runtime.clock()
    if not context.policy.negotiates:
        return await _raw(context, target, command, started, deadline)
    invalid: SessionInvalidError | None = None
    for _ in range(2):
        session = _known(context, target, command)
        if session is None:
            channel, session = await _single_flight(context, target, command, started, deadline)
            if channel is not None:
                return channel
        if session is None:  # the new session may not be reused: this command needs one of its own
            return await _negotiate(context, target, command, started, deadline)
        try:
            return await _resume(context, target, command, session, started, deadline)
        except SessionInvalidError as error:
            context.sessions.drop(session.sid)
            invalid = error
    if invalid is None:
        raise HTCondorInternalError("the loop that opens a command ended without an error")
    raise invalid


def _known(context: Context, target: Target, command: Command) -> Session | None:
    """Return the session to resume: one that gives all that this client requires."""
    if not len(context.sessions):
        return None
    from htcondor_async._security.request import session_meets

    session = context.sessions.find(context.tag, str(target.address), int(command), context.runtime.now())
    return session if session is not None and session_meets(session, context.policy) else None


async def _single_flight(
    context: Context, target: Target, command: Command, started: float, deadline: float
) -> tuple[Channel | None, Session | None]:
    """Negotiate, or wait for the one who does. Returns one's own channel, or else the session to resume."""
    own: list[Channel] = []

    async def lead() -> bool:
        if find() is None:
            own.append(await _negotiate(context, target, command, started, deadline))
        return True

    def find() -> Session | None:
        return _known(context, target, command)

    key = ("session", id(context.sessions), context.tag, str(target.address), int(command))
    try:
        with failing_at(context, target, command.name, started, Phase.NEGOTIATE, deadline):
            await context.runtime.once(key).run(lead, deadline)
    except BaseException:
        for channel in own:
            channel.abort()
        raise
    return (own[0], None) if own else (None, find())


async def _negotiate(context: Context, target: Target, command: Command, started: float, deadline: float) -> Channel:
    channel, _ = await negotiate_for(context, target, command, None, started, deadline)
    session = channel.session
    if session is not None and session.reusable:
        context.sessions.add(session, now=context.runtime.now(), tag=context.tag, address=str(target.address))
    return channel


async def negotiate_for(
    context: Context, target: Target, command: Command, meant: Command | None, started: float, deadline: float
) -> tuple[Channel, HandshakeRequest]:
    """Connect and negotiate a new session, which is not kept.

    Parameters
    ----------
    meant
        The command whose authorisation is asked for, with DC_SEC_QUERY and DC_AUTHENTICATE.
    """
    from htcondor_async._security.handshake import client_handshake  # it loads much; at the first handshake

    channel = await _channel(context, target, command, started, deadline)
    limit = min(deadline, context.runtime.clock() + context.timeouts.handshake)
    request = _request(context, channel, command, meant)
    channel.session = await channel.perform(client_handshake(request), Phase.NEGOTIATE, limit)
    return channel, request


async def _resume(
    context: Context, target: Target, command: Command, session: Session, started: float, deadline: float
) -> Channel:
    from htcondor_async._security.handshake import client_resume

    channel = await _channel(context, target, command, started, deadline)
    limit = min(deadline, context.runtime.clock() + context.timeouts.handshake)
    request = _request(context, channel, command)
    channel.session = await channel.perform(client_resume(request, session), Phase.NEGOTIATE, limit)
    return channel


async def _raw(context: Context, target: Target, command: Command, started: float, deadline: float) -> Channel:
    """Start a command without any negotiation: its number goes in front of the arguments, in the same message."""
    channel = await _channel(context, target, command, started, deadline)
    channel.prefix = Writer(False).int(int(command)).getvalue()
    return channel


async def _channel(context: Context, target: Target, command: Command, started: float, deadline: float) -> Channel:
    address = target.address.for_network(context.own_network())
    if address.ccb:
        from htcondor_async._core.ccb import connect_through_broker

        channel = await connect_through_broker(context, target, address, command.name, started, deadline)
        channel.reached = address
    else:
        target = attrs.evolve(target, address=address)
        stream = await connect(context, target, command.name, started, deadline)
        channel = Channel(context, stream, target, command.name, started)
        channel.reached = address.at(stream.peer.host, stream.peer.port)
    shared_port = address.sock
    if shared_port is not None:
        preamble = (
            Writer(False)
            .int(int(Command.SHARED_PORT_CONNECT))
            .str(shared_port)
            .str(_CLIENT_NAME)
            .int(-1)  # no deadline of the server's own
            .int(0)
            .getvalue()
        )
        await channel.send(preamble, deadline)
        if shared_port != _SHARED_PORT_SELF:
            channel.cedar.reset_transcript()
    return channel


async def connect(context: Context, target: Target, command: str, started: float, deadline: float) -> Stream:
    """Make a TCP connection to the daemon: all its addresses are tried, the first to answer wins."""
    limit = min(deadline, context.runtime.clock() + context.timeouts.connect)
    with failing_at(context, target, command, started, Phase.RESOLVE, limit):
        addresses = await resolve(context, target.address, limit)
    with failing_at(context, target, command, started, Phase.CONNECT, limit):
        return await context.runtime.connect(addresses, limit, stagger=context.timeouts.stagger)


async def resolve(context: Context, sinful: Sinful, deadline: float) -> list[NumericAddress]:
    """Return all numeric addresses of a daemon, in the order in which they are tried."""
    found: list[NumericAddress] = []
    for host, port in sinful.candidates():
        found += [address for address in await context.runtime.resolve(host, port, deadline) if address not in found]
    return found


def _request(context: Context, channel: Channel, command: Command, meant: Command | None = None) -> HandshakeRequest:
    from htcondor_async._security.request import HandshakeRequest

    peer, address = channel.stream.peer, channel.reached
    return HandshakeRequest(
        command=int(command),
        auth_command=None if meant is None else int(meant),
        address=str(address),
        server_address=(peer.host, peer.port),
        policy=context.policy,
        settings=context.settings,
        credentials=context.credentials,
        now=context.runtime.now(),
        host_alias=address.alias,
        version=context.version,
        pid=os.getpid(),
        limits=context.limits,
    )
