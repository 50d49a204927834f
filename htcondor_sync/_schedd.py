"""v1's ``Schedd``, ``Transaction`` and ``Submit``: what needs more than one call of the core."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal

from htcondor_async._dialogues.jobids import select_jobs
from htcondor_async.enums import TransactionFlags as CoreFlags
from htcondor_async.errors import (
    ConcurrencyError,
    HTCondorException,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
)
from htcondor_async.schedd import Transaction as CoreTransaction
from htcondor_async.submit import SubmitContext
from htcondor_sync import _ads, _submission
from htcondor_sync._arguments import UNSET, ArgumentError, attribute_names, expect, text_in, uninstantiable
from htcondor_sync._calls import call, deprecated, renamed
from htcondor_sync._coercions import edited_in, expression_constraint_in, query_opts_in, text_of
from htcondor_sync._generated.enums import QueryOpts, TransactionFlags
from htcondor_sync._generated.schedd import ScheddMethods
from htcondor_sync._iterators import QueryIterator
from htcondor_sync._state import STATE
from htcondor_sync._submission import Plan, SubmitJobsIterator, SubmitResult, language_of, process_context
from htcondor_sync._submit import Submit as _SubmitLanguage
from htcondor_sync._unserved import not_served

__all__ = ["EditResult", "QueueItemsIterator", "Schedd", "ScheddNegotiate", "Submit", "Transaction"]

_NO_TRANSACTION = "Job queue attempt without active transaction"


class EditResult(metaclass=uninstantiable):
    """What an edit did."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __int__(self) -> int:
        return self._count

    def __str__(self) -> str:
        return f"edited {self._count} jobs"


class Transaction(metaclass=uninstantiable):
    """A transaction on the queue of a schedd, as ``Schedd.transaction`` returns it."""

    def __init__(self, schedd: Schedd, core: CoreTransaction, outermost: bool) -> None:
        self._schedd = schedd
        self._core = core
        self._outermost = outermost
        self._pid = os.getpid()
        # By description, which is kept so that its id stays its own: cluster, number of the next job, what is shared.
        self._clusters: dict[int, tuple[Submit, int, int, dict[str, str] | None]] = {}

    @property
    def _open(self) -> bool:
        if self._pid != os.getpid():
            raise ConcurrencyError("this transaction belongs to the process that began it")
        return self._core.open

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        """Commit, or abort after an exception."""
        if not self._outermost:
            return False
        if self._pid != os.getpid():
            raise ConcurrencyError("this transaction belongs to the process that began it")
        try:
            call(self._core.__aexit__(kind, error, traceback))
        finally:
            self._schedd._end(self)
        return False

    def __del__(self) -> None:
        if getattr(self, "_outermost", False) and self._core.open and self._pid == os.getpid():
            self._core.abort()
            self._schedd._end(self)


