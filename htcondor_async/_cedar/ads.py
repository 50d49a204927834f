"""Streams of ads, decoded in bulk.

No attribute becomes a Python object here: an ad is cut out of the stream as one piece of bytes, and
:class:`~htcondor_async.classad.ClassAd` looks into it when it is read. That an ad is whole and has the strings it
announces is checked before it is handed out. A line that is no attribute is found at the first look and raises
``ClassAdParseError`` then. So does a length that is not that of its string, where the borders between strings agree
with the count: a look at one value checks the length of its line, any other look those of all.

Three framings are in use:

=================  =============================================================================================
``MESSAGE``        one ad in each message (a schedd's answer to a job query)
``COUNTED``        1 and an ad, again and again, then 0; all of it one message (a collector's answer)
``SEQUENCE``       ads one after another until the message ends (history)
=================  =============================================================================================

Work is linear in the bytes received: a scan that runs out of bytes goes on later where it stopped, and the bytes of
finished ads are dropped once per call of :meth:`AdDecoder.feed`.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable

from htcondor_async._cedar.ad_walk import AdWalk, decode_ad
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, exceeded
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, HTCondorInternalError, ProtocolError

__all__ = ["AdDecoder", "Framing"]

_I64 = struct.Struct(">q")
#: Pieces of one message that are kept apart before they are joined.
_PIECES = 64


class Framing(enum.Enum):
    """How the ads of a stream follow each other; see the module's description."""

    MESSAGE = "message"
    COUNTED = "counted"
    SEQUENCE = "sequence"


class AdDecoder:
    """Decodes a stream of ads out of frames, across frame borders, in memory bounded by one ad and one feed.

    Parameters
    ----------
    crypto
        Whether the stream is encrypted.
    limits
        Bounds on one ad and its strings. There is none on the stream.
    framing
        How the ads follow each other; a :class:`Framing` or its value.
    types
        Whether the two type strings follow each ad.
    """

    def __init__(
        self,
        crypto: bool,
        limits: Limits = DEFAULT_LIMITS,
        framing: Framing | str = Framing.MESSAGE,
        *,
        types: bool = True,
    ) -> None:
        self._crypto = crypto
        self._limits = limits
        self._framing = Framing(framing)
        self._types = types
        if not types and self._framing is Framing.MESSAGE:
            raise HTCondorInternalError("no command sends one ad a message without its types")
        self._pieces: list[bytes] = []
        self._size = 0
        self._buffer = bytearray()
        self._walk: AdWalk | None = None
        self._expect_count = self._framing is not Framing.COUNTED
        self._finished = False

    @property
    def framing(self) -> Framing:
        """How the ads follow each other."""
        return self._framing

    @property
    def finished(self) -> bool:
        """Whether the stream has come to its own end: the final 0 of ``COUNTED``, the message of ``SEQUENCE``.

        A stream of messages (``MESSAGE``) ends with an ad that only the dialogue knows; it is never finished here.
        """
        return self._finished

    @property
    def mid_ad(self) -> bool:
        """Whether an ad has begun to arrive and is not whole."""
        return bool(self._pieces or self._buffer)

    def feed(self, frames: Iterable[tuple[bytes, bool]]) -> list[ClassAd]:
        """Take frames as :meth:`CedarConnection.drain` returns them; return the ads that are whole with them.

        Raises
        ------
        LimitExceededError
            An ad, one of its strings or its count is too large.
        ProtocolError
            An ad is damaged, a message ends inside one, or something follows the end of the stream.
        """
        if self._framing is Framing.MESSAGE:
            return self._feed_messages(frames)
        ads: list[ClassAd] = []
        group: list[bytes] = []
        for payload, end in frames:
            if self._finished:
                raise ProtocolError("something follows the end of a stream of ads")
            group.append(payload)
            if end:
                self._feed_group(group, True, ads)
                group = []
        if group:
            self._feed_group(group, False, ads)
        return ads

    def feed_eof(self) -> None:
        """Take note that the connection was closed.

        Raises
        ------
        ConnectionClosedError
            The stream is not finished: what was received of it is not all there is.
        """
        if not self._finished:
            raise ConnectionClosedError("the connection was closed in the middle of a stream of ads")

    # -- one ad in each message

    def _feed_messages(self, frames: Iterable[tuple[bytes, bool]]) -> list[ClassAd]:
        ads: list[ClassAd] = []
        crypto, limits, pieces = self._crypto, self._limits, self._pieces
        for payload, end in frames:
            if not end:
                self._size += len(payload)
                if self._size > limits.max_ad_size:
                    exceeded("max_ad_size", "an ad", self._size, limits.max_ad_size)
                pieces.append(payload)
                if len(pieces) >= _PIECES:
                    self._buffer += b"".join(pieces)
                    pieces.clear()
            elif self._size or pieces:
                pieces.append(payload)
                message = b"".join(pieces)
                pieces.clear()
                self._size = 0
                if self._buffer:
                    message = bytes(self._buffer) + message
                    self._buffer = bytearray()
                ads.append(decode_ad(message, crypto, limits))
            else:
                ads.append(decode_ad(payload, crypto, limits))
        return ads

    # -- ads one after another in one message

    def _feed_group(self, group: list[bytes], end: bool, ads: list[ClassAd]) -> None:
        """Take frames of one message; ``end`` tells whether the last of them ends it."""
        buffer = self._buffer
        if len(group) == 1:
            buffer += group[0]
        else:
            buffer += b"".join(group)
        used = self._cut(buffer, ads)
        left = len(buffer) - used
        if end:
            if left or self._walk is not None or (self._framing is Framing.COUNTED and not self._finished):
                raise ProtocolError("a message ends in the middle of a stream of ads")
            self._finished = True
        elif left > self._limits.max_ad_size + 16:
            exceeded("max_ad_size", "an ad", left, self._limits.max_ad_size)
        if used:
            del buffer[:used]
            if self._walk is not None:
                self._walk.begin -= used
                self._walk.cursor -= used
                self._walk.searched -= used

    def _cut(self, buffer: bytearray, ads: list[ClassAd]) -> int:
        """Append the ads that are whole in ``buffer`` to ``ads``; return how many bytes are done with."""
        size = len(buffer)
        position = 0
        crypto, limits = self._crypto, self._limits
        counted = self._framing is Framing.COUNTED
        walk = self._walk
        from_wire = ClassAd._from_wire
        with memoryview(buffer) as view:
            while True:
                if walk is None:
                    if self._finished:
                        if position < size:
                            raise ProtocolError("something follows the end of a stream of ads")
                        break
                    if not self._expect_count:
                        if size - position < 8:
                            break
                        more = _I64.unpack_from(buffer, position)[0]
                        position += 8
                        if more == 0:
                            self._finished = True
                            continue
                        if more != 1:
                            raise ProtocolError(f"{more} came where 1 or 0 tells whether another ad follows")
                        self._expect_count = True
                    if size - position < 8:
                        break
                    walk = AdWalk(buffer, position, crypto, limits)
                if not walk.attributes(buffer):
                    break
                end = walk.cursor + 1
                stop = walk.types(buffer) if self._types else end
                if stop is None:
                    break
                walk.check_size(buffer, end)
                ads.append(from_wire(bytes(view[walk.begin : end]), walk.count, crypto))
                position = stop
                walk = None
                self._expect_count = not counted
        self._walk = walk
        return position
