"""poll() and the iterators of v1, against a model: ads arrive at random moments on up to 20 queries (test 18)."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import htcondor_sync
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError
from htcondor_async.streams import AdStream
from htcondor_sync._iterators import QueryIterator

FULL_SEEDS = [pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 40)]


class Channel:
    """What the iterator sees of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.stream = sock


class Source:
    """An answer whose ads are the bytes that a socket brings: one ad a byte, from 0 up."""

    summary = None

    def __init__(self, sock: socket.socket, fails: bool) -> None:
        self.sock = sock
        self.channel = Channel(sock)
        self.fails = fails
        self.done = False
        self.taken = 0

    def abort(self) -> None:
        self.sock.close()

    def _ads(self, data: bytes) -> list[ClassAd]:
        if not data:
            self.sock.close()
            if self.fails:
                raise ConnectionClosedError("the daemon closed the connection")
            self.done = True
        ads = [ClassAd({"Number": self.taken + index}) for index in range(len(data))]
        self.taken += len(ads)
        return ads

    async def batch(self) -> list[ClassAd]:
        if self.done:
            return []
        self.sock.setblocking(True)
        return self._ads(self.sock.recv(1000))

    def batch_now(self) -> list[ClassAd]:
        if self.done:
            return []
        self.sock.setblocking(False)
        found: list[ClassAd] = []
        try:
            while not found and not self.done:
                found = self._ads(self.sock.recv(1000))
        except BlockingIOError:
            pass  # nothing has arrived
        return found


@contextmanager
def queries(seed: int, count: int, most: int = 60) -> Iterator[tuple[list[Any], list[int]]]:
    """Iterators, and how many ads each will give; a thread sends them at random moments."""
    rng = random.Random(seed)
    pairs = [socket.socketpair() for _ in range(count)]
    sizes = [rng.choice([0, 1, rng.randrange(most)]) for _ in pairs]
    left = dict(enumerate(sizes))

    def send() -> None:
        while left:
            number = rng.choice(list(left))
            burst = min(left[number], rng.choice([1, 1, 5, 50]))
            if burst:
                pairs[number][1].sendall(bytes(burst))
            left[number] -= burst
            if not left[number]:
                pairs[number][1].close()
                del left[number]
            if rng.random() < 0.3:
                time.sleep(rng.random() / 200)

    async def opened(source: Source) -> Source:
        return source

    sources = [Source(ours, fails=False) for ours, _ in pairs]
    iterators = [
        QueryIterator._make(AdStream(lambda source=source: opened(source)), str(number))  # type: ignore[misc]  # bound
        for number, source in enumerate(sources)
    ]
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield iterators, sizes
    finally:
        thread.join()
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


@pytest.mark.parametrize("seed", [0, 1, 2, 3, *FULL_SEEDS])
def test_poll_gives_every_ad_once_and_does_not_spin(seed: int, clean: Any) -> None:
    rng = random.Random(seed + 1000)
    with queries(seed, rng.randint(1, 20)) as (iterators, sizes):
        found: dict[str, list[int]] = {iterator.tag(): [] for iterator in iterators}
        wakeups = 0
        for ready in htcondor_sync.poll(iterators):
            wakeups += 1
            found[ready.tag()] += [ad["Number"] for ad in ready.nextAdsNonBlocking()]
        assert found == {str(number): list(range(size)) for number, size in enumerate(sizes)}
        assert wakeups <= sum(sizes) + len(sizes)
        assert all(iterator.done() for iterator in iterators)
        del iterators, ready


@pytest.mark.parametrize("seed", [0, 1, 2, 3, *FULL_SEEDS])
def test_the_descriptor_is_ready_whenever_something_can_be_taken(seed: int) -> None:
    rng = random.Random(seed)
    with queries(seed, 3) as (iterators, sizes):
        for iterator, size in zip(iterators, sizes, strict=True):
            found: list[int] = []
            while not iterator.done():
                assert select.select([iterator.watch()], [], [], 20)[0], "an ad can be taken and nothing is ready"
                way = rng.randrange(3)
                if way == 0:
                    found += [ad["Number"] for ad in iterator.nextAdsNonBlocking()]
                elif way == 1:
                    ad = next(iterator, None)
                    found += [ad["Number"]] if ad is not None else []
                else:
                    try:
                        ad = iterator.__next__(htcondor_sync.BlockingMode.NonBlocking)
                    except StopIteration:
                        break
                    found += [ad["Number"]] if ad is not None else []
            assert found == list(range(size))
            assert select.select([iterator.watch()], [], [], 0)[0], "the end must be told too"
            assert iterator.nextAdsNonBlocking() == []


def test_ads_that_are_held_keep_the_descriptor_ready() -> None:
    ours, theirs = socket.socketpair()

    async def opened() -> Any:
        return Source(ours, fails=False)

    iterator = QueryIterator._make(AdStream(opened), "held")
    descriptor = iterator.watch()
    assert not select.select([descriptor], [], [], 0)[0]
    theirs.sendall(bytes(3))
    assert next(iterator)["Number"] == 0  # type: ignore[index]  # an ad
    assert select.select([descriptor], [], [], 0)[0], "two ads are held"
    assert len(iterator.nextAdsNonBlocking()) == 2
    assert not select.select([descriptor], [], [], 0)[0]
    assert iterator.__next__(htcondor_sync.BlockingMode.NonBlocking) is None
    theirs.close()
    assert select.select([descriptor], [], [], 5)[0] and not iterator.done()
    assert iterator.nextAdsNonBlocking() == [] and iterator.done()
    ours.close()


def test_a_query_that_fails_raises_and_is_over() -> None:
    ours, theirs = socket.socketpair()

    async def opened() -> Any:
        return Source(ours, fails=True)

    iterator = QueryIterator._make(AdStream(opened), "broken")
    theirs.sendall(bytes(2))
    theirs.close()
    with pytest.raises(htcondor_sync.HTCondorIOError):
        list(iterator)
    assert iterator.done() and list(iterator) == [] and iterator.nextAdsNonBlocking() == []


def test_poll_that_waits_in_vain_says_so() -> None:
    ours, theirs = socket.socketpair()

    async def opened() -> Any:
        return Source(ours, fails=False)

    iterator = QueryIterator._make(AdStream(opened), "slow")
    with pytest.raises(htcondor_sync.HTCondorIOError, match="Timeout"):
        next(htcondor_sync.poll([iterator], 50))
    theirs.close()
    ours.close()
