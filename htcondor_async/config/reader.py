"""Reading configuration into a :class:`~htcondor_async.config.table.ParameterTable`, metaknobs included."""

from __future__ import annotations

import re
from collections.abc import Iterator

from htcondor_async._environment import Environment

from ._defaults import find_metaknob, metaknob_categories
from .conditions import IfStack
from .functions import CONFIG_FUNCTIONS
from .macros import Expander
from .metaknobs import expand_arguments, split_knobs
from .statements import MAX_NESTING, StatementReader, is_name
from .stream import BLANKS, Source, SourceError
from .table import Origin, ParameterTable

__all__ = ["ConfigReader"]

_STATEMENT = re.compile(r"([^ \t=:]+)[ \t]*(@=|[=:])?[ \t]*(.*)", re.DOTALL)


class ConfigReader(StatementReader):
    """Reads files, commands and metaknobs into ``table``; see :class:`StatementReader` for the rest."""

    def __init__(self, environment: Environment, table: ParameterTable, *, allow_commands: bool = False) -> None:
        expander = Expander(table.lookup, functions=CONFIG_FUNCTIONS, environment=environment)
        super().__init__(environment, expander, allow_commands=allow_commands)
        self.table = table
        self._metaknob = ""

    def assign(self, name: str, value: str, source: Source) -> None:
        """Set a parameter; references to itself are expanded now, the others when it is looked up."""
        self.table.insert(name, value, Origin(source.name, source.line, self._metaknob), self.expander)

    def use(self, category: str, knobs: str, source: Source, depth: int) -> None:
        """Apply metaknobs."""
        if not category:
            raise SourceError(f"use needs a category before the colon: {knobs[:80]!r}")
        if category.lower() not in metaknob_categories():
            raise SourceError(f"use {category}: there is no such category")
        if depth > MAX_NESTING:
            raise SourceError(f"use {category}: metaknobs are nested more than {MAX_NESTING} deep")
        for knob, arguments in split_knobs(knobs):
            found = find_metaknob(category, knob)
            if found is None:
                raise SourceError(f"use {category} does not recognise {knob}")
            self.apply_metaknob(*found, source, arguments, depth)

    def apply_metaknob(
        self, full_name: str, statements: str, source: Source, arguments: str = "", depth: int = 1
    ) -> None:
        """Execute the statements of one metaknob.

        Raises
        ------
        SourceError
            One of them is wrong, usually because of the arguments.
        """
        outer, self._metaknob = self._metaknob, full_name
        try:
            self._apply(expand_arguments(statements, arguments), source, depth)
        except SourceError as error:
            error.what = f"use {full_name.replace('.', ':', 1)}: {error.what}"
            raise
        finally:
            self._metaknob = outer

    def _apply(self, statements: str, source: Source, depth: int) -> None:
        """Execute the statements of a metaknob: assignments, ``if``, ``use``, ``warning`` and ``error``."""
        stack = IfStack(self.conditions.decide)
        lines = iter([line.strip(BLANKS) for line in statements.split("\n")])
        for line in lines:
            if not line or line.startswith("#") or stack.take(line) or not stack.enabled:
                continue
            name, operator, value = _split(line)
            if operator == ":" and name.lower() == "error":
                raise SourceError(self.expander.expand(value))
            if operator == ":" and name.lower() == "warning":
                self.warn(self.expander.expand(value), source)
            elif name.lower() == "use" and ":" in value:
                category, _, knobs = value.partition(":")
                self.use(category.strip(BLANKS), knobs.strip(BLANKS), source, depth + 1)
            elif not is_name(name) or not (operator or value):
                raise SourceError(f"{line[:200]!r} is not a statement")
            elif operator == "@":
                self.assign(name, _here_text(lines, value), source)
            else:
                self.assign(name, value, source)


def _split(line: str) -> tuple[str, str, str]:
    """Return name, operator and value of a statement in a metaknob, where the operator may be missing."""
    match = _STATEMENT.fullmatch(line)
    if match is None:
        raise SourceError(f"{line[:200]!r} is not a statement")
    return match[1], (match[2] or "")[:1], match[3]


def _here_text(lines: Iterator[str], tag: str) -> str:
    body: list[str] = []
    for line in lines:
        if line == f"@{tag}":
            return "\n".join(body)
        if line and not line.startswith("#"):
            body.append(line)
    raise SourceError(f"the metaknob ends before '@{tag}'")
