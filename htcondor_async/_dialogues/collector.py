"""Queries to a collector, and to the daemons that answer the collector's query protocol themselves.

Request: one ad. Answer: ``int 1, ad`` for each match, then ``int 0``, all of it one CEDAR message of any length.
There is no error answer: a collector that does not accept a query closes the connection
(``condor_collector.V6/collector.cpp``, ``receive_query_cedar``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.enums import AdTypes, DaemonTypes

__all__ = [
    "AD_TYPES",
    "DAEMONS",
    "LOCATE_PROJECTION",
    "CollectorQuery",
    "DaemonKind",
    "QueryTarget",
    "name_constraint",
]

LOCATE_PROJECTION = ("MyAddress", "AddressV1", "CondorVersion", "CondorPlatform", "Name", "Machine")


@attrs.frozen
class QueryTarget:
    """How one kind of ad is asked for: the command, and the ``TargetType`` of the query ad."""

    command: Command
    target_type: str


# condor_utils/condor_query.cpp and condor_adtypes.h; each row was seen on the wire.
AD_TYPES: Mapping[AdTypes, QueryTarget] = {
    AdTypes.Startd: QueryTarget(Command.QUERY_STARTD_ADS, "Machine"),
    AdTypes.Slot: QueryTarget(Command.QUERY_STARTD_ADS, "Machine"),
    AdTypes.StartDaemon: QueryTarget(Command.QUERY_MULTIPLE_ADS, "StartD"),
    AdTypes.StartdPrivate: QueryTarget(Command.QUERY_STARTD_PVT_ADS, "Machine"),
    AdTypes.Schedd: QueryTarget(Command.QUERY_SCHEDD_ADS, "Scheduler"),
    AdTypes.Master: QueryTarget(Command.QUERY_MASTER_ADS, "DaemonMaster"),
    AdTypes.Submitter: QueryTarget(Command.QUERY_SUBMITTOR_ADS, "Submitter"),
    AdTypes.Collector: QueryTarget(Command.QUERY_COLLECTOR_ADS, "Collector"),
    AdTypes.License: QueryTarget(Command.QUERY_LICENSE_ADS, "License"),
    AdTypes.Any: QueryTarget(Command.QUERY_ANY_ADS, "Any"),
    AdTypes.Negotiator: QueryTarget(Command.QUERY_NEGOTIATOR_ADS, "Negotiator"),
    AdTypes.HAD: QueryTarget(Command.QUERY_HAD_ADS, "HAD"),
    AdTypes.Generic: QueryTarget(Command.QUERY_GENERIC_ADS, "Generic"),
    AdTypes.Credd: QueryTarget(Command.QUERY_GENERIC_ADS, "CredD"),
    AdTypes.Grid: QueryTarget(Command.QUERY_GRID_ADS, "Grid"),
    AdTypes.Defrag: QueryTarget(Command.QUERY_GENERIC_ADS, "Defrag"),
    AdTypes.Accounting: QueryTarget(Command.QUERY_ACCOUNTING_ADS, "Accounting"),
}


@attrs.frozen
class DaemonKind:
    """One kind of daemon: the ads it advertises, its configuration prefix, the word for people."""

    ad_type: AdTypes
    subsystem: str
    word: str


DAEMONS: Mapping[DaemonTypes, DaemonKind] = {
    DaemonTypes.Master: DaemonKind(AdTypes.Master, "MASTER", "master"),
    DaemonTypes.Schedd: DaemonKind(AdTypes.Schedd, "SCHEDD", "schedd"),
    DaemonTypes.Startd: DaemonKind(AdTypes.Startd, "STARTD", "startd"),
    DaemonTypes.Collector: DaemonKind(AdTypes.Collector, "COLLECTOR", "collector"),
    DaemonTypes.Negotiator: DaemonKind(AdTypes.Negotiator, "NEGOTIATOR", "negotiator"),
    DaemonTypes.Credd: DaemonKind(AdTypes.Credd, "CREDD", "credd"),
    DaemonTypes.HAD: DaemonKind(AdTypes.HAD, "HAD", "HAD daemon"),
    DaemonTypes.Generic: DaemonKind(AdTypes.Generic, "GENERIC", "daemon"),
}


@attrs.frozen
class CollectorQuery:
    """What to ask: a kind of ad, and which of them.

    ``constraint`` is an expression in old ClassAd syntax that is known to parse: a collector that cannot parse it
    closes the connection without a word.
    """

    ad_type: AdTypes
    constraint: str = "true"
    projection: Sequence[str] = ()
    statistics: str = ""
    limit: int | None = None
    location_of: str | None = None

    @property
    def command(self) -> Command:
        """The command that asks for this kind of ad."""
        return AD_TYPES[self.ad_type].command

    def ad(self) -> list[tuple[str, str]]:
        """Return the query ad as names and expressions."""
        pairs = [
            ("MyType", '"Query"'),
            ("TargetType", string_literal(AD_TYPES[self.ad_type].target_type)),
            ("Requirements", self.constraint),
        ]
        if self.projection:
            pairs.append(("Projection", string_literal(" ".join(self.projection))))
        if self.statistics:
            pairs.append(("STATISTICS_TO_PUBLISH", string_literal(self.statistics)))
        if self.limit is not None and self.limit > 0:
            # a hint: the daemons that answer themselves ignore it, and with several tables it is not exact
            pairs.append(("LimitResults", str(self.limit)))
        if self.location_of is not None:
            pairs.append(("LocationQuery", string_literal(self.location_of)))
        return pairs


def name_constraint(name: str) -> str:
    """Return the constraint that finds a daemon by its name, whatever the case of its letters."""
    return f"stricmp(Name, {string_literal(name)}) == 0"
