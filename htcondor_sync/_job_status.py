"""v1's ``JobStatus``, its only enumeration of Python's own kind."""

from __future__ import annotations

from htcondor_async.enums import JobStatus

__all__ = ["JobStatus"]
