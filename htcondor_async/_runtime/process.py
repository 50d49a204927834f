"""Programs that are run for us: a token helper, a site's own script."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

from htcondor_async._environment import CommandResult
from htcondor_async._runtime.base import timed_out
from htcondor_async._runtime.sockets import Waiter
from htcondor_async._runtime.translate import file_error
from htcondor_async.errors import HTCondorIOError, HTCondorValueError, LimitExceededError

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["run"]

T = TypeVar("T")

_PIECE = 65536
_PIPES = hasattr(os, "killpg")
"""Whether pipes can be waited for as sockets can, and a program ended with all that it has started: on Unix."""
_LOOK = 0.01
"""Seconds between two looks whether a program that has closed its output has ended."""


class _Runner(Waiter, Protocol):
    async def sleep(self, seconds: float) -> None: ...

    async def call(
        self, function: Callable[[], T], *, always: bool = False, discard: Callable[[T], None] | None = None
    ) -> T: ...


async def run(
    runtime: _Runner,
    arguments: Sequence[str],
    deadline: float,
    data: bytes,
    environ: Mapping[str, str] | None,
    directory: str | None,
    max_output: int,
) -> CommandResult:
    """Run a program; see :meth:`Runtime.run_command`."""
    if isinstance(arguments, str) or not arguments:
        raise HTCondorValueError("a command is a sequence of a program and its arguments")
    if not _PIPES:
        left = max(0.0, deadline - runtime.clock())
        whole = functools.partial(_run_whole, list(arguments), data, environ, directory, left, max_output)
        return await runtime.call(whole)
    child = await runtime.call(functools.partial(_start, list(arguments), environ, directory), discard=_discard)
    try:
        output, errors = await _converse(runtime, child, arguments[0], deadline, data, max_output)
        while child.poll() is None:
            if runtime.clock() >= deadline:
                raise timed_out(f"end of {arguments[0]}")
            await runtime.sleep(min(_LOOK, deadline - runtime.clock()))
        return CommandResult(status=child.returncode, stdout=output, stderr=errors)
    finally:
        _close(child)
        if child.returncode is None:
            await runtime.call(functools.partial(_kill, child), always=True)


def _start(arguments: list[str], environ: Mapping[str, str] | None, directory: str | None) -> Popen[bytes]:
    import subprocess

    try:
        child = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environ,
            cwd=directory,
            start_new_session=True,
        )
    except OSError as error:
        raise file_error(error, arguments[0], "run") from error
    except ValueError as error:
        raise HTCondorValueError(f"cannot run {arguments[0]!r}: {error}") from error
    for pipe in (child.stdin, child.stdout, child.stderr):
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
    return child


def _run_whole(
    arguments: list[str],
    data: bytes,
    environ: Mapping[str, str] | None,
    directory: str | None,
    timeout: float,
    max_output: int,
) -> CommandResult:
    """Run a program to its end in this thread; whoever is cancelled meanwhile waits for that, or for the deadline."""
    import subprocess

    try:
        done = subprocess.run(
            arguments,
            input=data,
            capture_output=True,
            env=environ,
            cwd=directory,
            timeout=None if math.isinf(timeout) else timeout,
        )
    except subprocess.TimeoutExpired:
        raise timed_out(f"end of {arguments[0]}") from None
    except OSError as error:
        raise file_error(error, arguments[0], "run") from error
    except ValueError as error:
        raise HTCondorValueError(f"cannot run {arguments[0]!r}: {error}") from error
    if len(done.stdout) + len(done.stderr) > max_output:
        raise LimitExceededError(f"{arguments[0]} prints more than {max_output} bytes", limit="max_output")
    return CommandResult(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def _close(child: Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _discard(child: Popen[bytes]) -> None:
    _close(child)
    _kill(child)


def _kill(child: Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


async def _converse(
    runtime: _Runner, child: Popen[bytes], program: str, deadline: float, data: bytes, max_output: int
) -> tuple[bytes, bytes]:
    """Feed the program and collect what it prints on both channels until it has closed them."""
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    collected: dict[Any, bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
    open_pipes: list[IO[bytes]] = list(collected)
    rest = memoryview(data)
    while open_pipes:
        if rest and (sent := _write(child.stdin, rest)) is not None:
            rest = rest[sent:]
        if not rest:
            child.stdin.close()
        # A program that neither reads nor writes: look again now and then whether it reads.
        until = min(deadline, runtime.clock() + _LOOK) if rest else deadline
        ready = await runtime.wait_any(open_pipes, False, until)
        if not ready and runtime.clock() >= deadline:
            raise timed_out(f"end of {program}")
        for pipe in ready:
            piece = _read(pipe, program)
            if piece == b"":
                open_pipes.remove(pipe)
            elif piece is not None:
                collected[pipe] += piece
        if sum(map(len, collected.values())) > max_output:
            raise LimitExceededError(f"{program} prints more than {max_output} bytes", limit="max_output")
    return bytes(collected[child.stdout]), bytes(collected[child.stderr])


def _read(pipe: IO[bytes], program: str) -> bytes | None:
    try:
        return pipe.read(_PIECE)
    except OSError as error:
        raise HTCondorIOError(f"cannot read what {program} prints: {error.strerror}") from error


def _write(pipe: IO[bytes], rest: memoryview) -> int | None:
    """Return how many bytes the program took, all if it no longer listens, None if its pipe is full."""
    try:
        return pipe.write(rest)
    except BrokenPipeError:
        return len(rest)
