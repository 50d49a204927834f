"""Streams of ads: awaited, entered or iterated; read only as fast as they are consumed."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any

from htcondor_async._core.source import AdSource
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConcurrencyError

__all__ = ["AdBatches", "AdStream"]


class AdStream:
    """The ads of one answer, in the order in which the daemon sends them.

    Three ways to use it::

        async with schedd.xquery() as stream:      # the socket is closed on the way out
            async for ad in stream: ...

        async for ad in schedd.xquery(): ...       # closed at the end, on an error, or when the stream is dropped

        stream = await schedd.xquery()             # connected and asked; close it by aclose()

    The stream belongs to one task at a time. Whatever interrupts it closes its connection.
    """

    def __init__(self, opener: Callable[[], Awaitable[AdSource]], *, name: str = "") -> None:
        self._opener = opener
        self._source: AdSource | None = None
        self._ads: deque[ClassAd] = deque()
        self._busy = False
        self._closed = False
        self.name = name

    def __repr__(self) -> str:
        state = "closed" if self._closed else "new" if self._source is None else "done" if self.done else "open"
        return f"<{type(self).__name__} {self.name} ({state})>"

    # -- opening and closing

    def __await__(self) -> Generator[Any, Any, AdStream]:
        return self._opened().__await__()

    async def _opened(self) -> AdStream:
        await self._open()
        return self

    async def _open(self) -> AdSource:
        if self._closed:
            raise ConcurrencyError("this stream is closed")
        if self._source is None:
            self._enter()
            try:
                self._source = await self._opener()
            finally:
                self._busy = False
        return self._source

    async def __aenter__(self) -> AdStream:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.abort()

    async def aclose(self) -> None:
        """Close the connection; ads not yet taken are lost. May be called again."""
        self.abort()

    def abort(self) -> None:
        """Close the connection at once, without waiting for anything."""
        self._closed = True
        self._ads.clear()
        if self._source is not None:
            self._source.abort()

    def __del__(self) -> None:
        source: AdSource | None = getattr(self, "_source", None)
        if source is not None:
            source.abort()

    # -- reading

    @property
    def done(self) -> bool:
        """Whether every ad of the answer has been taken."""
        return self._source is not None and self._source.done and not self._ads

    @property
    def summary(self) -> ClassAd | None:
        """The daemon's final ad (counters of a job query), once the stream is at its end."""
        return None if self._source is None else self._source.summary

    def __aiter__(self) -> AsyncIterator[ClassAd]:
        return self

    async def __anext__(self) -> ClassAd:
        if self._ads and not self._busy:
            return self._ads.popleft()
        self._ads.extend(await self._batch())
        if not self._ads:
            raise StopAsyncIteration
        return self._ads.popleft()

    async def _batch(self) -> list[ClassAd]:
        source = await self._open()
        self._enter()
        try:
            return await source.batch()
        finally:
            self._busy = False

    def _enter(self) -> None:
        if self._busy:
            raise ConcurrencyError("this stream is being read by another task")
        self._busy = True

    def nowait(self) -> list[ClassAd]:
        """Return the ads that have arrived already, perhaps none; never waits. The stream must be open."""
        if self._source is None or self._closed:
            raise ConcurrencyError("this stream is not open")
        self._enter()
        try:
            ads = list(self._ads)
            self._ads.clear()
            return ads or self._source.batch_now()
        finally:
            self._busy = False

    def batches(self) -> AdBatches:
        """Return an iterator over lists of ads, as they arrive: less work per ad than one at a time."""
        return AdBatches(self)

    async def next_batch(self) -> list[ClassAd]:
        """Wait for the next ads; the empty list means the end."""
        if self._ads and not self._busy:
            ads = list(self._ads)
            self._ads.clear()
            return ads
        return await self._batch()

    async def collect(self) -> list[ClassAd]:
        """Read the stream to its end and return all ads."""
        try:
            found: list[ClassAd] = []
            while batch := await self.next_batch():
                found += batch
            return found
        finally:
            self.abort()

    def fileno(self) -> int:
        """Return the descriptor of the open connection."""
        if self._source is None:
            raise ConcurrencyError("this stream is not open")
        return self._source.channel.stream.fileno()


class AdBatches:
    """Iterates over a stream by lists of ads."""

    def __init__(self, stream: AdStream) -> None:
        self._stream = stream

    def __aiter__(self) -> AdBatches:
        return self

    async def __anext__(self) -> list[ClassAd]:
        batch = await self._stream.next_batch()
        if not batch:
            raise StopAsyncIteration
        return batch
