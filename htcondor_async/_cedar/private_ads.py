"""Streams of ads whose private attributes are encrypted one by one.

Where an old cipher leaves messages in clear but has a key, each private attribute travels as the string ``ZKM`` and,
encrypted by itself, a counted string; the cipher runs on through the message (``classad_oldnew.cpp``, ``stream.cpp``).
Collectors send claim ids so. Few sessions are of this kind, so that this decoder is simple rather than fast.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable
from typing import TypeAlias

from htcondor_async._cedar.ad_walk import SECRET_MARKER, check_count
from htcondor_async._cedar.ads import AdDecoder, Framing
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.legacy import CfbStream
from htcondor_async._cedar.limits import Limits, check_string_length, exceeded
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, HTCondorInternalError, ProtocolError

__all__ = ["PrivateAdDecoder", "ad_decoder"]

_I64 = struct.Struct(">q")
_Bytes: TypeAlias = Generator[None, None, bytes]


class PrivateAdDecoder:
    """Does what :class:`~htcondor_async._cedar.ads.AdDecoder` does, for a connection with such a cipher.

    Parameters
    ----------
    cedar
        The connection; gives a fresh cipher for each message.
    limits
        Bounds on one ad and its strings.
    framing
        How the ads follow each other.
    """

    def __init__(self, cedar: CedarConnection, limits: Limits, framing: Framing) -> None:
        self._cedar = cedar
        self._limits = limits
        self._framing = framing
        self._buffer = bytearray()
        self._position = 0
        self._searched = 0
        self._found: list[ClassAd] = []
        self._finished = False
        self._at_border = True
        self._begin_message()

    def _begin_message(self) -> None:
        cipher = self._cedar.secret_cipher()
        if cipher is None:
            raise HTCondorInternalError("this connection encrypts no single secrets")
        self._cipher: CfbStream = cipher
        self._parser = self._parse()
        next(self._parser)

    @property
    def finished(self) -> bool:
        """Whether the stream has come to its own end."""
        return self._finished

    @property
    def mid_ad(self) -> bool:
        """Whether an ad has begun to arrive and is not whole."""
        return not self._at_border or len(self._buffer) > self._position

    def feed(self, frames: Iterable[tuple[bytes, bool]]) -> list[ClassAd]:
        """Take frames; return the ads that are whole with them; raises as :meth:`AdDecoder.feed` does."""
        for payload, end in frames:
            if self._finished:
                raise ProtocolError("something follows the end of a stream of ads")
            self._buffer += payload
            next(self._parser)
            del self._buffer[: self._position]
            self._searched = max(0, self._searched - self._position)
            self._position = 0
            if len(self._buffer) > self._limits.max_ad_size:
                exceeded("max_ad_size", "an ad", len(self._buffer), self._limits.max_ad_size)
            if end:
                self._end_message()
        found, self._found = self._found, []
        return found

    def feed_eof(self) -> None:
        """Take note that the connection was closed; raises ``ConnectionClosedError`` unless it is finished."""
        if not self._finished:
            raise ConnectionClosedError("the connection was closed in the middle of a stream of ads")

    def _end_message(self) -> None:
        if self.mid_ad:
            raise ProtocolError("a message ends in the middle of a stream of ads")
        if self._framing is Framing.MESSAGE:
            self._begin_message()
        else:
            self._finished = True

    def _parse(self) -> Generator[None, None, None]:
        """Read one message; gives way whenever its bytes run out."""
        yield
        counted = self._framing is Framing.COUNTED
        while True:
            self._at_border = not counted
            while self._position >= len(self._buffer):
                yield
            self._at_border = False
            if counted:
                more = _I64.unpack((yield from self._take(8)))[0]
                if more not in (0, 1):
                    raise ProtocolError(f"{more} came where 1 or 0 tells whether another ad follows")
                if more == 0:
                    break
            ad = yield from self._ad()
            self._found.append(ad)
            if self._framing is Framing.MESSAGE:
                break
        self._at_border = True
        while True:
            yield
            if self._position < len(self._buffer):
                raise ProtocolError("something follows the end of a stream of ads")

    def _ad(self) -> Generator[None, None, ClassAd]:
        count = check_count(_I64.unpack((yield from self._take(8)))[0], self._limits)
        lines: list[bytes] = []
        size = 0
        for _ in range(count):
            line = yield from self._string()
            if line == SECRET_MARKER:
                line = yield from self._secret()
            if b"\0" in line:
                raise ProtocolError("a secret in an ad has a NUL inside")
            size += len(line) + 1
            if size > self._limits.max_ad_size:
                exceeded("max_ad_size", "an ad", size, self._limits.max_ad_size)
            lines.append(line + b"\0")
        yield from self._string()
        yield from self._string()
        return ClassAd._from_wire(b"".join(lines), count, False)

    def _take(self, size: int) -> _Bytes:
        while len(self._buffer) - self._position < size:
            yield
        data = bytes(self._buffer[self._position : self._position + size])
        self._position += size
        return data

    def _string(self) -> _Bytes:
        self._searched = self._position
        while (end := self._buffer.find(b"\0", self._searched)) < 0:
            self._searched = len(self._buffer)
            check_string_length(self._searched - self._position + 1, self._limits)
            yield
        data = bytes(self._buffer[self._position : end])
        check_string_length(len(data) + 1, self._limits)
        self._position = end + 1
        return data

    def _secret(self) -> _Bytes:
        length = _I64.unpack(self._cipher.decrypt((yield from self._take(8))))[0]
        check_string_length(length, self._limits)
        data = self._cipher.decrypt((yield from self._take(length)))
        if data[-1:] != b"\0":
            raise ProtocolError("a secret does not end with NUL")
        return data[:-1]


def ad_decoder(cedar: CedarConnection, limits: Limits, framing: Framing) -> AdDecoder | PrivateAdDecoder:
    """Return the decoder for the ads that a connection brings: the fast one, unless it encrypts secrets alone."""
    if cedar.secret_cipher() is not None:
        return PrivateAdDecoder(cedar, limits, framing)
    return AdDecoder(cedar.crypto, limits, framing)
