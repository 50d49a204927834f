"""What a test may leave behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import CoroutineType
from typing import Any

_EXEMPT_THREADS = ("AnyIO worker thread", "asyncio_", "Trio thread", "htcondor_async resolver", "execnet")
"""Idle workers of the event loops, and name resolutions that were given up: nothing can interrupt those."""


def descriptors() -> dict[int, str]:
    """Open descriptors of this process and what they are open on."""
    found: dict[int, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # the listing's own
    return found


def _tasks() -> Iterator[tuple[int, str]]:
    trio = sys.modules.get("trio")
    for item in gc.get_objects():
        if isinstance(item, asyncio.Task):
            if not item.done():
                yield id(item), f"{_name(item.get_coro())} {item.get_name()}"
        elif trio is not None and type(item) is trio.lowlevel.Task:
            coroutine = item.coro
            if isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
                yield id(item), item.name


def _name(coroutine: Any) -> str:
    return getattr(coroutine, "__qualname__", repr(coroutine))


def _is_runner(name: str) -> bool:
    """Whether a task is the test runner's own, that lives from test to test."""
    return "TestRunner" in name or name.startswith(("<init>", "<TrioToken", "trio.")) or "_run_tests" in name


class Clean:
    """Descriptors, threads and tasks at one time, to be compared with those at a later one."""

    def __init__(self) -> None:
        gc.collect()
        self._descriptors = descriptors()
        self._threads = {thread.ident for thread in threading.enumerate()}
        self._tasks = {key for key, _ in _tasks()}

    def leaks(self) -> list[str]:
        """What is there now and was not before, in words."""
        gc.collect()
        found = [
            f"descriptor {number} on {target}"
            for number, target in descriptors().items()
            if number not in self._descriptors and not target.startswith("anon_inode:[event")
        ]
        found += [
            f"thread {thread.name}"
            for thread in threading.enumerate()
            if thread.ident not in self._threads and not thread.name.startswith(_EXEMPT_THREADS)
        ]
        found += [f"task {name}" for key, name in _tasks() if key not in self._tasks and not _is_runner(name)]
        return found

    def check(self, patience: float = 1.0) -> None:
        """Fail if something is left after `patience` seconds (a thread needs a moment to end)."""
        deadline = time.monotonic() + patience
        while left := self.leaks():
            if time.monotonic() > deadline:
                raise AssertionError("left behind: " + "; ".join(left))
            time.sleep(0.01)
