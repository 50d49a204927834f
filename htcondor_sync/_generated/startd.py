"""v1's Startd.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_async.client import Client
from htcondor_async.errors import HTCondorReplyError
from htcondor_async.startd import Startd as CoreStartd
from htcondor_sync._arguments import attribute_names, expect
from htcondor_sync._calls import call
from htcondor_sync._coercions import constraint_in, drain_type_in, history_constraint_in, since_in
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle
from htcondor_sync._iterators import HistoryIterator

__all__ = ["Startd"]


class Startd(Handle[CoreStartd]):
    """A handle on one startd. It holds no connection and may be shared."""

    _kinds = (DaemonTypes.Startd,)

    def _make(self, client: Client) -> CoreStartd:
        return CoreStartd(self._ad, client=client)

    def drainJobs(
        self,
        drain_type: int = 0,
        on_completion: int = 0,
        check_expr: Any = "true",
        start_expr: Any = "false",
        reason: Any = "by command",
    ) -> str:
        """Have the startd get rid of its jobs and take no others."""
        expect("Startd.drainJobs", ("drain_type", drain_type, int), ("on_completion", on_completion, int))
        return call(
            self._core.drain_jobs(
                drain_type_in(drain_type), on_completion, constraint_in(check_expr), constraint_in(start_expr), reason
            ),
            HTCondorReplyError,
        )

    def cancelDrainJobs(self, request_id: Any = "") -> None:
        """End a drain, so that the startd takes jobs again."""
        call(self._core.cancel_drain_jobs(request_id or None), HTCondorReplyError)

    def history(self, requirements: Any, projection: list[Any], match: int = -1, since: Any = None) -> HistoryIterator:
        """Stream the ads of jobs that have run on this machine, newest first."""
        expect("Startd.history", ("projection", projection, list), ("match", match, int))
        return HistoryIterator._make(
            self._core.history(
                history_constraint_in(requirements), attribute_names(projection), int(match), since_in(since)
            )
        )
