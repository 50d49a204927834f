"""v1's Negotiator.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from htcondor_async.client import Client
from htcondor_async.errors import HTCondorIOError
from htcondor_async.negotiator import Negotiator as CoreNegotiator
from htcondor_sync._ads import ClassAd, ads_out
from htcondor_sync._arguments import UNSET, Unset, expect
from htcondor_sync._calls import call
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle

__all__ = ["Negotiator"]


class Negotiator(Handle[CoreNegotiator]):
    """A handle on one negotiator. It holds no connection and may be shared."""

    _kinds = (DaemonTypes.Negotiator,)

    def _make(self, client: Client) -> CoreNegotiator:
        return CoreNegotiator(self._ad, client=client)

    def setPriority(self, user: str, prio: float) -> None:
        """Set a submitter's real priority, from 0 up; the smaller, the better."""
        expect("Negotiator.setPriority", ("user", user, str), ("prio", prio, float))
        call(self._core.set_priority(user, prio), HTCondorIOError)

    def setFactor(self, user: str, factor: float) -> None:
        """Set what a submitter's priority is multiplied by, from 1 up."""
        expect("Negotiator.setFactor", ("user", user, str), ("factor", factor, float))
        call(self._core.set_factor(user, factor), HTCondorIOError)

    def setCeiling(self, user: str, ceiling: float) -> None:
        """Set the most that a submitter may use, in units of slot weight; -1 for no limit. See :meth:`set_factor`."""
        expect("Negotiator.setCeiling", ("user", user, str), ("ceiling", ceiling, float))
        call(self._core.set_ceiling(user, ceiling), HTCondorIOError)

    def setUsage(self, user: str, usage: float) -> None:
        """Set a submitter's accumulated usage, in seconds weighted by slot weight."""
        expect("Negotiator.setUsage", ("user", user, str), ("usage", usage, float))
        call(self._core.set_usage(user, usage), HTCondorIOError)

    def setBeginUsage(self, user: str, value: int) -> None:
        """Set when a submitter first used the pool, in seconds since 1970."""
        expect("Negotiator.setBeginUsage", ("user", user, str), ("value", value, int))
        call(self._core.set_begin_usage(user, value), HTCondorIOError)

    def setLastUsage(self, user: str, value: int) -> None:
        """Set when a submitter last used the pool, in seconds since 1970."""
        expect("Negotiator.setLastUsage", ("user", user, str), ("value", value, int))
        call(self._core.set_last_usage(user, value), HTCondorIOError)

    def resetUsage(self, user: str) -> None:
        """Begin a submitter's accounting anew, now."""
        expect("Negotiator.resetUsage", ("user", user, str))
        call(self._core.reset_usage(user), HTCondorIOError)

    def deleteUser(self, user: str) -> None:
        """Delete a submitter's record."""
        expect("Negotiator.deleteUser", ("user", user, str))
        call(self._core.delete_user(user), HTCondorIOError)

    def resetAllUsage(self) -> None:
        """Begin everybody's accounting anew, now."""
        call(self._core.reset_all_usage(), HTCondorIOError)

    def getResourceUsage(self, user: str) -> list[ClassAd]:
        """Return ``Name`` and ``StartTime`` of each slot that a submitter uses; nothing for one that is unknown."""
        expect("Negotiator.getResourceUsage", ("user", user, str))
        return ads_out(call(self._core.get_resource_usage(user), HTCondorIOError))

    def getPriorities(self, rollup: bool | Unset = UNSET) -> list[ClassAd]:
        """Return one ad for each accounting group and submitter, groups first."""
        expect("Negotiator.getPriorities", ("rollup", rollup, bool))
        return ads_out(
            call(self._core.get_priorities(False if isinstance(rollup, Unset) else bool(rollup)), HTCondorIOError)
        )
