"""Edges between layers: which nodes of the parent come before which of the child."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from .exceptions import IncompatibleGrouper, OneToOneEdgeNeedsSameNumberOfVars

if TYPE_CHECKING:
    from .node import BaseNode

__all__ = ["BaseEdge", "Grouper", "JoinFactory", "JoinNode", "ManyToMany", "OneToOne", "Slicer"]


class JoinNode:
    """A node that does nothing: what comes before it ends before what comes after it begins."""

    def __init__(self, id: int) -> None:
        self.id = id

    def __repr__(self) -> str:
        return f"JoinNode(id = {self.id})"


class JoinFactory:
    """Makes join nodes and remembers them."""

    def __init__(self) -> None:
        self.joins: list[JoinNode] = []

    def get_join_node(self) -> JoinNode:
        """Return a new join node."""
        self.joins.append(JoinNode(len(self.joins)))
        return self.joins[-1]


End: TypeAlias = "tuple[int, ...] | JoinNode"
"""Indexes of nodes of a layer, or a join node."""


class BaseEdge(abc.ABC):
    """An edge between two layers."""

    @abc.abstractmethod
    def get_edges(self, parent: BaseNode, child: BaseNode, join_factory: JoinFactory) -> Iterator[tuple[End, End]]:
        """Yield pairs of what comes before and what comes after."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} = {value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})" if shown else type(self).__name__


def _join(before: Sequence[int], after: Sequence[int], factory: JoinFactory) -> Iterator[tuple[End, End]]:
    """Yield the edges from each of some nodes to each of others; a join node saves many where both are several."""
    if not before or not after:
        return
    if len(before) == 1 or len(after) == 1:
        yield tuple(before), tuple(after)
        return
    join = factory.get_join_node()
    yield tuple(before), join
    yield join, tuple(after)


class ManyToMany(BaseEdge):
    """All nodes of the parent come before all of the child."""

    def get_edges(self, parent: BaseNode, child: BaseNode, join_factory: JoinFactory) -> Iterator[tuple[End, End]]:
        """Yield the edges."""
        yield from _join(range(len(parent)), range(len(child)), join_factory)


class OneToOne(BaseEdge):
    """Each node of the parent comes before that of the same index."""

    def get_edges(self, parent: BaseNode, child: BaseNode, join_factory: JoinFactory) -> Iterator[tuple[End, End]]:
        """Yield the edges; raises OneToOneEdgeNeedsSameNumberOfVars."""
        if len(parent) != len(child):
            raise OneToOneEdgeNeedsSameNumberOfVars(
                f"{parent} has {len(parent)} nodes and {child} has {len(child)}: an edge from one to one needs as many"
            )
        for index in range(len(parent)):
            yield (index,), (index,)


class Grouper(BaseEdge):
    """Groups of so many nodes of the parent come before groups of so many of the child."""

    def __init__(self, parent_chunk_size: int = 1, child_chunk_size: int = 1) -> None:
        self.parent_chunk_size = parent_chunk_size
        self.child_chunk_size = child_chunk_size

    def get_edges(self, parent: BaseNode, child: BaseNode, join_factory: JoinFactory) -> Iterator[tuple[End, End]]:
        """Yield the edges, through one join node a group.

        Raises
        ------
        IncompatibleGrouper
            The numbers of groups differ, or the nodes of a layer are no whole number of groups.
        """
        for layer, size in ((parent, self.parent_chunk_size), (child, self.child_chunk_size)):
            if len(layer) % size:
                raise IncompatibleGrouper(f"the {len(layer)} nodes of {layer} are no whole number of groups of {size}")
        before = _chunks(len(parent), self.parent_chunk_size)
        after = _chunks(len(child), self.child_chunk_size)
        if len(before) != len(after):
            raise IncompatibleGrouper(
                f"{len(before)} groups of {parent} and {len(after)} of {child}: there must be as many"
            )
        for group, following in zip(before, after, strict=True):
            join = join_factory.get_join_node()
            yield tuple(group), join
            yield join, tuple(following)


def _chunks(count: int, size: int) -> list[range]:
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


class Slicer(BaseEdge):
    """Nodes of a slice of the parent come before those of a slice of the child, one to one."""

    def __init__(self, parent_slice: slice = slice(None), child_slice: slice = slice(None)) -> None:
        self.parent_slice = parent_slice
        self.child_slice = child_slice

    def get_edges(self, parent: BaseNode, child: BaseNode, join_factory: JoinFactory) -> Iterator[tuple[End, End]]:
        """Yield the edges; what is longer than the other is cut."""
        before = range(len(parent))[self.parent_slice]
        after = range(len(child))[self.child_slice]
        for index, following in zip(before, after, strict=False):
            yield (index,), (following,)
