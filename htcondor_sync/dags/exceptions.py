"""The errors of DAG descriptions."""

from __future__ import annotations

__all__ = [
    "DAGsException",
    "DuplicateNodeName",
    "IncorrectNodeForm",
    "NoFinalNode",
    "NonDefaultSeparatorError",
    "OneToOneEdgeNeedsSameNumberOfVars",
]


class DAGsException(Exception):
    """Root of the errors of DAG descriptions."""


class DuplicateNodeName(DAGsException):
    """Two nodes of one DAG have the same name."""


class OneToOneEdgeNeedsSameNumberOfVars(DAGsException):
    """The two layers of a one-to-one edge have different numbers of nodes."""


class NonDefaultSeparatorError(DAGsException):
    """The separator of a formatter occurs in the name of a layer."""


class IncorrectNodeForm(DAGsException):
    """A node cannot be written as it is described."""


class NoFinalNode(DAGsException):
    """A DAG has no final node."""
