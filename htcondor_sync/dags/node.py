"""The nodes of a DAG: layers of jobs, other DAGs, the final node."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from htcondor_sync._schedd import Submit

from .edges import BaseEdge, ManyToMany
from .walk_order import WalkOrder

if TYPE_CHECKING:
    from .dag import DAG

__all__ = ["BaseNode", "DAGAbortCondition", "FinalNode", "NodeLayer", "Nodes", "Script", "SubDAG"]


class Script:
    """A program that runs before or after a node.

    Parameters
    ----------
    executable, arguments
        The program.
    retry
        Whether it is run again where it ends with ``retry_status``, after ``retry_delay`` seconds.
    """

    def __init__(
        self,
        executable: str | Path,
        arguments: list[str] | None = None,
        retry: bool = False,
        retry_status: int = 1,
        retry_delay: int = 0,
    ) -> None:
        self.executable = str(executable)
        self.arguments = [str(argument) for argument in arguments or []]
        self.retry = retry
        self.retry_status = retry_status
        self.retry_delay = retry_delay


class DAGAbortCondition:
    """The DAG ends where a node exits with a value; it then exits with another."""

    def __init__(self, node_exit_value: int, dag_return_value: int | None = None) -> None:
        self.node_exit_value = node_exit_value
        self.dag_return_value = dag_return_value


class BaseNode(abc.ABC):  # noqa: B024 - as in v1
    """A node as it is described; a layer is several nodes of the DAG that runs.

    Parameters
    ----------
    dag
        The DAG that it belongs to.
    name
        Its name, of which there is only one in the DAG.
    dir
        Where it is submitted.
    noop, done
        Whether it is not run, or counts as done: all of it, or by index.
    retries, retry_unless_exit
        How often it is run again after a failure, and the exit code after which it is not.
    pre, post, pre_skip_exit_code
        Scripts before and after, and the exit code of the first after which the rest is skipped.
    priority, category, abort
        As in a DAG file.
    """

    def __init__(
        self,
        dag: DAG,
        *,
        name: str,
        dir: Path | None = None,
        noop: bool | Mapping[int, bool] = False,
        done: bool | Mapping[int, bool] = False,
        retries: int | None = None,
        retry_unless_exit: int | None = None,
        pre: Script | None = None,
        post: Script | None = None,
        pre_skip_exit_code: int | None = None,
        priority: int = 0,
        category: str | None = None,
        abort: DAGAbortCondition | None = None,
    ) -> None:
        self._dag = dag
        self.name = name
        self.dir = Path(dir) if dir is not None else None
        self.noop = noop if isinstance(noop, bool) else dict(noop)
        self.done: bool | dict[int, bool] = done if isinstance(done, bool) else dict(done)
        self.retries = retries
        self.retry_unless_exit = retry_unless_exit
        self.pre = pre
        self.post = post
        self.pre_skip_exit_code = pre_skip_exit_code
        self.priority = priority
        self.category = category
        self.abort = abort

    def __len__(self) -> int:
        """Return how many nodes of the DAG that runs this stands for."""
        return 1

    def __bool__(self) -> bool:
        """Return true, whatever the length."""
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name = {self.name})"

    def is_noop(self, index: int) -> bool:
        """Return whether a node of this is not run."""
        return self.noop if isinstance(self.noop, bool) else self.noop.get(index, False)

    def is_done(self, index: int) -> bool:
        """Return whether a node of this counts as done."""
        return self.done if isinstance(self.done, bool) else self.done.get(index, False)

    # -- edges

    @property
    def children(self) -> Nodes:
        """What comes after."""
        return Nodes(self._dag.node_to_children[self])

    @property
    def parents(self) -> Nodes:
        """What comes before."""
        return Nodes(self._dag.node_to_parents[self])

    def add_children(self, *nodes: BaseNode | Iterable[BaseNode], edge: BaseEdge | None = None) -> BaseNode:
        """Let nodes come after this one."""
        for node in Nodes(*nodes):
            self._dag._add_edge(self, node, edge or ManyToMany())
        return self

    def add_parents(self, *nodes: BaseNode | Iterable[BaseNode], edge: BaseEdge | None = None) -> BaseNode:
        """Let nodes come before this one."""
        for node in Nodes(*nodes):
            self._dag._add_edge(node, self, edge or ManyToMany())
        return self

    def remove_children(self, *nodes: BaseNode | Iterable[BaseNode]) -> BaseNode:
        """Take the edges to nodes away."""
        for node in Nodes(*nodes):
            self._dag._remove_edge(self, node)
        return self

    def remove_parents(self, *nodes: BaseNode | Iterable[BaseNode]) -> BaseNode:
        """Take the edges from nodes away."""
        for node in Nodes(*nodes):
            self._dag._remove_edge(node, self)
        return self

    def child_layer(self, edge: BaseEdge | None = None, **kwargs: Any) -> NodeLayer:
        """Return a new layer after this."""
        layer = self._dag.layer(**kwargs)
        self.add_children(layer, edge=edge)
        return layer

    def parent_layer(self, edge: BaseEdge | None = None, **kwargs: Any) -> NodeLayer:
        """Return a new layer before this."""
        layer = self._dag.layer(**kwargs)
        self.add_parents(layer, edge=edge)
        return layer

    def child_subdag(self, edge: BaseEdge | None = None, **kwargs: Any) -> SubDAG:
        """Return a new DAG inside this one, after this node."""
        node = self._dag.subdag(**kwargs)
        self.add_children(node, edge=edge)
        return node

    def parent_subdag(self, edge: BaseEdge | None = None, **kwargs: Any) -> SubDAG:
        """Return a new DAG inside this one, before this node."""
        node = self._dag.subdag(**kwargs)
        self.add_parents(node, edge=edge)
        return node

    def walk_descendants(self, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes after."""
        return self._dag.walk_descendants(self, order)

    def walk_ancestors(self, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes before."""
        return self._dag.walk_ancestors(self, order)


class NodeLayer(BaseNode):
    """Nodes that share a submit description; each has its own values of variables.

    Parameters
    ----------
    submit_description
        A ``Submit``, or the path of a submit file.
    vars
        The values of the variables of each node; by default one node without any.
    """

    def __init__(
        self,
        dag: DAG,
        *,
        submit_description: Submit | Path | None = None,
        vars: Iterable[dict[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dag, **kwargs)
        self.submit_description = submit_description if submit_description is not None else Submit({})
        self.vars = [dict(each) for each in vars] if vars is not None else [{}]

    def __len__(self) -> int:
        return len(self.vars)


class SubDAG(BaseNode):
    """Another DAG, run as a node of this one, from a file of its own."""

    def __init__(self, dag: DAG, *, dag_file: Path, **kwargs: Any) -> None:
        super().__init__(dag, **kwargs)
        self.dag_file = Path(dag_file)


class FinalNode(BaseNode):
    """The node that runs last, whatever has failed."""

    def __init__(self, dag: DAG, submit_description: Submit | Path | None = None, **kwargs: Any) -> None:
        super().__init__(dag, **kwargs)
        self.submit_description = submit_description if submit_description is not None else Submit({})


class Nodes:
    """Several nodes, in the order given, each once."""

    def __init__(self, *nodes: BaseNode | Iterable[BaseNode]) -> None:
        found: dict[BaseNode, None] = {}
        for item in nodes:
            found.update(dict.fromkeys([item] if isinstance(item, BaseNode) else item))
        self.nodes = list(found)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[BaseNode]:
        return iter(self.nodes)

    def __contains__(self, node: object) -> bool:
        return node in self.nodes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nodes) and set(self.nodes) == set(other.nodes)

    __hash__ = None  # type: ignore[assignment]  # it can be compared, and may change

    def __repr__(self) -> str:
        return f"Nodes({', '.join(map(repr, self.nodes))})"

    def _each(self, apply: Callable[[BaseNode], object]) -> Nodes:
        for node in self.nodes:
            apply(node)
        return self

    def add_children(self, *nodes: BaseNode | Iterable[BaseNode], type: BaseEdge | None = None) -> Nodes:
        """Let nodes come after each of these."""
        return self._each(lambda node: node.add_children(*nodes, edge=type))

    def add_parents(self, *nodes: BaseNode | Iterable[BaseNode], type: BaseEdge | None = None) -> Nodes:
        """Let nodes come before each of these."""
        return self._each(lambda node: node.add_parents(*nodes, edge=type))

    def remove_children(self, *nodes: BaseNode | Iterable[BaseNode]) -> Nodes:
        """Take the edges from these to nodes away."""
        return self._each(lambda node: node.remove_children(*nodes))

    def remove_parents(self, *nodes: BaseNode | Iterable[BaseNode]) -> Nodes:
        """Take the edges from nodes to these away."""
        return self._each(lambda node: node.remove_parents(*nodes))

    def _dag(self) -> DAG:
        if not self.nodes:
            raise ValueError("there are no nodes to add something to")
        return self.nodes[0]._dag

    def child_layer(self, type: BaseEdge | None = None, **kwargs: Any) -> NodeLayer:
        """Return a new layer after all of these."""
        layer = self._dag().layer(**kwargs)
        self.add_children(layer, type=type)
        return layer

    def parent_layer(self, type: BaseEdge | None = None, **kwargs: Any) -> NodeLayer:
        """Return a new layer before all of these."""
        layer = self._dag().layer(**kwargs)
        self.add_parents(layer, type=type)
        return layer

    def child_subdag(self, type: BaseEdge | None = None, **kwargs: Any) -> SubDAG:
        """Return a new DAG inside, after all of these."""
        node = self._dag().subdag(**kwargs)
        self.add_children(node, type=type)
        return node

    def parent_subdag(self, type: BaseEdge | None = None, **kwargs: Any) -> SubDAG:
        """Return a new DAG inside, before all of these."""
        node = self._dag().subdag(**kwargs)
        self.add_parents(node, type=type)
        return node

    def walk_descendants(self, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes after any of these, each once."""
        return iter(dict.fromkeys(after for node in self.nodes for after in node.walk_descendants(order)))

    def walk_ancestors(self, order: WalkOrder = WalkOrder.DEPTH_FIRST) -> Iterator[BaseNode]:
        """Yield all that comes before any of these, each once."""
        return iter(dict.fromkeys(before for node in self.nodes for before in node.walk_ancestors(order)))
