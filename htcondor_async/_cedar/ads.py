"""Ads out of messages: one, or streams of them, decoded in bulk.

An ad travels as a count, that many strings ``Attr = expr`` and two strings that once told its types and are empty
today. The string ``ZKM`` in front of an attribute marks it as private and is not counted (``classad_oldnew.cpp``).

No attribute becomes a Python object here: an ad is cut out of the stream as one piece of bytes, and
:class:`~htcondor_async.classad.ClassAd` looks into it when it is read. That an ad is whole and has the strings it
announces is checked before it is handed out. A line that is no attribute is found at the first look and raises
``ClassAdParseError`` then. Where the borders between strings agree with the count, a string ends at its NUL, and the
low 16 bits of the length in front of it are not compared with that.

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

from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, exceeded
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, HTCondorInternalError, ProtocolError

__all__ = ["SECRET_MARKER", "AdDecoder", "Framing", "check_count", "decode_ad", "walk_ad"]

#: Stands in front of an attribute that is private.
SECRET_MARKER = b"ZKM"

_I64 = struct.Struct(">q")
_NUL_I64 = struct.Struct(">Bq")
#: The two empty type strings as they travel encrypted: length 1, NUL.
_SEALED_TYPES = b"\0\0\0\0\0\0\0\1\0" * 2
#: The NUL before them belongs to the last attribute.
_SEALED_END = b"\0" + _SEALED_TYPES
#: What stands between two strings shorter than 64 KiB: NUL, and the first six bytes of the next length.
_BORDER = b"\0" * 7
_SMALL = b"\0" * 6
_LONG = 0xFFFF
#: How far to look for the end of an ad before its strings are looked at one by one.
_WINDOW = 4096
_WINDOW_PER_STRING = 512
_ZKM_STRING = SECRET_MARKER + b"\0"
#: Pieces of one message that are kept apart before they are joined.
_PIECES = 64


class Framing(enum.Enum):
    """How the ads of a stream follow each other; see the module's description."""

    MESSAGE = "message"
    COUNTED = "counted"
    SEQUENCE = "sequence"


def check_count(count: int, limits: Limits) -> int:
    """Return the number of attributes that an ad announces, if it is a possible one."""
    if count < 0:
        raise ProtocolError(f"an ad announces {count} attributes")
    if count > limits.max_ad_attributes:
        exceeded("max_ad_attributes", "an ad announces attributes", count, limits.max_ad_attributes)
    return count


def decode_ad(message: bytes, crypto: bool, limits: Limits = DEFAULT_LIMITS) -> ClassAd:
    """Return the one ad that makes up a whole message.

    Parameters
    ----------
    message
        The message in plaintext.
    crypto
        Whether it came encrypted.
    limits
        Bounds on the ad.

    Raises
    ------
    ProtocolError
        The message is anything else than one whole ad.
    """
    size = len(message)
    if size > limits.max_ad_size:
        exceeded("max_ad_size", "an ad", size, limits.max_ad_size)
    if size >= 10 and (size <= limits.max_string or (crypto and limits.max_string > _LONG)):
        count = _I64.unpack_from(message)[0]
        if 0 < count <= limits.max_ad_attributes:
            # The strings of an honest ad are as many as the borders between them; whatever does not agree (private
            # attributes, very long strings, damage) is walked through string by string.
            if not crypto:
                if message.count(b"\0", 8) == count + 2 and message.endswith(b"\0\0\0"):
                    return ClassAd._from_wire(message[8:-2], count, False)
            elif (
                message.count(_BORDER, 15) == count + 1
                and message.startswith(_SMALL, 8)
                and message.endswith(_SEALED_END)
            ):
                return ClassAd._from_wire(message[8:-18], count, True)
    count, begin, end, rest = walk_ad(message, 0, crypto, limits)
    if rest != size:
        raise ProtocolError(f"{size - rest} bytes are left over behind an ad")
    return ClassAd._from_wire(message[begin:end], count, crypto)


