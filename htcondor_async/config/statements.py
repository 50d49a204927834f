"""Reading statements: what configuration files and submit files have in common.

:class:`StatementReader` handles comments, continuation, here-texts, ``if``, ``include``, ``use``, ``warning`` and
``error``, and calls its subclass for the rest: :meth:`~StatementReader.assign` for assignments,
:meth:`~StatementReader.use` for metaknobs, and :meth:`~StatementReader.other` for lines that are none of these
(``queue`` in a submit file). Set ``submit = True`` for the rules of submit files.

Source: src/condor_utils/config.cpp, ``Parse_macros``.
"""

from __future__ import annotations

import abc
import re

import attrs

from htcondor_async._environment import Environment

from .conditions import Conditions, IfStack
from .macros import Expander
from .stream import BLANKS, LineReader, Source, SourceError, StreamLimits, decode

__all__ = ["MAX_NESTING", "Statement", "StatementReader", "is_name", "split_command", "split_statement"]

MAX_NESTING = 20

_NAME = re.compile(r"[A-Za-z0-9_./]+")
_OPERATOR = re.compile(r"[=:@]")
_ARGUMENT_PART = re.compile(r"(?P<blank>[ \t\r\n]+)|(?P<quoted>'(?:[^']|'')*')|(?P<plain>[^' \t\r\n]+|')")
_APPEND = re.compile(r"\+(([,;|&*])\2?)?")
_WORD = re.compile(r"[^ \t\n\v\f\r=:]*")


def is_name(text: str) -> bool:
    """Return whether ``text`` can be the name of a parameter."""
    return _NAME.fullmatch(text) is not None


@attrs.frozen
class Statement:
    """A line in parts: ``name``, the ``words`` between it and the operator, the ``operator``, the ``value``.

    ``operator`` is ``=``, ``:``, ``@`` (of ``@=``) or "" if there is none. ``line`` is the whole.
    """

    line: str
    name: str
    words: str
    operator: str
    value: str


def split_statement(line: str) -> Statement:
    """Return the parts of a logical line."""
    match = _WORD.match(line)
    name = match[0] if match else ""
    rest = line[len(name) :]
    found = _OPERATOR.search(rest)
    # Right behind the name only = and : are operators; after a blank @= is one, too.
    if found is None or (found[0] == "@" and rest[found.start() + 1 : found.start() + 2] != "="):
        return Statement(line, name, rest.strip(BLANKS), "", "")
    words = rest[: found.start()].strip(BLANKS)
    skip = 2 if found[0] == "@" else 1
    return Statement(line, name, words, found[0], rest[found.start() + skip :].lstrip(BLANKS))


def split_command(text: str) -> list[str]:
    """Return the words of a command as HTCondor's argument syntax splits them.

    Without double quotes around the whole, blanks separate; with them, single quotes protect blanks, and a doubled
    quote stands for itself [src/condor_utils/condor_arglist.cpp].
    """
    text = text.strip(BLANKS)
    if not text.startswith('"'):
        return text.split()
    if len(text) < 2 or not text.endswith('"'):
        raise SourceError(f"the command {text[:80]!r} has no closing quote")
    inner = text[1:-1]
    if '"' in inner.replace('""', ""):
        raise SourceError(f"a double quote within the command {text[:80]!r} must be doubled")
    words: list[str] = []
    word: list[str] | None = None
    for match in _ARGUMENT_PART.finditer(inner.replace('""', '"')):
        if match["blank"] is None:
            quoted = match["quoted"]
            word = [*(word or []), match["plain"] or "" if quoted is None else quoted[1:-1].replace("''", "'")]
            if match["plain"] == "'":
                raise SourceError(f"the command {text[:80]!r} has an unbalanced single quote")
        elif word is not None:
            words.append("".join(word))
            word = None
    return words if word is None else [*words, "".join(word)]


@attrs.frozen
class _Include:
    optional: bool
    command: bool
    cache: str | None


def _include_options(words: str) -> _Include:
    rest = words.split()
    optional = bool(rest) and rest[0] in ("ifexist", "ifexists")
    if optional:
        rest = rest[1:]
    if not rest:
        return _Include(optional, False, None)
    if rest[0] not in ("command", "output"):
        raise SourceError(f"unexpected words after include: {words[:80]!r}")
    if len(rest) > 1 and rest[1] == "into":
        if len(rest) < 3:
            raise SourceError("include command into takes a file name")
        return _Include(optional, True, rest[2])
    return _Include(optional, True, None)


