"""DAG files: a description written for DAGMan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .edges import End, JoinFactory, JoinNode
from .exceptions import IncorrectNodeForm
from .formatter import NodeNameFormatter, SimpleFormatter
from .node import BaseNode, FinalNode, NodeLayer, Script, SubDAG
from .walk_order import WalkOrder

if TYPE_CHECKING:
    from .dag import DAG

__all__ = ["DEFAULT_DAG_FILE_NAME", "write_dag"]

DEFAULT_DAG_FILE_NAME = "dagfile.dag"
_CONFIG_FILE = "dagman.config"
_JOIN = "__JOIN__"


def write_dag(
    dag: DAG,
    dag_dir: Path,
    dag_file_name: str | None = DEFAULT_DAG_FILE_NAME,
    node_name_formatter: NodeNameFormatter | None = None,
) -> Path:
    """Write a DAG file and the submit files it refers to; return the path of the first.

    Parameters
    ----------
    dag
        The description.
    dag_dir
        The folder for the files, made if it is missing.
    dag_file_name
        The name of the DAG file.
    node_name_formatter
        How nodes are called.
    """
    folder = Path(dag_dir).absolute()
    writer = _Writer(dag, node_name_formatter or SimpleFormatter())
    text = "\n".join([*writer.meta(), *writer.nodes(), *writer.final()]) + "\n"  # whatever is wrong shows before this
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (dag_file_name or DEFAULT_DAG_FILE_NAME)
    path.write_text(text)
    for name, content in writer.files().items():
        (folder / name).write_text(content)
    return path


class _Writer:
    def __init__(self, dag: DAG, formatter: NodeNameFormatter) -> None:
        self.dag = dag
        self.name = formatter.generate
        self.joins = JoinFactory()

    def files(self) -> dict[str, str]:
        """Return the other files, by name."""
        found = {}
        if self.dag.dagman_config:
            found[_CONFIG_FILE] = "\n".join(f"{name} = {value}" for name, value in self.dag.dagman_config.items())
        nodes: list[BaseNode] = [*self.dag.nodes]
        if self.dag._final_node is not None:
            nodes.append(self.dag._final_node)
        for node in nodes:
            if isinstance(node, (NodeLayer, FinalNode)) and not isinstance(node.submit_description, Path):
                # nodes of a layer have their variables from the DAG file
                commands = "".join(f"{key} = {value}\n" for key, value in node.submit_description.items())
                found[f"{node.name}.sub"] = f"{commands}\nqueue"
        if self.joins.joins:
            found[f"{_JOIN}.sub"] = ""
        return found

    def meta(self) -> Iterator[str]:
        dag = self.dag
        yield "# BEGIN META"
        if dag.dagman_config:
            yield f"CONFIG {_CONFIG_FILE}"
        if dag.jobstate_log is not None:
            yield f"JOBSTATE_LOG {dag.jobstate_log.as_posix()}"
        if status := dag.node_status_file:
            words = ["NODE_STATUS_FILE", Path(status.path).as_posix()]
            words += [str(status.update_time)] if status.update_time is not None else []
            yield " ".join([*words, *(["ALWAYS-UPDATE"] if status.always_update else [])])
        if dot := dag.dot_config:
            words = ["DOT", Path(dot.path).as_posix(), "UPDATE" if dot.update else "DONT-UPDATE"]
            words.append("OVERWRITE" if dot.overwrite else "DONT-OVERWRITE")
            words += ["INCLUDE", Path(dot.include_file).as_posix()] if dot.include_file is not None else []
            yield " ".join(words)
        for name, value in dag.dagman_job_attributes.items():
            yield f"SET_JOB_ATTR {name} = {value}"
        for category, most in dag.max_jobs_per_category.items():
            yield f"CATEGORY {category} {most}"
        yield "# END META"

    def nodes(self) -> Iterator[str]:
        yield "# BEGIN NODES AND EDGES"
        edges = dict(self.dag.edges)
        children = self.dag.node_to_children
        for node in self.dag.walk(WalkOrder.BREADTH_FIRST):
            for index in range(len(node)):
                yield from self.node(node, index)
            for child in children[node]:
                for before, after in edges[node, child].get_edges(node, child, self.joins):
                    yield f"PARENT {self.names(node, before)} CHILD {self.names(child, after)}"
        for join in self.joins.joins:
            yield f"JOB {self.name(_JOIN, join.id)} {_JOIN}.sub NOOP"
        yield "# END NODES AND EDGES"

    def names(self, node: BaseNode, end: End) -> str:
        if isinstance(end, JoinNode):
            return self.name(_JOIN, end.id)
        return " ".join(self.name(node.name, index) for index in end)

    def node(self, node: BaseNode, index: int) -> Iterator[str]:
        name = self.name(node.name, index)
        if isinstance(node, SubDAG):
            head = ["SUBDAG EXTERNAL", name, node.dag_file.as_posix()]
        elif isinstance(node, NodeLayer):
            head = ["JOB", name, _submit_file(node)]
        else:
            raise IncorrectNodeForm(f"{node} cannot be written")
        head += ["DIR", node.dir.as_posix()] if node.dir is not None else []
        head += ["NOOP"] if node.is_noop(index) else []
        head += ["DONE"] if node.is_done(index) else []
        yield " ".join(head)
        if isinstance(node, NodeLayer) and node.vars[index]:
            values = (f'{key}="{_escaped(value)}"' for key, value in node.vars[index].items())
            yield f"VARS {name} {' '.join(values)}"
        yield from _options(node, name)

    def final(self) -> Iterator[str]:
        node = self.dag._final_node
        if node is None:
            return
        yield "# FINAL NODE"
        head = ["FINAL", node.name, _submit_file(node), *(["DIR", node.dir.as_posix()] if node.dir else [])]
        yield " ".join([*head, *(["NOOP"] if node.is_noop(0) else [])])
        yield from _options(node, node.name)
        yield "# END FINAL NODE"


def _submit_file(node: NodeLayer | FinalNode) -> str:
    if isinstance(node.submit_description, Path):
        return node.submit_description.absolute().as_posix()
    return f"{node.name}.sub"


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')


def _options(node: BaseNode, name: str) -> Iterator[str]:
    """Yield the lines that say more of a node."""
    if node.retries is not None:
        unless = f" UNLESS-EXIT {node.retry_unless_exit}" if node.retry_unless_exit is not None else ""
        yield f"RETRY {name} {node.retries}{unless}"
    for kind, script in (("PRE", node.pre), ("POST", node.post)):
        if script is not None:
            yield _script(kind, script, name)
    if node.pre_skip_exit_code is not None:
        yield f"PRE_SKIP {name} {node.pre_skip_exit_code}"
    if node.priority:
        yield f"PRIORITY {name} {node.priority}"
    if node.category is not None:
        yield f"CATEGORY {name} {node.category}"
    if node.abort is not None:
        code = node.abort.dag_return_value
        yield f"ABORT-DAG-ON {name} {node.abort.node_exit_value}" + (f" RETURN {code}" if code is not None else "")


def _script(kind: str, script: Script, name: str) -> str:
    defer = f"DEFER {script.retry_status} {script.retry_delay} " if script.retry else ""
    return " ".join([f"SCRIPT {defer}{kind}", name, script.executable, *script.arguments])
