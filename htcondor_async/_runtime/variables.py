"""The environment variables of this process, in a module that loads nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping

__all__ = ["environ"]


def environ() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ
