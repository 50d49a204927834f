"""Submission over the job-queue protocol: what is submitted, and what refusals of new jobs mean.

A cluster is ``NewCluster``, its attributes (proc -1), then for each job ``NewProc`` and the attributes it has of its
own. All attributes go with ``NO_ACK``: the schedd remembers the first that it refuses, and the commit then fails with
its words. With late materialization the schedd makes the jobs itself, out of a digest of the description and rows of
items (``condor_utils/submit_utils.cpp``, ``condor_schedd.V6/qmgmt_receivers.cpp``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._dialogues.queue import Op
from htcondor_async._dialogues.set_requests import Attributes

__all__ = [
    "NEW_CLUSTER_REFUSALS",
    "NEW_PROC_REFUSALS",
    "ClusterPlan",
    "FactoryPlan",
    "FactoryText",
    "Submitted",
    "item_data",
    "read_item_data",
    "set_job_factory",
]

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
