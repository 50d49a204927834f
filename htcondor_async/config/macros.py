"""The macro engine that the configuration language and the submit language share.

A macro is ``$(name)``, ``$(name:default)`` or ``$FUNC(arguments)``. :class:`Expander` replaces macros in a text until
none is left. What it needs of its user:

* ``lookup``, a function from a name to its raw (unexpanded) text, or None where there is no such name;
* ``functions``, a :class:`FunctionTable`: which ``$FUNC(...)`` exist and how each is computed.
  :mod:`~htcondor_async.config.functions` has the two that HTCondor has, ``CONFIG_FUNCTIONS`` and ``SUBMIT_FUNCTIONS``;
* ``environment``, the world, for ``$ENV`` and the random functions.

::

    expander = Expander({"x": "1"}.get, functions=SUBMIT_FUNCTIONS, environment=environment)
    expander.expand("a$(x)")                     # "a1"
    expander.expand_self("$(x) $(y)", ["x"])     # "1 $(y)": only references to the names given
    expander.expand_where(text, wanted)          # only the macros that a function picks

Errors are :class:`~htcondor_async.config.stream.SourceError`; whoever knows file and line fills them in.

Rules of the language [src/condor_utils/config.cpp]: the leftmost macro is replaced first and its value is scanned
again, so names may be computed (``$($(E))``). ``$(DOLLAR)`` is left until the end and then becomes a dollar sign.
``$$(...)`` is never touched. What does not have the form of a macro is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import attrs

from htcondor_async._environment import Environment

from .stream import SourceError

__all__ = ["Expander", "Function", "FunctionTable", "Lookup", "Macro", "MacroLimits", "find_macro"]

Lookup = Callable[[str], "str | None"]

_PREFIX = re.compile(r"\$(\$?)([A-Za-z0-9_]*)\(")
_DOLLAR = re.compile(r"\$\$?[A-Za-z0-9_]*")
_NAME_RUN = re.compile(r"[A-Za-z0-9_./]*")
_DEFAULT_RUN = re.compile(r"[A-Za-z0-9_./$ ,\\:]*")
_FILENAME = re.compile(r"F[pnxdqabfwu]*", re.IGNORECASE)


@attrs.frozen
class Macro:
    """One macro found in a text: ``text[start:end]`` is ``$function(body)``."""

    start: int
    end: int
    function: str
    body: str

    @property
    def name(self) -> str:
        """The body up to the first colon."""
        return self.body.partition(":")[0]

    @property
    def default(self) -> str | None:
        """What follows the first colon, or None without one."""
        _, colon, default = self.body.partition(":")
        return default if colon else None

    @property
    def is_dollar(self) -> bool:
        """Whether this is ``$(DOLLAR)``."""
        return not self.function and self.body.upper() == "DOLLAR"


@attrs.frozen
class MacroLimits:
    """What one expansion may cost.

    ``expansions``: macros replaced; ``length``: characters of the text at any moment; ``depth``: expansions that
    functions start within expansions; ``work``: characters looked at.
    """

    expansions: int = 20_000
    length: int = 1024 * 1024
    depth: int = 40
    work: int = 1 << 27


class Function(Protocol):
    """Computes the text that a macro stands for."""

    def __call__(self, macro: Macro, expander: Expander, /) -> str: ...


@attrs.frozen
class FunctionTable:
    """The functions of a language: ``plain`` computes ``$(...)``, ``filename`` the ``$F...`` family, others by name.

    Names are case-sensitive. Those in ``restricted`` take only a name with an optional default as their body, as
    ``$(...)`` does; the body of all others ends at the first closing parenthesis.
    """

    plain: Function
    filename: Function
    named: Mapping[str, Function]
    restricted: frozenset[str] = frozenset({"ENV"})

    def find(self, name: str) -> Function | None:
        """Return the function called ``name``, or None."""
        if not name:
            return self.plain
        if name[0] == "F" and _FILENAME.fullmatch(name):
            return self.filename
        return self.named.get(name)


@attrs.define
class _Budget:
    limits: MacroLimits
    expansions: int = 0
    work: int = 0
    depth: int = 0

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > self.limits.work:
            raise SourceError("a macro needs too much work to expand")

    def count(self, macro: Macro, length: int) -> None:
        self.expansions += 1
        self.work += length >> 4
        if self.expansions > self.limits.expansions:
            raise SourceError(f"expanding ${macro.function}({macro.name[:80]}) does not end: it refers to itself")
        if length > self.limits.length:
            raise SourceError(f"${macro.function}({macro.name[:80]}) expands to over {self.limits.length} characters")


def _body_end(text: str, begin: int, restricted: bool) -> tuple[int, int]:
    """Return the position of the closing parenthesis or -1, and how far the text was looked at."""
    if not restricted:
        end = text.find(")", begin)
        return end, end if end >= 0 else len(text)
    match = _NAME_RUN.match(text, begin)
    position = match.end() if match else begin
    if text.startswith(":", position):
        position += 1
        while True:
            match = _DEFAULT_RUN.match(text, position)
            position = match.end() if match else position
            if not text.startswith("(", position):
                break
            close = text.find(")", position)
            if close < 0:
                return -1, len(text)
            position = close + 1
    return (position if text.startswith(")", position) else -1), position


def find_macro(
    text: str,
    position: int,
    functions: FunctionTable,
    wanted: Callable[[Macro], bool],
    spend: Callable[[int], None] = lambda work: None,
) -> tuple[Macro | None, int]:
    """Find the leftmost macro of ``text`` at or after ``position`` that ``wanted`` accepts.

    Returns the macro or None, and the position of the first dollar sign that did not begin it: a scan that starts there
    after a replacement finds whatever a scan from the beginning would.
    """
    first = -1
    while True:
        dollar = text.find("$", position)
        if dollar < 0:
            spend(len(text) - position)
            return None, first if first >= 0 else len(text)
        prefix = _PREFIX.match(text, dollar)
        if prefix is None or prefix[1] or functions.find(prefix[2]) is None:
            match = _DOLLAR.match(text, dollar)
            after = match.end() if match else dollar + 1
        else:
            name = prefix[2]
            end, seen = _body_end(text, prefix.end(), not name or name in functions.restricted)
            spend(seen - prefix.end())
            after = prefix.end()
            if end >= 0:
                macro = Macro(dollar, end + 1, name, text[prefix.end() : end])
                if wanted(macro):
                    spend(end - position)
                    return macro, first if first >= 0 else dollar
                after = end
        if first < 0:
            first = dollar
        spend(after - position)
        position = after


class Expander:
    """Replaces macros by what they stand for.

    Parameters
    ----------
    lookup
        From a name to its raw text, or None.
    functions
        The functions of the language.
    environment
        The world, for the functions that look at it; they raise without one.
    cwd
        The directory that ``$Ff(...)`` puts in front of relative paths; None or "" for none.
    rescan
        Whether a value may complete a macro that begins before it, as in ``$($(E))``: true in configuration and in
        most places of submit files.
    limits
        What one call may cost.
    """

    def __init__(
        self,
        lookup: Lookup,
        *,
        functions: FunctionTable,
        environment: Environment | None = None,
        cwd: str | None = None,
        rescan: bool = True,
        limits: MacroLimits | None = None,
    ) -> None:
        self.lookup = lookup
        self.functions = functions
        self.environment = environment
        self.cwd = cwd
        self.rescan = rescan
        self.limits = limits if limits is not None else MacroLimits()
        self._budget: _Budget | None = None

    def expand(self, text: str, *, keep_dollar: bool = False) -> str:
        """Return ``text`` with every macro replaced.

        Parameters
        ----------
        text
            What to expand.
        keep_dollar
            Leave ``$(DOLLAR)`` alone.

        Raises
        ------
        SourceError
            A function fails, or a limit is reached.
        """
        if "$" not in text:
            return text
        text = self._replace(text, lambda macro: not macro.is_dollar)
        if not keep_dollar and "$(" in text:
            text = self._replace(text, lambda macro: macro.is_dollar)
        return text

    def expand_self(self, text: str, names: Collection[str]) -> str:
        """Return ``text`` with the references to ``names`` replaced, as is done when a name is assigned a value.

        References are ``$(name)`` and ``$F...(name)``, either with a default.
        """
        if "$" not in text:
            return text
        own = {name.lower() for name in names}

        def wanted(macro: Macro) -> bool:
            if macro.function and self.functions.find(macro.function) is not self.functions.filename:
                return False
            return macro.name.lower() in own

        return self._replace(text, wanted)

    def expand_where(self, text: str, wanted: Callable[[Macro], bool]) -> str:
        """Return ``text`` with the macros replaced that ``wanted`` picks; it is asked again after each replacement."""
        return self._replace(text, wanted)

    def value(self, name: str) -> str | None:
        """Return the expanded value of a name, or None where there is none."""
        raw = self.lookup(name)
        return None if raw is None else self.expand(raw)

    def _replace(self, text: str, wanted: Callable[[Macro], bool]) -> str:
        outermost = self._budget is None
        budget = self._budget = self._budget or _Budget(self.limits)
        budget.depth += 1
        try:
            if budget.depth > self.limits.depth:
                raise SourceError("functions are nested too deeply, or a value refers to itself")
            position = 0
            while True:
                macro, resume = find_macro(text, position, self.functions, wanted, budget.spend)
                if macro is None:
                    return text
                if macro.is_dollar:
                    value, resume = "$", macro.start
                else:
                    function = self.functions.find(macro.function) or self.functions.plain
                    value = function(macro, self)
                text = text[: macro.start] + value + text[macro.end :]
                budget.count(macro, len(text))
                position = resume if self.rescan else macro.start
        finally:
            budget.depth -= 1
            if outermost:
                self._budget = None
