"""Submitting jobs."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from htcondor_async._core.act import reschedule
from htcondor_async._core.context import Context, Target
from htcondor_async._core.submit import submit_cluster
from htcondor_async._dialogues.expressions import attribute_pairs
from htcondor_async._dialogues.submit import ClusterPlan, Submitted
from htcondor_async._runtime.host import system_names
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.config.detected import Machine, detected_platform
from htcondor_async.errors import HTCondorException, HTCondorTypeError, HTCondorValueError
from htcondor_async.schedd.base import ScheddBase
from htcondor_async.schedd.described import Described, items_of, submit_description, warn_of
from htcondor_async.schedd.raw_ads import cluster_defaults, job_ad, mark_spooled, with_requirements
from htcondor_async.submit import Submit

__all__ = ["ScheddSubmission", "SubmitResult"]

_SPOOLED = ("Out", "Err", "TransferOutputRemaps", "JobStatus", "HoldReason", "HoldReasonCode", "LeaveJobInQueue")

_log = logging.getLogger("htcondor_async.schedd")


class SubmitResult:
    """What was submitted.

    ``warnings`` are the schedd's texts about it. Given to :meth:`Schedd.spool <htcondor_async.Schedd.spool>` it stands
    for the jobs with their original ads.
    """

    def __init__(self, submitted: Submitted, cluster_ad: ClassAd, jobs: Callable[[], Iterator[ClassAd]]) -> None:
        self._submitted = submitted
        self._cluster_ad = cluster_ad
        self._jobs = jobs
        self.warnings = submitted.warnings

    def __repr__(self) -> str:
        last = self.first_proc() + self.num_procs() - 1
        return f"<SubmitResult {self.cluster()}.{self.first_proc()} to {self.cluster()}.{last}>"

    def __int__(self) -> int:
        return self.cluster()

    def cluster(self) -> int:
        """Return the number of the cluster."""
        return self._submitted.cluster

    def first_proc(self) -> int:
        """Return the number of the first job."""
        return self._submitted.first_proc

    def num_procs(self) -> int:
        """Return how many jobs there are."""
        return self._submitted.num_procs

    def clusterad(self) -> ClassAd:
        """Return what the jobs share, as it was sent."""
        return self._cluster_ad.copy()

    def jobs(self) -> Iterator[ClassAd]:
        """Give the whole ads of the jobs, as they were sent.

        Those of a description that was not spooled are made again, one by one, which looks at its files.
        """
        return self._jobs()


class ScheddSubmission(ScheddBase):
    """The queue, filled."""

    async def submit(
        self,
        description: Submit | Mapping[str, Any],
        count: int = 0,
        spool: bool = False,
        ad_results: list[ClassAd] | None = None,
        item_data: Iterable[Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> SubmitResult:
        """Submit jobs: those of a submit description, or a job ad as it is.

        Parameters
        ----------
        description
            A :class:`~htcondor_async.submit.Submit`; where it limits how many of its jobs are in the queue at a time,
            the schedd makes them itself, if it can. Or an ad, as a ``ClassAd`` or a mapping: what it lacks is
            added as the v1 bindings do: defaults, and to ``Requirements`` the platform, file transfer and the resources
            requested.
        count
            How many jobs, of each item if there are items; 0: as the description says, else one.
        spool
            Let the jobs wait for their input files, which :meth:`spool` sends, and keep them until
            :meth:`retrieve` has fetched the output.
        ad_results
            A list that receives the whole ad of each job (not of those that the schedd makes itself).
        item_data
            Items in place of those of the description's QUEUE statement.
        timeout
            Seconds for all of it.

        Raises
        ------
        SubmitError
            The description cannot be made into jobs; the message names the command.
        HTCondorTypeError, HTCondorValueError
            The ad is none, or a value cannot be sent.
        QueueError
            The schedd refused, with its own words where it has any; nothing was submitted.
        OutcomeUnknownError
            The answer to the commit was lost.

        Warns
        -----
        SubmitWarning
            The description probably does not say what was meant, or the schedd remarked on it while taking the jobs.
        """
        if type(count) is not int or count < 0:
            raise HTCondorValueError(f"the number of jobs is not {count!r}")
        if isinstance(description, Submit):
            return await self._submit_description(description, count, spool, ad_results, item_data, timeout)
        if item_data is not None:
            raise HTCondorValueError("only a submit description takes items")
        return await self._submit_ads(description, [({}, count or 1)], spool, ad_results, timeout)

    async def _submit_description(
        self,
        description: Submit,
        count: int,
        spool: bool,
        ad_results: list[ClassAd] | None,
        item_data: Iterable[Any] | None,
        timeout: float | None,
    ) -> SubmitResult:
        context = self._client._context()
        deadline = context.deadline(timeout)
        now = int(context.runtime.now())
        copied = description.copy()  # it may change while this goes on
        items = await context.runtime.call(functools.partial(items_of, item_data))  # an iterator may read a file
        described = Described(copied, count, items, spool, ad_results, now)
        target = await self._where(context, deadline)
        submitted = await submit_description(context, target, described, deadline)
        await self._after_submission(context, target, deadline)
        warn_of(submitted)
        return SubmitResult(submitted, described.cluster_ad, functools.partial(described.jobs, submitted.cluster))

    async def submit_many(
        self,
        cluster_ad: Mapping[str, Any],
        proc_ads: Iterable[tuple[Mapping[str, Any], int]],
        spool: bool = False,
        ad_results: list[ClassAd] | None = None,
        *,
        timeout: float | None = None,
    ) -> SubmitResult:
        """Submit jobs that share an ad and have attributes of their own; see :meth:`submit`.

        Parameters
        ----------
        cluster_ad
            What they share.
        proc_ads
            Pairs of (what a job has of its own, how many such jobs); taken one by one while they are sent. Making them
            should not take long: the schedd serves nobody else meanwhile.
        """
        return await self._submit_ads(cluster_ad, proc_ads, spool, ad_results, timeout)

    async def _submit_ads(
        self,
        given: Mapping[str, Any],
        proc_ads: Iterable[tuple[Mapping[str, Any], int]],
        spool: bool,
        ad_results: list[ClassAd] | None,
        timeout: float | None,
    ) -> SubmitResult:
        context = self._client._context()
        deadline = context.deadline(timeout)
        cluster_ad = cluster_defaults(
            now=int(context.runtime.now()),
            directory=await context.runtime.call(os.getcwd),
            version=context.version,
            platform=context.platform,
        )
        cluster_ad.update(job_ad(given))
        with_requirements(cluster_ad, *_platform(context.config))
        if spool:
            mark_spooled(cluster_ad)
        shared = attribute_pairs(cluster_ad)
        source = _ProcAds(proc_ads, cluster_ad, spool, context)
        target = await self._where(context, deadline)

        def prepare(cluster: int) -> ClusterPlan:
            cluster_ad["ClusterId"] = cluster
            return ClusterPlan(shared, source.pairs(ad_results))

        submitted = await submit_cluster(context, target, prepare, deadline)
        await self._after_submission(context, target, deadline)
        warn_of(submitted)
        return SubmitResult(submitted, cluster_ad, source.jobs)

    async def _after_submission(self, context: Context, target: Target, deadline: float) -> None:
        """Ask the schedd to seek matches soon. The jobs are in the queue whatever comes of it."""
        if not context.config.get_bool("SUBMIT_SEND_RESCHEDULE", True):
            return
        try:
            await reschedule(context, target, deadline)
        except HTCondorException as error:
            _log.warning("jobs were submitted, but the schedd was not asked to seek matches for them: %s", error)


def _platform(config: Config) -> tuple[str, str]:
    """Return OPSYS and ARCH: those configured, else those of this machine."""
    names = system_names()
    opsys, arch = detected_platform(Machine(sysname=names.sysname, machine=names.machine))
    return config.get_str("OPSYS", opsys), config.get_str("ARCH", arch)


class _ProcAds:
    """The jobs of a raw submission: their own attributes, one job after another."""

    def __init__(
        self, given: Iterable[tuple[Mapping[str, Any], int]], cluster_ad: ClassAd, spool: bool, context: Context
    ) -> None:
        self._given = given
        self._cluster_ad = cluster_ad
        self._spool = spool
        self._context = context
        self._kept: list[tuple[ClassAd, int]] = []

    def pairs(self, results: list[ClassAd] | None) -> Iterator[list[tuple[str, str]]]:
        proc = 0
        for entry in self._given:
            own, count = self._checked(entry)
            sent = attribute_pairs(own) if own else []
            if self._spool:
                self._kept.append((own, count))
            for _ in range(count):
                if results is not None:
                    results.append(self._whole(own, proc))
                yield sent
                proc += 1

    def _checked(self, entry: tuple[Mapping[str, Any], int]) -> tuple[ClassAd, int]:
        if not isinstance(entry, tuple) or len(entry) != 2 or type(entry[1]) is not int or entry[1] < 0:
            raise HTCondorTypeError("jobs are given as pairs: an ad, and how many jobs have it")
        own = job_ad(entry[0])
        if "Requirements" in own:
            whole = self._cluster_ad.copy()
            whole.update(own)
            with_requirements(whole, *_platform(self._context.config))
            own["Requirements"] = whole.lookup("Requirements")
        if self._spool and any(name in own for name in _SPOOLED):
            whole = self._cluster_ad.copy()
            whole.update(own)
            mark_spooled(whole)
            own.update({name: whole.lookup(name) for name in _SPOOLED if name in whole})
        return own, entry[1]

    def _whole(self, own: ClassAd, proc: int) -> ClassAd:
        whole = self._cluster_ad.copy()
        whole.update(own)
        whole["ProcId"] = proc
        return whole

    def jobs(self) -> Iterator[ClassAd]:
        """Give the whole ads of jobs that are to be spooled."""
        if not self._spool:
            raise HTCondorValueError(
                "the ads of these jobs were not kept", hint="submit with spool=True, or ad_results=[]"
            )
        proc = 0
        for own, count in self._kept:
            for _ in range(count):
                yield self._whole(own, proc)
                proc += 1
