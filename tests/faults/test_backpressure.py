"""Long streams: nothing is read ahead of the reader, and whoever stops early is rid of the connection at once."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref

import anyio
import anyio.to_thread
import pytest

from htcondor_async import Schedd
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async.classad import ClassAd
from tests.harness.canned import CannedSchedd, canned_schedd

COUNTS = [100_000, pytest.param(1_000_000, marks=pytest.mark.full)]
BUFFER = 2000
"""Ads that may be alive between the wire and the reader."""


class Living:
    """Counts ads that are alive."""

    def __init__(self) -> None:
        self.most = 0
        self._references: dict[int, weakref.ref[ClassAd]] = {}

    def add(self, ad: ClassAd) -> None:
        """Count an ad as long as it lives."""
        key = id(ad)
        self._references[key] = weakref.ref(ad, lambda _: self._references.pop(key))
        self.most = max(self.most, len(self._references))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", COUNTS)
async def test_a_slow_reader_holds_the_sender_back(anyio_backend, clean, count):
    """The reader gives way ten times for each batch; memory stays what it is for any length."""
    living = Living()
    read = 0
    with canned_schedd(count) as server:
        tracemalloc.start()
        try:
            async with Schedd(server.address, client=server.client()).xquery() as stream:
                async for batch in stream.batches():
                    read += len(batch)
                    for ad in batch:
                        living.add(ad)
                    for _ in range(10):
                        await anyio.lowlevel.checkpoint()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert read == count
    assert living.most <= BUFFER
    assert peak < 16 << 20


async def test_who_does_not_read_stops_the_sender(anyio_backend, clean):
    """What the daemon gets rid of while nobody reads is what fits into the two sockets."""
    with canned_schedd(100_000) as server:
        async with Schedd(server.address, client=server.client()).xquery() as stream:
            await stream.next_batch()
            before = -1
            while before != server.sent:
                before = server.sent
                await anyio.sleep(0.3)
            assert server.sent < 50_000
        assert await anyio.to_thread.run_sync(server.done.wait, 10)
        assert server.ended in ("ConnectionResetError", "BrokenPipeError")


@pytest.mark.parametrize("how", ["async with", "async for", "aclose"])
async def test_an_early_stop_closes_the_connection(anyio_backend, clean, how):
    """After ten ads the socket is closed before anything else happens, and the daemon sees the reset."""
    with canned_schedd(50_000) as server:
        stream = Schedd(server.address, client=server.client()).xquery()
        if how == "async with":
            async with stream:
                for _ in range(10):
                    await stream.__anext__()
        elif how == "async for":
            number = 0
            async for _ in stream:
                number += 1
                if number == 10:
                    break
            channel = stream._source.channel.stream
            del stream
            gc.collect()
            assert channel.closed
        else:
            for _ in range(10):
                await stream.__anext__()
            await stream.aclose()
        if how != "async for":
            assert stream.fileno() == -1
        assert await anyio.to_thread.run_sync(server.done.wait, 10)
        assert server.ended in ("ConnectionResetError", "BrokenPipeError")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [500, 4000])
def test_one_ad_in_a_thousand_is_kept_without_the_others(size):
    """An ad does not hold what arrived together with it: keeping a few of many costs what those few are."""
    count = 100_000 if size == 500 else 30_000

    async def main(server: CannedSchedd) -> list[ClassAd]:
        client = server.client()
        client._runtime = BlockingRuntime()
        kept = []
        number = 0
        async with Schedd(server.address, client=client).xquery() as stream:
            async for ad in stream:
                if number % 1000 == 0:
                    kept.append(ad)
                number += 1
        return kept

    with canned_schedd(500) as server:
        drive(main(server))  # what is loaded and remembered at the first use is no matter here
    with canned_schedd(count, size=size) as server:
        tracemalloc.start()
        try:
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            kept = drive(main(server))
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    wanted = len(kept) * (server.ad_size + sys.getsizeof(b""))
    assert len(kept) == count // 1000
    assert after - before <= 2 * wanted + 64 * 1024
    assert sum(ad["Number"] for ad in kept) == len(kept)
