"""Two ads matched with each other: what they see of one another, and by which names.

As in HTCondor, a match is an ad around the two: ``LEFT`` and ``RIGHT``, each within a context ad that calls them
``MY``, ``TARGET``, ``OTHER`` and ``AD`` as seen from its side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._nodes import AdNode, AttrRef, BinaryOp, Literal, Node
from ._scope import SPECIAL
from ._store import AdStore
from ._values import AdBase

__all__ = ["AROUND_NAMES", "MatchAd", "SideContext", "matched"]

_LEFT = AttrRef(None, "LEFT", True)
_RIGHT = AttrRef(None, "RIGHT", True)
_LEFT_CONTEXT = AdNode((("other", _RIGHT), ("target", _RIGHT), ("my", _LEFT), ("ad", _LEFT)))
_RIGHT_CONTEXT = AdNode((("other", _LEFT), ("target", _LEFT), ("my", _RIGHT), ("ad", _RIGHT)))


def _both(name: str) -> Node:
    return BinaryOp("&&", AttrRef(AttrRef(None, "RIGHT"), name), AttrRef(AttrRef(None, "LEFT"), name))


_QUESTIONS = AdNode(
    (
        ("symmetricMatch", _both("requirements")),
        ("leftMatchesRight", AttrRef(AttrRef(None, "RIGHT"), "requirements")),
        ("rightMatchesLeft", AttrRef(AttrRef(None, "LEFT"), "requirements")),
        ("leftRankValue", AttrRef(AttrRef(None, "LEFT"), "rank")),
        ("rightRankValue", AttrRef(AttrRef(None, "RIGHT"), "rank")),
    )
)


AROUND_NAMES = SPECIAL | _QUESTIONS.table.keys() | _LEFT_CONTEXT.table.keys() | {"left", "right", "lctx", "rctx"}
"""All names that mean something in the ads around the sides of a match."""


class MatchAd(AdBase):
    """The ad around both sides: names for the sides, and for the questions that are asked of them."""

    __slots__ = ("left", "right")

    left: AdStore
    right: AdStore

    def _lookup(self, lower: str) -> Node | None:
        if lower == "left":
            return Literal(self.left)
        if lower == "right":
            return Literal(self.right)
        if lower == "lctx":
            return None if self.left._parent is None else Literal(self.left._parent)
        if lower == "rctx":
            return None if self.right._parent is None else Literal(self.right._parent)
        entry = _QUESTIONS.table.get(lower)
        return None if entry is None else entry[1]

    def _pairs(self) -> Iterator[tuple[str, Node]]:
        yield "lCtx", _LEFT_CONTEXT
        yield "LEFT", Literal(self.left)
        yield "rCtx", _RIGHT_CONTEXT
        yield "RIGHT", Literal(self.right)
        yield from _QUESTIONS.pairs


class SideContext(AdBase):
    """The ad around one side: ``MY``, ``TARGET`` and their other names."""

    __slots__ = ("_names", "_parent")

    def __init__(self, names: AdNode, match: MatchAd) -> None:
        self._names = names
        self._parent = match

    def _lookup(self, lower: str) -> Node | None:
        entry = self._names.table.get(lower)
        return None if entry is None else entry[1]

    def _pairs(self) -> Iterator[tuple[str, Node]]:
        yield from self._names.pairs


def matched(left: AdStore, right: AdStore) -> tuple[AdStore, AdStore]:
    """Return the two ads as the sides of a match: each sees the other as ``TARGET``."""
    match = MatchAd()
    around_left = SideContext(_LEFT_CONTEXT, match)
    around_right = SideContext(_RIGHT_CONTEXT, match)
    match.left = mine = left._scoped(around_left, None)
    match.right = other = right._scoped(around_right, mine)
    mine._alternate = other
    table: Any = mine._table
    if "my" not in table and "target" not in table and "other" not in table:
        mine._across = other
    table = other._table
    if "my" not in table and "target" not in table and "other" not in table:
        other._across = mine
    return mine, other
