"""Submit: a submit description as a mapping of commands to values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime
from typing import Any

import attrs

from .._environment import Environment
from ..classad import _registry
from ..classad._ad import ClassAd
from ..classad._expr import ExprTree
from ..classad._values import Value
from ..errors import HTCondorTypeError, HTCondorValueError
from .cluster import ClusterBuilder, JobDelta
from .commands.credentials import OAuthRequest, oauth_requests
from .digest import Factory, make_digest, materialize_limit
from .items import ItemLoader, RowSource, StatementRows, SuppliedRows
from .job import Identity, JobBuilder, Target
from .macros import MacroTable
from .problems import SubmitError, SubmitTypoWarning, SubmitWarning
from .queue import ItemMode, QueueStatement, split_row
from .reader import DescriptionReader, queue_arguments
from .settings import Settings
from .spelling import misspelled_keys
from .values import INT_MAX
from .versions import LATEST, Version

__all__ = ["JobIterator", "Submit", "SubmitContext", "submit_value"]

_COPIED = ("ARCH", "OPSYS", "OPSYSANDVER", "OPSYSMAJORVER", "OPSYSVER", "SPOOL")
_VERSION_TEXT = "$CondorVersion: 24.0.24 2026-07-01 BuildID: htcondor-async $"
_PLATFORM_TEXT = "$CondorPlatform: X86_64-Linux $"


@attrs.frozen
class SubmitContext:
    """What a description needs to know of the world.

    Attributes
    ----------
    environment
        Files, clock, user and so on; None for the one that is set for ClassAds.
    param
        From the name of a configuration parameter to its expanded value, or None where it is not set; see
        :class:`~htcondor_async.submit.settings.Settings`.
    identity
        Version and platform that ads are signed with, and the submit method.
    version
        What ``if version`` compares with.
    schedd_version
        The version of the schedd that ads are made for, unless a method is told otherwise.
    v1
        Behave as the v1 bindings where that differs: an empty list of items makes one job, unusable headings of a table
        are ignored, misspelled keys and empty patterns are not warned of.
    """

    environment: Environment | None = None
    param: Callable[[str], str | None] | None = None
    identity: Identity = Identity(_VERSION_TEXT, _PLATFORM_TEXT)
    version: Version = Version(24, 0, 24)
    schedd_version: Version = LATEST
    v1: bool = False

    def world(self) -> Environment:
        """Return the environment."""
        return self.environment if self.environment is not None else _registry.default_environment()

    def setting(self, name: str) -> str | None:
        """Return a configuration parameter, or None."""
        return self.param(name) if self.param is not None else None

    def notice(self, text: str) -> None:
        """Say what should be known and is no error; the v1 bindings print such things."""
        if self.v1:
            self.world().log(text)
        else:
            warnings.warn(text, SubmitWarning, stacklevel=2)


def submit_value(value: object) -> str:
    """Return a Python value as the text of a command."""
    if isinstance(value, str):
        return value
    if value is None:
        return "undefined"
    if isinstance(value, Value):
        return value.name
    if isinstance(value, (ExprTree, ClassAd)):
        return str(value)
    return str(value)


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise HTCondorTypeError(f"a submit command is named by a string, not by {type(name).__name__}")
    return "MY." + name[1:] if name.startswith("+") else name


class Submit(MutableMapping[str, str]):
    """A submit description.

    ::

        Submit("executable = /bin/sleep\\narguments = $(Process)\\nqueue 10")
        Submit({"executable": "/bin/sleep", "arguments": "60"})
        Submit(executable="/bin/sleep", arguments="60")

    Keys ignore case and keep their first spelling; ``+Attr`` is the same as ``MY.Attr``. Values are kept as they are
    written and expanded when jobs are made. Reading a key that is not set gives the built-in macro of that name, if
    there is one (``Process``, ``Cluster`` ...); iteration shows only what is set.

    Parameters
    ----------
    source
        The text of a submit file, or a mapping, or pairs.
    context
        What is known of the world.
    **commands
        More commands, set after those of ``source``.

    Raises
    ------
    SubmitError
        The text cannot be understood; the message names the line.
    """

    def __init__(
        self,
        source: str | Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        context: SubmitContext | None = None,
        /,
        **commands: Any,
    ) -> None:
        self._context = context if context is not None else SubmitContext()
        self._macros = MacroTable(self._built_in(), self._context.world())
        self._queue: str | None = None
        self._rest = ""
        self._queue_line = 0
        self._method: int | None = None
        if isinstance(source, str):
            self._read(source)
        elif source is not None:
            self.update(source)
        for name, value in commands.items():
            self[name] = value

    def _built_in(self) -> dict[str, str]:
        return {name.lower(): self._context.setting(name) or "" for name in _COPIED}

    def _read(self, text: str) -> None:
        reader = DescriptionReader(self._macros, self._context.world(), self._context.version, self._template, self._context.notice)
        found = reader.read(text)
        self._queue, self._rest, self._queue_line = found.queue, found.rest, found.line

    def _template(self, name: str) -> str | None:
        listed = (self._context.setting("SUBMIT_TEMPLATE_NAMES") or "").replace(",", " ").split()
        if name.lower() not in (entry.lower() for entry in listed):
            return None
        return self._context.setting(f"SUBMIT_TEMPLATE_{name}") or self._context.setting(f"SUBMIT_TEMPLATE_{name.upper()}")

    # -- mapping

    def __getitem__(self, name: str) -> str:
        """Return the value of a command as it was written; raises ``KeyError``."""
        value = self._macros.lookup(_key(name)) if isinstance(name, str) and name else None
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a command; values that are no strings are written as submit files write them."""
        self._macros.set(_key(name), submit_value(value))

    def __delitem__(self, name: str) -> None:
        """Remove a command; raises ``KeyError``."""
        try:
            self._macros.delete(_key(name))
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        """Return whether a command is set, or is a built-in macro."""
        return isinstance(name, str) and bool(name) and self._macros.lookup(_key(name)) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the commands that are set, in the order they were first written."""
        return iter(self._macros.keys())

    def __len__(self) -> int:
        """Return how many commands are set."""
        return len(self._macros.values)

    def setdefault(self, name: str, default: Any = "") -> str:
        """Return the value of a command, setting it to ``default`` first if it has none."""
        value = self._macros.lookup(_key(name))
        if value is None:
            self[name] = default
            value = self._macros.values[_key(name).lower()]
        return value

    def __str__(self) -> str:
        """Return the description as the text of a submit file; items that follow QUEUE are part of it."""
        text = "".join(f"{name} = {self._macros.values[name.lower()]}\n" for name in self)
        if self._queue is None:
            return text
        text += f"queue {self._queue}".rstrip() + "\n"
        return text + self._inline_items()

    def _inline_items(self) -> str:
        """Return the lines after QUEUE that belong to it."""
        if self._queue is None or not self._rest or not self._queue.rstrip().endswith("("):
            return ""
        lines = []
        for line in self._rest.splitlines():
            lines.append(line + "\n")
            if line.lstrip().startswith(")"):
                break
        return "".join(lines)

    def __repr__(self) -> str:
        """Return ``Submit('...')``."""
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a description with the same commands and the same QUEUE statement."""
        if not isinstance(other, Submit):
            return NotImplemented
        return (
            self._macros.values == other._macros.values
            and (self._queue or "") == (other._queue or "")
            and self._inline_items() == other._inline_items()
        )

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the commands and the QUEUE statement, not the context."""
        items = [(name, self._macros.values[name.lower()]) for name in self]
        return (_unpickle, (type(self), items, self._queue, self._rest, self._queue_line, self._method))

    def copy(self) -> Submit:
        """Return an independent copy, in the same context."""
        other = type(self)(None, self._context)
        other._macros = self._macros.copy()
        other._queue, other._rest, other._queue_line = self._queue, self._rest, self._queue_line
        other._method = self._method
        return other

    __copy__ = copy

    # -- the QUEUE statement

    @property
    def queue_arguments(self) -> str:
        """What follows the word QUEUE; "" for nothing, or without a QUEUE statement.

        May be set; a leading ``queue`` is dropped, and items that followed the old statement are forgotten if the new
        one differs.
        """
        return self._queue or ""

    @queue_arguments.setter
    def queue_arguments(self, text: str) -> None:
        if "\n" in text:
            raise HTCondorValueError("the arguments of QUEUE cannot hold a newline")
        arguments = queue_arguments(text.lstrip())
        text = text if arguments is None else arguments
        if text != self._queue:
            self._queue, self._rest = text, ""

    def _statement(self, arguments: str) -> QueueStatement:
        try:
            return QueueStatement.parse(self._macros.expand(arguments))
        except SubmitError as error:
            raise error.at(key="queue", line=self._queue_line if arguments == self._queue else 0)

    def _loader(self, macros: MacroTable) -> ItemLoader:
        return ItemLoader(macros, self._context.world(), self._context.notice)


    def item_data(self, arguments: str = "") -> Iterator[str | dict[str, str]]:
        """Return an iterator over the items of a QUEUE statement.

        Parameters
        ----------
        arguments
            Arguments of a QUEUE statement; by default those of this description.

        Returns
        -------
        Strings if the only variable is ``Item``, else dictionaries of the fields that a row has.

        Raises
        ------
        SubmitError
            The statement cannot be understood, or its items cannot be had.
        """
        return self._load_items(self._item_statement(arguments), not arguments)

    def _item_statement(self, arguments: str) -> QueueStatement:
        """Return the statement that :meth:`item_data` is asked about; raises SubmitError."""
        text = arguments or self._queue or ""
        stripped = queue_arguments(text)
        return self._statement(text if stripped is None else stripped)

    def _load_items(self, statement: QueueStatement, own: bool) -> Iterator[str | dict[str, str]]:
        """Return the items of a statement, which is this description's ``own`` or not; raises SubmitError."""
        if statement.filename == "<" and not own:
            raise SubmitError("there are no lines after the QUEUE statement to take items from", key="queue")
        items = self._loader(self._macros).load(
            statement, self._rest, self._queue_line, strict_commands=not self._context.v1
        )
        return _item_iterator(statement, items)

    # -- jobs

    def expand(self, name: str) -> str:
        """Return the value of a command with its macros expanded, as they are before any job is made.

        Raises
        ------
        KeyError
            The command is not set.
        SubmitError
            A macro cannot be expanded.
        """
        value = self[name]
        try:
            return self._macros.expand(value)
        except SubmitError as error:
            raise error.at(key=name, line=self._macros.lines.get(_key(name).lower(), 0))

    def jobs(
        self,
        count: int = 0,
        item_data: Iterable[object] | None = None,
        cluster_id: int = 1,
        proc_id: int = 0,
        qdate: int = 0,
        owner: str = "",
        *,
        schedd_version: str | Version | None = None,
        spool: bool = False,
    ) -> JobIterator:
        """Return an iterator over the complete ads of the jobs that this description makes.

        Parameters
        ----------
        count
            Jobs for each item of ``item_data``, or jobs in all; ignored if the description has a QUEUE statement and
            there is no ``item_data``. 0 means 1.
        item_data
            Items instead of those of the QUEUE statement: strings, lists of strings, or dictionaries of strings. They
            are consumed as jobs are asked for.
        cluster_id, proc_id
            Numbers of the cluster and of the first job.
        qdate
            Time of submission, seconds since 1970; 0 for now.
        owner
            The submitting user.
        schedd_version
            The version of the schedd that the ads are for.
        spool
            Whether input files go through the schedd.

        Raises
        ------
        SubmitError
            The QUEUE statement cannot be understood. Errors in commands are raised when a job is asked for.
        """
        return self._iterate(count, item_data, cluster_id, proc_id, qdate, owner, schedd_version, spool, whole=True)

    def procs(
        self,
        count: int = 0,
        item_data: Iterable[object] | None = None,
        cluster_id: int = 1,
        proc_id: int = 0,
        qdate: int = 0,
        owner: str = "",
        *,
        schedd_version: str | Version | None = None,
        spool: bool = False,
    ) -> JobIterator:
        """Return an iterator like :meth:`jobs`, whose first ad is complete and whose others hold only what differs."""
        return self._iterate(count, item_data, cluster_id, proc_id, qdate, owner, schedd_version, spool, whole=False)

    def preview(
        self,
        count: int = 0,
        item_data: Iterable[object] | None = None,
        *,
        limit: int = 10,
        schedd_version: str | Version | None = None,
        spool: bool = False,
    ) -> list[ClassAd]:
        """Return the first job ads that a submission would make.

        Parameters
        ----------
        count, item_data, schedd_version, spool
            As for :meth:`jobs`.
        limit
            How many ads at most.
        """
        found: list[ClassAd] = []
        jobs = self.jobs(count, item_data, schedd_version=schedd_version, spool=spool)
        while len(found) < limit:
            ad = next(jobs, None)
            if ad is None:
                break
            found.append(ad)
        return found

    def _iterate(
        self,
        count: int,
        item_data: Iterable[object] | None,
        cluster_id: int,
        proc_id: int,
        qdate: int,
        owner: str,
        schedd_version: str | Version | None,
        spool: bool,
        *,
        whole: bool,
    ) -> JobIterator:
        builder = self.cluster_builder(
            count, item_data, cluster_id, proc_id, qdate, owner, schedd_version=schedd_version, spool=spool
        )
        return JobIterator(builder, whole)

    def cluster_builder(
        self,
        count: int = 0,
        item_data: Iterable[object] | None = None,
        cluster_id: int = 1,
        proc_id: int = 0,
        qdate: int = 0,
        owner: str = "",
        *,
        schedd_version: str | Version | None = None,
        spool: bool = False,
        extended_commands: Mapping[str, Any] | None = None,
        method: int | None = None,
        own_queue: bool = True,
    ) -> ClusterBuilder:
        """Return what makes the jobs of one submission, with the cluster ad and each job's own attributes apart.

        Parameters as for :meth:`jobs`, and:

        extended_commands
            The commands that the schedd announces (``ExtendedSubmitCommands``).
        method
            The number of the submit method instead of the context's; a real submission passes :attr:`submit_method`.
        own_queue
            Whether the QUEUE statement of the description counts.
        """
        _check_ids(cluster_id, proc_id, owner)
        macros = self._macros.copy()
        rows, copies = self._rows(macros, count, item_data, own_queue)
        job = self._builder(macros, qdate, owner, schedd_version, spool, extended_commands, method)
        return ClusterBuilder(job, rows, copies, max(1, cluster_id), proc_id, lambda: self._report(macros))

    def factory(
        self,
        count: int = 0,
        item_data: Iterable[object] | None = None,
        cluster_id: int = 1,
        qdate: int = 0,
        owner: str = "",
        *,
        schedd_version: str | Version | None = None,
        spool: bool = False,
        extended_commands: Mapping[str, Any] | None = None,
        method: int | None = None,
        own_queue: bool = True,
    ) -> Factory | None:
        """Return what a schedd needs to make the jobs itself, or None if the description does not ask for that.

        Parameters as for :meth:`cluster_builder`.
        """
        limit = materialize_limit(self._macros)
        if limit is None:
            return None
        _check_ids(cluster_id, 0, owner)
        macros = self._macros.copy()
        rows, copies = self._rows(macros, count, item_data, own_queue)
        has_items = item_data is not None or (own_queue and self._has_items())
        indexes = iter(rows)
        if next(indexes, None) is None:
            raise SubmitError("there are no items to make jobs of", key="queue")
        job = self._builder(macros, qdate, owner, schedd_version, spool, extended_commands, method)
        cwd = self._context.world().cwd()
        head = make_digest(macros, job.settings, rows.variables, has_items, cluster_id, cwd)
        macros.set("FACTORY.Iwd", cwd)
        first = ClusterBuilder(job, _Current(rows), 1, max(1, cluster_id), 0, lambda: self._report(macros))
        next(iter(first))
        return Factory(first.cluster_ad(), has_items, copies, limit, head, rows, indexes)

    def _has_items(self) -> bool:
        return bool(self._queue) and self._statement(self._queue or "").mode is not ItemMode.NONE

    def _rows(
        self, macros: MacroTable, count: int, item_data: Iterable[object] | None, own_queue: bool
    ) -> tuple[RowSource, int]:
        if item_data is not None:
            return SuppliedRows(item_data), max(1, count)
        if not self._queue or not own_queue:
            macros.sort()
            return StatementRows(QueueStatement(), (), always_one=True), max(1, count)
        statement = self._statement(self._queue)
        items = self._loader(macros).load(statement, self._rest, self._queue_line, strict_tables=not self._context.v1)
        macros.sort()
        return StatementRows(statement, items, always_one=self._context.v1), max(1, statement.count)

    def _builder(
        self,
        macros: MacroTable,
        qdate: int,
        owner: str,
        schedd_version: str | Version | None,
        spool: bool,
        extended_commands: Mapping[str, Any] | None,
        method: int | None,
    ) -> JobBuilder:
        context = self._context
        world = context.world()
        version = schedd_version if schedd_version is not None else context.schedd_version
        if isinstance(version, str):
            version = Version.parse(version)
        when = qdate or int(world.now())
        date = datetime.fromtimestamp(when, world.local_zone())
        macros.set_built_in(
            submit_time=str(when), year=f"{date.year:04}", month=f"{date.month:02}", day=f"{date.day:02}"
        )
        identity = context.identity if method is None else attrs.evolve(context.identity, method=method)
        settings = Settings(context.param, version)
        target = Target(version, spool=spool, extended_commands=extended_commands or {})
        return JobBuilder(macros, settings, world, identity, target, owner, when)

    def _report(self, macros: MacroTable) -> None:
        """Warn of keys that look like a command and are none."""
        if self._context.v1:
            return
        for name, command in misspelled_keys(macros):
            line = macros.lines.get(name.lower(), 0)
            where = f"line {line}: " if line else ""
            warnings.warn(
                f"{where}{name!r} is not a submit command and nothing refers to it; did you mean {command!r}?",
                SubmitTypoWarning,
                stacklevel=2,
            )

    # -- other questions

    @property
    def oauth_requests(self) -> list[OAuthRequest]:
        """The OAuth tokens that the jobs need.

        Raises
        ------
        SubmitError
            The configuration of a service wants a key that is not set.
        """
        return oauth_requests(self._macros, Settings(self._context.param, self._context.schedd_version))

    @property
    def submit_method(self) -> int:
        """The number that tells the schedd how the jobs were submitted; -1 for none. Affects real submissions."""
        return self._context.identity.method if self._method is None else self._method

    def set_submit_method(self, method: int = -1, *, allow_reserved: bool = False) -> None:
        """Set :attr:`submit_method`.

        Parameters
        ----------
        method
            100 or more; -1 for none.
        allow_reserved
            Allow 0 to 99, which HTCondor keeps for itself.
        """
        if 0 <= method < 100 and not allow_reserved:
            raise HTCondorValueError(
                f"submit method {method} is reserved; use 100 or more, or allow_reserved", hint="use 100 or more"
            )
        self._method = max(-1, method)

    @classmethod
    def from_dag(
        cls, filename: str, options: Mapping[str, Any] | None = None, context: SubmitContext | None = None
    ) -> Submit:
        """Write the submit file of a DAG, and return the description in it.

        Parameters
        ----------
        filename
            The DAG file.
        options
            Options of condor_submit_dag; see :mod:`htcondor_async.submit.dag`.
        context
            What is known of the world.

        Raises
        ------
        HTCondorIOError
            Files are missing, in the way, or cannot be written.
        """
        from .dag import write_submit_file

        context = context if context is not None else SubmitContext()
        return cls(write_submit_file(filename, options or {}, context), context)


