"""Requests that set attributes of many jobs, made in bulk, and the edits they are made of."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from htcondor_async._cedar.values import Writer
from htcondor_async._dialogues.expressions import attribute_name, value_text
from htcondor_async._dialogues.jobids import JobSpec, is_job, job_numbers
from htcondor_async._dialogues.queue import NO_ACK, Op
from htcondor_async.errors import HTCondorValueError

__all__ = ["Attributes", "EditRequests", "EditValue", "Edits", "SetRequests", "edit_value"]

Attributes: TypeAlias = Iterable[tuple[str, str]]
"""Names of attributes with their expressions in old syntax, known to parse."""

EditValue: TypeAlias = "str | int | None"

_MAX_VALUE = 10_000_000  # the longest encrypted string that HTCondor takes
_LEAD = struct.Struct(">qqqq")  # with crypto, strings have their length in front
_SET = int(Op.SetAttribute2)
_ID = struct.Struct(">qqq")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1  # numbers of the ClassAd language


def edit_value(value: object) -> str | None:
    """Return the new value of an attribute: an expression in old syntax to set it, None to delete it.

    Raises
    ------
    HTCondorValueError, HTCondorTypeError
        As :func:`value_text <htcondor_async._dialogues.expressions.value_text>`.
    """
    return None if value is None else value_text(value)


class SetRequests:
    """Makes the requests that set attributes of one cluster and its jobs, fast.

    Parameters
    ----------
    cluster
        Its number.
    crypto
        Whether the connection is encrypted.
    flags
        Of each request; ``NO_ACK`` by default.
    """

    def __init__(self, cluster: int, crypto: bool, flags: int = NO_ACK) -> None:
        self._cluster = cluster
        self._crypto = crypto
        self._flags = bytes((flags,))
        self._names: dict[str, bytes] = {}
        self.new_proc = Writer(crypto).int(Op.NewProc).int(cluster).getvalue()

    def of(self, proc: int, attributes: Attributes) -> list[bytes]:
        """Return one request for each attribute of a job (of the cluster for -1).

        Raises
        ------
        HTCondorValueError
            A value is one that no schedd takes: empty, too long, or of several lines.
        """
        names, crypto, cluster, pack = self._names, self._crypto, self._cluster, _LEAD.pack
        requests = []
        for name, value in attributes:
            tail = names.get(name)
            if tail is None:
                tail = names[name] = _tail(name, self._flags, crypto)
            data = _value_bytes(name, proc, value)
            if crypto:
                requests.append(pack(_SET, cluster, proc, len(data) + 1) + data + tail)
            else:
                requests.append(_ID.pack(_SET, cluster, proc) + Writer(False).str(data).getvalue() + tail[1:])
        return requests


class Edits:
    """Changes of single attributes of jobs, all in one row: nothing in it is anything to the garbage collector.

    A value is an expression in old syntax or a number to set, None to delete. Numbers become text as they go out, when
    the schedd is busy with those before them.
    """

    __slots__ = ("_row", "jobs")

    def __init__(self) -> None:
        self._row: list[Any] = []  # cluster, proc, name, value; and so on
        self.jobs = 0
        """How many jobs :meth:`add_each` was given; one that is named twice counts twice."""

    def __len__(self) -> int:
        return len(self._row) // 4

    def add(self, numbers: Sequence[int], name: str, value: EditValue) -> None:
        """Set an attribute of jobs (cluster, proc, cluster, proc ...)."""
        count = len(numbers) // 2
        row: list[Any] = [name] * (4 * count)
        row[0::4], row[1::4], row[3::4] = numbers[0::2], numbers[1::2], [value] * count
        self._row += row

    def add_each(self, edits: Iterable[tuple[JobSpec, Mapping[str, object]]]) -> None:
        """Set attributes of jobs, each time others.

        Raises
        ------
        HTCondorValueError
            A name, value or job id is malformed, or jobs are named by a constraint.
        """
        row, append = self._row, self._row.append
        names: dict[str, str] = {}
        given: object = self  # the last name as it was given, often the same for many jobs
        name = ""
        count = 0
        for spec, changes in edits:
            job = spec[0] if type(spec) is list and len(spec) == 1 else spec
            where: Sequence[int] | None = job if is_job(job) else job_numbers(spec)
            if where is None:
                raise HTCondorValueError("each edit names its jobs by ids")
            numbers = len(where)
            count += numbers
            for attr, value in changes.items():
                if attr is not given:
                    given = attr
                    name = names.get(attr) or names.setdefault(attr, attribute_name(attr))
                kept = value if type(value) is int and _LEAST <= value <= _MOST else edit_value(value)
                if numbers == 2:
                    row += where
                    append(name)
                    append(kept)
                else:
                    self.add(where, name, kept)
        self.jobs += count // 2

    @property
    def deletes(self) -> bool:
        """Whether there is one that deletes."""
        return None in self._row[3::4]

    def part(self, start: int, stop: int) -> Iterable[tuple[int, int, str, EditValue]]:
        """Return some of them as (cluster, proc, name, value)."""
        each = iter(self._row[4 * start : 4 * stop])
        return zip(each, each, each, each, strict=True)


class EditRequests:
    """Makes the requests that edit attributes of jobs of any clusters, fast.

    Parameters
    ----------
    crypto
        Whether the connection is encrypted.
    flags
        Of each request.
    """

    def __init__(self, crypto: bool, flags: int) -> None:
        self._crypto = crypto
        self._flags = bytes((flags,))
        self._tails: dict[str, bytes] = {}

    def of(self, edits: Iterable[tuple[int, int, str, EditValue]]) -> list[bytes]:
        """Return one request for each (cluster, proc, name, value); without a value it deletes.

        Raises
        ------
        HTCondorValueError
            As :meth:`SetRequests.of`.
        """
        tails, crypto, pack = self._tails, self._crypto, _LEAD.pack
        requests = []
        last_name: str = ""
        last_value: EditValue = ""
        rest, length = b"", 0  # often the same for many jobs
        for cluster, proc, name, value in edits:
            if value is last_value and name is last_name:
                requests.append(pack(_SET, cluster, proc, length) + rest)
                continue
            if value is None:
                requests.append(Writer(crypto).int(Op.DeleteAttribute).int(cluster).int(proc).str(name).getvalue())
                continue
            tail = tails.get(name)
            if tail is None:
                tail = tails[name] = _tail(name, self._flags, crypto)
            data = b"%d" % value if isinstance(value, int) else _value_bytes(name, proc, value)
            if crypto:
                last_name, last_value, rest, length = name, value, data + tail, len(data) + 1
                requests.append(pack(_SET, cluster, proc, length) + rest)
            else:
                requests.append(_ID.pack(_SET, cluster, proc) + Writer(False).str(data).getvalue() + tail[1:])
        return requests


def _tail(name: str, flags: bytes, crypto: bool) -> bytes:
    """Return what follows the expression in a request: its terminator, the attribute's name, the flags."""
    return b"\0" + Writer(crypto).str(name).getvalue() + flags


def _value_bytes(name: str, proc: int, value: str) -> bytes:
    data = value.encode() if value.isascii() else value.encode("utf-8", "surrogateescape")
    if not 0 < len(data) < _MAX_VALUE or b"\n" in data or b"\0" in data:
        problem = "is empty" if not data else "is too long" if len(data) >= _MAX_VALUE else "has a line break or NUL"
        whose = "the cluster" if proc < 0 else f"job number {proc}"
        raise HTCondorValueError(f"the expression of {name} of {whose} {problem}: a schedd does not take it")
    return data
