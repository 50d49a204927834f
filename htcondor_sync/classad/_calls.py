"""How v1's functions take arguments: by the declared types, and ``ArgumentError`` when nothing fits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from htcondor_sync._arguments import ArgumentError

__all__ = ["ArgumentError", "checked", "text_of"]

_F = TypeVar("_F", bound=Callable[..., Any])


def checked(function: _F) -> _F:
    """Decorate a function so that arguments that do not fit its signature raise :class:`ArgumentError`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            # No frame below this one: the arguments could not be bound, and the function did not begin.
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            raise ArgumentError(str(error)) from None

    return call  # type: ignore[return-value]  # the same signature


def text_of(value: Any, function: str) -> str:
    """Return an argument that is declared as a string: text, or bytes in UTF-8.

    :raises ArgumentError: it is neither.
    :raises UnicodeEncodeError: the text has no bytes in UTF-8.
    """
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    raise ArgumentError(f"{function}: expected a str, not {type(value).__name__}")