class _Current(RowSource):
    """One row: the present one of another source."""

    def __init__(self, source: RowSource) -> None:
        super().__init__()
        self.variables, self.values = source.variables, source.values

    def __iter__(self) -> Iterator[int]:
        yield 0


def _check_ids(cluster_id: int, proc_id: int, owner: str) -> None:
    if not 0 <= cluster_id <= INT_MAX or not 0 <= proc_id <= INT_MAX:
        raise HTCondorValueError(f"job id {cluster_id}.{proc_id} is out of range")
    if any(char.isspace() for char in owner):
        raise HTCondorValueError(f"the owner {owner!r} holds blanks")


def _item_iterator(statement: QueueStatement, items: Iterable[str]) -> Iterator[str | dict[str, str]]:
    rows: Iterable[str] = items
    if statement.slice is not None:
        whole = list(items)
        rows = (whole[index] for index in statement.slice.indexes(len(whole)))
    names = statement.variables
    if len(names) < 2 and (not names or names[0].lower() == "item"):
        yield from rows
        return
    for row in rows:
        yield dict(zip(names, split_row(row, len(names), statement.table)))


def _unpickle(
    cls: type[Submit], items: list[tuple[str, str]], queue: str | None, rest: str, line: int, method: int | None
) -> Submit:
    submit = cls(items)
    submit._queue, submit._rest, submit._queue_line, submit._method = queue, rest, line, method
    return submit


class JobIterator:
    """Iterates over job ads.

    After an error it is at its end.
    """

    def __init__(self, builder: ClusterBuilder, whole: bool) -> None:
        self._builder = builder
        self._deltas = iter(builder)
        self._whole = whole

    def __iter__(self) -> Iterator[ClassAd]:
        """Return the iterator itself."""
        return self

    def __next__(self) -> ClassAd:
        """Return the next ad; raises SubmitError if a command cannot be used."""
        delta: JobDelta = next(self._deltas)
        if self._whole or delta.first:
            return self._builder.job_ad(delta)
        return self._builder.proc_ad(delta)

    def cluster_ad(self) -> ClassAd:
        """Return what the jobs have in common; raises SubmitError before the first one."""
        return self._builder.cluster_ad()
