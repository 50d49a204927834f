"""How much of what is long is run."""

from __future__ import annotations

import os

__all__ = ["FULL"]

FULL = os.environ.get("HTCONDOR_ASYNC_FULL") == "1"
"""Whether this is a full run (``scripts/test --full``)."""
