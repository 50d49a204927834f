"""A client's connection to a daemon, on which one command is carried out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from htcondor_async._core.context import Context, Target
from htcondor_async._core.wire import Wire
from htcondor_async._runtime.base import Stream
from htcondor_async._security.sessions import Session
from htcondor_async.errors import DaemonTimeoutError, HTCondorException, OutcomeUnknownError, Phase

__all__ = ["Channel", "failing_at"]


@contextmanager
def failing_at(
    context: Context, target: Target, command: str, started: float, phase: Phase, deadline: float
) -> Iterator[None]:
    """Complete the errors raised inside with what is known here: daemon, address, command, phase, elapsed time."""
    try:
        yield
    except HTCondorException as error:
        if isinstance(error, DaemonTimeoutError):
            error.add_context(hint="give the call a longer timeout if the daemon is busy rather than gone")
        error.address = str(target.address)  # the daemon's, rather than that of one socket
        error.add_context(
            daemon=target.daemon,
            command=command,
            phase=phase,
            elapsed=context.runtime.clock() - started,
        )
        raise


class Channel(Wire):
    """A connection to one daemon for one command; its errors say which."""

    def __init__(self, context: Context, stream: Stream, target: Target, command: str, started: float) -> None:
        super().__init__(context.runtime, context.limits, stream)
        self.context = context
        self.target = target
        self.command = command
        self.started = started
        self.session: Session | None = None
        self.reached = target.address  # with the address in front that was connected to

    async def request(self, ad: Iterable[tuple[str, str]], deadline: float) -> None:
        """Send an ad, the whole request of most commands."""
        with self.phase(Phase.SEND, deadline):
            payload = self.writer().ad(ad).getvalue()
            await self.send(payload, deadline)

    def limit(self, deadline: float) -> float:
        """Return the deadline of one wait: without one of its own an operation still does not wait for ever."""
        return deadline if deadline < math.inf else self.runtime.clock() + self.context.timeouts.answer

    @contextmanager
    def phase(self, phase: Phase, deadline: float) -> Iterator[None]:
        """Close the connection on whatever is raised inside, and complete errors with what is known here."""
        try:
            with failing_at(self.context, self.target, self.command, self.started, phase, deadline):
                yield
        except BaseException:
            self.abort()
            raise

    def outcome_unknown(self, what: str, error: HTCondorException, *, hint: str | None = None) -> OutcomeUnknownError:
        """Return the error for a change that was sent and whose answer ``error`` kept from coming."""
        return OutcomeUnknownError(
            what,
            hint=hint,
            daemon=self.target.daemon,
            address=str(self.target.address),
            command=self.command,
            phase=error.phase,
            elapsed=error.elapsed,
        )
