"""The iterators over answers: ``QueryIterator``, ``HistoryIterator``, ``poll``."""

from __future__ import annotations

import contextlib
import math
import os
import select
import selectors
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any

from htcondor_async.errors import (
    ConcurrencyError,
    HTCondorException,
    HTCondorIOError,
    HTCondorTypeError,
)
from htcondor_async.streams import AdStream
from htcondor_sync._ads import ClassAd, ads_out
from htcondor_sync._arguments import expect, uninstantiable
from htcondor_sync._calls import call
from htcondor_sync._generated.enums import BlockingMode

__all__ = ["BulkQueryIterator", "HistoryIterator", "QueryIterator", "poll"]


class _Stream:
    """The answer that an iterator reads, in the process that asked.

    Ads are v1's from the moment that they arrive. ``ads`` gives each of them once, whichever threads take from it:
    taking one needs no lock, which is held only to wait for more, or to look whether there are more. A process that
    forks from this one finds none, and is told why when it looks for more.
    """

    def __init__(self, stream: AdStream) -> None:
        self.stream = stream
        self.ads: deque[ClassAd] = deque()
        self.ended = False
        self.lock = threading.RLock()
        self.pid = os.getpid()
        _OPEN.add(self)
        call(self._open())

    async def _open(self) -> None:
        await self.stream

    def check(self) -> None:
        """Raise in another process: its copy of the connection would spoil the one that is in use."""
        if os.getpid() != self.pid:
            raise ConcurrencyError("this iterator belongs to the process that made it")

    def fill(self) -> None:
        """Wait for the next ads, or the end."""
        try:
            batch = call(self.stream.next_batch())
        except BaseException:
            self.close()
            raise
        self.ads.extend(ads_out(batch))
        self.ended = not batch

    def fill_now(self) -> None:
        """Take what has arrived; never waits."""
        if self.ended:
            return
        try:
            self.ads.extend(ads_out(self.stream.nowait()))
        except HTCondorException:
            self.close()
            raise
        self.ended = self.stream.done

    def take(self) -> list[ClassAd]:
        """Return all ads that are held."""
        found: list[ClassAd] = []
        with contextlib.suppress(IndexError):
            while True:  # one by one, so that no other thread gets one of them too
                found.append(self.ads.popleft())
        return found

    def close(self) -> None:
        if os.getpid() == self.pid:
            self.stream.abort()
        self.ended = True


_OPEN: weakref.WeakSet[_Stream] = weakref.WeakSet()


def _after_fork() -> None:
    """Ads that the parent holds are for the parent to give out."""
    for stream in _OPEN:
        stream.ads.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class HistoryIterator(metaclass=uninstantiable):
    """An iterator over ads in the history, as ``Schedd.history`` returns it."""

    def __init__(self, stream: AdStream) -> None:
        self._stream = _Stream(stream)

    def __iter__(self) -> HistoryIterator:
        return self

    def __next__(self) -> ClassAd:
        """Return the next ad."""
        held = self._stream
        while True:
            try:
                return held.ads.popleft()
            except IndexError:
                pass  # there is none here
            held.check()
            with held.lock:
                if not held.ads and not held.ended:
                    held.fill()
                if not held.ads and held.ended:
                    raise StopIteration("All ads processed")


