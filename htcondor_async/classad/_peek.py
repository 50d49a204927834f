"""Looking for a few attributes in an ad as received, without an index of all of them.

A reader of a queue often looks at two attributes of a hundred. To find a name in the bytes is many times cheaper than
to take all lines apart, so the first :data:`PEEKS` looks at an ad search, and the next one builds the index.

What is found is right by these facts: strings on the wire hold no NUL; a string shorter than 64 KiB has six NULs at the
start of its length; and the last of equal names counts, in whatever case they are written.
"""

from __future__ import annotations

__all__ = ["PEEKS", "UNSURE", "peek"]

PEEKS = 3
"""How many looks at one ad search before it is indexed; beyond that the index is cheaper."""

UNSURE = object()
"""Returned by :func:`peek` where only the index can tell."""

_ZEROS = b"\0\0\0\0\0\0"
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_.")


def peek(data: bytes, prefixed: bool, name: str) -> str | object:
    """Return the text of the value of an attribute, or :data:`UNSURE`.

    Parameters
    ----------
    data
        The strings of the ad as received.
    prefixed
        Whether each has its length in front.
    name
        The attribute's name in lower case.
    """
    if not name.isascii():
        return UNSURE
    wanted = name.encode()
    folded = data.lower()  # lengths change too, but no byte of them becomes NUL or ceases to be
    end = len(folded)
    size = len(wanted)
    while True:
        at = folded.rfind(wanted, 0, end)
        if at < 0:
            return UNSURE
        if prefixed:
            starts = at >= 8 and folded[at - 8 : at - 2] == _ZEROS
        else:
            starts = at == 0 or folded[at - 1] == 0
        if starts:
            stop = at + size
            if folded[stop : stop + 3] == b" = ":
                value = stop + 3
                break
            if folded[stop] not in _NAME_BYTES:
                return UNSURE  # spaced otherwise, or quoted: written by something that is no daemon
        end = at + size - 1
    close = data.find(b"\0", value)
    if close < 0:
        return UNSURE
    return data[value:close].decode("utf-8", "surrogateescape")
