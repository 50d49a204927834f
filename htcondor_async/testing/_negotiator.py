"""The negotiator of the embedded pool: its accountant, without negotiation."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Reader
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.testing._ads import matches, requirements_of
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["NegotiatorDaemon", "Submitter"]

_TIMEOUT = 20.0
_ROOT = "<none>"
_LOWEST_PRIORITY = 0.5
_LEASES = {
    Command.MANAGE_CEILING: "Ceiling",
    Command.MANAGE_FLOOR: "Floor",
    Command.MANAGE_PRIORITY_FACTOR: "PriorityFactor",
}


@attrs.define
class Submitter:
    """What the accountant knows of one submitter; usages in seconds, times in seconds since 1970."""

    priority: float = _LOWEST_PRIORITY
    factor: float = 1000.0
    ceiling: int = -1
    floor: int = 0
    usage: float = 0.0
    weighted_usage: float = 0.0
    begin: int = 0
    last: int = 0
    before_lease: dict[str, float] = attrs.field(factory=dict)

    def attributes(self, name: str) -> dict[str, object]:
        """Return an entry of a report."""
        return {
            "Name": name,
            "Priority": self.priority * self.factor,
            "ResourcesUsed": 0,
            "WeightedResourcesUsed": 0.0,
            "AccumulatedUsage": self.usage,
            "WeightedAccumulatedUsage": self.weighted_usage,
            "BeginUsageTime": self.begin,
            "LastUsageTime": self.last,
            "PriorityFactor": self.factor,
            "Ceiling": self.ceiling,
            "Floor": self.floor,
            "AccountingGroup": _ROOT,
            "IsAccountingGroup": False,
            "SubmitterShare": 0.0,
            "SubmitterLimit": 0.0,
        }

    def get(self, attribute: str) -> float:
        """Return a value that a lease can change."""
        return {"Ceiling": self.ceiling, "Floor": self.floor, "PriorityFactor": self.factor}[attribute]

    def set(self, attribute: str, value: float) -> None:
        """Set such a value."""
        if attribute == "PriorityFactor":
            self.factor = float(value)
        elif attribute == "Ceiling":
            self.ceiling = int(value)
        else:
            self.floor = int(value)


class NegotiatorDaemon(Daemon):
    """Keeps priorities, factors, limits and usages of submitters.

    Parameters
    ----------
    slots
        Gives the ads of the pool's slots, for the question which of them a submitter uses.
    """

    kind = "negotiator"

    def __init__(
        self, name: str, config: Config, *, slots: Callable[[], list[ClassAd]] = list, legacy: bool = False
    ) -> None:
        super().__init__(name, config, legacy=legacy)
        self.submitters: dict[str, Submitter] = {}
        self._slots = slots
        self.reschedules = 0
        read, administrator = ("READ", "ADMINISTRATOR")
        self.commands[Command.GET_PRIORITY] = Handler(read, self._report(rollup=False))
        self.commands[Command.GET_PRIORITY_ROLLUP] = Handler(read, self._report(rollup=True))
        self.commands[Command.GET_RESLIST] = Handler(read, self._resources)
        self.commands[Command.QUERY_NEGOTIATOR_ADS] = Handler(read, self._query_self)
        self.commands[Command.SET_PRIORITYFACTOR] = Handler("WRITE", self._set_factor)
        changes: dict[Command, Callable[[Submitter, Reader], None]] = {
            Command.SET_PRIORITY: lambda submitter, reader: setattr(submitter, "priority", reader.double()),
            Command.SET_ACCUMUSAGE: lambda submitter, reader: setattr(submitter, "weighted_usage", reader.double()),
            Command.SET_BEGINTIME: lambda submitter, reader: setattr(submitter, "begin", reader.int()),
            Command.SET_LASTTIME: lambda submitter, reader: setattr(submitter, "last", reader.int()),
            Command.SET_CEILING: lambda submitter, reader: setattr(submitter, "ceiling", reader.int()),
            Command.SET_FLOOR: lambda submitter, reader: setattr(submitter, "floor", reader.int()),
            Command.RESET_USAGE: lambda submitter, reader: _reset(submitter),
        }
        for command, change in changes.items():
            self.commands[command] = Handler(administrator, self._change(change))
        self.commands[Command.DELETE_USER] = Handler(administrator, self._delete)
        self.commands[Command.RESET_ALL_USAGE] = Handler(administrator, self._reset_all)
        self.commands[Command.RESCHEDULE] = Handler("DAEMON", self._reschedule)
        if not legacy:
            for command in _LEASES:
                self.commands[command] = Handler(administrator, self._lease)

    def ad(self) -> ClassAd:
        """Return the ad that this negotiator advertises."""
        return ClassAd(
            {
                "MyType": "Negotiator",
                "Name": self.name,
                "Machine": "localhost",
                "MyAddress": str(self.address),
                "NegotiatorIpAddr": str(self.address),
                "CondorVersion": self.version,
            }
        )

    async def _query_self(self, connection: Connection) -> None:
        query = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        writer, ad = connection.writer(), self.ad()
        if matches(ad, requirements_of(query)):
            writer.int(1).ad(ad)
        await connection.reply(writer.int(0))

    def _entries(self, rollup: bool) -> Iterator[dict[str, object]]:
        everybody = list(self.submitters.values())
        root = {
            "Name": _ROOT,
            "Priority": 0.0 if rollup else 500.0,
            "ResourcesUsed": 0,
            "Requested": 0.0,
            "WeightedResourcesUsed": 0.0,
            "PriorityFactor": 1000.0 if rollup else 0.0,
            "AccumulatedUsage": sum(one.usage for one in everybody) if rollup else 0.0,
            "WeightedAccumulatedUsage": sum(one.weighted_usage for one in everybody) if rollup else 0.0,
            "BeginUsageTime": min((one.begin for one in everybody), default=0) if rollup else 0,
            "LastUsageTime": max((one.last for one in everybody), default=0) if rollup else 0,
            "AccountingGroup": _ROOT,
            "IsAccountingGroup": True,
            "EffectiveQuota": 0.0,
            "ConfigQuota": 0.0,
            "SubtreeQuota": 0.0,
            "GroupSortKey": 0.0,
            "SurplusPolicy": "byquota",
            "HierWeightedResourcesUsed": 0.0,
        }
        yield root
        for name, submitter in self.submitters.items():
            yield submitter.attributes(name)

    def _report(self, *, rollup: bool) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            report = ClassAd({"LastUpdate": int(time.time())})
            number = 0
            for number, entry in enumerate(self._entries(rollup), 1):
                for name, value in entry.items():
                    report[f"{name}{number}"] = value
            report["NumSubmittors"] = number
            await connection.reply(connection.writer().ad(report, types=False))

        return serve

    async def _resources(self, connection: Connection) -> None:
        user = (await connection.request(connection.runtime.clock() + _TIMEOUT)).str()
        report = ClassAd()
        used = [slot for slot in self._slots() if slot.get("RemoteUser") == user]
        for number, slot in enumerate(used, 1):
            report[f"Name{number}"] = f"{slot['Name']}@{slot['MyAddress']}"
            report[f"StartTime{number}"] = slot.get("EnteredCurrentState", 0)
        await connection.reply(connection.writer().ad(report, types=False))

    # -- changes

    def _submitter(self, name: str) -> Submitter:
        return self.submitters.setdefault(name, Submitter())

    def _change(self, change: Callable[[Submitter, Reader], None]) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            reader = await connection.request(connection.runtime.clock() + _TIMEOUT)
            name, changed = reader.str(), Submitter()
            known = self.submitters.get(name)
            changed = attrs.evolve(known) if known is not None else changed
            change(changed, reader)
            reader.expect_end()  # a request with more in it changes nothing
            self.submitters[name] = changed

        return serve

    async def _set_factor(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + _TIMEOUT)
        name, factor = reader.str(), reader.double()
        reader.expect_end()
        answer: dict[str, object] = {"ErrorCode": 0}
        if self.permits("ADMINISTRATOR", connection.user):
            self._submitter(name).factor = factor
        else:
            text = "Not an administrator and authorization maps (NEGOTIATOR_CLASSAD_USER_MAP_NAMES) is not set."
            answer = {"ErrorCode": 1, "ErrorString": text}
        await connection.reply(connection.writer().ad(ClassAd(answer)))

    async def _delete(self, connection: Connection) -> None:
        self.submitters.pop((await connection.request(connection.runtime.clock() + _TIMEOUT)).str(), None)

    async def _reset_all(self, connection: Connection) -> None:
        for submitter in self.submitters.values():
            _reset(submitter)

    async def _reschedule(self, connection: Connection) -> None:
        self.reschedules += 1

    async def _lease(self, connection: Connection) -> None:
        request = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        attribute = _LEASES[Command(connection.accepted.command)]
        error = self._apply_lease(attribute, request)
        answer = ClassAd({"Success": not error, "ErrorString": error})
        await connection.reply(connection.writer().ad(answer))

    def _apply_lease(self, attribute: str, request: ClassAd) -> str:
        name, action = request.get("Submitter"), request.get("Action")
        if not isinstance(name, str) or not name:
            return "request is missing Submitter"
        submitter = self._submitter(name)
        if action == "cancel":
            if attribute not in submitter.before_lease:
                return f"no lease of the {attribute} of {name}"
            submitter.set(attribute, submitter.before_lease.pop(attribute))
            return ""
        value, duration = request.get(attribute), request.get("Duration")
        if action != "set" or not isinstance(value, (int, float)) or type(duration) is not int:
            return f"set action requires {attribute} and Duration"
        submitter.before_lease.setdefault(attribute, submitter.get(attribute))
        submitter.set(attribute, value)
        return ""


def _reset(submitter: Submitter) -> None:
    submitter.usage = submitter.weighted_usage = 0.0
    submitter.begin = int(time.time())
