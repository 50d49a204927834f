"""What a dialogue needs of a connection: writers and readers that know whether it is encrypted."""

from __future__ import annotations

from typing import Protocol

from htcondor_async._cedar.values import Reader, Writer

__all__ = ["Codec"]


class Codec(Protocol):
    """Makes writers and readers for the messages of one connection."""

    def writer(self) -> Writer:
        """Return a writer for the next message."""
        ...

    def reader(self, message: bytes) -> Reader:
        """Return a reader of a received message."""
        ...
