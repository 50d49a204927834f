"""v1's extension module: all names of :mod:`htcondor_sync`, as in ``htcondor.htcondor.Schedd``."""

from __future__ import annotations

from typing import Any

import htcondor_sync

__all__ = list(htcondor_sync.__all__)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(htcondor_sync, name)


def __dir__() -> list[str]:
    return sorted(__all__)
