"""Where an ad keeps its attributes: bytes as received, then a table of lines, then nodes; each step when needed.

An ad from the wire keeps its bytes until the first look, which builds the table and publishes it by one
``dict.setdefault``: of two threads that look at once, both see the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from ._cache import node_of_text
from ._errors import ClassAdParseError
from ._index import FEW, Peek, Table, index_wire
from ._nodes import AdNode, Node
from ._unparse import attribute_order, unparse_wire
from ._values import AdBase, fold

__all__ = ["AdStore"]

_S = TypeVar("_S", bound="AdStore")


class AdStore(AdBase):
    """An ad as evaluation and the façades see it.  Names ignore case and keep it."""

    _table: Table | None = None
    _raw: Peek | tuple[bytes, int, bool] | None = None
    _shared = False

    @classmethod
    def _from_wire(cls: type[_S], data: bytes, count: int, prefixed: bool) -> _S:
        """Return an ad that owns bytes as received.

        :param data: ``count`` strings ``Name = value`` in old syntax, each ended by a NUL; ``ZKM`` markers may stand
            between them.
        :param count: the number of attributes.
        :param prefixed: an 8-byte big-endian length, NUL included, stands before each string.
        """
        ad = cls.__new__(cls)
        ad._raw = (data, count, prefixed)
        return ad

    @classmethod
    def _from_pairs(cls: type[_S], pairs: Iterable[tuple[str, Node]], parent: AdBase | None = None) -> _S:
        """Return an ad of names and nodes; of a name that comes twice the last node counts."""
        ad = cls.__new__(cls)
        table: Table = {}
        for name, node in pairs:
            lower = fold(name)
            table[lower] = (name if lower not in table else table[lower][0], node)
        ad._table = table
        if parent is not None:
            ad._parent = parent
        return ad

    @classmethod
    def _from_node(cls: type[_S], node: AdNode, parent: AdBase | None = None) -> _S:
        """Return a nested ad as an ad of its own; its table is copied when it is first changed."""
        ad = cls.__new__(cls)
        ad._table = node.table  # type: ignore[assignment]  # entries of one kind are entries
        ad._shared = True
        if parent is not None:
            ad._parent = parent
        return ad

    def _index(self) -> Table:
        """Return the table, building it if this is the first look; raises ClassAdParseError for damaged bytes."""
        table = self._table
        if table is None:
            raw = self._raw
            if raw is None:
                return self.__dict__.setdefault("_table", {}) if self._table is None else self._table
            data, count, prefixed = (raw.data, raw.count, raw.prefixed) if isinstance(raw, Peek) else raw
            built = index_wire(data, count, prefixed)
            table = self.__dict__.setdefault("_table", built)
            self._raw = None
        return table

    def _peek(self, lower: str) -> str | None:
        """Return the text of a value found in bytes that have no table yet, or None: then the table must be asked."""
        raw = self._raw
        if raw is None:
            return None
        if type(raw) is tuple:
            if raw[1] <= FEW:
                return None
            raw = self._raw = Peek(*raw)
        return raw.find(lower)  # type: ignore[union-attr]  # not a tuple here

    def _own(self) -> Table:
        """Return the table for changing it."""
        if self._shared:
            self._table = dict(self._index())
            self._shared = False
        return self._table if self._table is not None else self._index()

    def _lookup(self, lower: str) -> Node | None:
        """Return the node of an attribute, by lower-case name; raises ClassAdParseError naming the attribute."""
        table = self._table
        if table is None:
            table = self._index()
        entry = table.get(lower)
        if entry is None:
            return None
        if len(entry) == 2:
            return entry[1]
        return self._parsed(table, lower, entry)

    def _parsed(self, table: Table, lower: str, entry: tuple[str, str, str]) -> Node:
        """Return the node of a value not yet looked at, and keep it."""
        name, _, text = entry
        try:
            node = node_of_text(text)
        except ClassAdParseError as error:
            raise error.for_attribute(name) from None
        table[lower] = (name, node)
        return node

    def _pairs(self) -> Iterator[tuple[str, Node]]:
        """Yield (name, node) in the order of arrival."""
        table = self._index()
        for lower, entry in list(table.items()):
            yield entry if len(entry) == 2 else (entry[0], self._parsed(table, lower, entry))

    def _ordered(self) -> list[tuple[str, Node]]:
        """Return (name, node) of each attribute in HTCondor's order."""
        table = self._index()
        keys = sorted(table)
        if all(map(str.isascii, keys)):
            keys.sort(key=len)
        else:
            keys.sort(key=lambda key: attribute_order(table[key][0]))
        entries = [(key, table[key]) for key in keys]
        return [entry if len(entry) == 2 else (entry[0], self._parsed(table, key, entry)) for key, entry in entries]

    def _names(self) -> list[str]:
        """Return the names in the order of arrival, as they were written."""
        return [entry[0] for entry in self._index().values()]

    def _put(self, name: str, node: Node) -> None:
        """Set an attribute; an attribute that exists keeps the spelling of its name."""
        table = self._own()
        lower = fold(name)
        entry = table.get(lower)
        table[lower] = (name if entry is None else entry[0], node)

    def _remove(self, name: str) -> bool:
        """Delete an attribute; return whether it was there."""
        return self._own().pop(fold(name), None) is not None

    def _node(self) -> AdNode:
        """Return the ad as a node, as it is now."""
        return AdNode(tuple(self._pairs()))

    def _scoped(self: _S, parent: AdBase | None, alternate: AdBase | None) -> _S:
        """Return this ad at another place among ads, sharing its attributes: for a match."""
        kind = type(self)
        ad = kind.__new__(kind)
        table = self._table
        ad._table = self._index() if table is None else table
        ad._shared = True
        ad._parent = parent
        ad._alternate = alternate
        return ad

    def wire_items(self) -> list[bytes]:
        """Return the attributes as HTCondor sends them: ``Name = value`` in old syntax, encoded, without NUL.

        :raises ClassAdParseError: an attribute received from elsewhere does not parse.
        :raises ValueError: an attribute cannot be sent: it contains a NUL, or ``=`` in its name.
        """
        items: list[bytes] = []
        for entry in list(self._index().values()):
            name = entry[0]
            # A name goes out as it is, without quotes: readers take what stands before the first "=".
            if "=" in name or "\n" in name:
                raise ValueError(f"an attribute named {name!r} cannot be sent")
            line = f"{name} = {unparse_wire(entry[1])}" if len(entry) == 2 else "".join(entry)
            if "\0" in line:
                raise ValueError(f"the attribute {line[:40]!r} contains a NUL, which cannot be sent")
            items.append(line.encode("utf-8", "surrogateescape"))
        return items
