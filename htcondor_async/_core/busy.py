"""Schedds that the current task keeps busy with a transaction.

A schedd in the middle of a transaction serves nobody else, so that whoever has one open and asks the same schedd for
something else would wait for himself, until the schedd gives the transaction up.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import Protocol

from htcondor_async._cedar.commands import Command
from htcondor_async._core.context import Context, Target
from htcondor_async.errors import ConcurrencyError

__all__ = ["begin", "end", "refuse_if_busy"]


class _Holder(Protocol):
    """A transaction's connection."""

    closed: bool


_busy: contextvars.ContextVar[Mapping[tuple[int, str], _Holder]] = contextvars.ContextVar("htcondor_async_busy_schedds")


def _key(context: Context, target: Target) -> tuple[int, str]:
    return id(context.sessions), str(target.address)


def begin(context: Context, target: Target, holder: _Holder) -> None:
    """Take note of a transaction that has begun, in this task and those that it starts."""
    _busy.set({**_busy.get({}), _key(context, target): holder})


def end(context: Context, target: Target) -> None:
    """Forget it. Tasks that were started meanwhile see that the holder is closed."""
    mine = _key(context, target)
    _busy.set({key: holder for key, holder in _busy.get({}).items() if key != mine})


def refuse_if_busy(context: Context, target: Target, command: Command) -> None:
    """Raise ``ConcurrencyError`` for a command to a schedd on which this task has a transaction open."""
    holder = _busy.get({}).get(_key(context, target))
    if holder is None or holder.closed:
        return
    raise ConcurrencyError(
        "the schedd is busy with this program's own transaction and would answer only after its end",
        daemon=target.daemon,
        address=str(target.address),
        command=command.name,
        hint="end the transaction first, or do it before the transaction's first operation",
    )
