"""The names that have been given a value, each with where the value came from."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ._defaults import Default, defaults
from .macros import Expander

__all__ = ["DEFAULT", "DETECTED", "ENVIRONMENT", "OVERRIDE", "Entry", "Origin", "ParameterTable"]


@attrs.frozen
class Origin:
    """Where a value came from.

    ``source`` is the path of a file, a command ending in ``|``, or one of ``<Default>``, ``<Detected>``,
    ``<Environment>`` and ``<Override>`` (set by the program); ``line`` is the last line of the statement, or 0;
    ``metaknob`` names the metaknob that held the statement, as ``ROLE.Submit``.
    """

    source: str
    line: int = 0
    metaknob: str = ""

    def __str__(self) -> str:
        text = f"{self.source}, line {self.line}" if self.line else self.source
        return f"{text}, use {self.metaknob.replace('.', ':', 1)}" if self.metaknob else text


DEFAULT = Origin("<Default>")
DETECTED = Origin("<Detected>")
ENVIRONMENT = Origin("<Environment>")
OVERRIDE = Origin("<Override>")


@attrs.frozen
class Entry:
    """A name as first written, its unexpanded value, and where that came from."""

    name: str
    raw: str
    origin: Origin


class ParameterTable:
    """Values over HTCondor's defaults, looked up for one subsystem and local name; names ignore case."""

    def __init__(self, subsystem: str, local_name: str | None) -> None:
        self.subsystem = subsystem
        self.local_name = local_name
        self.entries: dict[str, Entry] = {}
        self.keep_defaults = False

    def copy(self) -> ParameterTable:
        """Return an independent table with the same content."""
        other = ParameterTable(self.subsystem, self.local_name)
        other.entries = dict(self.entries)
        return other

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What is tried in front of a name, in order."""
        return tuple(prefix for prefix in (self.local_name, self.subsystem) if prefix)

    def find(self, name: str) -> Entry | None:
        """Return what a look-up of ``name`` finds, prefixes and defaults included, or None.

        The order is: local name in the values, then in the defaults; subsystem likewise; the plain name likewise.
        A prefixed default of nothing hides the plain name [src/condor_utils/config.cpp, lookup_macro].
        """
        key = name.lower()
        table = defaults()
        for prefix in self.prefixes:
            full = f"{prefix.lower()}.{key}"
            if entry := self.entries.get(full):
                return entry
            if (default := table.find(full)) is not None:
                return Entry(default.name, default.raw or "", DEFAULT)
        return self.find_exact(key)

    def find_exact(self, name: str) -> Entry | None:
        """Return the value or the default of exactly this name, or None."""
        if entry := self.entries.get(name.lower()):
            return entry
        default = defaults().find(name)
        if default is None or default.raw is None:
            return None
        return Entry(default.name, default.raw, DEFAULT)

    def lookup(self, name: str) -> str | None:
        """Return the raw value that :meth:`find` finds."""
        entry = self.find(name)
        return None if entry is None else entry.raw

    def insert(self, name: str, raw: str, origin: Origin, expander: Expander) -> None:
        """Give ``name`` a value; its references to itself are expanded first."""
        raw = expander.expand_self(raw, self.own_names(name))
        key = name.lower()
        present = self.entries.get(key)
        if present is not None:
            self.entries[key] = Entry(present.name, raw, origin)
            return
        default = defaults().find(name)
        if default is not None and _same(default, raw) and not self.keep_defaults:
            return
        self.entries[key] = Entry(name, raw, origin)

    def own_names(self, name: str) -> list[str]:
        """Return the names that mean ``name`` in its own value: itself, and without the prefix of this table."""
        names = [name]
        for prefix in self.prefixes:
            if name.lower().startswith(f"{prefix.lower()}.") and len(name) > len(prefix) + 1:
                names.append(name[len(prefix) + 1 :])
                break
        return names

    def values(self) -> dict[str, str]:
        """Return the unexpanded values that are set, by name in lower case."""
        return {key: entry.raw for key, entry in self.entries.items()}

    def names(self) -> Iterator[str]:
        """Yield every name that has a value or a default, sorted ignoring case."""
        merged = {name.lower(): name for name in defaults().names}
        merged.update((key, entry.name) for key, entry in self.entries.items())
        for key in sorted(merged):
            yield merged[key]


def _same(default: Default, raw: str) -> bool:
    if default.raw is None or default.raw == raw:
        return default.raw is not None
    return raw.lower() in ("true", "false") and raw.lower() == default.raw.lower()
