"""The error of what v1 declares and this client does not do."""

from __future__ import annotations

from htcondor_async.errors import HTCondorException

__all__ = ["NotServedError", "not_served"]


class NotServedError(HTCondorException, NotImplementedError):
    """This client has no such operation."""


def not_served(name: str) -> NotServedError:
    """Return the error for a name of v1."""
    return NotServedError(f"{name} is not served by this client")
