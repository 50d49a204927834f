"""The table of a submit description: keys, loop variables, built-in names, and their expansion.

Names ignore case. A look-up tries, in this order: the loop variables of the QUEUE statement, the description, the
built-in names (``Process``, ``Cluster``, ``OPSYS`` ...). Values are kept unexpanded and expanded at each use.

The engine is the one of the configuration language (:mod:`htcondor_async.config.macros`). On top of it this module
remembers how a text is made of ``$(name)`` parts, which is all that most values need, and can record which of the
names that change from job to job a piece of work has looked at.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator

from htcondor_async._environment import Environment
from htcondor_async.config.functions import CONFIG_FUNCTIONS, SUBMIT_FUNCTIONS
from htcondor_async.config.macros import Expander, Macro, MacroLimits
from htcondor_async.config.stream import SourceError

from .problems import SubmitError

__all__ = ["BUILT_IN", "MacroTable", "is_valid_name"]

# Raw values of the built-in names before any job is made.
BUILT_IN = {
    "$": "$",
    "arch": "",
    "cluster": "1",
    "clusterid": "1",
    "day": "",
    "islinux": "1",
    "iswindows": "0",
    "itemindex": "0",
    "jobid": "$(ClusterId).$(ProcId)",
    "month": "",
    "node": "",
    "opsys": "",
    "opsysandver": "",
    "opsysmajorver": "",
    "opsysver": "",
    "process": "0",
    "procid": "0",
    "request_cpus": "$(RequestCPUs)",
    "request_memory": "$(RequestMemory)",
    "row": "0",
    "spool": "",
    "step": "0",
    "submit_file": "",
    "submit_time": "",
    "vm_memory": "$(Request_Memory)",
    "vm_vcpus": "$(Request_CPUs)",
    "year": "",
}

_CHANGING = frozenset({"itemindex", "process", "procid", "row", "step"})
_NAME = re.compile(r"[A-Za-z0-9_./]+")
_PLAIN = re.compile(r"\$\(([A-Za-z0-9_./]+)(?::([A-Za-z0-9_./ ,\\:]*))?\)")
_PLANS = 2000
# Values of submit files are short; one that needs more than this refers to itself.
_LIMITS = MacroLimits(expansions=10_000, length=1 << 20, work=1 << 22)


def is_valid_name(name: str) -> bool:
    """Return whether ``name`` may be a key: letters, digits, ``_``, ``.`` and ``/``."""
    return _NAME.fullmatch(name) is not None


class MacroTable:
    """Keys and values of a description, with what they may refer to.

    Parameters
    ----------
    built_in
        Values of built-in names, lower case, over those of :data:`BUILT_IN`; or what gives them, called when one of the
        built-in names is first asked for.
    environment
        The world, for ``$ENV`` and the random functions.
    """

    def __init__(self, built_in: dict[str, str] | Callable[[], dict[str, str]], environment: Environment) -> None:
        self.environment = environment
        self._own_built_in = built_in
        self.values: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.lines: dict[str, int] = {}
        self.loop: dict[str, str] = {}
        self.used: set[str] = set()
        self._plans: dict[str, tuple[tuple[str, str, str], ...] | None] = {}

    touched: set[str] | None = None
    cwd_used = False

    # What most descriptions are read without is made when it is needed.

    @functools.cached_property
    def built_in(self) -> dict[str, str]:
        """Raw values of the built-in names, by their lower-case names."""
        own = self._own_built_in
        return {**BUILT_IN, **(own() if callable(own) else own)}

    @functools.cached_property
    def _expander(self) -> Expander:
        return Expander(self.lookup, functions=CONFIG_FUNCTIONS, environment=self.environment, limits=_LIMITS)

    def copy(self) -> MacroTable:
        """Return an independent table with the same content and no loop variables."""
        other = MacroTable(self.built_in, self.environment)
        other.take(self)
        return other

    def take(self, other: MacroTable) -> None:
        """Replace the keys and values by those of another table."""
        self.values = dict(other.values)
        self.names = dict(other.names)
        self.lines = dict(other.lines)

    # -- content

    def lookup(self, name: str) -> str | None:
        """Return the raw value of ``name``, or None."""
        lower = name.lower()
        value = self.loop.get(lower)
        if value is not None:
            if self.touched is not None:
                self.touched.add(lower)
                self.used.add(lower)
            return value
        value = self.values.get(lower)
        if value is not None:
            if self.touched is not None:
                self.used.add(lower)
            return value
        if self.touched is not None and lower in _CHANGING:
            self.touched.add(lower)
        return self.built_in.get(lower)

    def exact(self, name: str) -> str | None:
        """Return the raw value that the description or the loop gives to ``name``, or None."""
        lower = name.lower()
        if lower in self.loop:
            if self.touched is not None:
                self.touched.add(lower)
            return self.loop[lower]
        return self.values.get(lower)

    def has(self, name: str) -> bool:
        """Return whether the description or the loop has ``name``."""
        lower = name.lower()
        return lower in self.values or lower in self.loop

    def set(self, name: str, raw: str, line: int = 0) -> None:
        """Give ``name`` a value; in the value of a name that has one, references to itself mean the old value."""
        lower = name.lower()
        if lower in self.values:
            raw = self.expand_self(raw, name)
        else:
            self.names[lower] = name
        self.values[lower] = raw
        if line:
            self.lines[lower] = line

    def assign(self, name: str, raw: str, line: int) -> None:
        """Give ``name`` the value that a description assigns to it, as :meth:`set` but for ``+Attr``, ``-Attr``.

        In the value of a name that has none yet, references to itself mean the built-in value, or nothing.
        """
        if name[:1] == "+":
            self.set("MY." + name[1:], raw, line)
        elif name[:1] == "-":
            self.set("MY." + name[1:], "", line)
        else:
            self.set(name, self.expand_self(raw, name), line)

    def delete(self, name: str) -> None:
        """Remove ``name``; raises ``KeyError`` if the description does not have it."""
        lower = name.lower()
        del self.values[lower]
        del self.names[lower]
        self.lines.pop(lower, None)

    def keys(self) -> list[str]:
        """Return the names as first written, loop variables last."""
        found = list(self.names.values())
        found += [name for name in self._loop_names if name.lower() not in self.values]
        return found

    def sort(self) -> None:
        """Put the keys in alphabetical order, without case."""
        self.names = {lower: self.names[lower] for lower in sorted(self.names)}
        self.values = {lower: self.values[lower] for lower in self.names}

    # -- loop variables

    _loop_names: tuple[str, ...] = ()
    _loop_keys: tuple[str, ...] = ()

    def set_loop(self, names: Iterable[str], values: Iterable[str]) -> None:
        """Set the loop variables."""
        names = tuple(names)
        if names != self._loop_names:
            self._loop_names = names
            self._loop_keys = tuple(name.lower() for name in names)
        self.loop = dict(zip(self._loop_keys, values, strict=False))

    @property
    def loop_keys(self) -> tuple[str, ...]:
        """The loop variables, lower case."""
        return self._loop_keys

    def loop_name(self, lower: str) -> str:
        """Return a loop variable as it was written."""
        return self._loop_names[self._loop_keys.index(lower)]

    def set_built_in(self, **values: str) -> None:
        """Set values of built-in names (lower case)."""
        self.built_in.update(values)

    @property
    def cwd(self) -> str | None:
        """The directory that ``$Ff()`` puts in front of relative names."""
        return self._expander.cwd

    @cwd.setter
    def cwd(self, directory: str | None) -> None:
        self._expander.cwd = directory

    # -- expansion

    def expand(self, text: str) -> str:
        """Return ``text`` with all macros replaced.

        Raises
        ------
        SubmitError
            A function fails, or the expansion does not end.
        """
        if "$" not in text:
            return text
        plan = self._plans.get(text, ())
        if plan == ():
            plan = self._plan(text)
        if plan is not None:
            out = []
            if self.touched is None:
                loop, values, built_in = self.loop, self.values, self.built_in
            for literal, name, default in plan:
                if literal:
                    out.append(literal)
                if name:
                    if self.touched is not None:
                        value = self.lookup(name) or default
                    else:
                        found = loop.get(name)
                        if found is None:
                            found = values.get(name)
                            if found is None:
                                found = built_in.get(name)
                        value = found or default
                    if "$" in value:
                        if value == text:
                            break
                        value = self._expand_nested(value)
                        if "$" in value:
                            break
                    out.append(value)
            else:
                return "".join(out)
        if self.touched is not None:
            self.cwd_used = True
            if self._has_random():
                self.touched.add("#random")
        try:
            return self._expander.expand(text)
        except SourceError as error:
            raise SubmitError(error.what) from error

    def _has_random(self) -> bool:
        """Return whether some value is drawn anew at each expansion."""
        return any("$RANDOM_" in raw for raw in (*self.values.values(), *self.loop.values()))

    _depth = 0

    def _expand_nested(self, value: str) -> str:
        if self._depth > 30:
            return "$"
        self._depth += 1
        try:
            return self.expand(value)
        finally:
            self._depth -= 1

    def _plan(self, text: str) -> tuple[tuple[str, str, str], ...] | None:
        """Take a text apart into (literal, lower-case name, default); None if there is more in it than that."""
        parts: list[tuple[str, str, str]] = []
        position = 0
        simple = True
        for match in _PLAIN.finditer(text):
            simple = simple and match[1].upper() != "DOLLAR"
            parts.append((text[position : match.start()], match[1].lower(), match[2] or ""))
            position = match.end()
        parts.append((text[position:], "", ""))
        simple = simple and not any("$" in literal for literal, _, _ in parts)
        plan = tuple(parts) if simple else None
        if len(self._plans) >= _PLANS:
            self._plans.clear()
        self._plans[text] = plan
        return plan

    def expand_self(self, text: str, name: str) -> str:
        """Return ``text`` with the references to ``name`` replaced by its present value."""
        if "$" not in text or name.lower() not in text.lower():
            return text
        try:
            return self._expander.expand_self(text, [name])
        except SourceError as error:
            raise SubmitError(error.what, key=name) from error

    def expand_except(self, text: str, names: frozenset[str]) -> tuple[str, bool]:
        """Expand what does not depend on ``names`` (lower case); returns the text and whether something was left.

        Only ``$(...)``, ``$ENV``, ``$F...``, ``$BASENAME`` and ``$DIRNAME`` are expanded; ``$(DOLLAR)`` is left.
        """
        if "$" not in text:
            return text, False
        left = False

        def wanted(macro: Macro) -> bool:
            nonlocal left
            if macro.function == "ENV":
                return True
            simple = not macro.function or macro.function in ("BASENAME", "DIRNAME") or macro.function[0] == "F"
            if simple and not macro.is_dollar and macro.name.lower() not in names:
                return True
            left = True
            return False

        return self._expand_where(text, wanted), left

    def expand_defined(self, text: str) -> str:
        """Expand what refers to macros that are set; the rest is left for who reads the text next."""
        if "$" not in text:
            return text

        def wanted(macro: Macro) -> bool:
            if macro.function in ("ENV", "RANDOM_INTEGER"):
                return True
            return not macro.is_dollar and bool(self.lookup(macro.name))

        return self._expand_where(text, wanted)

    def _expand_where(self, text: str, wanted: Callable[[Macro], bool]) -> str:
        expander = Expander(
            self.lookup,
            functions=SUBMIT_FUNCTIONS,
            environment=self.environment,
            cwd=self.cwd,
            rescan=False,
            limits=_LIMITS,
        )
        try:
            return expander.expand_where(text, wanted)
        except SourceError as error:
            raise SubmitError(error.what) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())
