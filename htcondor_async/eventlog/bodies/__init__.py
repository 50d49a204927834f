"""What each kind of event says after its header: one reader and one writer for each, in families."""

from __future__ import annotations

from . import endings, factory, life, remote, space, stages
from ._kind import Kind
from .future import FIRST_EP, FUTURE, FUTURE_KINDS

__all__ = ["FIRST_EP", "KINDS", "Kind", "kind_of"]

KINDS: dict[int, Kind] = {
    **life.KINDS,
    **endings.KINDS,
    **stages.KINDS,
    **remote.KINDS,
    **factory.KINDS,
    **space.KINDS,
    **FUTURE_KINDS,
}


def kind_of(number: int) -> Kind:
    """Return the kind of an event number; any number has one."""
    return KINDS.get(number) or FUTURE