def walk_ad(data: bytes, position: int, crypto: bool, limits: Limits, types: bool = True) -> tuple[int, int, int, int]:
    """Find the borders of the ad that begins at ``position``, with a look at each of its strings.

    Returns
    -------
    tuple
        The number of attributes, where their strings begin and end, and where the ad ends.

    Raises
    ------
    ProtocolError
        The data end inside the ad, or it is damaged.
    """
    if len(data) - position < 8:
        raise ProtocolError("a message ends inside an ad")
    walk = _Walk(data, position, crypto, limits)
    walk.fresh = False
    if not walk.attributes(data):
        raise ProtocolError("a message ends inside an ad")
    end = walk.cursor + 1
    rest = walk.types(data) if types else end
    if rest is None:
        raise ProtocolError("a message ends inside an ad")
    walk.check_size(data, end)
    return walk.count, walk.begin, end, rest


class _Walk:
    """A walk through the strings of one ad that can be interrupted where the bytes run out.

    ``cursor`` is the index of the last byte of the latest string known (which need not have arrived yet), ``left`` the
    number of attributes behind it.
    """

    __slots__ = ("begin", "count", "crypto", "cursor", "fresh", "left", "limits", "searched")

    def __init__(self, data: bytes | bytearray, position: int, crypto: bool, limits: Limits) -> None:
        self.count = check_count(_I64.unpack_from(data, position)[0], limits)
        self.begin = position + 8
        self.cursor = position + 7
        self.left = self.count
        self.crypto = crypto
        self.limits = limits
        #: Clear strings: no NUL lies between the cursor and here.
        self.searched = self.begin
        self.fresh = True

    def attributes(self, data: bytes | bytearray) -> bool:
        """Go on to the end of the attributes; return whether they have arrived whole."""
        if self.left <= 0:
            return self.cursor < len(data) and self._check_terminator(data)
        if self.fresh:
            self.fresh = False
            if self._at_once(data):
                return True
        return self._sealed(data) if self.crypto else self._clear(data)

    def _at_once(self, data: bytes | bytearray) -> bool:
        """Find the end of an honest ad without a look at each string; return whether it was found.

        Two empty strings in a row are no attributes, so they end the ad; the number of borders (or NULs) up to there
        tells whether it has the strings it announced. Private markers, long strings and damage do not agree and are
        left to the walk. The window keeps the work linear for a peer that never sends the two strings.
        """
        begin, count = self.begin, self.count
        window = begin + _WINDOW + count * _WINDOW_PER_STRING
        if self.crypto:
            found = data.find(_SEALED_END, begin, window)
            if (
                found < begin
                or data.count(_BORDER, begin + 7, found + 19) != count + 1
                or not data.startswith(_SMALL, begin)
                or (found - begin > self.limits.max_string <= _LONG)
            ):
                return False
        else:
            found = data.find(b"\0\0\0", begin, window)
            if found < begin or data.count(b"\0", begin, found + 1) != count:
                return False
            if found - begin >= self.limits.max_string:
                return False
        self.cursor, self.left = found, 0
        return True

    def _sealed(self, data: bytes | bytearray) -> bool:
        unpack = _NUL_I64.unpack_from
        cursor, left = self.cursor, self.left
        length = done = 0
        try:
            if cursor < self.begin:
                # The byte at the cursor belongs to the count, and is no terminator.
                length = _I64.unpack_from(data, cursor + 1)[0]
                step = self._special(data, cursor, length) if length < 5 else 1
                if not step:
                    return False
                cursor += length + 8
                left -= step > 0
            while left:
                for done in range(left):  # noqa: B007 -- tells the handler below how far it came
                    terminator, length = unpack(data, cursor)
                    if terminator or length < 5:
                        break
                    cursor += length + 8
                else:
                    left = done = 0
                    break
                left -= done
                done = 0
                if terminator:
                    raise ProtocolError("a string in an ad does not end with NUL")
                step = self._special(data, cursor, length)
                if not step:
                    break
                cursor += length + 8
                left -= step > 0
        except (struct.error, OverflowError):
            left -= done
        if length > self.limits.max_string:
            exceeded("max_string", "a string announces a length", length, self.limits.max_string)
        self.cursor, self.left = cursor, left
        return not left and cursor < len(data) and self._check_terminator(data)

    def _special(self, data: bytes | bytearray, cursor: int, length: int) -> int:
        """Judge a very short string: 1 for an attribute, -1 for the marker of a private one, 0 if not there yet."""
        if length < 1:
            raise ProtocolError(f"an ad has a string of length {length} where an attribute is due")
        if length != len(_ZKM_STRING):
            return 1
        text = data[cursor + 9 : cursor + 13]
        if len(text) < len(_ZKM_STRING):
            return 0
        return -1 if text == _ZKM_STRING else 1

    def _check_terminator(self, data: bytes | bytearray) -> bool:
        if self.count and data[self.cursor]:
            raise ProtocolError("a string in an ad does not end with NUL")
        return True

    def _clear(self, data: bytes | bytearray) -> bool:
        find = data.find
        begin, left = self.cursor + 1, self.left
        searched = self.searched
        limit = self.limits.max_string
        while left:
            end = find(b"\0", searched)
            if end < 0:
                searched = len(data)
                if searched - begin >= limit:
                    exceeded("max_string", "a string", searched - begin, limit)
                break
            if end - begin != len(SECRET_MARKER) or data[begin:end] != SECRET_MARKER:
                left -= 1
            begin = searched = end + 1
        self.cursor, self.left, self.searched = begin - 1, left, searched
        return not left

    def types(self, data: bytes | bytearray) -> int | None:
        """Return where the two strings behind the attributes end, or None where they have not arrived."""
        position = self.cursor + 1
        if not self.crypto:
            if data[position : position + 2] == b"\0\0":
                return position + 2
            return self._clear_types(data, position)
        if data[position : position + 18] == _SEALED_TYPES:
            return position + 18
        for _ in range(2):
            if len(data) - position < 8:
                return None
            length = _I64.unpack_from(data, position)[0]
            if length < 1:
                raise ProtocolError(f"a string announces a length of {length}")
            if length > self.limits.max_string:
                exceeded("max_string", "a string announces a length", length, self.limits.max_string)
            position += 8 + length
            if len(data) < position:
                return None
            if data[position - 1]:
                raise ProtocolError("a string behind an ad does not end with NUL")
        return position

    def _clear_types(self, data: bytes | bytearray, position: int) -> int | None:
        # Left is at 0 here; it counts on below it, so that a long type is not searched again and again.
        begin = max(position, self.searched)
        while self.left > -2:
            end = data.find(b"\0", begin)
            if end < 0:
                self.searched = len(data)
                return None
            begin = self.searched = end + 1
            self.left -= 1
        return begin

    def check_size(self, data: bytes | bytearray, end: int) -> None:
        """Hold an ad that arrived at once to the same limits as one that came in pieces."""
        if end - self.begin > self.limits.max_ad_size:
            exceeded("max_ad_size", "an ad", end - self.begin, self.limits.max_ad_size)
        limit = self.limits.max_string
        if end - self.begin <= limit:
            return
        position = self.begin
        while position < end:
            if self.crypto:
                length = int.from_bytes(data[position : position + 8], "big", signed=True)
                if not 0 < length <= end - position - 8:
                    raise ProtocolError(f"an ad has a string of length {length} where an attribute is due")
                position += 8 + length
            else:
                length = data.find(b"\0", position) + 1 - position
                position += length
            if length > limit:
                exceeded("max_string", "a string", length, limit)


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
        self._walk: _Walk | None = None
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
                    walk = _Walk(buffer, position, crypto, limits)
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
