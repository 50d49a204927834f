"""Waiting for sockets in a thread, for an event loop that cannot watch them itself."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

__all__ = ["Lookout"]

T = TypeVar("T")


class Lookout(Generic[T]):
    """Looks until one of some sockets can be read (written), once; its thread ends then, or soon after :meth:`stop`.

    Parameters
    ----------
    loop
        Where ``wake`` is called.
    sources
        What each descriptor belongs to.
    write
        Whether the sockets are to be written.
    wake
        Called once, with what the descriptors that are ready belong to; perhaps also after :meth:`stop`.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sources: Mapping[int, T], write: bool, wake: Callable[[list[T]], None]
    ) -> None:
        self._loop = loop
        self._wake = wake
        self._bell, self._cord = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        try:
            self._selector.register(self._bell, selectors.EVENT_READ)
            for number, source in sources.items():
                self._selector.register(number, selectors.EVENT_WRITE if write else selectors.EVENT_READ, [source])
            threading.Thread(target=self._look, name="htcondor_async lookout", daemon=True).start()
        except BaseException:
            self._cord.close()
            self._close()
            raise

    def _look(self) -> None:
        try:
            with contextlib.suppress(
                OSError
            ):  # a socket was closed while it was watched, and whoever did it has said so
                found = [key.data[0] for key, _ in self._selector.select() if key.data]
                if found:
                    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                        self._loop.call_soon_threadsafe(self._wake, found)
        finally:
            self._close()

    def _close(self) -> None:
        self._selector.close()
        self._bell.close()

    def stop(self) -> None:
        """Let the thread end; may be called again."""
        self._cord.close()
