"""Reading several streams at once: what arrives, as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Generic, TypeVar

import anyio
import anyio.abc
import attrs
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConcurrencyError, HTCondorException, HTCondorValueError
from htcondor_async.streams import AdStream

__all__ = ["Arrival", "Arrivals", "poll"]

K = TypeVar("K")


@attrs.frozen
class Arrival(Generic[K]):
    """What one source brought.

    Parameters
    ----------
    source
        The stream, or the schedd, that it is from.
    ads
        Ads, at least one unless ``done``.
    done
        Whether this is the last of this source.
    error
        Why the source broke off; what it brought before is incomplete then.
    summary
        The daemon's final ad, where there is one.
    """

    source: K
    ads: list[ClassAd] = attrs.field(factory=list, repr=False)
    done: bool = False
    error: HTCondorException | None = None
    summary: ClassAd | None = attrs.field(default=None, repr=False)


class Arrivals(Generic[K]):
    """Reads many sources at once, each in a task of its own, and gives what arrives.

    ::

        async with poll(streams) as arrivals:
            async for arrival in arrivals:
                ...

    A source that fails gives an :class:`Arrival` with its error and spoils no other. Leaving the block, by whatever
    way, ends all readers and closes their connections. It reads only as fast as it is consumed.
    """

    def __init__(self, sources: Iterable[tuple[K, Callable[[], AdStream]]], concurrency: int) -> None:
        if concurrency < 1:
            raise HTCondorValueError("at least one source is read at a time")
        self._sources = list(sources)
        self._concurrency = concurrency
        self._stack: AsyncExitStack | None = None
        self._receiver: MemoryObjectReceiveStream[Arrival[K]] | None = None

    async def __aenter__(self) -> Arrivals[K]:
        if self._stack is not None:
            raise ConcurrencyError("these sources are being read already")
        sender, self._receiver = anyio.create_memory_object_stream[Arrival[K]](0)
        async with AsyncExitStack() as stack:
            stack.callback(self._receiver.close)
            group = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(group.cancel_scope.cancel)
            group.start_soon(self._read_all, sender)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        stack, self._stack = self._stack, None
        if stack is None:
            raise ConcurrencyError("nothing is being read")
        try:
            return await stack.__aexit__(kind, error, traceback)
        except BaseException as raised:
            if raised is error:
                return False
            _raise_single(raised)
            raise

    def __aiter__(self) -> Arrivals[K]:
        return self

    async def __anext__(self) -> Arrival[K]:
        if self._receiver is None or self._stack is None:
            raise ConcurrencyError("enter it first: async with poll(...) as arrivals")
        try:
            return await self._receiver.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def _read_all(self, sender: MemoryObjectSendStream[Arrival[K]]) -> None:
        slots = anyio.Semaphore(self._concurrency)
        async with sender, anyio.create_task_group() as group:
            for key, open_stream in self._sources:
                await slots.acquire()
                group.start_soon(self._read, key, open_stream, sender.clone(), slots.release)

    async def _read(
        self,
        key: K,
        open_stream: Callable[[], AdStream],
        sender: MemoryObjectSendStream[Arrival[K]],
        release: Callable[[], None],
    ) -> None:
        async with sender:
            try:
                stream = open_stream()
                try:
                    while ads := await stream.next_batch():
                        await sender.send(Arrival(key, ads))
                    last: Arrival[K] = Arrival(key, done=True, summary=stream.summary)
                except HTCondorException as error:
                    last = Arrival(key, done=True, error=error)
                finally:
                    stream.abort()
            finally:
                release()
            await sender.send(last)


def _raise_single(raised: BaseException) -> None:
    """Raise the one exception that a group holds, as it was raised; a group of several stays one."""
    found = raised
    # told by its attribute: the class of groups is no built-in before Python 3.11
    while len(inner := _members(found)) == 1:
        found = inner[0]
    if found is not raised:
        raise found from found.__cause__


def _members(group: BaseException) -> tuple[BaseException, ...]:
    members = getattr(group, "exceptions", ())
    return tuple(member for member in members if isinstance(member, BaseException))


def poll(streams: Iterable[AdStream], *, concurrency: int = 64) -> Arrivals[AdStream]:
    """Read several streams at once.

    Parameters
    ----------
    streams
        As :meth:`Schedd.xquery <htcondor_async.Schedd.xquery>` returns them, opened or not; they belong to the poll
        from then on.
    concurrency
        The most streams that are open at a time.
    """
    return Arrivals(((stream, _given(stream)) for stream in streams), concurrency)


def _given(stream: AdStream) -> Callable[[], AdStream]:
    return lambda: stream
