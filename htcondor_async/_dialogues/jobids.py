"""Which jobs: ids and constraints, as the v1 API takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias, TypeGuard

import attrs

from htcondor_async._dialogues.expressions import constraint_text
from htcondor_async.classad import ExprTree
from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

__all__ = ["JobSelection", "JobSpec", "is_job", "job_id", "job_numbers", "select_jobs"]

JobSpec: TypeAlias = "str | ExprTree | bool | Iterable[str | tuple[int, int]] | tuple[int, int] | None"

_ID = re.compile(r"\s*(\d+)(?:\.(-?\d+))?\s*$")
_MAX_ID = (1 << 31) - 1


@attrs.frozen
class JobSelection:
    """Either ids (``"cluster.proc"`` or ``"cluster"``) or a constraint in old syntax."""

    ids: tuple[str, ...] | None = None
    constraint: str | None = None


def job_id(item: object) -> str:
    """Return a job id as text: ``"5.0"``, or ``"5"`` for a cluster.

    Raises
    ------
    HTCondorValueError
        It is not a job id.
    """
    if isinstance(item, tuple) and len(item) == 2 and type(item[0]) is int and type(item[1]) is int:
        if 0 < item[0] <= _MAX_ID and 0 <= item[1] <= _MAX_ID:
            return f"{item[0]}.{item[1]}"
        item = f"{item[0]}.{item[1]}"
    elif type(item) is int:
        item = str(item)
    if not isinstance(item, str):
        raise HTCondorTypeError(f"a job id is text like '5.0', not {type(item).__name__}")
    found = _ID.match(item)
    if not found or int(found[1]) > _MAX_ID or int(found[1]) < 1 or int(found[2] or 0) > _MAX_ID:
        raise HTCondorValueError(f"{item!r} is not a job id", hint="write CLUSTER.PROC, as 5.0")
    return found[1] if found[2] is None else f"{found[1]}.{int(found[2])}"


def select_jobs(spec: JobSpec) -> JobSelection:
    """Tell ids from constraints: a text that is a plain job id is one, any other text is an expression."""
    if isinstance(spec, tuple) and len(spec) == 2 and all(type(part) is int for part in spec):
        return JobSelection(ids=(job_id(spec),))
    if spec is None or isinstance(spec, (str, bool, ExprTree)):
        if isinstance(spec, str) and _ID.match(spec):
            return JobSelection(ids=(job_id(spec),))
        return JobSelection(constraint=constraint_text(spec))
    if not isinstance(spec, Iterable):
        raise HTCondorTypeError(f"jobs are given as ids or as a constraint, not as {type(spec).__name__}")
    return JobSelection(ids=tuple(job_id(item) for item in spec))


def job_numbers(spec: JobSpec) -> list[int] | None:
    """Return the jobs that are named by ids, or None for a constraint; takes and raises what :func:`select_jobs` does.

    The numbers stand in one row, cluster and proc of the first job, then of the next; the proc of a whole cluster is
    -1. Edits of many jobs come by here: the usual forms of an id are not taken apart by a regular expression, and
    numbers, unlike a tuple for each job, give the garbage collector nothing to look at.
    """
    if isinstance(spec, tuple) and len(spec) == 2 and type(spec[0]) is int:
        spec = [spec]
    found: list[int] = []
    if not isinstance(spec, list):
        ids = select_jobs(spec).ids
        if ids is None:
            return None
        for one in ids:
            found += _numbers(one)
        return found
    last, number = "", 0
    for item in spec:
        cluster = proc = -1
        if type(item) is tuple and len(item) == 2:
            cluster, proc = item
        elif type(item) is str and item.isascii() and len(item) < 20:
            left, _, right = item.partition(".")
            if right.isdigit() and (left == last or left.isdigit()):
                if left != last:
                    last, number = left, int(left)
                cluster, proc = number, int(right)
        if type(cluster) is int and type(proc) is int and 0 < cluster <= _MAX_ID and 0 <= proc <= _MAX_ID:
            found.append(cluster)
            found.append(proc)
        else:
            found += _numbers(job_id(item))
    return found


def is_job(item: object) -> TypeGuard[tuple[int, int]]:
    """Return whether this is a job as a pair of numbers, such as needs no look at its form."""
    if type(item) is not tuple or len(item) != 2:
        return False
    cluster, proc = item
    return type(cluster) is int and type(proc) is int and 0 < cluster <= _MAX_ID and 0 <= proc <= _MAX_ID


def _numbers(job: str) -> tuple[int, int]:
    cluster, _, proc = job.partition(".")
    return int(cluster), int(proc) if proc else -1
