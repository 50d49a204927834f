"""The startd of the embedded pool: slots that can be drained. It runs no jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from htcondor_async._cedar.commands import Command
from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.config import Config
from htcondor_async.testing._ads import matches, requirements_of
from htcondor_async.testing._history import serve_history
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["StartdDaemon"]

_TIMEOUT = 20.0
_ALREADY_DRAINING, _NO_SUCH_REQUEST, _CHECK_FAILED = 10001, 10002, 10003


class StartdDaemon(Daemon):
    """Has slots, and tells who keeps their ads when they change.

    Parameters
    ----------
    slots
        Attributes of each slot over those of an idle one.
    advertise
        Called with the ads of the slots when they change.
    """

    kind = "startd"

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        slots: list[Mapping[str, Any]] | None = None,
        advertise: Callable[[list[ClassAd]], None] = lambda ads: None,
        legacy: bool = False,
    ) -> None:
        super().__init__(name, config, legacy=legacy)
        self._given = list(slots) if slots is not None else [{}]
        self._advertise = advertise
        self._requests = 0
        self.drain: ClassAd | None = None
        self.history: list[ClassAd] = []
        self.commands[Command.QUERY_STARTD_ADS] = Handler("READ", self._query_slots)
        self.commands[Command.DRAIN_JOBS] = Handler("ADMINISTRATOR", self._begin)
        self.commands[Command.CANCEL_DRAIN_JOBS] = Handler("ADMINISTRATOR", self._cancel)
        self.commands[Command.GET_HISTORY] = Handler("READ", self._query_history)

    def ads(self) -> list[ClassAd]:
        """Return the ads of the slots."""
        return [self._slot(number, given) for number, given in enumerate(self._given, 1)]

    def _slot(self, number: int, given: Mapping[str, Any]) -> ClassAd:
        slot = ClassAd(
            {
                "MyType": "Machine",
                "Name": f"slot{number}@{self.name}",
                "Machine": self.name,
                "SlotID": number,
                "MyAddress": str(self.address),
                "StartdIpAddr": str(self.address),
                "CondorVersion": self.version,
                "State": "Unclaimed",
                "Activity": "Idle",
                "Arch": "X86_64",
                "OpSys": "LINUX",
                "Cpus": 1,
                "Memory": 1024,
                "Disk": 1048576,
                "LoadAvg": 0.0,
                "Start": True,
            }
        )
        slot["Requirements"] = ExprTree("START")
        slot.update(given)
        if self.drain is not None:
            slot.update({"State": "Drained", "Activity": "Retiring", "Draining": True})
            slot["DrainReason"] = self.drain["DrainReason"]
            slot["DrainingRequestId"] = self.drain["RequestID"]
            slot["Start"] = self.drain.lookup("StartExpr") if "StartExpr" in self.drain else False
        return slot

    async def _query_slots(self, connection: Connection) -> None:
        query = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        writer, requirements = connection.writer(), requirements_of(query)
        for slot in self.ads():
            if matches(slot, requirements):
                writer.int(1).ad(slot)
        await connection.reply(writer.int(0))

    async def _query_history(self, connection: Connection) -> None:
        sources = {"STARTD": list(self.history)} if self.config.get_str("STARTD_HISTORY") else {}
        await serve_history(connection, self.config, sources, default="STARTD")

    # -- draining

    async def _begin(self, connection: Connection) -> None:
        request = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        check = request.lookup("CheckExpr") if "CheckExpr" in request else None
        if self.drain is not None:
            await _refuse(connection, _ALREADY_DRAINING, "Draining already in progress.")
            return
        if check is not None and not all(matches(slot, check) for slot in self.ads()):
            await _refuse(connection, _CHECK_FAILED, "Sanity check failed.")
            return
        self._requests += 1
        kept = ClassAd({"DrainReason": "by command"})
        kept.update(request)
        kept["RequestID"] = str(self._requests)
        self.drain = kept
        self._advertise(self.ads())
        await connection.reply(connection.writer().ad(ClassAd({"Result": True, "RequestID": kept["RequestID"]})))

    async def _cancel(self, connection: Connection) -> None:
        request = (await connection.request(connection.runtime.clock() + _TIMEOUT)).ad()
        wanted = request.get("RequestID")
        if wanted is not None and (self.drain is None or self.drain["RequestID"] != wanted):
            await _refuse(connection, _NO_SUCH_REQUEST, "No matching draining request id found.")
            return
        self.drain = None
        self._advertise(self.ads())
        await connection.reply(connection.writer().ad(ClassAd({"Result": True})))


async def _refuse(connection: Connection, code: int, text: str) -> None:
    answer = ClassAd({"Result": False, "ErrorCode": code, "ErrorString": text})
    await connection.reply(connection.writer().ad(answer))
