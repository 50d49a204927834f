"""Descriptions of DAGs, and writing them as files for DAGMan (v1's ``htcondor.dags``)."""

from __future__ import annotations

from .dag import DAG, DotConfig, NodeStatusFile
from .edges import BaseEdge, Grouper, JoinFactory, JoinNode, ManyToMany, OneToOne, Slicer
from .exceptions import (
    DAGsException,
    DuplicateNodeName,
    IncorrectNodeForm,
    NoFinalNode,
    NonDefaultSeparatorError,
    OneToOneEdgeNeedsSameNumberOfVars,
)
from .formatter import NodeNameFormatter, SimpleFormatter
from .node import BaseNode, DAGAbortCondition, FinalNode, NodeLayer, Nodes, Script, SubDAG
from .rescue import find_rescue_file, rescue
from .walk_order import WalkOrder
from .writer import DEFAULT_DAG_FILE_NAME, write_dag

__all__ = [
    "DAG",
    "DEFAULT_DAG_FILE_NAME",
    "BaseEdge",
    "BaseNode",
    "DAGAbortCondition",
    "DAGsException",
    "DotConfig",
    "DuplicateNodeName",
    "FinalNode",
    "Grouper",
    "IncorrectNodeForm",
    "JoinFactory",
    "JoinNode",
    "ManyToMany",
    "NoFinalNode",
    "NodeLayer",
    "NodeNameFormatter",
    "NodeStatusFile",
    "Nodes",
    "NonDefaultSeparatorError",
    "OneToOne",
    "OneToOneEdgeNeedsSameNumberOfVars",
    "Script",
    "SimpleFormatter",
    "Slicer",
    "SubDAG",
    "WalkOrder",
    "find_rescue_file",
    "rescue",
    "write_dag",
]