class Schedd(ScheddMethods):
    """A handle on a schedd.

    Parameters
    ----------
    location_ad
        The schedd's ad, or its location; None for that of this machine.
    """

    def __init__(self, location_ad: Any = UNSET) -> None:
        super().__init__(location_ad)
        self._turn = threading.Lock()  # held while a transaction is open: other threads wait for their turn
        self._owner = 0
        self._current_of: weakref.ref[Transaction] | None = None  # one that nothing else holds ends
        self._pid = os.getpid()

    # -- transactions

    @property
    def _current(self) -> Transaction | None:
        return None if self._current_of is None else self._current_of()

    def transaction(self, flags: int = 0, continue_txn: bool = False) -> Transaction:
        """Start a transaction; other threads that change jobs by this object wait until it has ended.

        Raises
        ------
        HTCondorIOError
            One is open already, in this thread, and ``continue_txn`` is false.
        """
        deprecated("Schedd.transaction() is deprecated: use Schedd.submit()")
        expect("Schedd.transaction", ("flags", flags, int), ("continue_txn", continue_txn, bool))
        return self._begin(flags, continue_txn)

    def _begin(self, flags: int, continue_txn: bool) -> Transaction:
        current = self._mine()
        if current is not None:
            if not continue_txn:
                raise HTCondorIOError("Transaction already in progress for schedd.")
            return Transaction._make(self, current._core, False)
        self._turn.acquire()
        try:
            core = self._core.transaction(CoreFlags(int(flags)))
            call(core.__aenter__())
            call(_connect(core))
            self._owner = threading.get_ident()
            transaction: Transaction = Transaction._make(self, core, True)
        except BaseException:
            self._owner = 0
            self._turn.release()
            raise
        self._current_of = weakref.ref(transaction)
        return transaction

    def _mine(self) -> Transaction | None:
        """Return the open transaction of this thread; a forked child has none of its own yet."""
        if self._pid != os.getpid():
            if self._current is not None and self._owner == threading.get_ident():
                raise ConcurrencyError("this transaction belongs to the process that began it")
            self._turn, self._owner, self._current_of = threading.Lock(), 0, None
            self._pid = os.getpid()
        current = self._current
        return current if current is not None and self._owner == threading.get_ident() else None

    def _end(self, transaction: Transaction) -> None:
        if self._current is transaction or (self._current is None and self._owner):
            self._current_of = None
            self._owner = 0
            self._turn.release()

    # -- changes

    def edit(self, job_spec: Any, attr: Any, value: Any = UNSET, flags: int = 0) -> EditResult:
        """Change an attribute of jobs, or the several of an ad.

        Parameters
        ----------
        job_spec
            Ids as a list, or a constraint.
        attr, value
            A name and an expression (text or ``ExprTree``); or an ad, or a mapping, alone.
        flags
            ``TransactionFlags``.
        """
        if value is UNSET or (isinstance(value, TransactionFlags) and not isinstance(attr, str)):
            flags = int(value) if isinstance(value, TransactionFlags) else flags
            changes = self._changes(attr)
        else:
            expect("Schedd.edit", ("attr", attr, str), ("flags", flags, int))
            changes = {attr: self._new_value(value)}
        return EditResult._make(self._change([(edited_in(job_spec), changes)], flags))

    def edit_multiple(self, edits: Any, flags: int = 0) -> EditResult:
        """Make several edits, each ``(job_spec, ad)``, in one transaction."""
        prepared = [(edited_in(spec), self._changes(changes)) for spec, changes in edits]
        return EditResult._make(self._change(prepared, flags))

    @staticmethod
    def _changes(attr: Any) -> dict[str, Any]:
        if isinstance(attr, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in attr):
            attr = dict(attr)
        if isinstance(attr, str) or not hasattr(attr, "items"):
            raise ArgumentError(f"Schedd.edit(): expected a name and a value, or an ad, not {type(attr).__name__}")
        found = {}
        for name, new in attr.items():
            # values are Python's here: a text is a string and no expression
            found[name] = None if new is None else _ads.expression_in(_ads.ClassAd({name: new}).lookup(name))
        return found

    @staticmethod
    def _new_value(value: Any) -> Any:
        value = text_in(_ads.expression_in(value))
        if not isinstance(value, (str, _ads.CoreExpr)):
            raise TypeError(f"a value is text or an ExprTree, not {type(value).__name__}")
        return value

    def _change(self, edits: list[tuple[Any, dict[str, Any]]], flags: int) -> int:
        current = self._mine()
        if current is not None:
            return call(self._apply(current._core, edits))
        with self._alone():
            return call(self._apply_alone(edits, flags))

    async def _apply_alone(self, edits: list[tuple[Any, dict[str, Any]]], flags: int) -> int:
        async with self._core.transaction(CoreFlags(int(flags))) as txn:
            return await self._apply(txn, edits)

    @staticmethod
    async def _apply(txn: CoreTransaction, edits: list[tuple[Any, dict[str, Any]]]) -> int:
        changed = 0
        for spec, changes in edits:
            jobs = select_jobs(spec)
            if jobs.ids is None:
                if any(new is None for new in changes.values()):
                    raise HTCondorIOError("Cannot delete job attributes by constraint")
                for name, new in changes.items():
                    changed += await txn.set_attribute_by_constraint(jobs.constraint, name, new)
                continue
            for job in jobs.ids:
                cluster, _, proc = job.partition(".")
                for name, new in changes.items():
                    if new is None:
                        await txn.delete_attribute(int(cluster), int(proc or -1), name)
                    else:
                        await txn.set_attribute(int(cluster), int(proc or -1), name, new)
                    changed += 1
        return changed

    def _alone(self) -> threading.Lock:
        """Return what to hold while changing jobs without an open transaction of this thread."""
        return self._turn

    # -- submission

    def submit(
        self,
        description: Any,
        count: int = 1,
        spool: bool = False,
        ad_results: Any = None,
        itemdata: Any = None,
    ) -> Any:
        """Submit jobs: a ``Submit``, or a job ad as it is.

        Returns
        -------
        A :class:`SubmitResult`; for an ad, the number of the cluster. A QUEUE statement of the description does not
        count: ``count`` and ``itemdata`` do, as in v1.
        """
        expect("Schedd.submit", ("count", count, int), ("spool", spool, bool))
        count = int(count)
        if isinstance(description, _ads.ClassAd):
            if itemdata is not None:
                raise HTCondorValueError("itemdata cannot be used when submitting raw ClassAds")
            return self._submit_ads(description, [({}, count or 1)], spool, ad_results)
        language = language_of(description)
        items = itemdata if hasattr(itemdata, "__next__") else None
        if self._mine() is not None:
            raise HTCondorIOError("Transaction already in progress for schedd.")
        with self._alone():
            return call(_submission.submit_description(self._core, language, count, bool(spool), items))

    def _submit_ads(self, cluster_ad: Any, proc_ads: Any, spool: bool, results: Any) -> int:
        kept: list[Any] | None = [] if isinstance(results, list) else None
        if not isinstance(proc_ads, Iterable):
            raise HTCondorValueError("Proc ads must be iterator of 2-tuples.")
        pairs = []
        for ad, number in proc_ads:
            expect("Schedd.submitMany", ("count", number, int))
            pairs.append((_ads.ad_in(ad), int(number)))
        if self._mine() is not None:
            raise HTCondorIOError("Transaction already in progress for schedd.")
        with self._alone():
            done = call(self._core.submit_many(_ads.ad_in(cluster_ad), pairs, bool(spool), kept))
        if kept is not None:
            results.extend(_ads.ads_out(kept))
        return done.cluster()

    def submitMany(self, cluster_ad: Any, proc_ads: Any, spool: bool = False, ad_results: Any = None) -> int:
        """Submit jobs that share an ad: pairs of what each has of its own and how many such jobs there are."""
        expect("Schedd.submitMany", ("spool", spool, bool))
        if not isinstance(cluster_ad, (_ads.ClassAd, dict)):
            raise ArgumentError(f"Schedd.submitMany(): cluster_ad must be a ClassAd, not {type(cluster_ad).__name__}")
        return self._submit_ads(cluster_ad, proc_ads, spool, ad_results)

    def insert_jobs(self, ads: Any) -> int:
        """Submit whole job ads as one cluster; return its number."""
        jobs = [_ads.ad_in(ad) for ad in ads]
        if not jobs:
            raise HTCondorValueError("there are no ads to submit")
        return self._submit_ads(jobs[0], [(job, 1) for job in jobs], False, None)

    # -- reading

    @renamed("Schedd.xquery", {"requirements": "constraint", "attr_list": "projection"})
    def xquery(
        self,
        constraint: Any = "true",
        projection: list[Any] = [],  # noqa: B006 - v1's signature; it is never changed
        limit: int = -1,
        opts: QueryOpts = QueryOpts.Default,
        name: Any = None,
    ) -> QueryIterator:
        """Ask for the ads of jobs and return an iterator over them as they arrive."""
        deprecated("Schedd.xquery() is deprecated: use Schedd.query()")
        expect("Schedd.xquery", ("projection", projection, list), ("limit", limit, int), ("opts", opts, QueryOpts))
        wanted = attribute_names(projection)
        own = "Unknown" if self._ad is None else str(self._ad.get("Name", "Unknown"))
        tag = own if name is None else text_of("name", name)
        stream = self._core.xquery(
            expression_constraint_in(constraint), wanted, limit=int(limit), opts=query_opts_in(opts)
        )
        return QueryIterator._make(stream, tag)

    def negotiate(self, owner: str, ad: Any = {}) -> ScheddNegotiate:  # noqa: B006 - v1's signature
        """Raise: this client does not negotiate."""
        deprecated("Schedd.negotiate() is deprecated")
        raise not_served("Schedd.negotiate")


