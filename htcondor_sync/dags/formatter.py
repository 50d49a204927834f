"""Names of nodes in a DAG file: from a layer and an index to a name, and back."""

from __future__ import annotations

import abc

from .exceptions import CannotInvertFormat, LayerNameContainsSeparator

__all__ = ["NodeNameFormatter", "SimpleFormatter"]


class NodeNameFormatter(abc.ABC):
    """Makes the names of nodes, and finds in them what they were made of."""

    @abc.abstractmethod
    def generate(self, layer_name: str, node_index: int) -> str:
        """Return the name of a node."""

    @abc.abstractmethod
    def parse(self, node_name: str) -> tuple[str, int]:
        """Return the layer and the index that a name was made of."""


class SimpleFormatter(NodeNameFormatter):
    """The name of the layer, a separator, and a number.

    Parameters
    ----------
    separator
        What stands between; it must not occur in the names of layers.
    index_format
        How the number is written, as for ``str.format``.
    offset
        The number of the first node.
    """

    def __init__(self, separator: str = ":", index_format: str = "{:d}", offset: int = 0) -> None:
        self.separator = separator
        self.index_format = index_format
        self.offset = offset

    def generate(self, layer_name: str, node_index: int) -> str:
        """Return the name of a node; raises LayerNameContainsSeparator."""
        if self.separator in layer_name:
            raise LayerNameContainsSeparator(f"the layer {layer_name!r} has {self.separator!r} in its name")
        return f"{layer_name}{self.separator}{self.index_format.format(node_index + self.offset)}"

    def parse(self, node_name: str) -> tuple[str, int]:
        """Return the layer and the index that a name was made of; raises ValueError, CannotInvertFormat."""
        layer, separator, index = node_name.rpartition(self.separator)
        if not separator:
            raise ValueError(f"{node_name!r} is not the name of a node: it has no {self.separator!r}")
        try:
            return layer, int(index) - self.offset
        except ValueError as error:
            raise CannotInvertFormat(f"{node_name!r} is not the name of a node: {index!r} is no number") from error
