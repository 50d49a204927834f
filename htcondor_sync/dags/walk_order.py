"""The orders in which a DAG can be walked."""

from __future__ import annotations

import enum

__all__ = ["WalkOrder"]


class WalkOrder(enum.Enum):
    """Along one path as far as it goes, or layer by layer."""

    DEPTH_FIRST = "DEPTH"
    BREADTH_FIRST = "BREADTH"
