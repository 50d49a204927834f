"""The negotiator: who may use how much of the pool."""

from __future__ import annotations

from collections.abc import Callable

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Writer
from htcondor_async._core import locate as _locate
from htcondor_async._core.context import Context, Target
from htcondor_async._core.tell import ask, change, tell
from htcondor_async._dialogues import accounting
from htcondor_async._dialogues.accounting import check_user, entries, named_int, named_real, number_at_least
from htcondor_async._handle import DaemonHandle
from htcondor_async.classad import ClassAd
from htcondor_async.enums import DaemonTypes

__all__ = ["Negotiator"]

_LEASES = {
    "Ceiling": Command.MANAGE_CEILING,
    "Floor": Command.MANAGE_FLOOR,
    "PriorityFactor": Command.MANAGE_PRIORITY_FACTOR,
}


class Negotiator(DaemonHandle):
    """A handle on one negotiator. It holds no connection and may be shared.

    Submitters are named in full, ``user@uid.domain``. Most changes are not answered: a call that returns was permitted
    and sent. All but :meth:`set_factor` take an administrator.

    Parameters
    ----------
    location
        The negotiator's ad, or its address in angle brackets; None means the pool's, looked up at the first use.
    client
        Who asks; by default the client of the current context.
    """

    _kind = DaemonTypes.Negotiator
    _word = "negotiator"

    async def _where(self, context: Context, deadline: float) -> Target:
        if self._target is None:
            collectors = _locate.collector_targets(context, ())
            if collectors:
                ad = await _locate.locate(context, collectors, DaemonTypes.Negotiator, None, deadline)
            else:
                ad = await _locate.locate_local(context, DaemonTypes.Negotiator, deadline)
            self._target = _locate.target_of_ad(ad, "negotiator")
        return self._target

    async def _tell(self, command: Command, build: Callable[[Writer], Writer] | None, timeout: float | None) -> None:
        context = self._client._context()
        deadline = context.deadline(timeout)
        await tell(context, await self._where(context, deadline), command, build, deadline)

    # -- reading

    async def get_priorities(self, rollup: bool = False, *, timeout: float | None = None) -> list[ClassAd]:
        """Return one ad for each accounting group and submitter, groups first.

        Parameters
        ----------
        rollup
            Sum up each group with the groups below it.
        timeout
            Seconds for all of it.

        Returns
        -------
        list[ClassAd]
            ``Name``, ``Priority`` (with the factor in it), ``PriorityFactor``, ``ResourcesUsed``,
            ``AccumulatedUsage``, ``WeightedAccumulatedUsage``, ``BeginUsageTime``, ``LastUsageTime``,
            ``IsAccountingGroup``, ``AccountingGroup``, and for groups their quotas.
        """
        context = self._client._context()
        deadline = context.deadline(timeout)
        command = Command.GET_PRIORITY_ROLLUP if rollup else Command.GET_PRIORITY
        target = await self._where(context, deadline)
        return entries(await ask(context, target, command, None, lambda reader: reader.ad(types=False), deadline))

    async def get_resource_usage(self, user: str, *, timeout: float | None = None) -> list[ClassAd]:
        """Return ``Name`` and ``StartTime`` of each slot that a submitter uses; nothing for one that is unknown."""
        name = check_user(user)
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        report = await ask(
            context,
            target,
            Command.GET_RESLIST,
            lambda writer: writer.str(name),
            lambda reader: reader.ad(types=False),
            deadline,
        )
        return entries(report)

    # -- changes

    async def set_priority(self, user: str, priority: float, *, timeout: float | None = None) -> None:
        """Set a submitter's real priority, from 0 up; the smaller, the better.

        Raises
        ------
        HTCondorValueError
            The name is not a full one, or the number out of range; so for all changes.
        AuthorizationError
            This client is not an administrator of the pool; so for all changes.
        """
        value = number_at_least(priority, 0, "a priority")
        await self._tell(Command.SET_PRIORITY, named_real(check_user(user), value), timeout)

    async def set_factor(
        self, user: str, factor: float, *, duration: int | None = None, timeout: float | None = None
    ) -> None:
        """Set what a submitter's priority is multiplied by, from 1 up.

        Parameters
        ----------
        user, factor
            Whose, and what.
        duration
            Seconds after which the old factor holds again (daemons from 25.1 on).
        timeout
            Seconds for all of it.

        Raises
        ------
        DaemonError
            The negotiator refused, with its code and text.
        OutcomeUnknownError
            The connection broke before the answer.
        """
        value = number_at_least(factor, 1, "a priority factor")
        if duration is not None:
            await self._lease(user, "PriorityFactor", value, duration, timeout)
            return
        name = check_user(user)
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        answer = await change(
            context, target, Command.SET_PRIORITYFACTOR, named_real(name, value), lambda reader: reader.ad(), deadline
        )
        accounting.factor_answer(answer)

    async def set_ceiling(
        self, user: str, ceiling: float, *, duration: int | None = None, timeout: float | None = None
    ) -> None:
        """Set the most that a submitter may use, in units of slot weight; -1 for no limit. See :meth:`set_factor`."""
        await self._limit(Command.SET_CEILING, "Ceiling", user, ceiling, duration, timeout)

    async def set_floor(
        self, user: str, floor: float, *, duration: int | None = None, timeout: float | None = None
    ) -> None:
        """Set what a submitter gets before others are served, in units of slot weight. See :meth:`set_factor`."""
        await self._limit(Command.SET_FLOOR, "Floor", user, floor, duration, timeout)

    async def _limit(
        self, command: Command, name: str, user: str, value: float, duration: int | None, timeout: float | None
    ) -> None:
        number = int(number_at_least(value, -1, f"a {name.lower()}", whole=True))
        if duration is not None:
            await self._lease(user, name, number, duration, timeout)
        else:
            await self._tell(command, named_int(check_user(user), number), timeout)

    async def cancel_ceiling(self, user: str, *, timeout: float | None = None) -> None:
        """End a ceiling that was set for some time; raises ``DaemonError`` if there is none."""
        await self._lease(user, "Ceiling", None, 0, timeout)

    async def cancel_floor(self, user: str, *, timeout: float | None = None) -> None:
        """End a floor that was set for some time; raises ``DaemonError`` if there is none."""
        await self._lease(user, "Floor", None, 0, timeout)

    async def cancel_factor(self, user: str, *, timeout: float | None = None) -> None:
        """End a priority factor that was set for some time; raises ``DaemonError`` if there is none."""
        await self._lease(user, "PriorityFactor", None, 0, timeout)

    async def _lease(
        self, user: str, attribute: str, value: float | None, duration: int, timeout: float | None
    ) -> None:
        seconds = int(number_at_least(duration, 0 if value is None else 1, "a duration", whole=True))
        request = accounting.lease_request(check_user(user), attribute, value, seconds)
        context = self._client._context()
        deadline = context.deadline(timeout)
        target = await self._where(context, deadline)
        answer = await change(
            context,
            target,
            _LEASES[attribute],
            lambda writer: writer.ad(request),
            lambda reader: reader.ad(),
            deadline,
        )
        verb = "cancel" if value is None else "set"
        accounting.lease_answer(answer, f"{verb} the {attribute} of {user} for a time")

    async def set_usage(self, user: str, usage: float, *, timeout: float | None = None) -> None:
        """Set a submitter's accumulated usage, in seconds weighted by slot weight."""
        value = number_at_least(usage, 0, "a usage")
        await self._tell(Command.SET_ACCUMUSAGE, named_real(check_user(user), value), timeout)

    async def set_begin_usage(self, user: str, value: int, *, timeout: float | None = None) -> None:
        """Set when a submitter first used the pool, in seconds since 1970."""
        await self._set_time(Command.SET_BEGINTIME, user, value, timeout)

    async def set_last_usage(self, user: str, value: int, *, timeout: float | None = None) -> None:
        """Set when a submitter last used the pool, in seconds since 1970."""
        await self._set_time(Command.SET_LASTTIME, user, value, timeout)

    async def _set_time(self, command: Command, user: str, value: int, timeout: float | None) -> None:
        when = int(number_at_least(value, 0, "a time", whole=True))
        await self._tell(command, named_int(check_user(user), when), timeout)

    async def reset_usage(self, user: str, *, timeout: float | None = None) -> None:
        """Begin a submitter's accounting anew, now."""
        name = check_user(user)
        await self._tell(Command.RESET_USAGE, lambda writer: writer.str(name), timeout)

    async def reset_all_usage(self, *, timeout: float | None = None) -> None:
        """Begin everybody's accounting anew, now."""
        await self._tell(Command.RESET_ALL_USAGE, None, timeout)

    async def delete_user(self, user: str, *, timeout: float | None = None) -> None:
        """Delete a submitter's record."""
        name = check_user(user)
        await self._tell(Command.DELETE_USER, lambda writer: writer.str(name), timeout)
