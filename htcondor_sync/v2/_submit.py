"""v2's ``Submit``: a mutable mapping of what is set, and items that always are dictionaries."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, MutableMapping, ValuesView
from typing import Any, cast

from htcondor_async.errors import HTCondorException
from htcondor_async.submit import SubmitContext, Version
from htcondor_async.submit.queue import ItemMode
from htcondor_sync import _schedd, _submission
from htcondor_sync._arguments import expect
from htcondor_sync._unserved import unserved
from htcondor_sync.v2._values import out as _out

__all__ = ["Submit"]

_BINDINGS = Version(25, 14, 1)


class Submit(_schedd.Submit):
    """A submit description."""

    def __init__(self, input: Any = None, queue: str | None = None, **kwargs: Any) -> None:
        super().__init__(*([] if input is None else [input]), **kwargs)
        if queue is not None:
            self.setQArgs(queue)

    @staticmethod
    def _world() -> SubmitContext:
        return _submission.process_context(_BINDINGS)

    # Built-in macros are not commands here; what is set compares as a dictionary does.

    def __getitem__(self, attr: str) -> str:
        """Return the value of a command; raises KeyError."""
        if attr not in self:
            expect("Submit.__getitem__", ("attr", attr, str))
            raise KeyError(attr)
        return self._core[attr]

    def __contains__(self, attr: object) -> bool:
        """Return whether a command is set."""
        return isinstance(attr, str) and self._core.is_set(attr)

    def __bool__(self) -> bool:
        """Return whether any command is set."""
        return len(self) > 0

    def __eq__(self, other: object) -> bool:
        """Return whether the same commands have the same values."""
        return dict(self.items()) == dict(other.items()) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __str__(self) -> str:
        """Return the description as text; items that follow QUEUE are lost."""
        text = "".join(f"{name} = {value}\n" for name, value in self.items())
        return f"{text}{f'queue {self.getQArgs()}'.rstrip(' ')}\n"

    def __repr__(self) -> str:
        """Return ``Submit(...)`` with the text."""
        return f"Submit({self})"

    def keys(self) -> Any:
        """Return a view of the commands that are set."""
        return KeysView(cast(Any, self))

    def values(self) -> Any:
        """Return a view of the values of the commands that are set."""
        return ValuesView(cast(Any, self))

    def items(self) -> Any:
        """Return a view of pairs of commands and values."""
        return ItemsView(cast(Any, self))

    def get(self, attr: str, default: Any = None) -> Any:
        """Return the value of a command, or ``default``."""
        return self._core[attr] if attr in self else default

    def setdefault(self, attr: str, value_obj: Any = "") -> str:
        """Return the value of a command, setting it first if it has none."""
        if attr not in self:
            self[attr] = value_obj
        return self._core[attr]

    def update(self, source: Any = (), **commands: Any) -> None:
        """Set the commands of a mapping, or of an iterable of pairs, and those given by keyword."""
        MutableMapping.update(cast(Any, self), source, **commands)

    def expand(self, attr: str) -> str:
        """Return the value of a command with its macros expanded; raises KeyError where it is empty."""
        try:
            return super().expand(attr)
        except RuntimeError as error:
            if isinstance(error, HTCondorException):
                raise
            raise KeyError(attr) from None

    def setQArgs(self, args: str) -> None:
        """Set what follows the word queue; of several lines the first."""
        expect("Submit.setQArgs", ("args", args, str))
        super().setQArgs(args.partition("\n")[0])

    def getQArgs(self) -> str:
        """Return what follows the word queue."""
        return super().getQArgs().strip()

    def jobs(
        self, count: int = 0, itemdata: Any = None, clusterid: int = 1, procid: int = 0, qdate: int = 0, owner: str = ""
    ) -> Any:
        """Return an iterator over complete job ads."""
        return map(_out, super().jobs(count, itemdata, clusterid, procid, qdate, owner))

    def procs(
        self, count: int = 0, itemdata: Any = None, clusterid: int = 1, procid: int = 0, qdate: int = 0, owner: str = ""
    ) -> Any:
        """Return an iterator over a complete first ad and what the other jobs have of their own."""
        return map(_out, super().procs(count, itemdata, clusterid, procid, qdate, owner))

    def itemdata(self, qargs: str | None = None) -> Any:
        """Return an iterator over the items of a QUEUE statement, as dictionaries; None if it is only a count."""
        items = super().itemdata(qargs or "")
        if self._core._item_statement(qargs or "").mode is ItemMode.NONE:
            return None
        return ({"Item": item} if isinstance(item, str) else item for item in items)

    pop, popitem, clear = MutableMapping.pop, MutableMapping.popitem, MutableMapping.clear
    issue_credentials, from_dag_options = unserved("Submit.issue_credentials"), unserved("Submit.from_dag_options")


MutableMapping.register(Submit)
