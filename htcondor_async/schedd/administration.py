"""Jobs lent to another queue, and the schedd's records of users."""

from __future__ import annotations

from collections.abc import Iterable

from htcondor_async._cedar.commands import Command
from htcondor_async._core.act import exchange_ads
from htcondor_async._core.context import Context, Target
from htcondor_async._core.users import change_users, query_users
from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names, string_literal
from htcondor_async._dialogues.jobids import JobSpec, select_jobs
from htcondor_async._dialogues.users import UserQuery, user_ads
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError
from htcondor_async.schedd.base import ScheddBase

__all__ = ["ScheddAdministration"]


class ScheddAdministration(ScheddBase):
    """What an owner of jobs, or an administrator of the queue, does now and then."""

    # -- jobs lent to another queue

    async def export_jobs(
        self, job_spec: JobSpec, export_dir: str, new_spool_dir: str | None = None, *, timeout: float | None = None
    ) -> ClassAd:
        """Write jobs to a job queue log that another schedd can be run on; meanwhile they are managed externally.

        Parameters
        ----------
        job_spec
            Clusters (``"5"``, ``["5", "7"]``; what follows a dot is ignored) or a constraint on cluster ads.
        export_dir
            An existing directory on the schedd's machine that the owner may write to.
        new_spool_dir
            Where the other schedd will look for spooled files.
        timeout
            Seconds for all of it.

        Returns
        -------
        ClassAd
            ``Log``, ``TotalJobAds``, ``TotalClusterAds`` and ``User``.

        Raises
        ------
        DaemonError
            The schedd refused, with its own words.
        OutcomeUnknownError
            The request was sent and its answer lost.
        """
        pairs = [*_clusters(job_spec), ("ExportDir", string_literal(_directory(export_dir)))]
        if new_spool_dir:
            pairs.append(("NewSpoolDir", string_literal(_directory(new_spool_dir))))
        return await self._exchange(Command.EXPORT_JOBS, pairs, "export the jobs", timeout)

    async def import_exported_job_results(self, import_dir: str, *, timeout: float | None = None) -> ClassAd:
        """Take over what has become of exported jobs; see :meth:`export_jobs` for the errors.

        Parameters
        ----------
        import_dir
            The directory that they were exported to.
        timeout
            Seconds for all of it.
        """
        pairs = [("ExportDir", string_literal(_directory(import_dir)))]
        return await self._exchange(Command.IMPORT_EXPORTED_JOB_RESULTS, pairs, "import the results", timeout)

    async def unexport_jobs(self, job_spec: JobSpec, *, timeout: float | None = None) -> ClassAd:
        """Manage exported jobs here again; parameters and errors as for :meth:`export_jobs`."""
        return await self._exchange(Command.UNEXPORT_JOBS, _clusters(job_spec), "take the jobs back", timeout)

    async def _exchange(
        self, command: Command, pairs: list[tuple[str, str]], what: str, timeout: float | None
    ) -> ClassAd:
        context, target, deadline = await self._prepared(timeout)
        result = await exchange_ads(context, target, command, pairs, deadline)
        if result.get("ActionResult") != 1:
            code, text = result.get("ErrorCode"), result.get("ErrorString")
            raise DaemonError(
                f"the schedd did not {what}",
                code=code if type(code) is int else 0,
                error_stack=[text] if isinstance(text, str) else [],
                daemon=target.daemon,
                address=str(target.address),
                command=command.name,
            )
        return result

    # -- users

    async def query_users(
        self,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        limit: int | None = None,
        *,
        timeout: float | None = None,
    ) -> list[ClassAd]:
        """Return the schedd's records of users (HTCondor 23.0 and later).

        Parameters
        ----------
        constraint, projection, limit
            Which, which of their attributes, and how many; all by default.
        timeout
            Seconds for all of it.

        Raises
        ------
        AuthorizationError
            One has to be authenticated.
        HTCondorIOError
            The schedd cannot be reached, or is too old to have such records.
        """
        query = UserQuery(constraint_text(constraint), projection_names(projection), limit)
        context, target, deadline = await self._prepared(timeout)
        return await query_users(context, target, query, deadline)

    async def add_users(self, users: str | Iterable[str], *, timeout: float | None = None) -> ClassAd:
        """Make records of users (``"name@domain"``), enabled; those that exist are enabled.

        Raises
        ------
        DaemonError
            The schedd refused: one has to be a queue superuser, or an administrator.
        """
        return await self._change_users(Command.ENABLE_USERREC, users, None, "add the users", timeout, add=True)

    async def enable_users(
        self, users: str | Iterable[str] = (), constraint: Constraint = None, *, timeout: float | None = None
    ) -> ClassAd:
        """Let users submit again: those named, or those whose records match; errors as for :meth:`add_users`."""
        return await self._change_users(Command.ENABLE_USERREC, users, constraint, "enable the users", timeout)

    async def disable_users(
        self,
        users: str | Iterable[str] = (),
        reason: str | None = None,
        constraint: Constraint = None,
        *,
        timeout: float | None = None,
    ) -> ClassAd:
        """Let users submit no more; errors as for :meth:`add_users`.

        Parameters
        ----------
        users, constraint
            Those named, or those whose records match.
        reason
            What they are told.
        """
        return await self._change_users(
            Command.DISABLE_USERREC, users, constraint, "disable the users", timeout, reason=reason
        )

    async def _change_users(
        self,
        command: Command,
        users: str | Iterable[str],
        constraint: Constraint,
        what: str,
        timeout: float | None,
        *,
        add: bool = False,
        reason: str | None = None,
    ) -> ClassAd:
        names = [users] if isinstance(users, str) else list(users)
        if bool(names) == (constraint is not None):
            raise HTCondorValueError("users are given by name, or else by a constraint on their records")
        for name in names:
            if not isinstance(name, str):
                raise HTCondorTypeError(f"a user is given as 'name@domain', not as {type(name).__name__}")
            if not name or any(c.isspace() for c in name):
                raise HTCondorValueError(f"{name!r} is not the name of a user")
        expression = None if constraint is None else constraint_text(constraint)
        context, target, deadline = await self._prepared(timeout)
        return await change_users(
            context, target, command, user_ads(names, expression, add=add, reason=reason), what, deadline
        )

    async def _prepared(self, timeout: float | None) -> tuple[Context, Target, float]:
        context = self._client._context()
        deadline = context.deadline(timeout)
        return context, await self._where(context, deadline), deadline


def _clusters(spec: JobSpec) -> list[tuple[str, str]]:
    jobs = select_jobs(spec)
    if jobs.ids is None:
        return [("ActionConstraint", jobs.constraint or "true")]
    clusters = dict.fromkeys(job.partition(".")[0] for job in jobs.ids)
    if not clusters:
        raise HTCondorValueError("no cluster is named")
    # as a constraint: a schedd of 23.9 does not survive the number of a cluster that is not there
    return [("ActionConstraint", " || ".join(f"ClusterId == {cluster}" for cluster in clusters))]


def _directory(path: str) -> str:
    if not isinstance(path, str):
        raise HTCondorTypeError(f"a directory is given as text, not as {type(path).__name__}")
    if not path:
        raise HTCondorValueError("a directory is missing")
    return path
