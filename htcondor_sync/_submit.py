"""``htcondor.Submit`` of the v1 bindings, over :class:`htcondor_async.submit.Submit`.

What the v1 class does differently is here: names, exception types, conversions. Where the real one crashes or hangs,
this one raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from htcondor_async.classad._ad import ClassAd
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, HTCondorTypeError, HTCondorValueError
from htcondor_async.submit import JobIterator, SubmitContext, SubmitError
from htcondor_async.submit import Submit as _Submit
from htcondor_sync._arguments import ArgumentError, expect, text_in
from htcondor_sync._facade import unwrap

__all__ = ["Submit", "SubmitJobsIterator", "default_context"]

_contexts: list[SubmitContext] = [SubmitContext(v1=True)]


def default_context() -> SubmitContext:
    """Return the context of objects that are made without one."""
    return _contexts[-1]


def set_default_context(context: SubmitContext) -> None:
    """Set the context of objects that are made without one."""
    _contexts[-1] = attrs.evolve(context, v1=True)


class SubmitJobsIterator:
    """Iterates over job ads, as :meth:`Submit.jobs` and :meth:`Submit.procs` return them."""

    def __init__(self, jobs: JobIterator) -> None:
        self._jobs = jobs

    def __iter__(self) -> SubmitJobsIterator:
        """Return the iterator itself."""
        return self

    def __next__(self) -> ClassAd:
        """Return the next ad.

        Raises
        ------
        HTCondorInternalError
            A command cannot be used.
        """
        try:
            return next(self._jobs)
        except SubmitError as error:
            raise HTCondorInternalError(str(error)) from error

    def clusterad(self) -> ClassAd:
        """Return what the jobs have in common."""
        try:
            return self._jobs.cluster_ad()
        except SubmitError as error:
            raise HTCondorValueError("No cluster ad") from error


class Submit:
    """A submit description; see :class:`htcondor_async.submit.Submit`.

    ``Submit()``, ``Submit(text)``, ``Submit(dict)``, ``Submit(dict_or_text, **kwargs)``, ``Submit(**kwargs)``.
    """

    _core: _Submit

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 1:
            raise HTCondorTypeError("Keyword constructor cannot take more than one positional argument")
        self._make(default_context(), args, kwargs)

    @classmethod
    def _in_context(cls, context: SubmitContext, *args: Any, **kwargs: Any) -> Submit:
        """Return a description that knows the world by ``context``."""
        submit = cls.__new__(cls)
        submit._make(attrs.evolve(context, v1=True), args, kwargs)
        return submit

    @classmethod
    def _wrap(cls, core: _Submit) -> Submit:
        submit = cls.__new__(cls)
        submit._core = core
        return submit

    def _make(self, context: SubmitContext, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not args and len(kwargs) == 1 and isinstance(kwargs.get("input"), dict):
            args, kwargs = (kwargs["input"],), {}
        source: Any = text_in(args[0]) if args else None
        if args and not isinstance(source, str):
            try:
                source = {name: unwrap(value) for name, value in dict(source).items()}
            except ValueError:
                source = str(source)  # which is no description either
        try:
            self._core = _Submit(source, context, **kwargs)
        except SubmitError as error:
            raise HTCondorValueError(str(error)) from error

    # -- mapping

    def __getitem__(self, attr: str) -> str:
        """Return the value of a command; raises KeyError."""
        return self._core[_name_in("__getitem__", attr)]

    def __setitem__(self, attr: str, obj: Any) -> None:
        """Set a command."""
        self._core[_name_in("__setitem__", attr)] = unwrap(obj)

    def __delitem__(self, attr: str) -> None:
        """Remove a command; raises KeyError."""
        del self._core[attr]

    def __contains__(self, attr: object) -> bool:
        """Return whether a command is set."""
        return attr in self._core

    def __iter__(self) -> Iterator[str]:
        """Yield the commands."""
        return iter(self._core)

    def __len__(self) -> int:
        """Return how many commands are set."""
        return len(self._core)

    def keys(self) -> list[str]:
        """Return the commands that are set."""
        return list(self._core)

    def values(self) -> list[str]:
        """Return the values of the commands that are set."""
        return [self._core[name] for name in self._core]

    def items(self) -> list[tuple[str, str]]:
        """Return pairs of commands and values."""
        return [(name, self._core[name]) for name in self._core]

    def get(self, attr: str, default: Any = None) -> Any:
        """Return the value of a command, or ``default``, which must be text: v1 takes nothing else, not even None."""
        if attr not in self._core and not isinstance(default, str):
            raise ArgumentError(f"Submit.get(): default must be str, not {type(default).__name__}")
        return self._core.get(attr, default)

    def setdefault(self, attr: str, value_obj: Any) -> str:
        """Return the value of a command, setting it first if it has none."""
        expect("Submit.setdefault", ("attr", attr, str))
        return self._core.setdefault(attr, value_obj)

    def update(self, source: Any) -> None:
        """Set the commands of a mapping, or of an iterable of tuples."""
        if hasattr(source, "items"):
            source = source.items()
        if not hasattr(source, "__iter__"):
            raise HTCondorTypeError("Must provide a dictionary-like object to update()")
        for pair in source:
            if not isinstance(pair, tuple):
                raise TypeError(f"Expecting a tuple; got {type(pair).__name__}")
            self._core[pair[0]] = unwrap(pair[1])

    def __str__(self) -> str:
        """Return the description as text; items that follow QUEUE are lost, as is a bare ``queue``."""
        text = "".join(f"{name} = {value}\n" for name, value in self.items())
        arguments = self._core.queue_arguments
        return f"{text}queue {arguments}" if arguments else text

    def __repr__(self) -> str:
        """Return the representation of the text."""
        return repr(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the description."""
        return (_wrap_pickled, (type(self), self._core))

    # -- QUEUE

    def getQArgs(self) -> str:
        """Return what follows the word queue."""
        return self._core.queue_arguments

    def setQArgs(self, args: str) -> None:
        """Set what follows the word queue."""
        expect("Submit.setQArgs", ("args", args, str))
        self._core.queue_arguments = args

    def itemdata(self, qargs: str = "") -> Iterator[str | dict[str, str]]:
        """Return an iterator over the items of a QUEUE statement."""
        expect("Submit.itemdata", ("qargs", qargs, str))
        try:
            statement = self._core._item_statement(qargs)
            if qargs and statement.filename == "<":
                raise SubmitError("inline items not available", key="queue")
        except SubmitError as error:
            raise HTCondorValueError(str(error)) from error
        try:
            return self._core._load_items(statement, not qargs)
        except SubmitError as error:
            raise HTCondorInternalError(str(error)) from error

    # -- jobs

    def expand(self, attr: str) -> str:
        """Return the value of a command with its macros expanded; raises RuntimeError where it is empty."""
        attr = _name_in("expand", attr)
        try:
            value = self._core.expand(attr)
        except KeyError:
            value = ""
        except SubmitError as error:
            raise HTCondorInternalError(str(error)) from error
        if not value:
            raise RuntimeError(f"{attr} has no value")
        return value

    def jobs(
        self,
        count: int = 0,
        itemdata: Iterable[Any] | None = None,
        clusterid: int = 1,
        procid: int = 0,
        qdate: int = 0,
        owner: str = "",
    ) -> SubmitJobsIterator:
        """Return an iterator over complete job ads."""
        _expect_jobs("Submit.jobs", count, clusterid, procid, qdate, owner)
        return SubmitJobsIterator(self._core.jobs(count, _iterator_or_none(itemdata), clusterid, procid, qdate, owner))

    def procs(
        self,
        count: int = 0,
        itemdata: Iterable[Any] | None = None,
        clusterid: int = 1,
        procid: int = 0,
        qdate: int = 0,
        owner: str = "",
    ) -> SubmitJobsIterator:
        """Return an iterator over a complete first ad and what the other jobs have of their own."""
        _expect_jobs("Submit.procs", count, clusterid, procid, qdate, owner)
        return SubmitJobsIterator(self._core.procs(count, _iterator_or_none(itemdata), clusterid, procid, qdate, owner))

    # -- other

    @property
    def oauth_services(self) -> list[ClassAd]:
        """The OAuth tokens that the jobs need, as ads."""
        try:
            requests = self._core.oauth_requests
        except SubmitError as error:
            raise HTCondorIOError(str(error)) from error
        names = ("Service", "Handle", "Scopes", "Audience", "Options")
        found = []
        for request in requests:
            values = dict(zip(names, attrs.astuple(request), strict=True))
            found.append(ClassAd({name: value for name, value in values.items() if value or name == "Service"}))
        return found

    def setSubmitMethod(self, method_value: int = -1, allow_reserved_values: bool = False) -> None:
        """Set the number that tells how jobs were submitted."""
        expect(
            "Submit.setSubmitMethod",
            ("method_value", method_value, int),
            ("allow_reserved_values", allow_reserved_values, bool),
        )
        self._core.set_submit_method(method_value, allow_reserved=allow_reserved_values)

    def getSubmitMethod(self) -> int:
        """Return the number that tells how jobs were submitted."""
        return self._core.submit_method

    @staticmethod
    def from_dag(filename: str, options: Mapping[str, Any] = {}) -> Submit:
        """Write the submit file of a DAG, and return the description in it."""
        return Submit._from_dag(filename, options or {}, default_context())

    @classmethod
    def _from_dag(cls, filename: str, options: Mapping[str, Any], context: SubmitContext) -> Submit:
        """As :meth:`from_dag`, in a context."""
        try:
            return cls._wrap(_Submit.from_dag(filename, options, attrs.evolve(context, v1=True)))
        except SubmitError as error:  # of the description that was written
            raise HTCondorValueError(str(error)) from error
        except HTCondorValueError as error:
            raise HTCondorInternalError(str(error)) from error


def _expect_jobs(function: str, count: int, clusterid: int, procid: int, qdate: int, owner: str) -> None:
    expect(
        function,
        ("count", count, int),
        ("clusterid", clusterid, int),
        ("procid", procid, int),
        ("qdate", qdate, int),
        ("owner", owner, str),
    )


def _name_in(function: str, attr: Any) -> str:
    """Return the name of a command; raises ArgumentError for what is no text."""
    attr = text_in(attr)
    if not isinstance(attr, str):
        raise ArgumentError(f"Submit.{function}(): a command is named by a str, not by {type(attr).__name__}")
    return attr


def _iterator_or_none(itemdata: Any) -> Any:
    """Return item data if it is an iterator; anything else counts as none given."""
    return itemdata if hasattr(itemdata, "__next__") else None


def _wrap_pickled(cls: type[Submit], core: _Submit) -> Submit:
    core._context = default_context()
    return cls._wrap(core)
