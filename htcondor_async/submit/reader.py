"""Reading the text of a submit description into a :class:`~htcondor_async.submit.macros.MacroTable`.

One logical line is one statement: an assignment, ``include``, ``use``, ``error``, ``warning``, a condition, the start
of an ``@=`` block, or QUEUE, which ends the description [src/condor_utils/config.cpp, Parse_macros; submit_utils.cpp].
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from htcondor_async._environment import Environment
from htcondor_async.config.stream import LineReader, Source, SourceError, decode

from .conditions import Conditions
from .macros import MacroTable, is_valid_name
from .problems import SubmitError
from .quoting import QuotingError, is_v2_quoted, split_v2, unquote_v2
from .templates import STRICT, expand_arguments, split_uses
from .versions import Version

__all__ = ["Description", "DescriptionReader", "DescriptionSource", "queue_arguments"]

_MAX_DEPTH = 20
_COMMAND_TIMEOUT = 60.0
_DAG_WORDS = """
    JOB PROVISIONER FINAL SERVICE SPLICE SUBDAG PARENT SUBMIT-DESCRIPTION DONE PRE_SKIP SCRIPT PRIORITY VARS CATEGORY
    MAXJOBS ABORT-DAG-ON CONFIG ENV SET_JOB_ATTR DOT JOBSTATE_LOG NODE_STATUS_FILE SAVE_POINT_FILE REJECT