class ScheddNegotiate(metaclass=uninstantiable):
    """v1's negotiation with a schedd, which this client does not do."""


class QueueItemsIterator(metaclass=uninstantiable):
    """An iterator over items, as ``Submit.itemdata`` returns it."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __iter__(self) -> QueueItemsIterator:
        return self

    def __next__(self) -> Any:
        """Return the next item."""
        return next(self._items)


class Submit(_SubmitLanguage):
    """A submit description: a mapping of commands, with the language of condor_submit.

    ``Submit()``, ``Submit(text)``, ``Submit(mapping)``, each also with commands as keywords.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 1:
            raise HTCondorTypeError("Keyword constructor cannot take more than one positional argument")
        self._make(self._world(), args, kwargs)

    @staticmethod
    def _world() -> SubmitContext:
        return process_context()

    def queue(self, txn: Transaction | None, count: int = 0, ad_results: Any = None) -> int:
        """Add the jobs of this description to a transaction and return the number of their cluster.

        Without items, several calls in one transaction append to one cluster.
        """
        deprecated("Submit.queue() is deprecated: use Schedd.submit()")
        expect("Submit.queue", ("txn", txn if txn is not None else UNSET, Transaction), ("count", count, int))
        if txn is None or not txn._open:
            raise HTCondorValueError(_NO_TRANSACTION)
        arguments = self.getQArgs()
        begun = None if arguments else txn._clusters.get(id(self))
        cluster, first, shared = (None, 0, None) if begun is None else begun[1:]
        plan = Plan(self._core, count, None, False, own_queue=bool(arguments), first_proc=first, shared=shared)
        if count < 0 or (arguments and count and count != _count_of(self)):
            raise HTCondorValueError("count contradicts the count of the QUEUE statement")
        kept: list[Any] | None = [] if isinstance(ad_results, list) else None
        result, following = self._queued(txn, plan, cluster, kept)
        if not arguments:
            txn._clusters[id(self)] = (self, result.cluster(), following, plan.shared)
        if kept is not None:
            ad_results.extend(kept)
        return result.cluster()

    def queue_with_itemdata(
        self, txn: Transaction | None, count: int = 1, itemdata: Any = None, spool: bool = False
    ) -> SubmitResult:
        """Add jobs for each item to a transaction."""
        deprecated("Submit.queue_with_itemdata() is deprecated: use Schedd.submit()")
        checked = ("txn", txn if txn is not None else UNSET, Transaction)
        expect("Submit.queue_with_itemdata", checked, ("count", count, int), ("spool", spool, bool))
        if txn is None or not txn._open:
            raise HTCondorValueError(_NO_TRANSACTION)
        items = itemdata if hasattr(itemdata, "__next__") else None
        plan = Plan(self._core, count, items, bool(spool), own_queue=False)
        return self._queued(txn, plan, None, None)[0]

    def _queued(
        self, txn: Transaction, plan: Plan, cluster: int | None, kept: list[Any] | None
    ) -> tuple[SubmitResult, int]:
        async def queued() -> tuple[SubmitResult, int]:
            connection = await txn._core._ready()
            return await _submission.queue_description(STATE.client._context(), connection, plan, cluster, kept)

        return call(queued())

    def itemdata(self, qargs: str = "") -> Any:
        """Return an iterator over the items of a QUEUE statement."""
        expect("Submit.itemdata", ("qargs", qargs, str))
        return QueueItemsIterator._make(iter(super().itemdata(qargs)))

    def jobs(
        self, count: int = 0, itemdata: Any = None, clusterid: int = 1, procid: int = 0, qdate: int = 0, owner: str = ""
    ) -> Any:
        """Return an iterator over complete job ads."""
        return _jobs(super().jobs(count, itemdata, clusterid, procid, qdate, owner))

    def procs(
        self, count: int = 0, itemdata: Any = None, clusterid: int = 1, procid: int = 0, qdate: int = 0, owner: str = ""
    ) -> Any:
        """Return an iterator over a complete first ad and what the other jobs have of their own."""
        return _jobs(super().procs(count, itemdata, clusterid, procid, qdate, owner))

    @property
    def oauth_services(self) -> Any:
        """The OAuth tokens that the jobs need, as ads."""
        return _ads.ads_out(super().oauth_services)

    @staticmethod
    def from_dag(filename: str, options: Mapping[str, Any] = {}) -> Submit:
        """Write the submit file of a DAG, and return the description in it."""
        expect("Submit.from_dag", ("filename", filename, str), ("options", options, dict))
        made = Submit._from_dag(filename, options or {}, Submit._world())
        if not isinstance(made, Submit):
            raise HTCondorException("the description of a DAG is none")
        return made


async def _connect(core: CoreTransaction) -> None:
    """Open the connection now, as v1 does, and not at the first operation."""
    await (await core._ready()).crypto(core._deadline)


def _jobs(jobs: Any) -> SubmitJobsIterator:
    return SubmitJobsIterator._make(jobs._jobs)


def _count_of(submit: Submit) -> int:
    """Return the count of the QUEUE statement; 1 if it has none."""
    words = submit.getQArgs().split()
    return int(words[0]) if words and words[0].isdigit() else 1
