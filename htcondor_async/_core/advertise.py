"""Sending ads to collectors, by TCP over one connection or by UDP."""

from __future__ import annotations

import ipaddress
import itertools
import os
from collections.abc import Awaitable, Callable, Sequence

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.datagrams import (
    LOOPBACK_FRAGMENT,
    NETWORK_FRAGMENT,
    MessageId,
    fragments,
    seal_payload,
)
from htcondor_async._cedar.values import Writer
from htcondor_async._core.channel import Channel, failing_at
from htcondor_async._core.command import negotiate_for, open_command, resolve
from htcondor_async._core.context import Context, Target
from htcondor_async._runtime.base import any_address
from htcondor_async._security.policy import Level
from htcondor_async._security.sessions import Session
from htcondor_async.classad import ClassAd
from htcondor_async.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionClosedError,
    HTCondorException,
    HTCondorLocateError,
    Phase,
    ProtocolError,
)

__all__ = ["advertise"]

_numbers = itertools.count()
_BATCH = 1 << 18
"""Bytes that are sent at once: many ads at a time, so that a rejection in their midst leaves the rest unread."""
_REJECTED = (
    "the collector closed the connection before it took all ads: one of them was probably rejected "
    "(it lacks Name or MyAddress, or this client may not send it)"
)


async def advertise(
    context: Context, targets: Sequence[Target], ads: Sequence[ClassAd], command: Command, *, tcp: bool, deadline: float
) -> None:
    """Send ads to every collector of a list; what fails at one does not keep the others from getting them.

    Raises
    ------
    HTCondorException
        Some collector did not take them: the first such failure, the others in its ``error_stack``.
    """
    if not ads:
        return
    if not targets:
        raise HTCondorLocateError("Unable to locate collector.", hint="set COLLECTOR_HOST, or name one")
    send: Callable[[Context, Target, Sequence[ClassAd], Command, float], Awaitable[None]]
    failures: list[HTCondorException] = []
    for position, target in enumerate(targets):
        now, left = context.runtime.clock(), len(targets) - position
        share = now + (deadline - now) / left
        if command is Command.UPDATE_STARTD_AD_WITH_ACK:
            send = _with_acknowledgement
        elif tcp or not target.address.udp:
            send = _by_tcp
        else:
            send = _by_udp
        try:
            await send(context, target, ads, command, share)
        except HTCondorException as error:
            failures.append(error)
    if failures:
        others = [str(error) for error in failures[1:]]
        if len(targets) > 1:
            others.append(f"{len(targets) - len(failures)} of {len(targets)} collectors took the ads")
        failures[0].add_context(error_stack=others)
        raise failures[0]


async def _by_tcp(context: Context, target: Target, ads: Sequence[ClassAd], command: Command, deadline: float) -> None:
    channel = await open_command(context, target, command, deadline)
    try:
        # The end goes out with the last ad: where the collector closes without having read it, that shows.
        wire: list[bytes] = []
        size = 0
        for number, ad in enumerate(ads):
            with channel.phase(Phase.SEND, deadline):
                writer = channel.writer()
                if number:
                    writer.int(int(command))
                payload, channel.prefix = channel.prefix + writer.ad(ad).getvalue(), b""
                wire.append(channel.cedar.send_message(payload))
            size += len(wire[-1])
            if size >= _BATCH and number < len(ads) - 1:
                await _send(channel, wire, deadline)
                wire, size = [], 0
        wire.append(channel.cedar.send_message(channel.writer().int(int(Command.DC_NOP)).getvalue()))
        await _send(channel, wire, deadline)
        await _until_closed(channel, min(deadline, context.runtime.clock() + context.timeouts.idle))
    except (ConnectionClosedError, ConnectError) as error:
        raise ConnectionClosedError(
            _REJECTED,
            daemon=target.daemon,
            address=str(target.address),
            command=command.name,
            phase=error.phase,
            elapsed=context.runtime.clock() - channel.started,
        ) from error
    finally:
        channel.abort()


async def _send(channel: Channel, wire: list[bytes], deadline: float) -> None:
    with channel.phase(Phase.SEND, deadline):
        await channel.stream.send(b"".join(wire), deadline)


async def _until_closed(channel: Channel, deadline: float) -> None:
    """Wait for the collector to close, which it does when it has taken everything."""
    with channel.phase(Phase.RECEIVE, deadline):
        data = await channel.stream.receive(1, deadline)
        if data:
            raise ProtocolError("the collector answers where nothing is due")


