"""v1's Schedd.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

# ruff: noqa: B006 - the defaults are those of v1, and never changed

from __future__ import annotations

from typing import Any

from htcondor_async.client import Client
from htcondor_async.errors import HTCondorIOError, HTCondorReplyError
from htcondor_async.schedd import Schedd as CoreSchedd
from htcondor_sync._ads import ClassAd, ad_out, ads_out
from htcondor_sync._arguments import attribute_names, expect, strings
from htcondor_sync._calls import call, renamed
from htcondor_sync._coercions import (
    action_in,
    callback_in,
    constraint_in,
    found_out,
    history_constraint_in,
    job_spec_in,
    query_opts_in,
    reason_in,
    retrieved_in,
    since_in,
    spooled_in,
)
from htcondor_sync._generated.enums import DaemonTypes, JobAction, QueryOpts
from htcondor_sync._handles import Handle
from htcondor_sync._iterators import HistoryIterator

__all__ = ["ScheddMethods"]


class ScheddMethods(Handle[CoreSchedd]):
    """A handle on one schedd. It holds no connection and may be shared between tasks and threads."""

    _kinds = (DaemonTypes.Schedd,)

    def _make(self, client: Client) -> CoreSchedd:
        return CoreSchedd(self._ad, client=client)

    @renamed("Schedd", {"requirements": "constraint", "attr_list": "projection"})
    def query(
        self,
        constraint: Any = "true",
        projection: list[Any] = [],
        callback: Any = None,
        limit: int = -1,
        opts: QueryOpts = QueryOpts.Default,
    ) -> list[Any]:
        """Return job ads as a list."""
        expect("Schedd.query", ("projection", projection, list), ("limit", limit, int), ("opts", opts, QueryOpts))
        return found_out(
            call(
                self._core.query(
                    constraint_in(constraint),
                    attribute_names(projection),
                    callback_in(callback),
                    limit=int(limit),
                    opts=query_opts_in(opts),
                ),
                HTCondorIOError,
            )
        )

    @renamed("Schedd", {"requirements": "constraint", "attr_list": "projection"})
    def history(self, constraint: Any, projection: list[Any], match: int = -1, since: Any = None) -> HistoryIterator:
        """Stream the ads of jobs that have left the queue, newest first."""
        expect("Schedd.history", ("projection", projection, list), ("match", match, int))
        return HistoryIterator._make(
            self._core.history(
                history_constraint_in(constraint), attribute_names(projection), int(match), since_in(since)
            )
        )

    def jobEpochHistory(
        self, constraint: Any, projection: list[Any], match: int = -1, since: Any = None, ad_type: Any = None
    ) -> HistoryIterator:
        """Stream the ads of single runs of jobs, newest first."""
        expect("Schedd.jobEpochHistory", ("projection", projection, list), ("match", match, int))
        return HistoryIterator._make(
            self._core.job_epoch_history(
                history_constraint_in(constraint), attribute_names(projection), int(match), since_in(since), ad_type
            )
        )

    def act(self, action: JobAction, job_spec: Any, reason: Any = None) -> ClassAd:
        """Hold, release, remove, suspend, continue or vacate jobs."""
        expect("Schedd.act", ("action", action, JobAction))
        return ad_out(
            call(
                self._core.act(action_in(action), job_spec_in(job_spec), reason_in(action, reason)), HTCondorReplyError
            )
        )

    def reschedule(self) -> None:
        """Ask the schedd to seek matches for its idle jobs soon. It gives no answer."""
        call(self._core.reschedule(), HTCondorIOError)

    def spool(self, ad_list: Any) -> None:
        """Send the input files of jobs that were submitted with ``spool=True``; then they may run."""
        call(self._core.spool(spooled_in(ad_list)), HTCondorIOError)

    def retrieve(self, arg2: Any, /) -> None:
        """Fetch the files that one's own jobs have made."""
        call(self._core.retrieve(retrieved_in(arg2)), HTCondorIOError)

    def export_jobs(self, job_spec: Any, export_dir: str, new_spool_dir: str) -> ClassAd:
        """Write jobs to a job queue log that another schedd can be run on; meanwhile they are managed externally."""
        expect("Schedd.export_jobs", ("export_dir", export_dir, str), ("new_spool_dir", new_spool_dir, str))
        return ad_out(
            call(self._core.export_jobs(job_spec_in(job_spec), export_dir, new_spool_dir or None), HTCondorIOError)
        )

    def import_exported_job_results(self, import_dir: str) -> ClassAd:
        """Take over what has become of exported jobs."""
        expect("Schedd.import_exported_job_results", ("import_dir", import_dir, str))
        return ad_out(call(self._core.import_exported_job_results(import_dir), HTCondorIOError))

    def unexport_jobs(self, job_spec: Any) -> ClassAd:
        """Manage exported jobs here again; parameters and errors as for :meth:`export_jobs`."""
        return ad_out(call(self._core.unexport_jobs(job_spec_in(job_spec)), HTCondorIOError))

    def enable_users(self, users: list[Any], add: bool = False) -> ClassAd:
        """Let users submit again: those named, or those whose records match; errors as for :meth:`add_users`."""
        expect("Schedd.enable_users", ("users", users, list), ("add", add, bool))
        return ad_out(call((self._core.add_users if add else self._core.enable_users)(strings(users)), HTCondorIOError))

    def enable_users_matching(self, constraint: Any) -> ClassAd:
        """Let users submit again: those named, or those whose records match; errors as for :meth:`add_users`."""
        return ad_out(call(self._core.enable_users((), constraint_in(constraint)), HTCondorIOError))

    def disable_users(self, users: list[Any], reason: Any = None) -> ClassAd:
        """Let users submit no more; errors as for :meth:`add_users`."""
        expect("Schedd.disable_users", ("users", users, list))
        return ad_out(call(self._core.disable_users(strings(users), reason), HTCondorIOError))

    def disable_users_matching(self, constraint: Any, reason: Any = None) -> ClassAd:
        """Let users submit no more; errors as for :meth:`add_users`."""
        return ad_out(call(self._core.disable_users((), reason, constraint_in(constraint)), HTCondorIOError))

    def query_users(self, constraint: Any = "true", projection: list[Any] = [], limit: int = -1) -> list[ClassAd]:
        """Return the schedd's records of users (HTCondor 23.0 and later)."""
        expect("Schedd.query_users", ("projection", projection, list), ("limit", limit, int))
        return ads_out(
            call(
                self._core.query_users(
                    constraint_in(constraint), attribute_names(projection), limit if limit >= 0 else None
                ),
                HTCondorIOError,
            )
        )

    def refreshGSIProxy(self, cluster: int, proc: int, proxy_filename: str, lifetime: int) -> int:
        """Give a job a new X.509 proxy."""
        expect(
            "Schedd.refreshGSIProxy",
            ("cluster", cluster, int),
            ("proc", proc, int),
            ("proxy_filename", proxy_filename, str),
            ("lifetime", lifetime, int),
        )
        return call(self._core.refresh_gsi_proxy(cluster, proc, proxy_filename, lifetime), HTCondorIOError)
