"""The collector of the embedded pool."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator

from htcondor_async._cedar.commands import Command
from htcondor_async._runtime.sockets import SocketStream
from htcondor_async.classad import ClassAd
from htcondor_async.config import Config
from htcondor_async.errors import ProtocolError
from htcondor_async.testing._ads import limited, matches, projected, projection_of, requirements_of, send_sequence
from htcondor_async.testing._server import Connection, Daemon, Handler

__all__ = ["CollectorDaemon"]

# Query, update and invalidate commands with the MyType of their ads and the level of updates
# (condor_collector.V6/collector.cpp).
_TABLES = (
    ("Machine", Command.QUERY_STARTD_ADS, Command.UPDATE_STARTD_AD, Command.INVALIDATE_STARTD_ADS, "ADVERTISE_STARTD"),
    (
        "Scheduler",
        Command.QUERY_SCHEDD_ADS,
        Command.UPDATE_SCHEDD_AD,
        Command.INVALIDATE_SCHEDD_ADS,
        "ADVERTISE_SCHEDD",
    ),
    (
        "DaemonMaster",
        Command.QUERY_MASTER_ADS,
        Command.UPDATE_MASTER_AD,
        Command.INVALIDATE_MASTER_ADS,
        "ADVERTISE_MASTER",
    ),
    (
        "Submitter",
        Command.QUERY_SUBMITTOR_ADS,
        Command.UPDATE_SUBMITTOR_AD,
        Command.INVALIDATE_SUBMITTOR_ADS,
        "ADVERTISE_SCHEDD",
    ),
    ("Collector", Command.QUERY_COLLECTOR_ADS, Command.UPDATE_COLLECTOR_AD, Command.INVALIDATE_COLLECTOR_ADS, "DAEMON"),
    ("License", Command.QUERY_LICENSE_ADS, Command.UPDATE_LICENSE_AD, Command.INVALIDATE_LICENSE_ADS, "DAEMON"),
    (
        "Negotiator",
        Command.QUERY_NEGOTIATOR_ADS,
        Command.UPDATE_NEGOTIATOR_AD,
        Command.INVALIDATE_NEGOTIATOR_ADS,
        "NEGOTIATOR",
    ),
    ("HAD", Command.QUERY_HAD_ADS, Command.UPDATE_HAD_AD, Command.INVALIDATE_HAD_ADS, "DAEMON"),
    ("Grid", Command.QUERY_GRID_ADS, Command.UPDATE_GRID_AD, Command.INVALIDATE_GRID_ADS, "DAEMON"),
    (
        "Accounting",
        Command.QUERY_ACCOUNTING_ADS,
        Command.UPDATE_ACCOUNTING_AD,
        Command.INVALIDATE_ACCOUNTING_ADS,
        "NEGOTIATOR",
    ),
)
_FIXED = {table: query for table, query, _, _, _ in _TABLES}
_NAMELESS = frozenset({"Machine", "DaemonMaster", "Collector"})  # tables whose ads may go by Machine instead of Name


class CollectorDaemon(Daemon):
    """Keeps ads by MyType and key, and answers queries for them."""

    kind = "collector"

    def __init__(self, name: str, config: Config, *, legacy: bool = False) -> None:
        super().__init__(name, config, legacy=legacy)
        self._tables: dict[str, dict[str, ClassAd]] = {}
        for table, query, update, invalidate, level in _TABLES:
            self.commands[query] = Handler("READ", self._query_one(table))
            self.commands[update] = Handler(level, self._take_updates)
            self.commands[invalidate] = Handler(level, self._take_updates)
        self.commands[Command.QUERY_ANY_ADS] = Handler("READ", self._query_one("Any"))
        self.commands[Command.QUERY_GENERIC_ADS] = Handler("READ", self._query_generic)
        self.commands[Command.QUERY_MULTIPLE_ADS] = Handler("READ", self._query_multiple)
        self.commands[Command.QUERY_STARTD_PVT_ADS] = Handler("NEGOTIATOR", self._query_one("MachinePrivate"))
        self.commands[Command.UPDATE_STARTD_AD_WITH_ACK] = Handler("ADVERTISE_STARTD", self._take_updates)
        self.commands[Command.UPDATE_AD_GENERIC] = Handler("DAEMON", self._take_updates)
        self.commands[Command.INVALIDATE_ADS_GENERIC] = Handler("DAEMON", self._take_updates)

    # -- the tables

    def put(self, ad: ClassAd) -> None:
        """Keep an ad in the table of its MyType; one of the same key is replaced.

        Raises
        ------
        ProtocolError
            It has no key: no Name, and for machines, masters and collectors no Machine either.
        """
        table = ad.get("MyType")
        table = table if isinstance(table, str) else ""
        key = ad.get("Name")
        if not isinstance(key, str) and table in _NAMELESS:
            key = ad.get("Machine")
        if not isinstance(key, str) or not key:
            raise ProtocolError(f"an ad of type {table!r} has no name")
        self._tables.setdefault(table.lower(), {})[key] = ad

    def ads(self, table: str) -> list[ClassAd]:
        """Return the ads of a MyType, of all for ``"Any"``."""
        if table.lower() == "any":
            return [ad for name, ads in self._tables.items() if name != "machineprivate" for ad in ads.values()]
        return list(self._tables.get(table.lower(), {}).values())

    def drop(self, table: str, query: ClassAd) -> int:
        """Remove the ads that an invalidation means: the one named, else those that match; return how many."""
        ads = self._tables.get(table.lower(), {})
        name = query.get("Name")
        if isinstance(name, str):
            return 1 if ads.pop(name, None) is not None else 0
        if "Requirements" not in query:
            return 0
        requirements = requirements_of(query)
        doomed = [key for key, ad in ads.items() if matches(ad, requirements)]
        for key in doomed:
            del ads[key]
        return len(doomed)

    def drop_address(self, address: str) -> None:
        """Remove all ads of the daemon at an address."""
        for ads in self._tables.values():
            for key in [key for key, ad in ads.items() if ad.get("MyAddress") == address]:
                del ads[key]

    # -- queries

    def _query_one(self, table: str) -> Callable[[Connection], Awaitable[None]]:
        async def serve(connection: Connection) -> None:
            query = await self._query_ad(connection)
            wanted = table
            if table == "Machine" and query.get("TargetType") == "StartD":
                wanted = "StartD"
            tables = [wanted]
            if table == "Machine" and "LocationQuery" in query and wanted == "Machine":
                tables = ["Machine"] if self.legacy and query.get("TargetType") == "Slot" else ["StartD", "Machine"]
            await self._answer(connection, query, [(name, "") for name in tables])

        return serve

    async def _query_generic(self, connection: Connection) -> None:
        query = await self._query_ad(connection)
        target = query.get("TargetType")
        if not isinstance(target, str) or not target:
            raise ProtocolError("a query for generic ads has no TargetType")
        await self._answer(connection, query, [(target, "")])

    async def _query_multiple(self, connection: Connection) -> None:
        query = await self._query_ad(connection)
        target = query.get("TargetType")
        names = target.replace(",", " ").split() if isinstance(target, str) else []
        known = {name.lower() for name in (*_FIXED, "StartD")}
        if not names or names[0].lower() not in known or any(name.lower() == "any" for name in names):
            raise ProtocolError(f"a query for several types has the TargetType {target!r}")
        await self._answer(connection, query, [(name, name) for name in names])

    async def _query_ad(self, connection: Connection) -> ClassAd:
        reader = await connection.request(connection.runtime.clock() + 20)
        query = reader.ad()
        reader.expect_end()
        requirements_of(query)
        return query

    async def _answer(self, connection: Connection, query: ClassAd, tables: list[tuple[str, str]]) -> None:
        found = self._select(query, tables)
        await send_sequence(connection, found, lambda writer: writer.int(1), lambda writer, count: writer.int(0))

    def _select(self, query: ClassAd, tables: list[tuple[str, str]]) -> Iterator[ClassAd]:
        for table, prefix in tables:
            own = f"{prefix}Requirements" if prefix and f"{prefix}Requirements" in query else "Requirements"
            requirements = query.lookup(own) if own in query else None
            names = _projection(query, prefix)
            limit = query.get(f"{prefix}LimitResults", query.get("LimitResults"))
            limit = limit if type(limit) is int and limit > 0 else None
            found = (projected(ad, names) for ad in self.ads(table) if matches(ad, requirements))
            yield from limited(found, limit)

    # -- updates

    async def _take_updates(self, connection: Connection) -> None:
        """Take updates and invalidations until the client has no more: further ones have their command in front."""
        command = connection.accepted.command
        reader = await connection.request(connection.runtime.clock() + 20)
        while True:
            try:
                ad = reader.ad()
                while not reader.at_end:
                    reader.ad()  # the private ad of a startd
                self._take(command, ad, connection.user)
            except ProtocolError:
                # a collector closes with input unread, which the client's system reports as a broken connection
                if isinstance(connection.stream, SocketStream):
                    connection.stream.reset()
                raise
            if command == Command.UPDATE_STARTD_AD_WITH_ACK:
                await connection.reply(connection.writer().int(1))
                return
            reader = connection.reader(await connection.receive(math.inf))
            command = reader.int()
            handler = self.commands.get(command)
            if handler is None or handler.serve != self._take_updates:
                return
            if not self.authorize(command, connection.user, ()):
                raise ProtocolError(f"{connection.user} may not send command {command}")

    def _take(self, command: int, ad: ClassAd, user: str) -> None:
        invalidated: dict[int, str] = {invalidate: table for table, _, _, invalidate, _ in _TABLES}
        if command in invalidated or command == Command.INVALIDATE_ADS_GENERIC:
            target = ad.get("TargetType")
            table = invalidated.get(command) or (target if isinstance(target, str) else "")
            self.drop("StartD" if table == "Machine" and target == "StartD" else table, ad)
            return
        ad["AuthenticatedIdentity"] = user
        self.put(ad)


def _projection(query: ClassAd, prefix: str) -> list[str] | None:
    name = f"{prefix}Projection" if prefix and f"{prefix}Projection" in query else "Projection"
    if name not in query:
        return None
    value = query.eval(name)
    if not isinstance(value, str):
        return None  # a collector takes anything but text for "no projection"
    return projection_of(ClassAd({"Projection": value}))
