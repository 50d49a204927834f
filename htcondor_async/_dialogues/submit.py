"""Submission over the job-queue protocol: requests made in bulk, and what refusals of new jobs mean.

A cluster is ``NewCluster``, its attributes (proc -1), then for each job ``NewProc`` and the attributes it has of its
own. All attributes go with ``NO_ACK``: the schedd remembers the first that it refuses, and the commit then fails with
its words. With late materialization the schedd makes the jobs itself, out of a digest of the description and rows of
items (``condor_utils/submit_utils.cpp``, ``condor_schedd.V6/qmgmt_receivers.cpp``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import attrs

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._dialogues.queue import NO_ACK, Op
from htcondor_async.errors import HTCondorValueError

__all__ = [
    "NEW_CLUSTER_REFUSALS",
    "NEW_PROC_REFUSALS",
    "ClusterPlan",
    "EditRequests",
    "Edits",
    "FactoryPlan",
    "FactoryText",
    "SetRequests",
    "Submitted",
    "item_data",
    "read_item_data",
    "set_job_factory",
]

Attributes = Iterable[tuple[str, str]]
"""Names of attributes with their expressions in old syntax, known to parse."""

NEW_CLUSTER_REFUSALS = {
    -2: "the schedd has as many jobs as MAX_JOBS_SUBMITTED allows",
    -5: "the schedd takes no jobs of this user",
    -7: "the schedd could not make a record of this user",
}
NEW_PROC_REFUSALS = {
    -1: "the cluster takes no further jobs",
    -2: "the schedd has as many jobs as MAX_JOBS_SUBMITTED allows",
    -3: "the user has as many jobs as MAX_JOBS_PER_OWNER allows",
    -4: "the submission has as many jobs as MAX_JOBS_PER_SUBMISSION allows",
}

_MAX_VALUE = 10_000_000  # the longest encrypted string that HTCondor takes
_LEAD = struct.Struct(">qqqq")  # with crypto, strings have their length in front
_SET = int(Op.SetAttribute2)
_ID = struct.Struct(">qqq")


@attrs.frozen
class ClusterPlan:
    """A cluster and its jobs: the attributes they share, and for each job, taken one by one, what it has of its own.

    ``ClusterId`` and ``ProcId`` may be left out; ``JobStatus`` belongs into the cluster where a job has none. With
    ``may_block`` jobs are made in a worker thread: making them looks at files.
    """

    cluster_ad: Attributes
    procs: Iterable[Attributes]
    may_block: bool = False


@attrs.frozen
class FactoryText:
    """What the schedd makes jobs of: the cluster's attributes, the digest, and the most jobs it has at a time.

    ``digest`` is given the name under which the schedd keeps the rows (empty without rows), ``limit`` and ``jobs`` the
    number of rows.
    """

    cluster_ad: Attributes
    digest: Callable[[str], str]
    limit: Callable[[int], int]
    jobs: Callable[[int], int]


@attrs.frozen
class FactoryPlan:
    """A submission with late materialization: ``rows`` are lines of items, ``describe`` is given the cluster."""

    rows: Iterable[bytes] | None
    describe: Callable[[int], FactoryText]


@attrs.frozen
class Submitted:
    """What a submission came to; ``warnings`` are the schedd's."""

    cluster: int
    first_proc: int
    num_procs: int
    warnings: tuple[str, ...] = ()


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
            data = value.encode() if value.isascii() else value.encode("utf-8", "surrogateescape")
            size = len(data)
            if not 0 < size < _MAX_VALUE or b"\n" in data or b"\0" in data:
                _refuse(name, proc, data)
            if crypto:
                requests.append(pack(_SET, cluster, proc, size + 1) + data + tail)
            else:
                requests.append(_ID.pack(_SET, cluster, proc) + Writer(False).str(data).getvalue() + tail[1:])
        return requests


class Edits:
    """Changes of single attributes of jobs, all in one row: nothing in it is anything to the garbage collector."""

    __slots__ = ("_row",)

    def __init__(self) -> None:
        self._row: list[Any] = []  # cluster, proc, name, expression; and so on

    def __len__(self) -> int:
        return len(self._row) // 4

    def add(self, numbers: Sequence[int], name: str, text: str | None) -> None:
        """Set an attribute of jobs (cluster, proc, cluster, proc ...) to an expression; with None delete it."""
        if len(numbers) == 2:
            cluster, proc = numbers
            self._row += (cluster, proc, name, text)
            return
        count = len(numbers) // 2
        row: list[Any] = [name] * (4 * count)
        row[0::4], row[1::4], row[3::4] = numbers[0::2], numbers[1::2], [text] * count
        self._row += row

    @property
    def deletes(self) -> bool:
        """Whether there is one that deletes."""
        return None in self._row[3::4]

    def part(self, start: int, stop: int) -> Iterable[tuple[int, int, str, str | None]]:
        """Return some of them as (cluster, proc, name, expression)."""
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

    def of(self, edits: Iterable[tuple[int, int, str, str | None]]) -> list[bytes]:
        """Return one request for each (cluster, proc, name, expression); without an expression it deletes.

        Raises
        ------
        HTCondorValueError
            As :meth:`SetRequests.of`.
        """
        tails, crypto, pack = self._tails, self._crypto, _LEAD.pack
        requests = []
        last_name, last_value, rest, length = "", "", b"", 0  # often the same for many jobs
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
            data = value.encode() if value.isascii() else value.encode("utf-8", "surrogateescape")
            size = len(data)
            if not 0 < size < _MAX_VALUE or b"\n" in data or b"\0" in data:
                _refuse(name, proc, data)
            if crypto:
                last_name, last_value, rest, length = name, value, data + tail, size + 1
                requests.append(pack(_SET, cluster, proc, length) + rest)
            else:
                requests.append(_ID.pack(_SET, cluster, proc) + Writer(False).str(data).getvalue() + tail[1:])
        return requests


def _tail(name: str, flags: bytes, crypto: bool) -> bytes:
    """Return what follows the expression in a request: its terminator, the attribute's name, the flags."""
    return b"\0" + Writer(crypto).str(name).getvalue() + flags


def _refuse(name: str, proc: int, data: bytes) -> NoReturn:
    problem = "is empty" if not data else "is too long" if len(data) >= _MAX_VALUE else "has a line break or NUL"
    whose = "the cluster" if proc < 0 else f"job number {proc}"
    raise HTCondorValueError(f"the expression of {name} of {whose} {problem}: a schedd does not take it")


def item_data(writer: Writer, cluster: int) -> bytes:
    """Return what stands in front of the rows of items, in the same message."""
    return writer.int(Op.SendMaterializeData).int(cluster).int(0).getvalue()


def read_item_data(reader: Reader) -> tuple[str, int, int]:
    """Read what the schedd made of the rows: its name for them, how many they are, and the value returned."""
    found = (reader.str(), reader.int(), reader.int())
    reader.expect_end()
    return found


def set_job_factory(writer: Writer, cluster: int, limit: int, digest: str) -> bytes:
    """Return the request that turns the cluster into a factory of jobs."""
    return writer.int(Op.SetJobFactory).int(cluster).int(limit).str("").str(digest).getvalue()
