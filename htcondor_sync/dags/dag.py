"""A DAG as it is described, before it is written to files."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .edges import BaseEdge
from .exceptions import DuplicateNodeName
from .node import BaseNode, FinalNode, NodeLayer, Nodes, SubDAG
from .walk_order import WalkOrder

__all__ = ["DAG", "DotConfig", "NodeStatusFile"]

N = TypeVar("N", bound=BaseNode)


class DotConfig:
    """A drawing that DAGMan keeps of the DAG, in the language of Graphviz."""

    def __init__(
        self, path: Path, update: bool = False, overwrite: bool = True, include_file: Path | None = None
    ) -> None:
        self.path = path
        self.update = update
        self.overwrite = overwrite
        self.include_file = include_file


class NodeStatusFile:
    """A file in which DAGMan writes the states of the nodes, at most every ``update_time`` seconds."""

    def __init__(self, path: Path, update_time: int | None = None, always_update: bool | None = False) -> None:
        self.path = path
        self.update_time = update_time
        self.always_update = always_update


class DAG:
    """Nodes, and which comes before which.

    Parameters
    ----------
    dagman_config
        Configuration of the DAGMan that runs it.
    dagman_job_attributes
        Attributes of its job.
    max_jobs_by_category
        How many jobs of a category may be in the queue at once.
    dot_config, jobstate_log, node_status_file
        Files that DAGMan writes.
    """

    def __init__(
        self,
        dagman_config: Mapping[str, Any] | None = None,
        dagman_job_attributes: Mapping[str, Any] | None = None,
        max_jobs_by_category: Mapping[str, int] | None = None,
        dot_config: DotConfig | None = None,
        jobstate_log: Path | None = None,
        node_status_file: NodeStatusFile | None = None,
    ) -> None:
        self.dagman_config = dict(dagman_config or {})
        self.dagman_job_attributes = dict(dagman_job_attributes or {})
        self.max_jobs_per_category = dict(max_jobs_by_category or {})
        self.dot_config = dot_config
        self.jobstate_log = Path(jobstate_log) if jobstate_log is not None else None
        self.node_status_file = node_status_file
        self._nodes: dict[str, BaseNode] = {}
        self._final_node: FinalNode | None = None
        self._edges: dict[tuple[BaseNode, BaseNode], BaseEdge] = {}

    # -- nodes

    def _add(self, node: N) -> N:
        if node.name in self._nodes:
            raise DuplicateNodeName(f"the DAG already has a node named {node.name}: {self._nodes[node.name]}")
        self._nodes[node.name] = node
        return node

    def layer(self, **kwargs: Any) -> NodeLayer:
        """Return a new layer; see :class:`NodeLayer`."""
        return self._add(NodeLayer(self, **kwargs))

    def subdag(self, **kwargs: Any) -> SubDAG:
        """Return a new DAG inside this one; see :class:`SubDAG`."""
        return self._add(SubDAG(self, **kwargs))

    def final(self, **kwargs: Any) -> FinalNode:
        """Return a new final node, which takes the place of another; see :class:`FinalNode`."""
        self._final_node = FinalNode(self, **kwargs)
        return self._final_node

    @property
    def nodes(self) -> Nodes:
        """All nodes but the final one."""
        return Nodes(self._nodes.values())

    @property
    def roots(self) -> Nodes:
        """The nodes that nothing comes before."""
        return Nodes(node for node, parents in self.node_to_parents.items() if not parents)

    @property
    def leaves(self) -> Nodes:
        """The nodes that nothing comes after."""
        return Nodes(node for node, children in self.node_to_children.items() if not children)

    def select(self, selector: Callable[[BaseNode], bool]) -> Nodes:
        """Return the nodes for which a function is true."""
        return Nodes(node for node in self._nodes.values() if selector(node))

    def glob(self, pattern: str) -> Nodes:
        """Return the nodes whose names match a shell pattern."""
        return self.select(lambda node: fnmatch.fnmatchcase(node.name, pattern))

    # -- edges

    @property
    def edges(self) -> Iterator[tuple[tuple[BaseNode, BaseNode], BaseEdge]]:
        """Pairs of (parent, child) with their edges."""
        return iter(list(self._edges.items()))

    @property
    def node_to_children(self) -> dict[BaseNode, Nodes]:
        """What comes after each node."""
        return self._related(lambda pair: pair)

    @property
    def node_to_parents(self) -> dict[BaseNode, Nodes]:
        """What comes before each node."""
        return self._related(lambda pair: (pair[1], pair[0]))

    def _related(self, ends: Callable[[tuple[BaseNode, BaseNode]], tuple[BaseNode, BaseNode]]) -> dict[BaseNode, Nodes]:
        found: dict[BaseNode, list[BaseNode]] = {node: [] for node in self._nodes.values()}
        for pair in self._edges:
            here, there = ends(pair)
            found.setdefault(here, []).append(there)
        return {node: Nodes(others) for node, others in found.items()}

    def _add_edge(self, parent: BaseNode, child: BaseNode, edge: BaseEdge) -> None:
        self._edges[parent, child] = edge

    def _remove_edge(self, parent: BaseNode, child: BaseNode) -> None:
        self._edges.pop((parent, child), None)

    # -- walks

    def __contains__(self, node: object) -> bool:
        """Return whether the DAG has a node, or one of this name."""
        return node in self._nodes or node in self._nodes.values()

    def walk(self, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all nodes, parents before the children that they lead to first."""
        return _walk(self.roots, self.node_to_children, order)

    def walk_ancestors(self, node: BaseNode, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes before a node."""
        related = self.node_to_parents
        return _walk(related.get(node, ()), related, order)

    def walk_descendants(self, node: BaseNode, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes after a node."""
        related = self.node_to_children
        return _walk(related.get(node, ()), related, order)

    def describe(self) -> str:
        """Return a table of the layers: kind, name, number of nodes, of children, and the edges from parents."""
        rows = [("Type", "Name", "# Nodes", "# Children", "Parents")]
        children, parents = self.node_to_children, self.node_to_parents
        for node in self.walk(WalkOrder.BREADTH_FIRST):
            layer = isinstance(node, NodeLayer)
            edges = ", ".join(f"{parent.name}[{self._edges[parent, node]}]" for parent in parents[node])
            rows.append(
                (
                    "Layer" if layer else type(node).__name__,
                    node.name,
                    str(len(node)) if layer else "",
                    str(len(children[node])),
                    edges,
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join(lines)


def _walk(start: Iterable[BaseNode], related: Mapping[BaseNode, Nodes], order: WalkOrder) -> Iterator[BaseNode]:
    waiting = deque(start)
    seen: set[BaseNode] = set()
    while waiting:
        node = waiting.pop() if order is WalkOrder.DEPTH_FIRST else waiting.popleft()
        if node not in seen:
            seen.add(node)
            yield node
            waiting.extend(related[node])
