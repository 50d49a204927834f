"""Items of a QUEUE statement, and the rows of loop variables made of them.

A row source yields the index of an item and changes ``values`` (one text for each of ``variables``) in place. It reads
its items as they are asked for: a million of them need no memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from htcondor_async._environment import Environment
from htcondor_async.config.stream import LineReader, Source, SourceError, decode
from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

from .macros import MacroTable, is_valid_name
from .problems import SubmitError
from .queue import ItemMode, QueueStatement, split_row
from .quoting import QuotingError, is_v2_quoted, split_v2, unquote_v2
from .values import parse_bool
from .words import split_list

__all__ = ["Item", "ItemLoader", "RowSource", "StatementRows", "SuppliedRows"]

Item = "str | Mapping[str, str] | list[str]"

_COMMAND_TIMEOUT = 600.0
_MAX_FIELDS = 10
_MAX_KEYS = 1000


class RowSource:
    """Rows of loop variables.

    Attributes
    ----------
    variables
        Names of the loop variables; may be known only after the first row.
    values
        Their present values.
    """

    def __init__(self) -> None:
        self.variables: list[str] = []
        self.values: list[str] = []

    def __iter__(self) -> Iterator[int]:
        raise NotImplementedError


@attrs.frozen
class _GlobOptions:
    warn_empty: bool
    fail_empty: bool
    warn_duplicates: bool
    allow_duplicates: bool
    files: bool
    directories: bool


class ItemLoader:
    """Finds the items of a QUEUE statement.

    Parameters
    ----------
    macros
        The description, for the options of ``matching``.
    environment
        The world.
    notice
        Takes what should be said but is no error: patterns without a match, items left out.
    """

    def __init__(self, macros: MacroTable, environment: Environment, notice: Callable[[str], None]) -> None:
        self._macros = macros
        self._environment = environment
        self._notice = notice

    def load(
        self,
        statement: QueueStatement,
        inline: str,
        line: int = 0,
        *,
        strict_tables: bool = True,
        strict_commands: bool = True,
    ) -> Iterable[str]:
        """Return the items of ``statement``.

        Parameters
        ----------
        statement
            The statement; a heading row of a table sets its variables.
        inline
            The lines after the statement.
        line
            The line of the statement.
        strict_tables
            Refuse a table whose heading row cannot be used; otherwise all its rows are items.
        strict_commands
            Refuse a command that fails.

        Raises
        ------
        SubmitError
            The items cannot be had.
        """
        items: Iterable[str]
        if statement.filename == "<":
            items = self._inline(statement, inline, line)
        elif statement.filename:
            items = self._from_file(statement.filename, strict_commands)
        else:
            items = statement.items
        if statement.mode.is_glob:
            items = self._expand_globs(list(items), self._glob_options(statement.mode))
        if statement.table.header >= 0 or statement.table.skip > 0:
            items = self._heading(statement, list(items), strict_tables)
        return items

    def _inline(self, statement: QueueStatement, text: str, line: int) -> list[str]:
        items = list(statement.items)
        for row in LineReader(text, Source("", line), old_comments=True):
            if row.startswith("#"):
                continue
            if row.startswith(")"):
                return items
            if statement.mode is ItemMode.FROM:
                items.append(row)
            else:
                items.extend(split_list(row))
        raise SubmitError(
            f"the item list of the QUEUE statement on line {line} has no end",
            expected="a line that begins with )",
        )

    def _from_file(self, name: str, strict: bool) -> Iterable[str]:
        if name == "-":
            raise SubmitError("queue from - (standard input) is not allowed here")
        if "|" in name:
            data, problem = self._run(name)
            if problem and strict:
                return _Failing(problem)
        else:
            path = name if name.startswith("/") else f"{self._environment.cwd()}/{name}"
            try:
                data = self._environment.read_file(path)
            except OSError as error:
                raise SubmitError(f"can't open file {name}: {error.strerror or error}") from error
        try:
            return LineReader(decode(data, name), Source(name), old_comments=True)
        except SourceError as error:
            raise SubmitError(str(error)) from error

    def _run(self, text: str) -> tuple[bytes, str]:
        """Run a command; returns what it printed and what is wrong with it."""
        if not text.endswith("|"):
            raise SubmitError(f"{text!r} is neither a file nor a command", expected="the | at the very end")
        command = text.rstrip("| ")
        try:
            arguments = split_v2(unquote_v2(command)) if is_v2_quoted(command) else command.split()
            result = self._environment.run_command(arguments, timeout=_COMMAND_TIMEOUT)
        except QuotingError as error:
            raise SubmitError(f"the command {command!r} is badly quoted: {error}") from error
        except OSError as error:
            raise SubmitError(f"can't run the command {command!r}: {error.strerror or error}") from error
        if result.status == 0:
            return result.stdout, ""
        status = result.status << 8 if 0 < result.status < 256 else result.status
        said = result.stderr[:500].decode("utf-8", "replace").strip()
        problem = f"the command {command!r} ended with exit code {result.status} (wait status {status})"
        return result.stdout, f"{problem}: {said}" if said else problem

    # -- matching

    def _flag(self, name: str, alias: str, default: bool) -> bool:
        raw = self._macros.lookup(name)
        if raw is None:
            raw = self._macros.lookup(alias)
        text = self._macros.expand(raw) if raw else ""
        if not text:
            return default
        value = parse_bool(text)
        if value is None:
            raise SubmitError(f"{name}={text} is invalid, must eval to a boolean", key=name, value=text)
        return value

    def _glob_options(self, mode: ItemMode) -> _GlobOptions:
        warn_empty = self._flag("SubmitWarnEmptyMatches", "submit_warn_empty_matches", True)
        fail_empty = self._flag("SubmitFailEmptyMatches", "submit_fail_empty_matches", False)
        warn_duplicates = self._flag("SubmitWarnDuplicateMatches", "submit_warn_duplicate_matches", True)
        allow_duplicates = self._flag("SubmitAllowDuplicateMatches", "submit_allow_duplicate_matches", False)
        raw = self._macros.lookup("SubmitMatchDirectories")
        if raw is None:
            raw = self._macros.lookup("submit_match_directories")
        word = self._macros.expand(raw).lower() if raw else ""
        if word not in ("", "yes", "true", "no", "never", "false", "only"):
            raise SubmitError(f"{word} is not a valid value for SubmitMatchDirectories", expected="yes, never or only")
        files, directories = word in ("no", "never", "false"), word == "only"
        if mode is ItemMode.MATCHING_FILES:
            files, directories = True, False
        elif mode is ItemMode.MATCHING_DIRECTORIES:
            files, directories = False, True
        elif mode is ItemMode.MATCHING_ANY:
            files = directories = False
        return _GlobOptions(warn_empty, fail_empty, warn_duplicates, allow_duplicates, files, directories)

    def _matches(self, pattern: str, options: _GlobOptions) -> list[str]:
        found = []
        # A name without wildcards is taken as it is also where only directories are wanted.
        wild = re.search(r"[*?\[]", pattern) is not None
        only_directories = options.directories and wild
        for path in self._environment.glob(pattern):
            full = path if path.startswith("/") else f"{self._environment.cwd()}/{path}"
            status = self._environment.stat(full)
            directory = status is not None and status.is_directory
            if (options.files and directory) or (only_directories and not directory):
                continue
            # What a pattern that ends in a slash matches is marked as a directory once more.
            found.append(path + "/" if directory and (wild or not path.endswith("/")) else path)
        return found

    def _expand_globs(self, patterns: list[str], options: _GlobOptions) -> list[str]:
        items: list[str] = []
        seen: set[str] = set()
        empty: list[str] = []
        for pattern in patterns:
            matches = self._matches(pattern, options)
            if not matches:
                empty.append(pattern)
            for path in matches:
                if path in seen and not options.allow_duplicates:
                    if options.warn_duplicates:
                        self._notice(f"'{path}' matches pattern '{pattern}' and an earlier one; it is used once")
                    continue
                items.append(path)
            seen.update(matches)
        if empty and options.fail_empty:
            raise SubmitError("nothing matches the pattern " + " or ".join(f"'{pattern}'" for pattern in empty))
        if options.warn_empty:
            for pattern in empty:
                self._notice(f"nothing matches the pattern '{pattern}'")
        return items

    # -- tables

    def _heading(self, statement: QueueStatement, items: list[str], strict: bool) -> list[str]:
        header = statement.table.header
        if header < 0:
            return items
        problem = ""
        names: list[str] = []
        if header >= len(items):
            problem = f"heading row {header} is beyond the end of table {statement.filename}"
        else:
            names = split_row(items[header], 1000, statement.table)
            bad = [(number, name) for number, name in enumerate(names, 1) if not is_valid_name(name)]
            if not names:
                problem = f"row {header} of table {statement.filename} has no headings"
            elif bad:
                numbers = ", ".join(str(number) for number, _ in bad)
                problem = (
                    f"columns {numbers} of the table have headings that cannot be names: "
                    f"{', '.join(name for _, name in bad)}"
                )
        if problem:
            if strict:
                raise SubmitError(problem)
            self._notice(problem)
            return items
        statement.variables = names
        del items[header]
        if header > 0:
            skip = header - 1 + max(0, statement.table.skip)
            del items[:skip]
        return items


class _Failing(Iterable[str]):
    """Items that cannot be had; the error comes when the first is asked for."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def __iter__(self) -> Iterator[str]:
        raise SubmitError(self._problem, key="queue")


