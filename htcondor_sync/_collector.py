"""v1's ``Collector``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from htcondor_async import enums as core_enums
from htcondor_async._core.locate import my_type
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.client import Client
from htcondor_async.collector import Collector as CoreCollector
from htcondor_sync import _ads
from htcondor_sync._arguments import UNSET, Unset, not_pickled, strings, text_in
from htcondor_sync._generated.collector import CollectorMethods
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import location_ad
from htcondor_sync._state import STATE

__all__ = ["Collector"]


class Collector(CollectorMethods):
    """A handle on the collectors of a pool.

    Parameters
    ----------
    pool
        ``"host"`` or ``"host:port"``, several of them as a list or with commas, the ad or the location of a daemon;
        None or the empty string for the collectors of the configuration.
    """

    def __init__(self, pool: Any | Unset = UNSET) -> None:
        self._pool: str | list[str] | CoreAd | None = None
        self._core_of: tuple[Client, CoreCollector] | None = None
        pool = text_in(pool)
        if pool is None or isinstance(pool, (str, Unset)):
            self._pool = pool if isinstance(pool, str) else None
        elif isinstance(pool, (_ads.ClassAd, CoreAd, tuple)):
            self._pool = location_ad(pool, tuple(kind for kind in DaemonTypes.values.values() if kind.name != "Credd"))
        elif isinstance(pool, Mapping) or not hasattr(pool, "__iter__"):
            raise TypeError(f"a pool is text, a list of texts or an ad, not {type(pool).__name__}")
        else:
            self._pool = [host for host in strings(pool) if host]

    def locate(self, daemon_type: DaemonTypes, name: str | Unset = UNSET) -> _ads.ClassAd:
        """Return the location ad of a daemon: ``MyAddress``, ``Name``, ``Machine``, ``CondorVersion`` ...

        Without a name, and for a handle that was made without a pool, it is that of this machine's daemon, or of the
        pool's negotiator.
        """
        ad = super().locate(daemon_type, name)
        if self._pool or (name and not isinstance(name, Unset)):
            return ad
        local = _ads.ClassAd(
            {"Name": "Unknown", "Machine": "Unknown", "MyType": my_type(core_enums.DaemonTypes(int(daemon_type)))}
        )
        for wanted in ("MyAddress", "Name", "Machine", "CondorVersion", "CondorPlatform", "MyType"):
            if wanted in ad:
                local[wanted] = ad[wanted]
        return local

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise not_pickled(self)

    @property
    def location(self) -> None:
        """None: a handle may stand for several collectors."""
        return None

    @property
    def _core(self) -> CoreCollector:
        client = STATE.client
        held = self._core_of
        if held is None or held[0] is not client:
            held = self._core_of = (client, CoreCollector(self._pool, client=client))
        return held[1]
