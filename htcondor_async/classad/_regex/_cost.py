"""How many steps a backtracking search can take on a subject, at worst.

Python's ``re`` cannot be interrupted, so a search that would run for hours must not begin.  The tree becomes an
automaton whose states are the single-byte elements (Glushkov's construction) with the *number* of ways to get from one
state to the next; walking the subject once and adding up the ways gives the number of nodes in the tree of all
attempts from all starting points, which bounds the work of a backtracking matcher from above.  Looks ahead count as
branches that lead nowhere else, references as any text.
"""

from __future__ import annotations

import attrs

from ._tree import (
    ANY,
    Anchor,
    Atomic,
    BackReference,
    Chars,
    Choice,
    Condition,
    Fail,
    Group,
    Keep,
    Look,
    Node,
    Repeat,
    Sequence,
    UnsupportedPattern,
)

__all__ = ["MAX_COST_WORK", "MAX_STATES", "MAX_STEPS", "Automaton", "build", "polynomial_bound", "steps"]

MAX_STEPS = 20_000_000
"""Largest number of matching steps a search may need at worst (PCRE's own limit is 10 000 000 for each start)."""
MAX_STATES = 4_000
"""Largest automaton for the estimate, in states."""
MAX_COST_WORK = 3_000_000
"""Largest work for the estimate itself, in transitions."""

Ways = dict[int, int]


@attrs.frozen(slots=True)
class Automaton:
    """States are numbered from 0: the bytes each accepts, how it is entered first, and what follows it."""

    accepts: tuple[int, ...]
    first: Ways
    follow: tuple[Ways, ...]


@attrs.frozen(slots=True)
class _Part:
    """First and last states of a part with the ways to reach them, and the ways to match nothing."""

    first: Ways
    last: Ways
    empty: int


def _add(into: Ways, other: Ways, factor: int = 1) -> None:
    for state, ways in other.items():
        into[state] = into.get(state, 0) + ways * factor


class _Builder:
    def __init__(self) -> None:
        self.accepts: list[int] = []
        self.follow: list[Ways] = []

    def state(self, mask: int) -> _Part:
        if len(self.accepts) >= MAX_STATES:
            raise UnsupportedPattern(f"pattern larger than {MAX_STATES} states")
        self.accepts.append(mask)
        self.follow.append({})
        index = len(self.accepts) - 1
        return _Part({index: 1}, {index: 1}, 0)

    def link(self, last: Ways, first: Ways) -> None:
        for state, ways in last.items():
            _add(self.follow[state], first, ways)

    def concatenate(self, left: _Part, right: _Part) -> _Part:
        self.link(left.last, right.first)
        first = dict(left.first)
        if left.empty:
            _add(first, right.first, left.empty)
        last = dict(right.last)
        if right.empty:
            _add(last, left.last, right.empty)
        return _Part(first, last, left.empty * right.empty)

    def build(self, node: Node) -> _Part:
        if isinstance(node, Chars):
            return self.state(node.mask)
        if isinstance(node, Sequence):
            part = _Part({}, {}, 1)
            for item in node.items:
                part = self.concatenate(part, self.build(item))
            return part
        if isinstance(node, (Choice, Condition)):
            branches = node.branches if isinstance(node, Choice) else (node.yes, node.no)
            return self.alternatives([self.build(branch) for branch in branches])
        if isinstance(node, (Group, Atomic)):
            return self.build(node.body)
        if isinstance(node, Repeat):
            return self.repeat(node)
        if isinstance(node, Look):
            return _Part({} if node.behind else self.build(node.body).first, {}, 1)
        if isinstance(node, BackReference):
            return self.loop(self.state(ANY))
        if isinstance(node, (Anchor, Keep)):
            return _Part({}, {}, 1)
        if isinstance(node, Fail):
            return _Part({}, {}, 0)
        raise UnsupportedPattern("recursion")

    def alternatives(self, parts: list[_Part]) -> _Part:
        first: Ways = {}
        last: Ways = {}
        for part in parts:
            _add(first, part.first)
            _add(last, part.last)
        return _Part(first, last, sum(part.empty for part in parts))

    def loop(self, part: _Part) -> _Part:
        self.link(part.last, part.first)
        return _Part(part.first, part.last, 1 + part.empty)

    def repeat(self, node: Repeat) -> _Part:
        """``x{2,4}`` is ``xx(?:x(?:x)?)?``, ``x{2,}`` is ``xxx*``."""
        rest = _Part({}, {}, 1)
        if node.high is None:
            rest = self.loop(self.build(node.body))
        else:
            for _ in range(node.high - node.low):
                tail = self.concatenate(self.build(node.body), rest)
                rest = _Part(tail.first, tail.last, 1 + tail.empty)
        for _ in range(node.low):
            rest = self.concatenate(self.build(node.body), rest)
        return rest


def build(tree: Node) -> Automaton:
    """Build the automaton of a tree; raises UnsupportedPattern where it is too large."""
    builder = _Builder()
    part = builder.build(tree)
    return Automaton(tuple(builder.accepts), part.first, tuple(builder.follow))


def steps(automaton: Automaton, subject: bytes) -> int | None:
    """Return how many steps a search of ``subject`` takes at worst; None if more than the limits allow to find out."""
    total = 0
    work = 0
    current: Ways = {}
    accepts, follow = automaton.accepts, automaton.follow
    for byte in subject:
        following: Ways = {}
        candidates = dict(automaton.first)
        for state, ways in current.items():
            work += len(follow[state])
            for target, factor in follow[state].items():
                candidates[target] = candidates.get(target, 0) + ways * factor
        work += len(candidates)
        for target, ways in candidates.items():
            total += ways
            if accepts[target] >> byte & 1:
                following[target] = ways
        if total > MAX_STEPS or work > MAX_COST_WORK:
            return None
        current = following
    return total


def polynomial_bound(node: Node, length: int) -> float:
    """Return a quick upper bound on the number of ways a node matches within ``length`` bytes (infinite: unknown)."""
    if isinstance(node, Sequence):
        product = 1.0
        for item in node.items:
            product *= polynomial_bound(item, length)
        return product
    if isinstance(node, Choice):
        return sum(polynomial_bound(branch, length) for branch in node.branches)
    if isinstance(node, Condition):
        return polynomial_bound(node.yes, length) + polynomial_bound(node.no, length)
    if isinstance(node, (Group, Atomic)):
        return polynomial_bound(node.body, length)
    if isinstance(node, Look):
        return 1.0 + polynomial_bound(node.body, length)
    if isinstance(node, BackReference):
        return 1.0
    if isinstance(node, Repeat):
        inner = node.body.body if isinstance(node.body, Group) else node.body
        if not isinstance(inner, Chars) and polynomial_bound(inner, length) != 1.0:
            return float("inf") if node.high is None else _power(polynomial_bound(inner, length), node.high)
        if not isinstance(inner, Chars) and not _consumes(inner):
            return float("inf")
        most = length if node.high is None else min(length, node.high)
        return max(1.0, most - node.low + 1.0)
    return 1.0


def _power(base: float, exponent: int) -> float:
    return base**exponent if exponent < 64 and base < 1e6 else float("inf")


def _consumes(node: Node) -> bool:
    if isinstance(node, Chars):
        return True
    if isinstance(node, Sequence):
        return any(_consumes(item) for item in node.items)
    if isinstance(node, (Group, Atomic)):
        return _consumes(node.body)
    return isinstance(node, Repeat) and node.low > 0 and _consumes(node.body)
