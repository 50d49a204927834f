"""What all handles on daemons share: where the daemon is, and the handle of the core behind it."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from htcondor_async import enums as core_enums
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.client import Client
from htcondor_async.errors import HTCondorException, HTCondorLocateError, HTCondorValueError
from htcondor_sync import _ads
from htcondor_sync._arguments import UNSET, not_pickled
from htcondor_sync._calls import call
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._state import STATE

__all__ = ["DaemonLocation", "Handle"]

Core = TypeVar("Core")


class DaemonLocation(NamedTuple):
    """Where a daemon is: what ``location`` of a handle gives, and every constructor of handles takes."""

    daemon_type: DaemonTypes
    address: str
    version: str


def location_ad(location: Any, kinds: tuple[DaemonTypes, ...]) -> CoreAd:
    """Return the ad that a location, or an ad, stands for.

    Raises
    ------
    HTCondorValueError
        It is neither, or that of another kind of daemon.
    """
    if isinstance(location, tuple):
        if len(location) != 3:
            raise HTCondorValueError("tuple is not a daemon location")
        kind, address, version = location
        if not isinstance(kind, DaemonTypes) or not isinstance(address, str) or not isinstance(version, str):
            raise TypeError("a location is a DaemonTypes, an address and a version")
        if int(kind) not in {int(one) for one in kinds}:
            raise HTCondorValueError("Incorrect daemon_type in location tuple")
        return CoreAd({"MyAddress": address, "CondorVersion": version})
    if not isinstance(location, (_ads.ClassAd, CoreAd)):
        raise HTCondorValueError("Unknown type")
    ad = _ads.ad_in(location)
    if not isinstance(ad.get("MyAddress"), str):
        raise HTCondorValueError("address not specified.")
    return ad


class Handle(Generic[Core]):
    """A handle on a daemon. It holds no connection; each call acts by the configuration of that moment."""

    _kinds: ClassVar[tuple[DaemonTypes, ...]]
    _default: ClassVar[DaemonTypes | None] = None  # set where each call finds its daemon if no location was given

    def __init__(self, ad: Any = UNSET) -> None:
        self._core_of: tuple[Client, Core] | None = None
        self._ad: CoreAd | None = None
        if ad is not UNSET and ad is not None:
            self._ad = location_ad(ad, self._kinds)
        elif self._default is None:
            self._ad = self._local()

    def _local(self) -> CoreAd:
        from htcondor_async.collector import Collector

        kind = core_enums.DaemonTypes(int(self._kinds[0]))
        try:
            return call(Collector(client=STATE.client).locate(kind), HTCondorLocateError)
        except HTCondorLocateError:
            raise
        except HTCondorException as error:
            raise HTCondorLocateError(f"this machine's {kind.name.lower()} was not found: {error.what}") from error

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise not_pickled(self)

    @property
    def location(self) -> DaemonLocation:
        """Where the daemon is: its kind, address and version."""
        ad = self._ad if self._ad is not None else CoreAd()
        return DaemonLocation(self._kinds[0], str(ad.get("MyAddress", "")), str(ad.get("CondorVersion", "")))

    def _make(self, client: Client) -> Core:
        raise NotImplementedError(type(self).__name__)

    @property
    def _core(self) -> Core:
        client = STATE.client
        held = self._core_of
        if held is None or held[0] is not client:
            held = self._core_of = (client, self._make(client))
        return held[1]
