"""Runtime values of the ClassAd language.

A value is one of: ``int`` (64 bit, wraps), ``float``, ``str``, ``bool``, :data:`Undefined`, :data:`Error`,
:class:`AbsTime`, :class:`RelTime`, :class:`ListValue`, or an ad (a subclass of :class:`AdBase`; in practice
:class:`~htcondor_async.classad.ClassAd`).  Code that asks for the kind of a value compares ``type(value)``:
``bool`` and :class:`Value` are subclasses of ``int`` in Python but not integers here.

Strings of the language are bytes.  They are held as ``str``, decoded as UTF-8 with ``surrogateescape``, so that any
bytes come out as they went in; :func:`to_bytes` and :func:`to_text` convert.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from ._nodes import Node

__all__ = [
    "AbsTime",
    "AdBase",
    "Error",
    "ListValue",
    "RelTime",
    "RuntimeValue",
    "Undefined",
    "Value",
    "fold",
    "to_bytes",
    "to_text",
    "wrap_int",
]


class Value(enum.IntEnum):
    """The two exceptional values: ``Error`` and ``Undefined``."""

    Error = 1
    Undefined = 2


Undefined = Value.Undefined
Error = Value.Error


@attrs.frozen(slots=True)
class AbsTime:
    """An instant: ``secs`` since 1970 UTC, shown at ``offset`` seconds east of UTC."""

    secs: int
    offset: int = 0


@attrs.frozen(slots=True)
class RelTime:
    """A span of time in seconds."""

    seconds: float


class AdBase:
    """What evaluation needs of an ad: attribute lookup and its place among other ads.

    ``_parent`` is the ad it is written in (``PARENT``); ``_alternate`` the ad in which an unscoped name is looked up
    when it is not found here (the other side of a match).  ``_across`` is that other side, too, if no attribute here
    has a name by which it is called.
    """

    _parent: AdBase | None = None
    _alternate: AdBase | None = None
    _across: Any = None
    _table: Any = None

    def _lookup(self, lower: str) -> Node | None:
        """Return the expression of the attribute whose lower-case name is ``lower``, or None."""
        raise NotImplementedError

    def _pairs(self) -> Iterator[tuple[str, Node]]:
        """Yield (name, expression) of each attribute."""
        raise NotImplementedError


# Not frozen: that makes making one, which evaluation often does, three times slower.
@attrs.define(slots=True, eq=False)
class ListValue:
    """A list: its items are expressions, evaluated in the ad the list is written in (None: in no ad). Never changed.

    ``computed`` tells a list made by a function from one that was written: ``=?=`` finds them of different type.
    """

    items: tuple[Node, ...]
    scope: AdBase | None = None
    computed: bool = False


RuntimeValue = bool | int | float | str | Value | AbsTime | RelTime | ListValue | AdBase


def to_bytes(text: str) -> bytes:
    """Return the bytes of a string of the language."""
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Return bytes as a string of the language."""
    return data.decode("utf-8", "surrogateescape")


def fold(text: str) -> str:
    """Return ``text`` in lower case; only ASCII letters have case in the language."""
    return text.lower() if text.isascii() else "".join([c.lower() if c.isascii() else c for c in text])


def wrap_int(number: int) -> int:
    """Return ``number`` wrapped to 64 bit, two's complement."""
    return ((number + 0x8000000000000000) & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000