class StatementReader(abc.ABC):
    """Reads statements from texts, files and commands.

    Parameters
    ----------
    environment
        The world to read from.
    expander
        Expands names, conditions and the targets of includes.
    allow_commands
        Whether commands may be run.
    allow_include
        Whether ``include`` may be used.
    limits
        Bounds for what is read.
    command_seconds
        How long a command may take.
    """

    submit = False

    def __init__(
        self,
        environment: Environment,
        expander: Expander,
        *,
        allow_commands: bool = False,
        allow_include: bool = True,
        limits: StreamLimits | None = None,
        command_seconds: float = 60.0,
    ) -> None:
        self.environment = environment
        self.expander = expander
        self.allow_commands = allow_commands
        self.allow_include = allow_include
        self.limits = limits or StreamLimits()
        self.command_seconds = command_seconds
        self.conditions = Conditions(expander)
        self.warnings: list[str] = []
        self.sources: list[str] = []

    @abc.abstractmethod
    def assign(self, name: str, value: str, source: Source) -> None:
        """Give ``name``, which is a valid name, the unexpanded ``value``."""

    @abc.abstractmethod
    def use(self, category: str, knobs: str, source: Source, depth: int) -> None:
        """Apply the metaknobs that ``use category : knobs`` names."""

    def other(self, line: str, reader: LineReader) -> bool:
        """Handle a line that is no statement; returns whether reading ends here. ``reader`` has the lines behind it."""
        raise SourceError(f"this is not a statement: {line[:200]!r}")

    def warn(self, what: str, source: Source) -> None:
        """Note a warning."""
        self.warnings.append(f"{source.name}, line {source.line}: {what}")

    def read(self, text: str, source: Source, depth: int = 0) -> bool:
        """Read the statements of a text; returns whether :meth:`other` ended the reading.

        Raises
        ------
        SourceError
            A statement is wrong; it knows the file and the line.
        """
        try:
            return self._read(LineReader(text, source, limits=self.limits), source, depth)
        except SourceError as error:
            raise error.at(source.name, source.line) from error.__cause__

    def _read(self, reader: LineReader, source: Source, depth: int) -> bool:
        stack = IfStack(self.conditions.decide)
        strict = False
        for line in reader:
            if not line or line.startswith("#") or not line.strip(BLANKS):
                option = line.lower()
                if option in ("#opt:oldcomment", "#opt:newcomment"):
                    reader.old_comments = option == "#opt:oldcomment"
                strict = strict or option == "#opt:strict"
                continue
            if line.startswith(":") and (stack.inside or re.match(r":if(?=[ \t]|$)", line)):
                line = line[1:]
            if stack.take(line) or not stack.enabled:
                continue
            if self._statement(split_statement(line), reader, source, depth, strict):
                return True
        if stack.inside:
            raise SourceError("an if has no endif")
        return False

    def _statement(self, statement: Statement, reader: LineReader, source: Source, depth: int, strict: bool) -> bool:
        name, operator, value = statement.name, statement.operator, statement.value
        if not operator:
            if self.submit:
                return self.other(statement.line, reader)
            if name.startswith("[") and name == statement.line:
                return False
            return self.other(statement.line, reader)
        if operator == ":" and self._keyword(statement, source, depth):
            return False
        if self.submit and statement.words:
            return self.other(statement.line, reader)
        if operator == ":" and not self.submit:
            if strict and name.lower() != "runbenchmarks":
                raise SourceError(f"':' does not assign here: {statement.line[:200]!r}")
            if name.lower() != "runbenchmarks":
                self.warn(f"':' is obsolete for assignment, at {name} : {value}", source)
        name = self.expander.expand(name)
        if self.submit and operator == "=" and name[:1] in ("+", "-"):
            self.assign("MY." + name[1:], value if name[0] == "+" else "", source)
            return False
        if self.submit and (operator == ":" or name.lower() == "queue"):
            return self.other(statement.line, reader)
        if not is_name(name):
            raise SourceError(f"{name[:200]!r} is not a valid name")
        if operator == "@":
            value = self._here_text(value, reader, source)
        elif operator == "=" and (match := _APPEND.fullmatch(statement.words)):
            value = self._appended(name, match[1] or "", value)
        self.assign(name, value, source)
        return False

    def _appended(self, name: str, separator: str, value: str) -> str:
        """Return what ``name += value`` or ``name +,= value`` assigns, as releases from 25 on understand it.

        Earlier ones take the plus sign for a word without meaning and replace the value.
        """
        present = self.expander.lookup(name)
        if not present:
            return value
        between = f" {separator} " if len(separator) > 1 else separator or " "
        return f"{present}{between}{value}"

    def _here_text(self, tag: str, reader: LineReader, source: Source) -> str:
        lines: list[str] = []
        for line in reader:
            if line.startswith("@") and line[1:] == tag:
                return "\n".join(lines)
            if line.strip(BLANKS) and not line.startswith("#"):
                lines.append(line)
        raise SourceError(f"the file ends before '@{tag[:80]}'")

    def _keyword(self, statement: Statement, source: Source, depth: int) -> bool:
        """Handle the statements that begin with a keyword; returns whether this was one."""
        keyword = statement.name.removeprefix("@").lower()
        if keyword == "use":
            self.use(self.expander.expand(statement.words), statement.value, source, depth + 1)
        elif keyword == "warning":
            self.warn(self.expander.expand(statement.value), source)
        elif keyword == "error":
            raise SourceError(self.expander.expand(statement.value))
        elif keyword == "include":
            self._include(_include_options(statement.words), self.expander.expand(statement.value), source, depth)
        else:
            return False
        return True

    def _include(self, options: _Include, target: str, source: Source, depth: int) -> None:
        if not self.allow_include:
            raise SourceError("include is not allowed here")
        inner = Source(target)
        text: str | None = None
        try:
            if options.cache is not None:
                text, inner = self._cached(self.expander.expand(options.cache), target, source)
            elif options.command or "|" in target:
                text, inner = self.run(target, source=Source(target))[0], Source(f"{target.rstrip('| ')} |")
            else:
                text = self.read_file(target)
        except OSError as error:
            if not options.optional:
                raise SourceError(f"cannot include {target}: {error.strerror or error}") from error
        if text is None:
            return
        if depth + 1 >= MAX_NESTING:
            raise SourceError(f"includes are nested more than {MAX_NESTING} deep")
        self.read(text, inner, depth + 1)

    def _cached(self, cache: str, command: str, source: Source) -> tuple[str, Source]:
        if not cache or cache.endswith("|"):
            raise SourceError("include command into takes a file name")
        if self.environment.stat(cache) is not None:
            return self.read_file(cache), Source(cache)
        text, status = self.run(command, source=source)
        if status:
            raise SourceError(f"the command {command[:200]!r} ended with status {status}")
        self.warn(f"the output of {command[:200]!r} is not stored in {cache}", source)
        return text, Source(f"{command} |")

    def read_file(self, path: str) -> str:
        """Return the text of a file; raises ``OSError``, or :class:`SourceError` beyond a limit."""
        if len(self.sources) >= self.limits.files:
            raise SourceError(f"more than {self.limits.files} files are read")
        status = self.environment.stat(path)
        if status is not None and status.size > self.limits.file:
            raise SourceError(f"the file has more than {self.limits.file} bytes", source=path)
        text = decode(self.environment.read_file(path), path, self.limits)
        self.sources.append(path)
        return text

    def run(self, command: str, *, source: Source) -> tuple[str, int]:
        """Return the output of a command and its exit status; raises ``OSError`` if it cannot be run."""
        if "|" in command and not command.endswith("|"):
            raise SourceError(f"the | of a command must be at its end: {command[:200]!r}")
        words = split_command(command.rstrip("| "))
        if not words:
            raise SourceError("there is no command before the |")
        if not self.allow_commands:
            raise SourceError(f"running commands is not allowed, and the command {command[:200]!r} is asked for")
        if len(self.sources) >= self.limits.files:
            raise SourceError(f"more than {self.limits.files} files are read")
        result = self.environment.run_command(words, timeout=self.command_seconds)
        self.sources.append(command)
        return decode(result.stdout, command, self.limits), result.status
