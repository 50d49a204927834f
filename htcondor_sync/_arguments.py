"""How v1 takes arguments: what fits a declared type, and the error when nothing does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar, final

C = TypeVar("C")

__all__ = [
    "UNSET",
    "ArgumentError",
    "Unset",
    "attribute_names",
    "expect",
    "not_pickled",
    "strings",
    "text_in",
    "uninstantiable",
]


class ArgumentError(TypeError):
    """The arguments do not fit the signature."""


@final
class Unset:
    """The type of :data:`UNSET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""Stands for an argument that was not given, where v1 tells that from every value."""


_LIMITS = dict.fromkeys(("count", "limit", "match", "since"), 1 << 31)  # where v1 has 32 bits, in place of 64


def _fits(value: object, kind: type) -> bool:
    if value is UNSET:
        return True
    if kind is int:
        return isinstance(value, int)
    if kind is float:
        return isinstance(value, (int, float))
    if kind is bool:
        return value is None or isinstance(value, int)
    if kind is list:
        return isinstance(value, (list, tuple))  # v1 takes lists alone
    return isinstance(value, kind)


def expect(function: str, *arguments: tuple[str, object, type]) -> None:
    """Check arguments against their declared types.

    Parameters
    ----------
    function
        Its name, for the message.
    arguments
        Name, value and declared type of each.

    Raises
    ------
    ArgumentError
        One does not fit. No conversion is tried, as in v1: an integer is no member of an enumeration.
    """
    for name, value, kind in arguments:
        if not _fits(value, kind):
            raise ArgumentError(f"{function}(): {name} must be {kind.__name__}, not {type(value).__name__}")
        if kind is int and isinstance(value, int):
            limit = _LIMITS.get(name, 1 << 63)
            if not -limit <= value < limit:
                raise OverflowError(f"{function}(): {name} is out of range: {value}")


def text_in(value: Any) -> Any:
    """Return bytes as text, for v1 takes them for it; anything else as it is."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def strings(values: Iterable[Any]) -> list[str]:
    """Return the items as a list; raises TypeError for one that is no text."""
    found = list(map(text_in, values))
    for value in found:
        if not isinstance(value, str):
            raise TypeError(f"expected a list of str, found {type(value).__name__}")
    return found


def attribute_names(values: Iterable[Any]) -> list[str]:
    """Return the names of a projection; an item may hold several, and blank ones do not count, as in v1."""
    return [name for item in strings(values) for name in item.replace(",", " ").split()]


def not_pickled(thing: object) -> RuntimeError:
    """Return the error of pickling, or copying, what holds a connection or a place at a daemon; to be raised."""
    return RuntimeError(f"Pickling of {type(thing).__name__!r} instances is not enabled")


def _refuse_to_pickle(self: object, protocol: Any) -> Any:
    raise not_pickled(self)


class Uninstantiable(type):
    """Metaclass of the classes that only this package makes objects of."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("This class cannot be instantiated from Python")

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        setattr(cls, "__reduce_ex__", _refuse_to_pickle)  # noqa: B010 - of all these classes at once

    def _make(cls: type[C], *args: Any, **kwargs: Any) -> C:
        made: C = type.__call__(cls, *args, **kwargs)
        return made


uninstantiable = Uninstantiable
