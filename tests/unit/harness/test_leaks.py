"""The leak checks find leaks, and nothing else."""

from __future__ import annotations

import socket
import threading

import anyio
import pytest
from anyio.abc import TaskStatus
from harness.leaks import Clean


def test_a_descriptor(clean: Clean) -> None:
    opened = socket.socket()
    with pytest.raises(AssertionError, match=rf"descriptor {opened.fileno()} on socket"):
        clean.check(patience=0)
    opened.close()
    clean.check()


def test_a_thread(clean: Clean) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="straggler")
    thread.start()
    with pytest.raises(AssertionError, match="thread straggler"):
        clean.check(patience=0)
    stop.set()
    thread.join()


async def _linger(*, task_status: TaskStatus[None]) -> None:
    task_status.started()
    await anyio.sleep_forever()


async def test_a_task() -> None:
    clean = Clean()  # made while the loop runs: uvloop has sockets of its own then
    async with anyio.create_task_group() as group:
        await group.start(_linger)
        with pytest.raises(AssertionError, match=r"task .*_linger"):
            clean.check(patience=0)
        group.cancel_scope.cancel()
    clean.check(patience=0)