"""
_QUEUE = re.compile(r"queue(?=\s|\Z)\s*(.*)|iter(?:a(?:te?)?)?(?=\s|\Z)\s*(.*)", re.IGNORECASE | re.DOTALL)
_FIRST_WORD = re.compile(r"[^\s=:]*")
_OPERATOR = re.compile(r"[=:]|@=?")
_ASSIGNMENT = re.compile(r"(?!(?i:queue)[ \t\v\f\r]*=)([A-Za-z0-9_./]+)[ \t\v\f\r]*=([^\n]*)")
_BLANKS = " \t\n\v\f\r"


def queue_arguments(line: str) -> str | None:
    """Return what follows the word queue or iterate, or None if ``line`` does not begin with it."""
    match = _QUEUE.match(line)
    return None if match is None else match[1] if match[1] is not None else match[2]


class DescriptionSource(LineReader):
    """Lines of a text, with what has not been read yet."""

    def remainder(self) -> str:
        """Return the text after the last line read."""
        return self._text[self._position :]

    def _physical(self) -> tuple[str, bool] | None:
        found = super()._physical()
        if found is not None and not found[1]:
            # the last line is one too, though HTCondor's files end with a newline
            self.source.line += 1
        return found


@attrs.frozen
class Description:
    """What a text says beside its keys.

    ``queue``: arguments of the QUEUE statement, or None without one; ``rest``: the text after it; ``line``: its line.
    """

    queue: str | None
    rest: str
    line: int


@attrs.define
class _Block:
    """An ``@=`` block being read."""

    name: str
    tag: str
    line: int
    lines: list[str] = attrs.field(factory=list)


class DescriptionReader:
    """Reads descriptions into one table.

    Parameters
    ----------
    macros
        The table to fill.
    environment
        The world, for files and commands that are included.
    version
        What ``if version`` is compared with.
    template
        From the name of a submit template to its text, or None.
    notice
        Takes the text of ``warning`` statements.
    """

    def __init__(
        self,
        macros: MacroTable,
        environment: Environment,
        version: Version,
        template: Callable[[str], str | None],
        notice: Callable[[str], None],
    ) -> None:
        self._macros = macros
        self._environment = environment
        self._version = version
        self._template = template
        self._notice = notice

    def read(self, text: str, before: int = 0) -> Description:
        """Read a description up to its QUEUE statement.

        Parameters
        ----------
        text
            The description, or what is left of it.
        before
            The number of lines that have been read already.

        Raises
        ------
        SubmitError
            A statement cannot be understood; it names the line.
        """
        lines = DescriptionSource(text, Source("", before))
        queue = self._statements(lines, 0)
        if queue is None:
            return Description(None, "", 0)
        return Description(queue, lines.remainder(), lines.source.line)

    def _statements(self, lines: DescriptionSource, depth: int) -> str | None:
        conditions = Conditions(self._macros, self._version)
        block: _Block | None = None
        try:
            for line in lines:
                if not line or line[0] == "#" or line.isspace():
                    continue
                if block is not None:
                    if line[0] == "@" and line[1:] == block.tag:
                        self._macros.assign(block.name, "\n".join(block.lines), lines.source.line)
                        block = None
                    else:
                        block.lines.append(line)
                    continue
                if line[0] == ":" and (conditions.inside or re.match(r":if(\s|\Z)", line)):
                    line = line[1:].lstrip(_BLANKS)
                if conditions.take(line) or not conditions.enabled:
                    continue
                found = self._statement(line, lines, depth)
                if isinstance(found, _Block):
                    block = found
                elif found is not None:
                    return found
            if block is not None:
                raise SubmitError(
                    f"the value of {block.name} that begins on line {block.line} has no end",
                    expected=f"a line with nothing but @{block.tag}",
                )
            conditions.finish()
        except SubmitError as error:
            error.at(source=lines.source.name, line=lines.source.line)
            raise
        except SourceError as error:
            raise SubmitError(error.what, source=error.source or lines.source.name, line=error.line) from error
        return None

    def _statement(self, line: str, lines: DescriptionSource, depth: int) -> str | _Block | None:
        """Obey one statement; returns the arguments of a QUEUE, a block that was begun, or None."""
        plain = _ASSIGNMENT.fullmatch(line)
        if plain is not None:
            self._macros.assign(plain[1], plain[2].strip(_BLANKS), lines.source.line)
            return None
        match = _FIRST_WORD.match(line)
        word = match[0] if match else ""
        rest = line[len(word) :].lstrip(_BLANKS)
        operator = _OPERATOR.search(rest)
        if operator is None or not line[len(word) :]:
            return self._queue(line, depth, lines.source.line)
        before, op, value = rest[: operator.start()].strip(_BLANKS), operator[0], rest[operator.end() :].strip(_BLANKS)
        if op == ":":
            keyword = word.lstrip("@").lower() if word.count("@") <= 1 else ""
            if keyword == "include":
                self._include(before, value, depth)
                return None
            if keyword == "use":
                self._use(before, value, lines, depth)
                return None
            if keyword in ("error", "warning"):
                self._announce(keyword, before, value)
                return None
        if before or op == "@":
            return self._queue(line, depth, lines.source.line)
        name = self._macros.expand(word) if "$" in word else word
        if op == "=" and name[:1] in ("+", "-"):
            self._macros.assign(name, value, lines.source.line)
            return None
        if op == ":" or name.lower() == "queue":
            return self._queue(line, depth, lines.source.line)
        if not is_valid_name(name):
            raise SubmitError(
                f"{name!r} is not a name" if name else "there is no name before the '='",
                key=name,
                expected="letters, digits, '_', '.' and '/'",
            )
        if op == "@=":
            return _Block(name, value, lines.source.line)
        self._macros.assign(name, value, lines.source.line)
        return None

    def _queue(self, line: str, depth: int, number: int) -> str:
        arguments = queue_arguments(line)
        if arguments is None:
            word = line.strip().partition(" ")[0]
            if word.upper() in _DAG_WORDS.split():
                raise SubmitError(f"'{word}' begins a line of a DAG file, and this is a submit description")
            hint = ""
            if line.lower().startswith("queue"):
                hint = "a blank after the word queue"
            raise SubmitError(
                f"invalid queue statement or assignment: {line[:200]!r}", expected=hint or "name = value, or queue"
            )
        if depth:
            raise SubmitError("a QUEUE statement is not allowed in an included file or command")
        return arguments

    def _announce(self, keyword: str, before: str, value: str) -> None:
        text = self._macros.expand(value)
        if keyword == "error":
            raise SubmitError(f"the description says: error {before}: {text}" if before else f"error: {text}")
        self._notice(text)

    # -- include

    def _include(self, options: str, target: str, depth: int) -> None:
        words = options.split()
        optional = bool(words) and words[0] in ("ifexist", "ifexists")
        if optional:
            words = words[1:]
        command = bool(words) and words[0] in ("output", "command")
        cache = ""
        if command:
            words = words[1:]
            if words[:1] == ["into"]:
                if len(words) < 2:
                    raise SubmitError("there is no file name after the word into")
                cache, words = words[1], words[2:]
        if words:
            raise SubmitError(
                f"unexpected word {words[0]!r} after include", expected="ifexist, command, output or a colon"
            )
        if depth + 1 >= _MAX_DEPTH:
            raise SubmitError(f"files include one another more than {_MAX_DEPTH} deep")
        name = self._macros.expand(target)
        text = self._included_text(name, command, cache, optional)
        if text is not None:
            self._statements(DescriptionSource(text, Source(name)), depth + 1)

    def _included_text(self, name: str, command: bool, cache: str, optional: bool) -> str | None:
        if cache:
            cache = self._macros.expand(cache)
            if not cache or cache.endswith("|"):
                raise SubmitError("the destination of include into must be a file")
            if self._environment.stat(self._path(cache)) is not None:
                return self._file(cache, optional)
        if command or "|" in name:
            if not command and not name.endswith("|"):
                raise SubmitError(f"{name!r} is neither a file nor a command", expected="the | at the very end")
            data = self._run(name.rstrip("| ") if not command else name)
            if cache:
                self._write_cache(cache, data)
            return decode(data, name)
        return self._file(name, optional)

    def _write_cache(self, cache: str, data: bytes) -> None:
        writer = getattr(self._environment, "write_file", None)
        if writer is None:
            raise SubmitError(f"{cache} does not exist, and this environment cannot write files")
        writer(self._path(cache), data)

    def _path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self._environment.cwd()}/{name}"

    def _file(self, name: str, optional: bool) -> str | None:
        try:
            return decode(self._environment.read_file(self._path(name)), name)
        except OSError as error:
            if optional:
                return None
            raise SubmitError(f"can't open file {name}: {error.strerror or error}") from error

    def _run(self, command: str) -> bytes:
        try:
            arguments = split_v2(unquote_v2(command)) if is_v2_quoted(command) else command.split()
            if not arguments:
                raise SubmitError("there is no command after include")
            return self._environment.run_command(arguments, timeout=_COMMAND_TIMEOUT).stdout
        except QuotingError as error:
            raise SubmitError(f"the command {command!r} is badly quoted: {error}") from error
        except OSError as error:
            raise SubmitError(f"can't run the command {command!r}: {error.strerror or error}") from error

    # -- use

    def _use(self, category: str, value: str, lines: DescriptionSource, depth: int) -> None:
        category = self._macros.expand(category)
        if category.lower() not in ("template", "strict"):
            raise SubmitError(
                f"use {category}: there is no such category in submit descriptions", expected="TEMPLATE or STRICT"
            )
        if depth + 1 >= _MAX_DEPTH:
            raise SubmitError(f"templates use one another more than {_MAX_DEPTH} deep")
        for name, arguments in split_uses(value):
            text = STRICT.get(name.upper()) if category.lower() == "strict" else self._template(name)
            if text is None:
                raise SubmitError(f"use {category}: there is no {name}")
            source = DescriptionSource(expand_arguments(text, arguments) + "\n", Source(f"use {category}:{name}"))
            self._statements(source, depth + 1)
