"""v1's Negotiator.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._arguments import UNSET, Unset
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle
from htcondor_sync._unserved import not_served

__all__ = ["Negotiator"]


class Negotiator(Handle[Any]):
    """v1's Negotiator; the client has no operation of it yet."""

    _kinds = (DaemonTypes.Negotiator,)

    def setPriority(self, user: str, prio: float) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setPriority")

    def setFactor(self, user: str, factor: float) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setFactor")

    def setCeiling(self, user: str, ceiling: float) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setCeiling")

    def setUsage(self, user: str, usage: float) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setUsage")

    def setBeginUsage(self, user: str, value: int) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setBeginUsage")

    def setLastUsage(self, user: str, value: int) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.setLastUsage")

    def resetUsage(self, user: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.resetUsage")

    def deleteUser(self, user: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.deleteUser")

    def resetAllUsage(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.resetAllUsage")

    def getResourceUsage(self, user: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.getResourceUsage")

    def getPriorities(self, rollup: bool | Unset = UNSET) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Negotiator.getPriorities")
