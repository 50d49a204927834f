"""The awaited poll, against a model: ads arrive at random moments on up to 20 streams (test 18)."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest

from htcondor_async import poll
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, HTCondorException
from htcondor_async.streams import AdStream

pytestmark = pytest.mark.anyio
FULL_SEEDS = [pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 40)]


class Source:
    """An answer whose ads a task of the test hands over, in bursts; it may break off at its end."""

    summary = None

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.sender, self.receiver = anyio.create_memory_object_stream[int](1000)
        self.done = self.aborted = False
        self.batches = self.taken = 0

    async def batch(self) -> list[ClassAd]:
        self.batches += 1
        try:
            count = await self.receiver.receive()
        except anyio.EndOfStream:
            if self.fails:
                raise ConnectionClosedError("the daemon closed the connection") from None
            self.done = True
            return []
        ads = [ClassAd({"Number": self.taken + index}) for index in range(count)]
        self.taken += count
        return ads

    def abort(self) -> None:
        self.aborted = True
        self.receiver.close()
        self.sender.close()


async def send(source: Source, size: int, rng: random.Random) -> None:
    left = size
    while left and not source.aborted:
        burst = min(left, rng.choice([1, 1, 5, 50]))
        await source.sender.send(burst)
        left -= burst
        if rng.random() < 0.5:
            await anyio.sleep(rng.random() / 500)
    source.sender.close()


def streams(sources: list[Source]) -> list[AdStream]:
    def opener(source: Source) -> Any:
        async def opened() -> Any:
            return source

        return opened

    return [AdStream(opener(source), name=str(number)) for number, source in enumerate(sources)]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, *FULL_SEEDS])
async def test_every_ad_arrives_once_and_nothing_spins(seed: int, clean: Any) -> None:
    rng = random.Random(seed)
    count = rng.randint(1, 20)
    sizes = [rng.choice([0, 1, rng.randrange(60)]) for _ in range(count)]
    sources = [Source(fails=rng.random() < 0.2) for _ in sizes]
    opened = streams(sources)
    found: dict[str, list[int]] = {stream.name: [] for stream in opened}
    ends: dict[str, HTCondorException | None] = {}
    arrivals = 0
    async with anyio.create_task_group() as group:
        for source, size in zip(sources, sizes, strict=True):
            group.start_soon(send, source, size, rng)
        async with poll(opened, concurrency=rng.choice([1, 4, 64])) as incoming:
            async for arrival in incoming:
                arrivals += 1
                assert arrival.source.name not in ends, "something came after the end"
                assert arrival.ads or arrival.done, "a wake-up for nothing"
                found[arrival.source.name] += [ad["Number"] for ad in arrival.ads]
                if arrival.done:
                    ends[arrival.source.name] = arrival.error
    assert found == {str(number): list(range(size)) for number, size in enumerate(sizes)}
    assert {name for name, error in ends.items() if error is not None} == {
        str(number) for number, source in enumerate(sources) if source.fails
    }
    assert len(ends) == count and arrivals <= sum(sizes) + count
    assert all(source.batches <= size + 1 for source, size in zip(sources, sizes, strict=True))
    assert all(source.aborted for source in sources)


@pytest.mark.parametrize("seed", [0, 1])
async def test_leaving_early_ends_all_readers(seed: int, clean: Any) -> None:
    rng = random.Random(seed)
    sources = [Source(fails=False) for _ in range(8)]
    async with anyio.create_task_group() as group:
        async with poll(streams(sources), concurrency=5) as incoming:
            for source in sources:
                source.sender.send_nowait(rng.randint(1, 9))
            first = await incoming.__anext__()
            assert first.ads
        group.cancel_scope.cancel()
    assert sum(source.batches > 0 for source in sources) <= 5, "more were open than allowed"
    assert all(source.aborted for source in sources if source.batches)
    for source in sources:
        source.abort()
