"""v1's Startd.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle
from htcondor_sync._unserved import not_served

__all__ = ["Startd"]


class Startd(Handle[Any]):
    """v1's Startd; the client has no operation of it yet."""

    _kinds = (DaemonTypes.Startd,)

    def drainJobs(
        self,
        drain_type: int = 0,
        on_completion: int = 0,
        check_expr: Any = "true",
        start_expr: Any = "false",
        reason: Any = "by command",
    ) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Startd.drainJobs")

    def cancelDrainJobs(self, request_id: Any = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Startd.cancelDrainJobs")

    def history(self, requirements: Any, projection: list[Any], match: int = -1, since: Any = None) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Startd.history")
