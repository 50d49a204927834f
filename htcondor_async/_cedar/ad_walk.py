"""The borders of one ad: where its strings begin and end, in a message or in a stream that is still coming.

An ad travels as a count, that many strings ``Attr = expr`` and two strings that once told its types and are empty
today. The string ``ZKM`` in front of an attribute marks it as private and is not counted (``classad_oldnew.cpp``).
"""

from __future__ import annotations

import struct

from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, exceeded
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ProtocolError

__all__ = ["SECRET_MARKER", "AdWalk", "check_count", "decode_ad", "walk_ad"]

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
    walk = AdWalk(data, position, crypto, limits)
    walk.fresh = False
    if not walk.attributes(data):
        raise ProtocolError("a message ends inside an ad")
    end = walk.cursor + 1
    rest = walk.types(data) if types else end
    if rest is None:
        raise ProtocolError("a message ends inside an ad")
    walk.check_size(data, end)
    return walk.count, walk.begin, end, rest


class AdWalk:
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
