"""The client never keeps the event loop to itself."""

from __future__ import annotations

import math
import socket
import time

import anyio
import pytest

from htcondor_async import AdTypes, Client, Collector, DaemonTimeoutError, Schedd
from tests.harness.canned import canned_schedd

BEAT = 0.01


class Heart:
    """Beats as long as it is let."""

    def __init__(self) -> None:
        self.beats = 0
        self.longest = 0.0

    async def beat(self) -> None:
        last = time.monotonic()
        while True:
            await anyio.sleep(BEAT)
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            self.beats += 1
            last = now


async def test_a_stuck_collector(anyio_backend, clean):
    """One that takes connections and says nothing costs its timeout, and nobody else anything."""
    heart = Heart()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pool = f"127.0.0.1:{listener.getsockname()[1]}"
        collector = Collector(pool, client=Client({}))
        async with anyio.create_task_group() as group:
            group.start_soon(heart.beat)
            with pytest.raises(DaemonTimeoutError):
                await collector.query(AdTypes.Schedd, timeout=2)
            group.cancel_scope.cancel()
    assert heart.beats >= 2 / BEAT / 2


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.full)])
async def test_while_a_long_answer_is_decoded(anyio_backend, clean, count, record_property):
    """Other tasks have their turn at least once for each batch of ads."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    with canned_schedd(count) as server:
        heart = Heart()
        batches = read = 0
        async with anyio.create_task_group() as group:
            group.start_soon(other)
            group.start_soon(heart.beat)
            await anyio.lowlevel.checkpoint()
            async with Schedd(server.address, client=server.client()).xquery(idle_timeout=math.inf) as stream:
                async for batch in stream.batches():
                    read += len(batch)
                    batches += 1
            group.cancel_scope.cancel()
    assert read == count
    assert turns >= batches >= 2
    record_property("longest gap", heart.longest)
