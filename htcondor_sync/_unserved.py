"""The error of what v1 declares and this client does not do."""

from __future__ import annotations

from typing import Any

from htcondor_async.errors import HTCondorException

__all__ = ["NotServedError", "not_served", "unserved"]


class NotServedError(HTCondorException, NotImplementedError):
    """This client has no such operation."""


def not_served(name: str) -> NotServedError:
    """Return the error for a name of v1."""
    return NotServedError(f"{name} is not served by this client")


def unserved(name: str) -> Any:
    """Return a method that raises the error for its name."""

    def method(*args: Any, **kwargs: Any) -> Any:
        raise not_served(name)

    method.__name__ = method.__qualname__ = name.rpartition(".")[2]
    method.__doc__ = "Raise ``NotServedError``: this client has no such operation."
    return method
