"""Finding daemons: collectors from the configuration, others through files of this machine or through a collector."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping, Sequence

from htcondor_async._cedar.sinful import Sinful
from htcondor_async._core.context import Context, Target
from htcondor_async._core.query import query_first_of
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.address_file import parse_address_file, parse_daemon_ad_file
from htcondor_async._dialogues.collector import DAEMONS, LOCATE_PROJECTION, CollectorQuery, name_constraint
from htcondor_async.classad import ClassAd
from htcondor_async.enums import AdTypes, DaemonTypes
from htcondor_async.errors import HTCondorEnumError, HTCondorIOError, HTCondorLocateError, HTCondorValueError

__all__ = [
    "collector_targets",
    "locate",
    "locate_all",
    "locate_local",
    "my_type",
    "target_of_ad",
]

DEFAULT_COLLECTOR_PORT = 9618
_MAX_ADDRESS_FILE = 1 << 20  # bytes
_SEPARATORS = re.compile(r"[,\s]+")


def collector_targets(context: Context, pool: Sequence[str]) -> list[Target]:
    """Return the collectors of a pool, in order; the configuration's if ``pool`` is empty.

    An entry is a host, ``host:port``, either with ``?sock=NAME``, or a whole address in angle brackets. The
    configuration names them in COLLECTOR_HOST (``condor_daemon_client/daemon.cpp``, ``getCmHostFromConfig``).
    """
    entries = [part for entry in pool for part in _SEPARATORS.split(entry.strip()) if part]
    if not pool:
        for name in ("COLLECTOR_HOST", "COLLECTOR_IP_ADDR", "CM_IP_ADDR"):
            value = context.config.get_str(name, "")
            entries = [part for part in _SEPARATORS.split(value.strip()) if part]
            if entries:
                break
    return [_collector(context, entry) for entry in entries]


def _collector(context: Context, entry: str) -> Target:
    text = entry
    if not entry.startswith(("<", "{")):
        address, question, parameters = entry.partition("?")
        has_port = address.count(":") == 1 or (address.startswith("[") and "]:" in address)
        if not has_port:
            address = f"{address}:{context.config.get_int('COLLECTOR_PORT', DEFAULT_COLLECTOR_PORT)}"
        text = f"<{address}{question}{parameters}>"
    try:
        sinful = Sinful.parse(text)
    except HTCondorValueError as error:
        raise HTCondorValueError(
            f"{entry!r} does not name a collector: {error.what}", hint="write HOST, HOST:PORT or <HOST:PORT?...>"
        ) from error
    return Target(sinful, "collector")


def target_of_ad(ad: ClassAd | Mapping[str, object], word: str) -> Target:
    """Return the daemon that an ad speaks of.

    Raises
    ------
    HTCondorValueError
        The ad has no usable ``MyAddress``.
    """
    address = ad.get("MyAddress")
    if not isinstance(address, str) or not address:
        raise HTCondorValueError("address not specified.", hint="the ad must have the attribute MyAddress")
    try:
        sinful = Sinful.parse(address)
    except HTCondorValueError as error:
        raise HTCondorValueError(f"the address {address!r} in the ad is malformed: {error.what}") from error
    name = ad.get("Name")
    return Target(sinful, f"{word} {name}" if isinstance(name, str) and name else word)


def _kind(daemon_type: DaemonTypes) -> tuple[AdTypes, str, str]:
    try:
        kind = DAEMONS[DaemonTypes(daemon_type)]
    except (KeyError, ValueError) as error:
        raise HTCondorEnumError(f"{daemon_type!r} is not a kind of daemon that can be located") from error
    return kind.ad_type, kind.subsystem, kind.word


async def locate(
    context: Context, collectors: Sequence[Target], daemon_type: DaemonTypes, name: str | None, deadline: float
) -> ClassAd:
    """Return the location ad of one daemon of a pool: the one named, else the first."""
    ad_type, _, word = _kind(daemon_type)
    if name is None:
        query = CollectorQuery(ad_type)
    else:
        if ad_type is AdTypes.Startd and "@" in name:
            ad_type = AdTypes.Slot  # a query for a location looks at the daemons' ads alone, in some versions
        query = CollectorQuery(
            ad_type,
            name_constraint(name),
            LOCATE_PROJECTION,
            location_of=None if ad_type is AdTypes.Slot else name,
        )
    found = await _all(await query_first_of(context, collectors, query, deadline, context.timeouts.idle))
    if not found:
        asked = ", ".join(str(target.address) for target in collectors)
        raise HTCondorLocateError(
            f"the collector knows no {word}" + (f" named {name!r}" if name is not None else ""),
            daemon="collector",
            address=asked,
            command=query.command.name,
            hint="a daemon that has just started advertises itself within some seconds; names are listed by locate_all",
        )
    return found[0]


async def locate_all(
    context: Context, collectors: Sequence[Target], daemon_type: DaemonTypes, deadline: float
) -> list[ClassAd]:
    """Return the location ads of all daemons of a kind; none is not an error."""
    ad_type, _, _ = _kind(daemon_type)
    query = CollectorQuery(ad_type, "true", LOCATE_PROJECTION)
    return await _all(await query_first_of(context, collectors, query, deadline, context.timeouts.idle))


async def locate_local(context: Context, daemon_type: DaemonTypes, deadline: float) -> ClassAd:
    """Return the location ad of this machine's daemon.

    ``<SUBSYS>_HOST`` may name it or give its address; else the files that it left (its ad, then its address), then
    the collector under this machine's name. A negotiator is the pool's: it may run anywhere, under any name
    (condor_daemon_client/daemon.cpp, getDaemonInfo).
    """
    _, subsystem, word = _kind(daemon_type)
    host = context.config.get_str(f"{subsystem}_HOST", "").strip()
    if daemon_type is DaemonTypes.Collector:
        targets = collector_targets(context, ())
        if not targets:
            raise HTCondorLocateError("the configuration names no collector", hint="set COLLECTOR_HOST")
        address = targets[0].address
        where = address.host if address.port is None else f"{address.host}:{address.port}"
        found = {"Name": where, "MyAddress": str(address)}
        return _synthesised(context, found, daemon_type)
    if host.startswith("<") or ":" in host:
        text = host if host.startswith("<") else f"<{host}>"
        return _synthesised(context, {"MyAddress": str(Sinful.parse(text)), "Name": host}, daemon_type)
    of_pool = daemon_type is DaemonTypes.Negotiator and not host
    if not host and not of_pool:
        for parameter, is_ad in ((f"{subsystem}_DAEMON_AD_FILE", True), (f"{subsystem}_ADDRESS_FILE", False)):
            path = context.config.get_str(parameter, "")
            text_of = await _text_of(context, path) if path else None
            if text_of is not None:
                attribute = f"{subsystem.capitalize()}IpAddr"
                found = parse_daemon_ad_file(text_of, path, attribute) if is_ad else parse_address_file(text_of, path)
                return _synthesised(context, found, daemon_type)
    own = context.config.get_str(f"{subsystem}_NAME", "") or context.runtime.hostname()
    name = None if of_pool else host or own
    collectors = collector_targets(context, ())
    if not collectors:
        raise HTCondorLocateError(
            f"this machine's {word} was not found",
            hint=f"the configuration has no {subsystem}_ADDRESS_FILE that exists, and no COLLECTOR_HOST",
        )
    return await locate(context, collectors, daemon_type, name, deadline)


async def _text_of(context: Context, path: str) -> str | None:
    try:
        return (await context.runtime.read_file(path, _MAX_ADDRESS_FILE)).decode("utf-8", "surrogateescape")
    except HTCondorIOError as error:
        if error.errno == errno.ENOENT:
            return None
        raise


def _synthesised(context: Context, found: Mapping[str, str], daemon_type: DaemonTypes) -> ClassAd:
    kept = {"MyType": my_type(daemon_type)}
    kept |= {name: value for name, value in found.items() if name in _LOCATION_ATTRIBUTES}
    kept.setdefault("CondorVersion", context.version)
    kept.setdefault("CondorPlatform", context.platform)
    return ClassAd(kept)


_MY_TYPES = {
    DaemonTypes.Schedd: "Scheduler",
    DaemonTypes.Startd: "Machine",
    DaemonTypes.Master: "DaemonMaster",
    DaemonTypes.Credd: "CredD",
}


def my_type(daemon_type: DaemonTypes) -> str:
    """Return what the ads of a kind of daemon have as ``MyType`` (condor_includes/condor_adtypes.h)."""
    return _MY_TYPES.get(daemon_type, daemon_type.name)


_LOCATION_ATTRIBUTES = frozenset(("MyAddress", "Name", "Machine", "CondorVersion", "CondorPlatform"))


async def _all(source: AdSource) -> list[ClassAd]:
    try:
        found: list[ClassAd] = []
        while batch := await source.batch():
            found += batch
        return found
    finally:
        source.abort()


def pool_entries(pool: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return a pool given as text or texts as a tuple; empty means the configuration's."""
    if pool is None or pool == "":
        return ()
    return (pool,) if isinstance(pool, str) else tuple(pool)
