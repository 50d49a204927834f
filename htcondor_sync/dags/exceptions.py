"""The errors of DAG descriptions."""

from __future__ import annotations

__all__ = [
    "CannotInvertFormat",
    "DAGsException",
    "DuplicateNodeName",
    "IncompatibleGrouper",
    "IncorrectNodeForm",
    "LayerNameContainsSeparator",
    "NoFinalNode",
    "NoRescueFileFound",
    "NonDefaultSeparatorError",
    "OneToOneEdgeNeedsSameNumberOfVars",
    "UnrecognizedWalkOrder",
]


class DAGsException(Exception):
    """Root of the errors of DAG descriptions."""


class DuplicateNodeName(DAGsException):
    """Two nodes of one DAG have the same name."""


class OneToOneEdgeNeedsSameNumberOfVars(DAGsException):
    """The two layers of a one-to-one edge have different numbers of nodes."""


class NonDefaultSeparatorError(DAGsException):
    """The separator of a formatter occurs in the name of a layer."""


class IncompatibleGrouper(DAGsException):
    """The two layers of a grouping edge do not have groups that go together."""


class LayerNameContainsSeparator(DAGsException):
    """The separator of a formatter occurs in the name of a layer."""


class CannotInvertFormat(DAGsException):
    """A name is none that the formatter has made."""


class NoRescueFileFound(DAGsException):
    """There is no rescue file."""


class UnrecognizedWalkOrder(DAGsException):
    """The order of a walk is none."""


class IncorrectNodeForm(DAGsException):
    """A node cannot be written as it is described."""


class NoFinalNode(DAGsException):
    """A DAG has no final node."""