async def _with_acknowledgement(
    context: Context, target: Target, ads: Sequence[ClassAd], command: Command, deadline: float
) -> None:
    for ad in ads:
        channel = await open_command(context, target, command, deadline)
        try:
            with channel.phase(Phase.SEND, deadline):
                payload = channel.writer().ad(ad).getvalue()
            await channel.send(payload, deadline)
            message = await channel.receive(deadline, 64)
            with channel.phase(Phase.RECEIVE, deadline):
                answer = channel.reader(message).int()
                if answer != 1:
                    raise ProtocolError(f"the collector acknowledges with {answer} where 1 is due")
        finally:
            channel.abort()


# -- UDP


async def _by_udp(context: Context, target: Target, ads: Sequence[ClassAd], command: Command, deadline: float) -> None:
    started = context.runtime.clock()
    session = await _identified(context, target, command, started, deadline)
    with failing_at(context, target, command.name, started, Phase.SEND, deadline):
        address = (await resolve(context, target.address, deadline))[0]
        loopback = ipaddress.ip_address(address.host.partition("%")[0]).is_loopback
        size = context.config.get_int(
            "UDP_LOOPBACK_FRAGMENT_SIZE" if loopback else "UDP_NETWORK_FRAGMENT_SIZE",
            LOOPBACK_FRAGMENT if loopback else NETWORK_FRAGMENT,
        )
        socket = await context.runtime.datagram(any_address(address.family))
        try:
            made = int(context.runtime.now())
            for ad in ads:
                message = _datagram_message(context, target, session, command, ad)
                number = MessageId(_ipv4(address.host), os.getpid(), made, next(_numbers))
                for datagram in fragments(message, number, size):
                    await socket.send(datagram, address, deadline)
        finally:
            socket.close()


async def _identified(
    context: Context, target: Target, command: Command, started: float, deadline: float
) -> Session | None:
    """Return a session in which the collector knows this client, None where there can be none.

    Collectors of 25 refuse datagrams of a session without an identity, and take those without any session.
    """
    policy = context.policy
    if not policy.negotiates:
        return None
    required = Level.REQUIRED in (policy.authentication, policy.encryption, policy.integrity)
    if policy.authentication is Level.NEVER:
        return await _session_for(context, target, command, started, deadline) if required else None
    known = attrs.evolve(context, policy=attrs.evolve(policy, authentication=Level.REQUIRED))
    try:
        return await _session_for(known, target, command, started, deadline)
    except AuthenticationError:
        if required:
            raise
        return None


async def _session_for(context: Context, target: Target, command: Command, started: float, deadline: float) -> Session:
    """Return a session for datagrams: it is negotiated by TCP."""
    from htcondor_async._security.request import session_meets

    known = context.sessions.find(context.tag, str(target.address), int(command), context.runtime.now())
    if known is not None and session_meets(known, context.policy):
        return known
    channel, _ = await negotiate_for(context, target, Command.DC_AUTHENTICATE, command, started, deadline)
    channel.abort()
    session = channel.session
    if session is None:
        raise ProtocolError("the negotiation gave no session", daemon=target.daemon, address=str(target.address))
    if session.reusable:
        context.sessions.add(
            session,
            now=context.runtime.now(),
            tag=context.tag,
            address=str(target.address),
            commands=session.valid_commands | {int(command)},
        )
    return session


def _datagram_message(
    context: Context, target: Target, session: Session | None, command: Command, ad: ClassAd
) -> bytes:
    if session is None:
        return Writer(False).int(int(command)).ad(ad).getvalue()
    from htcondor_async._security.ads import HandshakeAd, encode_ad
    from htcondor_async._security.request import agreed

    encrypted = session.key is not None and (
        session.method == "AES" or agreed(HandshakeAd(session.attributes), "Encryption")
    )
    writer = Writer(encrypted).int(int(Command.DC_AUTHENTICATE))
    encode_ad(
        writer,
        {
            "UseSession": "YES",
            "Sid": session.sid,
            "Command": int(command),
            "RemoteVersion": context.version,
            "ConnectSinful": str(target.address),
        },
    )
    payload = writer.ad(ad).getvalue()
    if not encrypted or session.key is None:
        return payload
    return seal_payload(payload, session.sid, session.key)


def _ipv4(host: str) -> int:
    """Return what a message's name has for its sender's address; any number does that tells senders apart."""
    address = ipaddress.ip_address(host.partition("%")[0])
    return int(address) & 0xFFFFFFFF
