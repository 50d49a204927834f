"""Files of jobs, to the schedd and back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from htcondor_async._core import sandbox
from htcondor_async._core.context import Context
from htcondor_async._core.delegation import delegate_proxy, send_proxy
from htcondor_async._core.sandbox import JobFiles, Progress
from htcondor_async._dialogues.expressions import Constraint, constraint_text
from htcondor_async._dialogues.jobids import job_id
from htcondor_async._security.proxies import Proxy
from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.errors import HTCondorIOError, HTCondorTypeError, HTCondorValueError
from htcondor_async.schedd.base import ScheddBase
from htcondor_async.schedd.job_files import input_files, job_id_of, output_writer
from htcondor_async.schedd.submission import SubmitResult

__all__ = ["ScheddSandbox"]

_CHECKED_AT_ONCE = 50  # jobs
_IDS_AT_ONCE = 500
_MAX_PROXY = 1 << 20
_IDLE = 300.0  # seconds without a sign of life; a schedd may write to a slow disk


class ScheddSandbox(ScheddBase):
    """The files of jobs."""

    async def spool(
        self,
        jobs: SubmitResult | Iterable[Mapping[str, Any]],
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        """Send the input files of jobs that were submitted with ``spool=True``; then they may run.

        All files are looked for before the first is sent: where one is missing nothing has happened yet.

        Parameters
        ----------
        jobs
            The result of the submission, or the ads of the jobs as they were submitted (not as a query returns them:
            the schedd has changed the paths in those).
        progress
            Called with (job id, file, bytes of this file so far, bytes of this job so far), at the end of each file and
            at every MiB.
        timeout, idle_timeout
            Seconds for all of it, and without a sign of life.

        Raises
        ------
        HTCondorValueError
            An ad lacks ClusterId, ProcId or Iwd, or a proxy has expired.
        HTCondorIOError
            A file is missing or cannot be read.
        DaemonError
            The transfer failed, with the words of both sides. The schedd then removes the jobs.
        OutcomeUnknownError
            Everything was sent, but the schedd did not confirm it.
        """
        context = self._client._context()
        deadline = context.deadline(timeout)
        idle = max(context.timeouts.idle, _IDLE) if idle_timeout is None else idle_timeout
        ads = _repeatable(jobs)
        delegate = context.config.get_bool("DELEGATE_JOB_GSI_CREDENTIALS", True)
        ids = await self._checked(context, ads, delegate)
        if not ids:
            return
        files: Iterator[JobFiles] = (input_files(ad, delegate=delegate) for ad in ads())
        await sandbox.spool(
            context,
            await self._where(context, deadline),
            ids,
            files,
            deadline,
            idle,
            delegation=_delegation(context, None),
            progress=progress,
        )

    async def _checked(
        self, context: Context, ads: Callable[[], Iterator[ClassAd]], delegate: bool
    ) -> list[tuple[int, int]]:
        """Look for the files of all jobs; return their ids."""
        ids: list[tuple[int, int]] = []
        waiting = ads()
        now = context.runtime.now()

        def check_some() -> int:
            count = 0
            for ad in waiting:
                files = input_files(ad, delegate=delegate)
                if files.proxy:
                    path = next(entry.path for entry in files.entries if entry.name == files.proxy)
                    _require_valid(_read_proxy(path), path, now)
                ids.append(files.job)
                count += 1
                if count == _CHECKED_AT_ONCE:
                    break
            return count

        while await context.runtime.call(check_some) == _CHECKED_AT_ONCE:
            await context.runtime.checkpoint()
        if len(set(ids)) != len(ids):
            raise HTCondorValueError("a job is named twice")
        return ids

    async def retrieve(
        self,
        jobs: Constraint | Iterable[Mapping[str, Any] | str | tuple[int, int]],
        destination: str | None = None,
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> list[str]:
        """Fetch the files that one's own jobs have made.

        Parameters
        ----------
        jobs
            A constraint, or a list of job ads or ids.
        destination
            A directory in which each job gets a folder of its own. By default the files go where the job was submitted,
            as its ``TransferOutputRemaps`` say.
        progress, timeout, idle_timeout
            See :meth:`spool`.

        Returns
        -------
        list of str
            The ids of the jobs whose files were fetched; that none matched is no error.

        Raises
        ------
        HTCondorValueError
            The constraint does not parse.
        DaemonError
            The transfer failed, with the words of both sides: a file that could not be written, or a name that would
            leave the job's directory.
        """
        constraints = list(_chosen(jobs))
        context = self._client._context()
        deadline = context.deadline(timeout)
        idle = max(context.timeouts.idle, _IDLE) if idle_timeout is None else idle_timeout
        target = await self._where(context, deadline)
        done: list[tuple[int, int]] = []
        for constraint in constraints:
            done += await sandbox.retrieve(
                context,
                target,
                constraint,
                functools.partial(output_writer, destination=destination),
                deadline,
                idle,
                progress=progress,
            )
        return [f"{cluster}.{proc}" for cluster, proc in done]

    async def refresh_gsi_proxy(
        self,
        cluster: int,
        proc: int,
        proxy_filename: str,
        lifetime: int = -1,
        *,
        timeout: float | None = None,
    ) -> int:
        """Give a job a new X.509 proxy.

        It is delegated (the schedd makes a key of its own), or copied if ``DELEGATE_JOB_GSI_CREDENTIALS`` is false.

        Parameters
        ----------
        cluster, proc
            The job.
        proxy_filename
            The proxy file.
        lifetime
            Seconds that the delegated proxy shall live; 0: as long as this one; negative: as
            ``DELEGATE_JOB_GSI_CREDENTIALS_LIFETIME`` says.

        Returns
        -------
        int
            Seconds that the job's new proxy has to live.

        Raises
        ------
        HTCondorValueError
            The file is no proxy, or has expired.
        DaemonError
            The schedd does not take it: the job is not one's own, was not spooled, or has no proxy.
        """
        context = self._client._context()
        deadline = context.deadline(timeout)
        proxy = await context.runtime.call(functools.partial(_read_proxy, proxy_filename))
        now = context.runtime.now()
        _require_valid(proxy, proxy_filename, now)
        target = await self._where(context, deadline)
        if not context.config.get_bool("DELEGATE_JOB_GSI_CREDENTIALS", True):
            data = await context.runtime.read_file(proxy_filename, _MAX_PROXY)
            await send_proxy(context, target, (cluster, proc), data, deadline)
            return int(proxy.expires - now)
        terms = _delegation(context, None if lifetime < 0 else lifetime)
        await delegate_proxy(
            context, target, (cluster, proc), lambda request: proxy.sign(request, now=now, **terms), deadline
        )
        wanted = terms["expires"]
        return int((proxy.expires if wanted is None else min(proxy.expires, wanted)) - now)


def _repeatable(jobs: SubmitResult | Iterable[Mapping[str, Any]]) -> Callable[[], Iterator[ClassAd]]:
    if isinstance(jobs, SubmitResult):
        return jobs.jobs
    if isinstance(jobs, (str, Mapping)):
        raise HTCondorTypeError("the jobs to spool are given as the result of a submission, or a list of job ads")
    ads = [ad if isinstance(ad, ClassAd) else ClassAd(ad) for ad in jobs]
    for ad in ads:
        job_id_of(ad)
    return lambda: iter(ads)


def _chosen(jobs: Constraint | Iterable[Mapping[str, Any] | str | tuple[int, int]]) -> Iterator[str]:
    """Give the constraints that choose the jobs, one a request."""
    if jobs is None or isinstance(jobs, (str, bool, ExprTree)):
        yield constraint_text(jobs)
        return
    ids: dict[int, list[int]] = {}
    for item in jobs:
        cluster, _, proc = job_id(job_id_of(item) if isinstance(item, Mapping) else item).partition(".")
        if not proc:
            raise HTCondorValueError(f"{cluster} is a cluster, not a job", hint="write CLUSTER.PROC, or a constraint")
        ids.setdefault(int(cluster), []).append(int(proc))
    for number, procs in ids.items():
        for start in range(0, len(procs), _IDS_AT_ONCE):
            listed = ",".join(map(str, procs[start : start + _IDS_AT_ONCE]))
            yield f"ClusterId == {number} && member(ProcId,{{{listed}}})"


def _delegation(context: Context, lifetime: int | None) -> dict[str, Any]:
    """Return how proxies are delegated: until when, and whether they may start jobs."""
    seconds = context.config.get_int("DELEGATE_JOB_GSI_CREDENTIALS_LIFETIME", 86400) if lifetime is None else lifetime
    return {
        "expires": context.runtime.now() + seconds if seconds > 0 else None,
        "limited": not context.config.get_bool("DELEGATE_FULL_JOB_GSI_CREDENTIALS", False),
    }


def _read_proxy(path: str) -> Proxy:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_PROXY)
    except OSError as error:
        raise HTCondorIOError(f"the proxy {path} cannot be read: {error.strerror}") from error
    return Proxy.read(data, path)


def _require_valid(proxy: Proxy, path: str, now: float) -> None:
    if proxy.expires <= now:
        raise HTCondorValueError(f"the proxy {path} expired {int(now - proxy.expires)} s ago", hint="make a new one")
