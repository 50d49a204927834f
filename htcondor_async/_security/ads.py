"""The ads of a handshake: attribute lines whose values are literals.

They are read with a reader of their own, strict and bounded, because they arrive before anyone is authenticated: at
most 100 attributes, each a string, number, truth value, ``undefined`` or ``error``. Daemons from 25.13 on read the
first ad under the same rule; older ones may send an expression, which a reader made ``tolerant`` skips.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async.errors import LimitExceededError, ProtocolError

__all__ = ["HandshakeAd", "Literal", "decode_ad", "encode_ad"]

Literal: TypeAlias = str | int | float | bool | None
"""A value in a handshake ad; None stands for ``undefined`` and ``error``."""

MAX_ATTRIBUTES = 100
MAX_MESSAGE = 1 << 18
"""Bytes of one handshake message that carries an ad."""

_LINE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]{0,255})\s*=(?!\?=)\s*(.*?)\s*\Z", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z")
_REAL = re.compile(
    r"[+-]?(?:(?:[0-9]{1,400}\.[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?|[0-9]{1,400}[eE][+-]?[0-9]{1,4})\Z"
)
_WORDS: dict[str, Literal] = {"true": True, "false": False, "undefined": None, "error": None}


class HandshakeAd(Mapping[str, Literal]):
    """An ad of literals; names are found in any case, and keep the one they came in."""

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, Literal] | None = None) -> None:
        self._items: dict[str, tuple[str, Literal]] = {}
        for name, value in (values or {}).items():
            self._items[name.lower()] = (name, value)

    def __getitem__(self, name: str) -> Literal:
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __repr__(self) -> str:
        return f"HandshakeAd({dict(self)!r})"

    def text(self, name: str) -> str | None:
        """Return a string attribute, None if absent or undefined; another type is a :class:`ProtocolError`."""
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        raise ProtocolError(f"attribute {name} of a security message is {value!r} where a string is due")

    def integer(self, name: str) -> int | None:
        """Return an integer, also if it is written as a string (session durations are)."""
        value = self.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, str) and _INTEGER.match(value.strip()):
            return int(value)
        raise ProtocolError(f"attribute {name} of a security message is {value!r} where an integer is due")

    def truth(self, name: str) -> bool | None:
        """Return a truth value, None if absent or undefined."""
        value = self.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise ProtocolError(f"attribute {name} of a security message is {value!r} where a truth value is due")

    def names(self, name: str) -> tuple[str, ...] | None:
        """Return a list of words written as one string with commas and blanks, None if absent."""
        text = self.text(name)
        return None if text is None else tuple(split_list(text))


def split_list(text: str) -> list[str]:
    """Split a list as HTCondor writes it, at commas and white space."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def _format(name: str, value: Literal) -> str:
    if value is None:
        return f"{name} = undefined"
    if isinstance(value, bool):
        return f"{name} = {'true' if value else 'false'}"
    if isinstance(value, int):
        return f"{name} = {value}"
    if isinstance(value, float):
        text = f"{value:.16G}"
        return f"{name} = {text if '.' in text or 'E' in text else text + '.0'}"
    if "\0" in value:
        raise ProtocolError(f"attribute {name} of a security message would contain a NUL character")
    escaped = value.replace('"', '\\"')
    return f'{name} = "{escaped}"'


def encode_ad(writer: Writer, values: Mapping[str, Literal]) -> None:
    """Append an ad: the number of lines, the lines, two empty type names (CEDAR, 5.1)."""
    writer.int(len(values))
    for name, value in values.items():
        writer.str(_format(name, value))
    writer.str("")
    writer.str("")


def _parse_string(text: str) -> str | None:
    # Old syntax: \" is the only escape, and a quote that ends the line closes the string even behind a backslash.
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    body = text[1:-1]
    if re.search(r'(?<!\\)"', body):
        return None
    return body.replace('\\"', '"')


def decode_literal(text: str) -> tuple[bool, Literal]:
    """Read one literal of the old syntax; the first item is false if the text is something else."""
    if text.startswith('"'):
        string = _parse_string(text)
        return string is not None, string
    if text.lower() in _WORDS:
        return True, _WORDS[text.lower()]
    if _INTEGER.match(text):
        number = int(text)
        return -(1 << 63) <= number < 1 << 63, number
    if _REAL.match(text):
        return True, float(text)
    return False, None


def decode_ad(reader: Reader, *, tolerant: bool) -> HandshakeAd:
    """Read an ad of literals.

    Parameters
    ----------
    reader
        Stands at the ad; whatever follows it stays unread.
    tolerant
        Skip attributes that are not literals instead of refusing the ad; for peers older than 25.13.

    Raises
    ------
    LimitExceededError
        More than 100 attributes.
    ProtocolError
        Anything else that is not such an ad.
    """
    count = reader.int()
    if count < 0:
        raise ProtocolError(f"a security message announces {count} attributes")
    if count > MAX_ATTRIBUTES:
        raise LimitExceededError(
            f"a security message announces {count} attributes, {MAX_ATTRIBUTES} are allowed",
            limit="handshake_attributes",
        )
    values: dict[str, Literal] = {}
    for _ in range(count):
        line = reader.str()
        match = _LINE.match(line)
        known, value = decode_literal(match[2]) if match else (False, None)
        if match and known:
            values[match[1]] = value
        elif not (tolerant and match):
            raise ProtocolError("a security message has an attribute that is not a literal")
    reader.str()
    reader.str()
    return HandshakeAd(values)


def read_ad(message: bytes, *, crypto: bool, limits: Limits, tolerant: bool) -> HandshakeAd:
    """Read a whole message that is one ad."""
    reader = Reader(message, crypto, limits)
    ad = decode_ad(reader, tolerant=tolerant)
    reader.expect_end()
    return ad
