"""v1's Collector.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

# ruff: noqa: B006 - the defaults are those of v1, and never changed

from __future__ import annotations

from typing import Any

from htcondor_async.collector import Collector as CoreCollector
from htcondor_async.errors import HTCondorIOError
from htcondor_sync._ads import ClassAd, ad_in, ad_out, ads_out
from htcondor_sync._arguments import UNSET, Unset, attribute_names, expect
from htcondor_sync._calls import call
from htcondor_sync._coercions import ad_type_in, constraint_in, daemon_type_in
from htcondor_sync._generated.enums import AdTypes, DaemonTypes

__all__ = ["CollectorMethods"]


class CollectorMethods:
    """A handle on the collectors of a pool. It holds no connection and may be shared."""

    @property
    def _core(self) -> CoreCollector:
        raise NotImplementedError  # the class that is used says which

    def query(
        self, ad_type: AdTypes = AdTypes.Any, constraint: Any = "", projection: list[Any] = [], statistics: str = ""
    ) -> list[ClassAd]:
        """Return the ads of one kind as a list."""
        expect(
            "Collector.query",
            ("ad_type", ad_type, AdTypes),
            ("projection", projection, list),
            ("statistics", statistics, str),
        )
        return ads_out(
            call(
                self._core.query(
                    ad_type_in(ad_type), constraint_in(constraint), attribute_names(projection), statistics=statistics
                ),
                HTCondorIOError,
            )
        )

    def directQuery(
        self, daemon_type: DaemonTypes, name: str = "", projection: list[Any] = [], statistics: str = ""
    ) -> ClassAd:
        """Locate a daemon and return the ad that it gives of itself, fresher than the collector's."""
        expect(
            "Collector.directQuery",
            ("daemon_type", daemon_type, DaemonTypes),
            ("name", name, str),
            ("projection", projection, list),
            ("statistics", statistics, str),
        )
        return ad_out(
            call(
                self._core.direct_query(
                    daemon_type_in(daemon_type), name or None, attribute_names(projection), statistics
                ),
                HTCondorIOError,
            )
        )

    def locate(self, daemon_type: DaemonTypes, name: str | Unset = UNSET) -> ClassAd:
        """Return the location ad of a daemon: ``MyAddress``, ``Name``, ``Machine``, ``CondorVersion``."""
        expect("Collector.locate", ("daemon_type", daemon_type, DaemonTypes), ("name", name, str))
        return ad_out(
            call(
                self._core.locate(daemon_type_in(daemon_type), None if isinstance(name, Unset) else name or None),
                HTCondorIOError,
            )
        )

    def locateAll(self, daemon_type: DaemonTypes) -> list[ClassAd]:
        """Return the location ads of all daemons of a kind in the pool."""
        expect("Collector.locateAll", ("daemon_type", daemon_type, DaemonTypes))
        return ads_out(call(self._core.locate_all(daemon_type_in(daemon_type)), HTCondorIOError))

    def advertise(self, ad_list: list[Any], command: str = "UPDATE_AD_GENERIC", use_tcp: bool = True) -> None:
        """Send ads to all collectors of the pool."""
        expect("Collector.advertise", ("ad_list", ad_list, list), ("command", command, str), ("use_tcp", use_tcp, bool))
        call(self._core.advertise([ad_in(ad) for ad in ad_list], command, bool(use_tcp)), HTCondorIOError)
