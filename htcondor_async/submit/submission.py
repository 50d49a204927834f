"""From a description to its jobs: the part of :class:`~htcondor_async.submit.Submit` that makes something."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from htcondor_async.classad._ad import ClassAd

from .cluster import ClusterBuilder, JobDelta
from .context import SubmitContext
from .digest import Factory, make_digest, materialize_limit
from .items import ItemLoader, RowSource, StatementRows, SuppliedRows
from .job import JobBuilder, QuietBuilder, Target
from .macros import MacroTable
from .options import JobOptions
from .problems import SubmitError, SubmitTypoWarning, SubmitWarning
from .queue import ItemMode, QueueStatement, split_row
from .reader import queue_arguments
from .settings import Settings
from .spelling import misspelled_keys, unused_lines
from .versions import Version

__all__ = ["JobIterator", "JobSource"]

_DEFAULT = JobOptions()


def _key(name: str) -> str:
    """Return the key under which a command is kept."""
    return "MY." + name[1:] if name.startswith("+") else name


class JobSource:
    """Commands and a QUEUE statement, and what they make: items, jobs, a factory."""

    _context: SubmitContext
    _macros: MacroTable
    _queue: str | None
    _rest: str
    _queue_line: int

    def _statement(self, arguments: str) -> QueueStatement:
        try:
            return QueueStatement.parse(self._macros.expand(arguments))
        except SubmitError as error:
            error.at(key="queue", line=self._queue_line if arguments == self._queue else 0)
            raise

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
        stripped = queue_arguments(arguments)
        return self._statement((arguments or self._queue or "") if stripped is None else stripped)

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
        value = self._macros.lookup(_key(name)) if name else None
        if value is None:
            raise KeyError(name)
        try:
            return self._macros.expand(value)
        except SubmitError as error:
            error.at(key=name, line=self._macros.lines.get(_key(name).lower(), 0))
            raise

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
        options = JobOptions(cluster_id, proc_id, qdate, owner, schedd_version, spool)
        return JobIterator(self.cluster_builder(count, item_data, options), whole=True)

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
        options = JobOptions(cluster_id, proc_id, qdate, owner, schedd_version, spool)
        return JobIterator(self.cluster_builder(count, item_data, options), whole=False)

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
        jobs = self.jobs(count, item_data, schedd_version=schedd_version, spool=spool)
        return list(itertools.islice(jobs, max(0, limit)))

    def cluster_builder(
        self, count: int = 0, item_data: Iterable[object] | None = None, options: JobOptions = _DEFAULT
    ) -> ClusterBuilder:
        """Return what makes the jobs of one submission, with the cluster ad and each job's own attributes apart.

        Parameters
        ----------
        count, item_data
            As for :meth:`jobs`.
        options
            How they are made.
        """
        macros = self._macros.copy()
        rows, copies = self._rows(macros, count, item_data, options.own_queue)
        job = self._builder(macros, options)
        looped = item_data is not None or (options.own_queue and self._has_items())

        def report() -> None:
            if options.submitting and self._context.warns_of_unused:
                self._report_unused(macros, looped)
            self._report(macros)

        return ClusterBuilder(job, rows, copies, max(1, options.cluster_id), options.proc_id, report)

    def factory(
        self, count: int = 0, item_data: Iterable[object] | None = None, options: JobOptions = _DEFAULT
    ) -> Factory | None:
        """Return what a schedd needs to make the jobs itself, or None if the description does not ask for that.

        Parameters as for :meth:`cluster_builder`.
        """
        limit = materialize_limit(self._macros)
        if limit is None:
            return None
        macros = self._macros.copy()
        rows, copies = self._rows(macros, count, item_data, options.own_queue)
        has_items = item_data is not None or (options.own_queue and self._has_items())
        indexes = iter(rows)
        if next(indexes, None) is None:
            raise SubmitError("there are no items to make jobs of", key="queue")
        cwd = self._context.world().cwd()
        first_row = _Current(rows)

        def describe(cluster: int, on_described: Callable[[MacroTable], None] | None = None) -> tuple[ClassAd, str]:
            table = macros.copy()
            table.sort()
            job = self._builder(table, options)
            head = make_digest(table, job.settings, rows.variables, has_items, cluster, cwd)
            table.set("FACTORY.Iwd", cwd)
            report = functools.partial(on_described, table) if on_described is not None else None
            first = ClusterBuilder(job, first_row, 1, max(1, cluster), 0, report)
            next(iter(first))
            return first.cluster_ad(), head

        ad, head = describe(options.cluster_id, self._report)
        return Factory(ad, has_items, copies, limit, head, rows, indexes, describe)

    def from_digest(self, rows: Sequence[str], cluster_ad: ClassAd, cluster_id: int, qdate: int) -> ClusterBuilder:
        """Return what makes the jobs of a cluster that is there already, of which this description is the digest.

        Parameters
        ----------
        rows
            The items, fields separated by the character 0x1F; what the QUEUE statement names as their source is not
            opened.
        cluster_ad
            The cluster ad.
        cluster_id
            The number of the cluster.
        qdate
            Time of submission, seconds since 1970.
        """
        macros = self._macros.copy()
        statement = self._statement(self._queue or "")
        macros.sort()
        job = self._builder(macros, JobOptions(qdate=qdate), QuietBuilder)
        source = StatementRows(statement, rows, always_one=True)
        return ClusterBuilder(job, source, max(1, statement.count), cluster_id, cluster_ad=cluster_ad)

    def job_count(self, rows: int) -> int:
        """Return how many jobs the QUEUE statement makes of so many items."""
        statement = self._statement(self._queue or "")
        if statement.mode is ItemMode.NONE:
            return max(1, statement.count)
        chosen = rows if statement.slice is None else len(list(statement.slice.indexes(rows)))
        return max(1, chosen) * max(1, statement.count)

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

    def _builder(self, macros: MacroTable, options: JobOptions, make: type[JobBuilder] = JobBuilder) -> JobBuilder:
        context = self._context
        world = context.world()
        version = options.schedd_version or context.schedd_version
        when = options.qdate or int(world.now())
        date = datetime.fromtimestamp(when, world.local_zone())
        macros.set_built_in(
            submit_time=str(when), year=f"{date.year:04}", month=f"{date.month:02}", day=f"{date.day:02}"
        )
        method = options.method
        identity = context.identity if method is None else attrs.evolve(context.identity, method=method)
        settings = Settings(context.param, version)
        target = Target(version, spool=options.spool, extended_commands=options.extended_commands or {})
        return make(macros, settings, world, identity, target, options.owner, when)

    def _report_unused(self, macros: MacroTable, looped: bool) -> None:
        """Warn of all lines and variables that were not used."""
        for text in unused_lines(macros, self._macros, looped):
            warnings.warn(f"{text} was unused by Submit object. Is it a typo?", SubmitWarning, stacklevel=2)

    def _report(self, macros: MacroTable) -> None:
        """Warn of keys that look like a command and are none."""
        if self._context.v1:
            return
        for name, command in misspelled_keys(macros):
            line = macros.lines.get(name.lower(), 0)
            where = f"line {line}: " if line else ""
            warnings.warn(
                f"{where}{name!r} is not a submit command; did you mean {command!r}?",
                SubmitTypoWarning,
                stacklevel=2,
            )


class _Current(RowSource):
    """One row: the one that another source is at now."""

    def __init__(self, source: RowSource) -> None:
        super().__init__()
        self.variables, self.values = list(source.variables), list(source.values)

    def __iter__(self) -> Iterator[int]:
        yield 0


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
        yield dict(zip(names, split_row(row, len(names), statement.table), strict=False))


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
