"""From a coroutine of the core to a blocking call that fails as v1's do."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from htcondor_async._runtime.blocking import drive
from htcondor_async.errors import (
    DaemonError,
    HTCondorEnumError,
    HTCondorException,
    HTCondorIOError,
    HTCondorLocateError,
    HTCondorReplyError,
    HTCondorTypeError,
    HTCondorValueError,
)

__all__ = ["call", "deprecated", "failure", "old_names", "renamed"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
Failure = type[HTCondorException]
_WIRE = (HTCondorIOError, HTCondorReplyError)
_KEPT = (HTCondorEnumError, HTCondorTypeError, HTCondorValueError, HTCondorLocateError)


def failure(error: HTCondorException, kind: Failure) -> HTCondorException:
    """Return the error that v1 raises where the core raised ``error``.

    ``kind`` is what v1's method raises where talking to the daemon fails. An error of that class alone stays as it is:
    the core's are finer and derive from v1's. One that is also of another class of v1 becomes exactly ``kind``, so that
    a program's ``except`` clauses find what they found with v1.
    """
    if isinstance(error, kind) and not any(isinstance(error, other) for other in _WIRE if other is not kind):
        return error
    if isinstance(error, _KEPT) and not isinstance(error, (HTCondorIOError, HTCondorReplyError)):
        return error
    if isinstance(error, (HTCondorIOError, HTCondorReplyError)):
        fields = ("daemon", "address", "command", "phase", "elapsed", "error_stack", "hint")
        return kind(error.what, **{name: getattr(error, name) for name in fields})
    return error


def call(coroutine: Coroutine[Any, Any, T], kind: Failure = HTCondorIOError, *, refused: Failure | None = None) -> T:
    """Run a coroutine of the core to its end; see :func:`failure` for ``kind``.

    ``refused`` is for methods of v1 that raise another class where the daemon answered, and refused.
    """
    try:
        return drive(coroutine)
    except HTCondorException as error:
        raised = failure(error, refused if refused is not None and isinstance(error, DaemonError) else kind)
        if raised is error:
            raise
        raise raised from error


def deprecated(message: str) -> None:
    """Warn the caller's caller that what it calls is deprecated."""
    warnings.warn(message, FutureWarning, stacklevel=3)


def old_names(function: str, kwargs: dict[str, Any], renamed: dict[str, str]) -> dict[str, Any]:
    """Return keyword arguments with old names replaced, warning of each."""
    for old, new in renamed.items():
        if old in kwargs:
            warnings.warn(f"{function}(): {old!r} is the old name of {new!r}", FutureWarning, stacklevel=4)
            kwargs[new] = kwargs.pop(old)
    return kwargs


def renamed(owner: str, names: dict[str, str]) -> Callable[[F], F]:
    """Let a method take keyword arguments by their old names, with a warning."""

    def decorate(method: F) -> F:
        @functools.wraps(method)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not names.keys().isdisjoint(kwargs):
                kwargs = old_names(f"{owner}.{method.__name__}", kwargs, names)
            return method(*args, **kwargs)

        return cast(F, wrapper)

    return decorate