class StatementRows(RowSource):
    """Rows of a QUEUE statement.

    Parameters
    ----------
    statement
        The statement.
    items
        Its items.
    always_one
        An empty list makes one row of empty values, as in the v1 bindings; otherwise it makes none.
    """

    def __init__(self, statement: QueueStatement, items: Iterable[str], *, always_one: bool) -> None:
        super().__init__()
        self._statement = statement
        self._items = items
        self._always_one = always_one
        self.variables = list(statement.variables) or ["Item"]
        self.values = [""] * len(self.variables)

    def __iter__(self) -> Iterator[int]:
        if self._statement.mode is ItemMode.NONE:
            yield 0
            return
        found = False
        count = len(self.variables)
        for index, row in self._selected():
            found = True
            fields = split_row(row, count, self._statement.table)
            self.values[: len(fields)] = fields
            yield index
        if not found and self._always_one and not self._had_items:
            yield 0

    _had_items = False

    def _selected(self) -> Iterator[tuple[int, str]]:
        cut = self._statement.slice
        if cut is None:
            for index, row in enumerate(self._items):
                self._had_items = True
                yield index, row
            return
        rows = list(self._items)
        self._had_items = bool(rows)
        for index in cut.indexes(len(rows)):
            yield index, rows[index]


class SuppliedRows(RowSource):
    """Rows of an iterable of strings, lists or mappings given by the caller.

    The first element fixes the names of the loop variables: its keys, or ``Item, Item1 ...`` for a list, or ``Item``.
    Later mappings change the variables they have; strings are cut as the QUEUE statement does.
    """

    def __init__(self, items: Iterable[object]) -> None:
        super().__init__()
        self._items = items
        self._positions: dict[str, int] = {}
        self._written: dict[str, int] = {}

    def _name(self, names: Iterable[str]) -> None:
        for name in names:
            if name.lower() not in self._positions:
                self._positions[name.lower()] = len(self.variables)
                self.variables.append(name)
                self.values.append("")

    def __iter__(self) -> Iterator[int]:
        for index, element in enumerate(self._items):
            if isinstance(element, Mapping):
                self._take_mapping(element)
            elif isinstance(element, (list, tuple)):
                self._take_list(element)
            elif isinstance(element, (str, bytes)):
                self._take_text(element if isinstance(element, str) else element.decode("utf-8", "surrogateescape"))
            else:
                raise SubmitError(
                    f"element {index} of the item data is of type {type(element).__name__}",
                    expected="strings, lists of strings, or dictionaries of strings",
                )
            yield index

    def _take_mapping(self, element: Mapping[object, object]) -> None:
        first = not self.variables
        for key, value in element.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise HTCondorTypeError(f"item data must be strings, but {key!r} is {value!r}")
            position = self._written.get(key)
            if position is None:
                name = "MY." + key[1:] if key.startswith("+") else key
                if first:
                    self._name([name])
                position = self._positions.get(name.lower(), -1)
                if len(self._written) < _MAX_KEYS:
                    self._written[key] = position
            if position >= 0:
                self.values[position] = value

    def _take_list(self, element: list[object] | tuple[object, ...]) -> None:
        if not self.variables:
            if len(element) > _MAX_FIELDS:
                raise HTCondorValueError(
                    f"the item data has {len(element)} fields; a list may have {_MAX_FIELDS}, use dictionaries for more"
                )
            self._name("Item" if number == 0 else f"Item{number}" for number in range(len(element)))
        for position, value in enumerate(element[: len(self.variables)]):
            if not isinstance(value, str):
                raise HTCondorTypeError(f"item data must be strings, but there is {value!r}")
            self.values[position] = value

    def _take_text(self, element: str) -> None:
        if not self.variables:
            self._name(["Item"])
            self.values[0] = element
            return
        fields = split_row(element, len(self.variables))
        self.values[: len(fields)] = fields
