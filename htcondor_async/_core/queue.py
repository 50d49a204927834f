"""The connection of a transaction on a schedd's job queue.

Theory of operation. While the connection is in use the schedd serves nobody else, and hangs up after 20 s in which
nothing comes. So the socket opens at the first operation, requests go out in large pieces, and their replies are read
behind them: at most :data:`WINDOW` replies are outstanding, few enough that neither side can block on a full socket.
Each outstanding reply knows what was asked, so that a refusal names the attribute and the job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn, TypeVar

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.limits import exceeded
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core import busy
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._dialogues import queue as dialogue
from htcondor_async._dialogues.queue import IDLE_LIMIT, Op, QueueError, Reply
from htcondor_async._security.versions import parse_version
from htcondor_async.errors import (
    ConcurrencyError,
    ConnectionClosedError,
    HTCondorException,
    HTCondorIOError,
    OutcomeUnknownError,
    Phase,
    ProtocolError,
    TransactionIdleError,
)

__all__ = ["WINDOW", "Due", "QueueConnection"]

T = TypeVar("T")

WINDOW = 256
_FORGETS_ERRORS = (24, 7, 0)
_ZERO = bytes(8)  # the reply to most requests
_FLUSH_SIZE = 16 * 1024  # bytes of requests that are collected before they are sent: a schedd takes small pieces faster


def _keeps_errors(channel: Channel) -> bool:
    """Return whether this schedd may fail a commit for what it refused to a client before, who hung up.

    Such versions remember refusals until somebody aborts or commits, not until the end of the connection
    (``g_transaction_error`` in ``qmgmt_receivers.cpp``).
    """
    version = parse_version(channel.session.peer_version) if channel.session is not None else None
    return version is None or version < _FORGETS_ERRORS


class Due(NamedTuple):
    """A reply that is due: what was asked, in words, and the value it must have, if that is known."""

    what: str
    expected: int | None = None


_UNWANTED = Due("")
"""Whatever comes is thrown away."""


class QueueConnection:
    """One transaction's connection; not shared between tasks."""

    def __init__(self, context: Context, target: Target, *, write: bool = True) -> None:
        self._context = context
        self._target = target
        self._command = Command.QMGMT_WRITE_CMD if write else Command.QMGMT_READ_CMD
        self._channel: Channel | None = None
        self._out = bytearray()
        self._pending: deque[Due] = deque()
        self._replies: deque[bytes] = deque()  # arrived, not looked at
        self._parts: list[bytes] = []  # of a reply of which more must come
        self._part_size = 0
        self._last = 0.0  # when something last went either way
        self._gap = 0.0  # seconds before the last requests in which nothing did: only those count as idle
        self._in_use = False
        self.closed = False

    @property
    def target(self) -> Target:
        """The schedd."""
        return self._target

    @property
    def opened(self) -> bool:
        """Whether an operation has been sent."""
        return self._channel is not None

    def abort(self) -> None:
        """Close the socket: the schedd drops what was not committed."""
        self.closed = True
        self._pending.clear()
        self._replies.clear()
        self._out.clear()
        if self._channel is not None:
            self._channel.abort()
            busy.end(self._context, self._target)

    async def peer_version(self, deadline: float) -> str | None:
        """Return what the schedd says of its version in the session; opens the connection."""
        with self._use():
            session = (await self._open(deadline)).session
            return session.peer_version if session is not None else None

    async def crypto(self, deadline: float) -> bool:
        """Return whether requests are encrypted; opens the connection."""
        with self._use():
            return (await self._open(deadline)).cedar.crypto

    # -- operations

    async def call(self, request: Callable[[Writer], bytes], read: Callable[[Reader], T], deadline: float) -> T:
        """Send a request behind all that are on their way, and return what its reply says."""
        with self._use():
            channel = await self._open(deadline)
            self._append(channel, request(channel.writer()))
            try:
                await self._settle(channel, deadline)
            except QueueError:
                self._pending.append(_UNWANTED)  # the request is on its way: its reply comes all the same
                raise
            message = await self._receive(channel, deadline)
            with channel.phase(Phase.RECEIVE, deadline):
                try:
                    return read(channel.reader(message))
                except QueueError as error:
                    refused = error  # an answer like any other: the transaction goes on
            refused.add_context(
                daemon=self._target.daemon, address=str(self._target.address), command=self._command.name
            )
            raise refused

    async def ask(self, request: Callable[[Writer], bytes], what: str, deadline: float) -> int:
        """Send a request with a plain reply, and return its value; a refusal raises ``QueueError``."""
        reply = await self.call(request, dialogue.read_reply, deadline)
        if reply.rval < 0:
            self._refused(what, reply)
        return reply.rval

    async def post(
        self,
        request: Callable[[Writer], bytes],
        deadline: float,
        *,
        what: str | None = None,
        expected: int | None = None,
    ) -> None:
        """Send a request without waiting: ``what`` names it if it is answered, None if it is not (``NO_ACK``).

        A refusal raises ``QueueError`` from a later operation, :meth:`settle` at the latest.
        """
        with self._use():
            channel = await self._open(deadline)
            self._append(channel, request(channel.writer()))
            if what is not None:
                self._pending.append(Due(what, expected))
            if len(self._pending) >= WINDOW:
                await self._settle(channel, deadline, leave=WINDOW // 2)
            elif len(self._out) >= _FLUSH_SIZE:
                await self._flush(channel, deadline)

    async def post_all(self, payloads: Sequence[bytes], due: Sequence[Due], deadline: float) -> None:
        """Send many requests without waiting, as :meth:`post` does one: ``due`` are the replies they will have."""
        with self._use():
            channel = await self._open(deadline)
            if payloads:
                self._out += channel.cedar.send_messages(payloads)
            self._pending.extend(due)
            if len(self._pending) >= WINDOW:
                await self._settle(channel, deadline, leave=WINDOW // 2)
            elif len(self._out) >= _FLUSH_SIZE:
                await self._flush(channel, deadline)

    async def flush(self, deadline: float) -> None:
        """Send what is still here, without waiting for replies."""
        with self._use():
            if self._channel is not None:
                await self._flush(self._channel, deadline)

    async def upload(
        self,
        head: Callable[[Writer], bytes],
        more: Callable[[], Awaitable[bytes]],
        read: Callable[[Reader], T],
        deadline: float,
    ) -> T:
        """Send one request of any length in a single message, and return its reply.

        ``head`` begins it; ``more`` gives the next piece, the empty one at the end.
        """
        with self._use():
            channel = await self._open(deadline)
            await self._settle(channel, deadline)
            part = head(channel.writer())
            while chunk := await more():
                await self._send_part(channel, part, deadline, end=False)
                part = chunk
            await self._send_part(channel, part, deadline, end=True)
            message = await self._receive(channel, deadline)
            with channel.phase(Phase.RECEIVE, deadline):
                return read(channel.reader(message))

    async def _send_part(self, channel: Channel, part: bytes, deadline: float, *, end: bool) -> None:
        with channel.phase(Phase.SEND, deadline):
            await channel.stream.send(channel.cedar.send_part(part, end=end), deadline)
        self._last = channel.runtime.clock()

    async def settle(self, deadline: float) -> None:
        """Send what is still here and wait for all replies."""
        with self._use():
            if self._channel is not None:
                await self._settle(self._channel, deadline)

    async def commit(self, flags: int, deadline: float) -> tuple[str, ...]:
        """Commit; return the daemon's warnings.

        Raises
        ------
        QueueError
            The schedd refused; nothing of the transaction has taken effect.
        OutcomeUnknownError
            The connection broke after the commit was sent, before its answer came.
        """
        await self.settle(deadline)
        try:
            answer = await self.call(lambda writer: dialogue.commit(writer, flags), dialogue.read_commit, deadline)
        except TransactionIdleError:
            raise
        except HTCondorException as error:
            if self._channel is None or error.phase is not Phase.RECEIVE:
                raise  # what failed while it was sent did not leave whole
            unknown = OutcomeUnknownError(
                "the commit was sent but its answer did not come: the changes may or may not have taken effect",
                hint="query the queue before trying again",
                daemon=self._target.daemon,
                address=str(self._target.address),
                command=self._command.name,
                phase=error.phase,
                elapsed=error.elapsed,
            )
            raise unknown from error
        if answer.reply.rval < 0:
            self.abort()
            self._refused("the schedd refused the commit, nothing was changed", answer.reply)
        return answer.warnings

    async def close(self, deadline: float) -> None:
        """Say good-bye after a commit; the schedd is free for others at once.

        What is in the queue stays there if this fails, so it raises nothing of its own.
        """
        if self._channel is not None and not self.closed:
            channel = self._channel
            try:
                await channel.send(channel.writer().int(dialogue.Op.CloseSocket).getvalue(), deadline)
            except HTCondorIOError:
                return
            finally:
                self.abort()
        self.closed = True

    # -- the wire

    @contextmanager
    def _use(self) -> Iterator[None]:
        if self.closed:
            raise ConcurrencyError("this transaction is over")
        if self._in_use:
            raise ConcurrencyError("this transaction is in use by another task")
        self._in_use = True
        try:
            yield
        except QueueError:
            raise
        except BaseException:
            self.abort()
            raise
        finally:
            self._in_use = False

    async def _open(self, deadline: float) -> Channel:
        if self._channel is None:
            channel = await open_command(self._context, self._target, self._command, deadline)
            self._channel = channel
            self._last = channel.runtime.clock()
            if self._command is Command.QMGMT_WRITE_CMD and _keeps_errors(channel):
                afresh = [channel.writer().int(op).getvalue() for op in (Op.AbortTransaction, Op.BeginTransaction)]
                self._out += channel.cedar.send_messages(afresh)
                self._pending.extend(Due("the schedd did not begin a transaction", 0) for _ in afresh)
            busy.begin(self._context, self._target, self)
        return self._channel

    def _append(self, channel: Channel, payload: bytes) -> None:
        self._out += channel.cedar.send_message(payload)

    async def _flush(self, channel: Channel, deadline: float) -> None:
        if self._out:
            data, self._out = bytes(self._out), bytearray()
            self._gap = channel.runtime.clock() - self._last
            try:
                with channel.phase(Phase.SEND, deadline):
                    await channel.stream.send(data, channel.limit(deadline))
            except HTCondorIOError as error:
                self._lost(channel, error)
            self._last = channel.runtime.clock()

    async def _settle(self, channel: Channel, deadline: float, *, leave: int = 0) -> None:
        await self._flush(channel, deadline)
        refused: tuple[Due, Reply] | None = None
        while len(self._pending) > leave:
            message = await self._receive(channel, deadline)
            due = self._pending.popleft()
            if due is _UNWANTED or (message == _ZERO and due.expected in (0, None)):
                continue
            with channel.phase(Phase.RECEIVE, deadline):
                reply = dialogue.read_reply(channel.reader(message))
                if reply.rval >= 0 and due.expected is not None and reply.rval != due.expected:
                    raise ProtocolError(f"{due.what}: {due.expected} was due as the answer, not {reply.rval}")
            if reply.rval < 0 and refused is None:
                refused = (due, reply)
                leave = 0
        if refused is not None:
            self._refused(refused[0].what, refused[1])

    async def _receive(self, channel: Channel, deadline: float) -> bytes:
        """Return the next reply; those that have arrived with it are kept."""
        while not self._replies:
            try:
                with channel.phase(Phase.RECEIVE, deadline):
                    frames = channel.cedar.drain()
                if not frames:
                    await channel.fill(channel.limit(deadline))
                    self._last = channel.runtime.clock()
            except ConnectionClosedError as error:
                self._lost(channel, error)
            for plaintext, end in frames:
                if end and not self._parts:
                    self._replies.append(plaintext)
                    continue
                self._parts.append(plaintext)
                size = self._part_size = self._part_size + len(plaintext)
                if size > channel.limits.max_message:
                    exceeded("max_message", "a reply", size, channel.limits.max_message)
                if end:
                    self._replies.append(b"".join(self._parts))
                    self._parts, self._part_size = [], 0
            if len(self._replies) > len(self._pending) + 1:
                raise ProtocolError("the schedd answered what nobody had asked")
        return self._replies.popleft()

    def _lost(self, channel: Channel, error: HTCondorIOError) -> NoReturn:
        idle = self._gap
        if idle >= IDLE_LIMIT - 1:
            raise TransactionIdleError(
                f"the schedd ended the transaction because nothing came for {idle:.0f} s; nothing was changed",
                daemon=self._target.daemon,
                address=str(self._target.address),
                command=self._command.name,
                phase=error.phase,
                hint=f"prepare everything first: a schedd waits {IDLE_LIMIT:.0f} s and serves nobody else meanwhile",
            ) from error
        raise error

    def _refused(self, what: str, reply: Reply) -> NoReturn:
        raise QueueError(
            what,
            code=reply.rval,
            number=abs(reply.errno),
            error_stack=[reply.reason] if reply.reason else [],
            daemon=self._target.daemon,
            address=str(self._target.address),
            command=self._command.name,
        )
