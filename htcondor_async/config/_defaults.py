"""HTCondor's table of parameters: name, declared type, range, default; and its metaknobs.

The tables are those of the 24.0 series on Linux. They are package data, read when a default is first asked for.
"""

from __future__ import annotations

import functools
import math
import pkgutil
import re
from collections.abc import Iterator, Mapping

import attrs

from htcondor_async.errors import HTCondorInternalError

__all__ = ["Default", "DefaultTable", "defaults", "find_metaknob", "metaknob_categories"]

_ESCAPE = re.compile(r"\\(.)")


@attrs.frozen
class Default:
    """One parameter of the table.

    ``kind`` is one of ``string``, ``path``, ``int``, ``long``, ``bool``, ``double``; ``low`` and ``high`` bound an
    ``int`` if not infinite; ``raw`` is the unexpanded default, or None where there is none.
    """

    name: str
    kind: str
    low: float
    high: float
    raw: str | None


def _rows(resource: str) -> Iterator[list[str]]:
    data = pkgutil.get_data(__package__, resource)
    if data is None:
        raise HTCondorInternalError(f"the package lacks its file {resource}")
    for line in data.decode("utf-8").splitlines():
        if not line.startswith("#"):
            yield [_ESCAPE.sub(_unescape, field) if "\\" in field else field for field in line.split("\t")]


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t"}.get(match[1], match[1])


class DefaultTable(Mapping[str, Default]):
    """The parameters by name, ignoring case; those special to a subsystem are called ``SUBSYSTEM.NAME``."""

    def __init__(self, entries: Mapping[str, Default]) -> None:
        self._entries = dict(entries)
        self.names = tuple(
            entry.name for key, entry in sorted(self._entries.items()) if entry.raw is not None and "." not in key
        )
        """The names of the general parameters that have a default, sorted ignoring case."""

    def __getitem__(self, name: str) -> Default:
        return self._entries[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> Default | None:
        """Return the entry called ``name``, or None."""
        return self._entries.get(name.lower())

    def declaration(self, name: str) -> Default | None:
        """Return the entry that declares the type of ``name``: its own, or that of the name behind its first dot.

        An entry without a default declares nothing: what is set there is a string.
        """
        _, dot, rest = name.lower().partition(".")
        found = self._entries.get(rest if dot else name.lower())
        return None if found is None or found.raw is None else found


def _bounds(text: str) -> tuple[float, float]:
    if not text:
        return -math.inf, math.inf
    low, _, high = text.partition(",")
    return (float(low) if low else -math.inf), (float(high) if high else math.inf)


@functools.cache
def defaults() -> DefaultTable:
    """Return the table, reading it the first time."""
    return DefaultTable(
        {
            name.lower(): Default(name, kind, *_bounds(bounds), raw[0] if raw else None)
            for name, kind, bounds, *raw in _rows("_defaults.txt")
        }
    )


@functools.cache
def _metaknobs() -> dict[str, dict[str, tuple[str, str]]]:
    table: dict[str, dict[str, tuple[str, str]]] = {}
    for name, body in _rows("_metaknobs.txt"):
        category, _, knob = name.partition(".")
        table.setdefault(category.lower(), {})[knob.lower()] = (name, body)
    return table


def metaknob_categories() -> frozenset[str]:
    """Return the categories of metaknobs in lower case: ``role``, ``security`` and so on."""
    return frozenset(_metaknobs())


def find_metaknob(category: str, knob: str) -> tuple[str, str] | None:
    """Return the full name and the statements of a metaknob, ignoring case, or None."""
    return _metaknobs().get(category.lower(), {}).get(knob.lower())