class QueryIterator(metaclass=uninstantiable):
    """An iterator over the ads of jobs, as ``Schedd.xquery`` returns it.

    ``watch`` gives one descriptor that is readable whenever an ad can be taken or the answer has ended: an epoll
    instance over the socket and an event that is set while ads are held here.
    """

    def __init__(self, stream: AdStream, tag: str) -> None:
        self._held = _Stream(stream)
        self._tag = tag
        self._epoll: select.epoll | None = None
        self._event = -1
        self._signalled = False

    def __iter__(self) -> QueryIterator:
        return self

    def __next__(self, mode: BlockingMode = BlockingMode.Blocking) -> ClassAd | None:
        """Return the next ad; in the mode ``NonBlocking`` None if there is none yet."""
        held = self._held
        if self._epoll is None:
            try:
                return held.ads.popleft()
            except IndexError:
                pass  # there is none here
        expect("QueryIterator.__next__", ("mode", mode, BlockingMode))
        held.check()
        with held.lock:
            try:
                return self._next(held, int(mode) == 0)
            finally:
                self._signal()

    @staticmethod
    def _next(held: _Stream, now: bool) -> ClassAd | None:
        while True:
            try:
                return held.ads.popleft()
            except IndexError:
                pass  # there is none here
            if held.ended:
                raise StopIteration("All ads processed")
            if now:
                held.fill_now()
                if not held.ads and not held.ended:
                    return None
            else:
                held.fill()

    def nextAdsNonBlocking(self) -> list[ClassAd]:
        """Return the ads that have arrived, perhaps none; never waits."""
        held = self._held
        held.check()
        with held.lock:
            try:
                held.fill_now()
                return held.take()
            finally:
                self._signal()

    def tag(self) -> str:
        """Return the name of the query."""
        return self._tag

    def done(self) -> bool:
        """Return whether all ads have been taken."""
        return self._held.ended and not self._held.ads

    def watch(self) -> int:
        """Return a descriptor to wait on, -1 where this machine has no such thing."""
        self._held.check()
        with self._held.lock:
            if not hasattr(select, "epoll"):
                return -1
            if self._epoll is None:
                self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) if hasattr(os, "eventfd") else -1
                if self._event < 0:
                    return -1
                self._epoll = select.epoll()
                self._epoll.register(self._event, select.EPOLLIN)
                if not self._held.ended:
                    self._epoll.register(self._held.stream.fileno(), select.EPOLLIN)
                self._signal()
            return self._epoll.fileno()

    def _signal(self) -> None:
        """Set the event while ads are held here or the answer has ended."""
        if self._epoll is None:
            return
        wanted = bool(self._held.ads) or self._held.ended
        if wanted and not self._signalled:
            os.eventfd_write(self._event, 1)
        elif not wanted and self._signalled:
            os.eventfd_read(self._event)
        self._signalled = wanted

    def __del__(self) -> None:
        epoll = getattr(self, "_epoll", None)
        if epoll is not None:
            epoll.close()
            os.close(self._event)


class BulkQueryIterator(metaclass=uninstantiable):
    """What ``poll`` returns: yields iterators that have ads to be read without waiting."""

    def __init__(self, queries: Iterable[Any], timeout_ms: int) -> None:
        self._queries = list(queries)
        for query in self._queries:
            if not isinstance(query, QueryIterator):
                raise TypeError(f"a query is what Schedd.xquery() returns, not {type(query).__name__}")
        self._timeout = timeout_ms / 1000 if timeout_ms >= 0 else math.inf

    def __iter__(self) -> BulkQueryIterator:
        return self

    def __next__(self) -> QueryIterator:
        """Return the next iterator that is ready.

        Raises
        ------
        HTCondorIOError
            None was within the time given.
        """
        self._queries = [query for query in self._queries if not query.done()]
        if not self._queries:
            raise StopIteration("All ads are processed")
        deadline = time.monotonic() + self._timeout
        with selectors.DefaultSelector() as selector:
            for query in self._queries:
                selector.register(query.watch(), selectors.EVENT_READ, query)
            left = deadline - time.monotonic()
            ready = selector.select(None if math.isinf(left) else max(0.0, left))
        if not ready:
            raise HTCondorIOError("Timeout when waiting for remote host")
        chosen: QueryIterator = ready[0][0].data
        # The next call begins with the others, so that a fast one does not keep them waiting.
        self._queries.remove(chosen)
        self._queries.append(chosen)
        return chosen


def poll(queries: Any, timeout_ms: int = 20000) -> BulkQueryIterator:
    """Return an iterator over those queries that have ads to be read.

    Parameters
    ----------
    queries
        Iterators that ``Schedd.xquery`` returned.
    timeout_ms
        Milliseconds that one step may wait; negative for no limit.
    """
    expect("poll", ("timeout_ms", timeout_ms, int))
    if not hasattr(queries, "__iter__"):
        raise HTCondorTypeError("Unable to iterate over query object.")
    return BulkQueryIterator._make(queries, timeout_ms)
