"""Rescue files: which nodes of a DAG that failed are done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from .exceptions import NoRescueFileFound
from .formatter import NodeNameFormatter, SimpleFormatter
from .writer import DEFAULT_DAG_FILE_NAME

if TYPE_CHECKING:
    from .dag import DAG

__all__ = ["find_rescue_file", "rescue"]

_DONE = re.compile(r"^\s*DONE\s+(\S+)", re.IGNORECASE | re.MULTILINE)


def rescue(dag: DAG, rescue_file: Path, formatter: NodeNameFormatter | None = None) -> None:
    """Mark as done what a rescue file says is done.

    Parameters
    ----------
    dag
        The DAG, described as it was when it was written.
    rescue_file
        The file that DAGMan left.
    formatter
        How nodes were called.
    """
    parse = (formatter or SimpleFormatter()).parse
    for name in _DONE.findall(Path(rescue_file).read_text()):
        layer, index = parse(name)
        node = dag._nodes.get(layer)
        if node is not None:
            node.done = {} if node.done is False else node.done
            if not isinstance(node.done, bool):
                node.done[index] = True


def find_rescue_file(dag_dir: Path, dag_file_name: str = DEFAULT_DAG_FILE_NAME) -> Path:
    """Return the newest rescue file of a DAG; raises NoRescueFileFound."""
    name = re.compile(re.escape(dag_file_name) + r"\.rescue(\d+)\Z")
    found = [(int(match[1]), path) for path in Path(dag_dir).glob("*") if (match := name.match(path.name))]
    if not found:
        raise NoRescueFileFound(f"{dag_dir} has no rescue file of {dag_file_name}")
    return max(found)[1]
