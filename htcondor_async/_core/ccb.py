"""Reaching a daemon that cannot be connected to: a CCB broker has it connect to us, or passes our connection on."""

from __future__ import annotations

import os
import random
import secrets
from typing import TYPE_CHECKING

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.sinful import CcbContact, Sinful
from htcondor_async._core.channel import Channel, failing_at
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._dialogues.ccb import MAX_MESSAGE, STREAMING_SINCE, check_accepted, check_hello, request_ad
from htcondor_async._secret import Secret
from htcondor_async._security.versions import parse_version
from htcondor_async.errors import (
    ConnectError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorIOError,
    Phase,
    ProtocolError,
)

if TYPE_CHECKING:
    from htcondor_async._runtime.base import Listener, Stream

__all__ = ["connect_through_broker"]

_HELLO_SECONDS = 5.0
_MAX_STRANGERS = 100


async def connect_through_broker(
    context: Context, target: Target, address: Sinful, command: str, started: float, deadline: float
) -> Channel:
    """Return a connection to a daemon, made by one of its brokers: they are asked in random order.

    The connection is as if it had been made directly; nothing was said on it yet that counts.

    Raises
    ------
    ConnectError
        No broker could reach the daemon.
    """
    limit = min(deadline, context.runtime.clock() + context.timeouts.connect)
    contacts = list(address.ccb)
    random.shuffle(contacts)
    failures: list[HTCondorException] = []
    with failing_at(context, target, command, started, Phase.CONNECT, limit):
        for position, contact in enumerate(contacts):
            now, left = context.runtime.clock(), len(contacts) - position
            try:
                channel = await _ask(context, target, contact, command, started, now + (limit - now) / left)
            except HTCondorIOError as error:
                failures.append(error)
            else:
                return channel
        raise ConnectError(
            "no CCB broker could reach the daemon",
            error_stack=[str(error) for error in failures],
            hint="the daemon may be down, or its connection to the broker lost",
        )


async def _ask(
    context: Context, target: Target, contact: CcbContact, command: str, started: float, deadline: float
) -> Channel:
    broker = Target(contact.broker, f"CCB broker of {target.daemon}")
    request = await open_command(context, broker, Command.CCB_REQUEST, deadline)
    keep = False
    try:
        version = parse_version(request.session.peer_version) if request.session is not None else None
        connect_id = Secret(secrets.token_hex(20))
        name = f"{context.config.subsystem} {os.getpid()}"
        if version is not None and version >= STREAMING_SINCE:
            await request.request(request_ad(contact.ids, connect_id, name, None), deadline)
            await _expect_pipe(request, connect_id, deadline)
            keep = True
            channel = Channel(context, request.stream, target, command, started)
            request.cedar.reset()
            channel.cedar = request.cedar  # with what has been received already
            return channel
        listener = await context.runtime.listen(request.stream.local.host, 0)
        try:
            own = str(Sinful(listener.address.host, listener.address.port))
            await request.request(request_ad(contact.ids, connect_id, name, own), deadline)
            channel = await _expect_call(context, target, request, listener, connect_id, command, started, deadline)
            channel.cedar.reset_transcript()
            return channel
        finally:
            listener.close()
    finally:
        if not keep:
            request.abort()


async def _expect_pipe(request: Channel, connect_id: Secret[str], deadline: float) -> None:
    """Receive the broker's consent and the daemon's hello; from the next byte on the connection is the daemon's."""
    await _reply(request, deadline, streaming=True)
    message = await request.receive(deadline, MAX_MESSAGE)
    with request.phase(Phase.CONNECT, deadline):
        if not check_hello(request.reader(message), connect_id):
            raise ProtocolError("the CCB broker passes on somebody else than the daemon that was asked for")


async def _reply(request: Channel, deadline: float, *, streaming: bool) -> None:
    message = await request.receive(deadline, MAX_MESSAGE)
    with request.phase(Phase.CONNECT, deadline):
        reader = request.reader(message)
        answer = reader.ad()
        reader.expect_end()
        check_accepted(answer, streaming=streaming)


async def _expect_call(
    context: Context,
    target: Target,
    request: Channel,
    listener: Listener,
    connect_id: Secret[str],
    command: str,
    started: float,
    deadline: float,
) -> Channel:
    """Wait for the daemon's connection; the broker's answer may come before or after it."""
    runtime = context.runtime
    sources: list[Listener | Stream] = [listener, request.stream]
    strangers = 0
    while True:
        ready = await runtime.first_readable(sources, deadline)
        if not ready:
            raise DaemonTimeoutError("the daemon did not connect back in time")
        if listener in ready:
            stream = await listener.accept(deadline)
            channel = Channel(context, stream, target, command, started)
            if await _is_daemon(channel, connect_id, min(deadline, runtime.clock() + _HELLO_SECONDS)):
                return channel
            strangers += 1
            if strangers > _MAX_STRANGERS:
                raise ConnectError("too many strangers connect where the daemon should")
        elif request.stream in ready:
            await _reply(request, deadline, streaming=False)
            sources = [listener]  # it was told that the daemon has connected


async def _is_daemon(channel: Channel, connect_id: Secret[str], deadline: float) -> bool:
    """Read the first message of a connection; one that is not the daemon's is closed."""
    try:
        message = await channel.receive(deadline, MAX_MESSAGE)
        if check_hello(channel.reader(message), connect_id):
            return True
    except (HTCondorIOError, ProtocolError):
        channel.abort()
        return False
    except BaseException:
        channel.abort()
        raise
    channel.abort()
    return False
