"""One TCP connection that speaks CEDAR, in either role: the place where bytes meet a socket and effects are done."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.effects import Receive, Send, StartCrypto
from htcondor_async._cedar.legacy import CfbStream
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._core.effects import carry_out
from htcondor_async._runtime.base import READ_SIZE, Runtime, Stream
from htcondor_async._security.effects import RemoveDirectory
from htcondor_async.errors import ConfigError, Phase

__all__ = ["Wire"]

T = TypeVar("T")


class Wire:
    """A connection and its codec. It has one owner, who closes it by :meth:`abort`.

    Whatever interrupts an exchange (an error, a deadline, cancellation) leaves an unknown amount of it in flight; the
    connection is then closed, never reused.
    """

    def __init__(self, runtime: Runtime, limits: Limits, stream: Stream) -> None:
        self.runtime = runtime
        self.limits = limits
        self.stream = stream
        self.cedar = CedarConnection(limits)
        self.eof = False
        self.read_size = READ_SIZE
        self.prefix = b""  # what the first message must begin with: the number of a command that is not negotiated

    def abort(self) -> None:
        """Close the socket at once. May be called again."""
        self.stream.abort()

    @contextmanager
    def phase(self, phase: Phase, deadline: float) -> Iterator[None]:
        """Close the connection on whatever is raised inside."""
        try:
            yield
        except BaseException:
            self.abort()
            raise

    def limit(self, deadline: float) -> float:
        """Return the deadline of one wait of an operation that has ``deadline``."""
        return deadline

    def writer(self, secrets: CfbStream | None = None) -> Writer:
        """Return a writer for the next message, or for a part of it where all parts share ``secrets``."""
        return Writer(self.cedar.crypto, secrets=self.cedar.secret_cipher() if secrets is None else secrets)

    def reader(self, message: bytes) -> Reader:
        """Return a reader of a received message."""
        return Reader(message, self.cedar.crypto, self.limits, secrets=self.cedar.secret_cipher())

    async def send(self, payload: bytes, deadline: float) -> None:
        """Send one message."""
        payload, self.prefix = self.prefix + payload, b""
        with self.phase(Phase.SEND, deadline):
            await self.stream.send(self.cedar.send_message(payload), self.limit(deadline))

    async def receive(self, deadline: float, max_size: int | None = None) -> bytes:
        """Return the next whole message."""
        with self.phase(Phase.RECEIVE, deadline):
            return await self._next_message(self.limit(deadline), max_size)

    async def fill(self, deadline: float) -> int:
        """Wait for more bytes, or for the end of the stream, and hand them to the decoder; return how many came."""
        with self.phase(Phase.RECEIVE, deadline):
            return await self._fill(deadline)

    def fill_now(self) -> bool:
        """Hand the bytes that have arrived already to the decoder; return whether there were any."""
        with self.phase(Phase.RECEIVE, 0.0):
            data = self.stream.receive_now(self.read_size)
            if data is None:
                return False
            self._fed(data)
            return True

    async def perform(self, steps: Generator[Any, Any, T], phase: Phase, deadline: float) -> T:
        """Carry out the effects that ``steps`` asks for; return its result.

        What fails is thrown into the generator, which may go on with something else. Where the task is cancelled the
        generator still says what to clean up (a directory that proved who this is), and that is done, nothing else.
        """
        with self.phase(phase, deadline):
            try:
                effect = next(steps)
                while True:
                    try:
                        answer = await self._carry_out(effect, deadline)
                    except (OSError, ConfigError) as error:
                        effect = steps.throw(error)
                    except BaseException as error:
                        await self._clean_up(steps, error, effect)
                        raise
                    else:
                        effect = steps.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            finally:
                steps.close()

    async def _clean_up(self, steps: Generator[Any, Any, T], error: BaseException, interrupted: Any) -> None:
        self.abort()
        if isinstance(interrupted, RemoveDirectory):
            with contextlib.suppress(OSError):  # it may have been removed before the interruption
                await carry_out(interrupted, self.runtime)
        try:
            effect = steps.throw(error)
            while isinstance(effect, RemoveDirectory):
                await carry_out(effect, self.runtime)  # done even in a task that is being cancelled
                effect = steps.send(None)
        except StopIteration:
            return
        except BaseException as raised:
            if raised is not error:
                raise

    async def _carry_out(self, effect: Any, deadline: float) -> Any:
        if isinstance(effect, Send):
            await self.stream.send(self.cedar.send_message(effect.message), self.limit(deadline))
            return None
        if isinstance(effect, Receive):
            return await self._next_message(self.limit(deadline), effect.max_size)
        if isinstance(effect, StartCrypto):
            self.cedar.start_crypto(effect.method, effect.key, encrypt=effect.encrypt, mac=effect.mac)
            return None
        return await carry_out(effect, self.runtime, deadline)

    async def _next_message(self, deadline: float, max_size: int | None) -> bytes:
        size = self.limits.max_message if max_size is None else max_size
        while (message := self.cedar.next_message(size)) is None:
            await self._fill(deadline)
        return message

    async def _fill(self, deadline: float) -> int:
        data = await self.stream.receive(self.read_size, deadline)
        self._fed(data)
        return len(data)

    def _fed(self, data: bytes) -> None:
        if data:
            self.cedar.feed(data)
        else:
            self.eof = True
            self.cedar.feed_eof()
