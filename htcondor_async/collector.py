"""The collector: what a pool consists of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from htcondor_async._core import locate as _locate
from htcondor_async._core.advertise import advertise
from htcondor_async._core.context import Target
from htcondor_async._core.query import open_collector_query, query_first_of
from htcondor_async._core.source import AdSource
from htcondor_async._dialogues.advertise import advertise_command, checked_ads, invalidation_of
from htcondor_async._dialogues.collector import AD_TYPES, DAEMONS, CollectorQuery
from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.enums import AdTypes, DaemonTypes
from htcondor_async.errors import HTCondorEnumError, HTCondorLocateError
from htcondor_async.streams import AdStream

__all__ = ["Collector"]


class Collector:
    """A handle on the collectors of a pool. It holds no connection and may be shared.

    Parameters
    ----------
    pool
        ``"host"``, ``"host:port"``, an address in angle brackets, several of them (separated by commas or as an
        iterable: they are tried in order), or the ad of a collector; None means the configuration's COLLECTOR_HOST.
    client
        Who asks; by default the client of the current context.
    """

    def __init__(self, pool: str | Iterable[str] | ClassAd | None = None, *, client: Client | None = None) -> None:
        self._client = client if client is not None else default_client()
        self._location: Target | None = None
        self._pool: tuple[str, ...] = ()
        if isinstance(pool, (ClassAd, Mapping)):
            self._location = _locate.target_of_ad(pool, "collector")
        else:
            self._pool = _locate.pool_entries(pool)

    def __repr__(self) -> str:
        where = str(self._location.address) if self._location else ", ".join(self._pool) or "as configured"
        return f"<Collector {where}>"

    def _targets(self) -> list[Target]:
        if self._location is not None:
            return [self._location]
        targets = _locate.collector_targets(self._client._context(), self._pool)
        if not targets:
            raise HTCondorLocateError(
                "there is no collector to ask", hint="name one, or set COLLECTOR_HOST in the configuration"
            )
        return targets

    def stream(
        self,
        ad_type: AdTypes = AdTypes.Any,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        *,
        statistics: str = "",
        limit: int | None = None,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> AdStream:
        """Stream the ads of one kind.

        Parameters
        ----------
        ad_type
            The kind of ads.
        constraint
            Which of them: an expression, as text or ``ExprTree``.
        projection
            The attributes wanted; all by default.
        statistics
            What a daemon is to publish of its statistics, as ``"SCHEDD:2"``.
        limit
            The most ads to return; None or a negative number for no limit.
        timeout, idle_timeout
            Seconds for all of it, and seconds to wait for the next bytes.

        Raises
        ------
        HTCondorValueError
            The constraint does not parse.
        HTCondorIOError
            While reading: no collector answered.
        """
        query = CollectorQuery(
            _checked(ad_type),
            constraint_text(constraint),
            projection_names(projection),
            statistics=statistics,
            limit=limit if limit is not None and limit >= 0 else None,
        )

        async def opener() -> AdSource:
            context = self._client._context()
            idle = context.timeouts.idle if idle_timeout is None else idle_timeout
            return await query_first_of(context, self._targets(), query, context.deadline(timeout), idle)

        return AdStream(opener, name=repr(self))

    async def query(
        self,
        ad_type: AdTypes = AdTypes.Any,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        *,
        statistics: str = "",
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[ClassAd]:
        """Return the ads of one kind as a list; see :meth:`stream` for the parameters and errors."""
        return await self.stream(
            ad_type, constraint, projection, statistics=statistics, limit=limit, timeout=timeout
        ).collect()

    async def locate(
        self, daemon_type: DaemonTypes, name: str | None = None, *, timeout: float | None = None
    ) -> ClassAd:
        """Return the location ad of a daemon: ``MyAddress``, ``Name``, ``Machine``, ``CondorVersion`` ...

        Parameters
        ----------
        daemon_type
            The kind of daemon.
        name
            Its name, whatever the case of its letters. Without one: the first of the pool, or for a collector handle
            made without a pool this machine's own.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorLocateError
            There is none.
        HTCondorEnumError
            ``daemon_type`` is not a kind that can be located.
        HTCondorIOError
            No collector answered.
        """
        context = self._client._context()
        deadline = context.deadline(timeout)
        if name is None and self._location is None and not self._pool:
            return await _locate.locate_local(context, daemon_type, deadline)
        return await _locate.locate(context, self._targets(), daemon_type, name, deadline)

    async def locate_all(self, daemon_type: DaemonTypes, *, timeout: float | None = None) -> list[ClassAd]:
        """Return the location ads of all daemons of a kind in the pool; see :meth:`locate`."""
        context = self._client._context()
        return await _locate.locate_all(context, self._targets(), daemon_type, context.deadline(timeout))

    async def direct_query(
        self,
        daemon_type: DaemonTypes,
        name: str | None = None,
        projection: Iterable[str] | None = None,
        statistics: str = "",
        *,
        timeout: float | None = None,
    ) -> ClassAd:
        """Locate a daemon and return the ad that it gives of itself, fresher than the collector's.

        Raises
        ------
        HTCondorLocateError
            There is no such daemon, or it has no ad of this kind.
        HTCondorIOError
            The daemon did not answer; a master never does.
        """
        context = self._client._context()
        deadline = context.deadline(timeout)
        names = projection_names(projection)
        ad = await self.locate(daemon_type, name, timeout=timeout)
        kind = DAEMONS[DaemonTypes(daemon_type)]
        target = _locate.target_of_ad(ad, kind.word)
        query = CollectorQuery(kind.ad_type, "true", names, statistics=statistics)
        source = await open_collector_query(context, target, query, deadline, context.timeouts.idle)
        try:
            batch = await source.batch()
        finally:
            source.abort()
        if not batch:
            raise HTCondorLocateError(
                "the daemon has no ad of itself", daemon=target.daemon, address=str(target.address)
            )
        return batch[0]

    async def advertise(
        self,
        ads: Iterable[ClassAd | Mapping[str, object]],
        command: str | int = "UPDATE_AD_GENERIC",
        use_tcp: bool = True,
        *,
        timeout: float | None = None,
    ) -> None:
        """Send ads to all collectors of the pool.

        By TCP all ads go over one connection, and a collector that rejects one is noticed. By UDP nothing comes back
        and nobody knows what arrived; a collector whose address excludes UDP gets them by TCP.

        Parameters
        ----------
        ads
            The ads, sent as they are. A generic ad needs ``MyType`` and ``Name``.
        command
            The name of an ``UPDATE_`` or ``INVALIDATE_`` command.
        use_tcp
            False for UDP.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorEnumError
            There is no such command.
        HTCondorValueError, HTCondorTypeError
            One is no ad.
        HTCondorLocateError
            There is no collector.
        HTCondorIOError
            A collector did not take the ads; those it did not reach are named, the others have them.
        """
        wanted = advertise_command(command)
        checked = checked_ads(ads)
        if not checked:
            return
        context = self._client._context()
        await advertise(context, self._targets(), checked, wanted, tcp=use_tcp, deadline=context.deadline(timeout))

    async def invalidate(
        self,
        ads: Iterable[ClassAd | Mapping[str, object]],
        command: str | int = "INVALIDATE_ADS_GENERIC",
        *,
        timeout: float | None = None,
    ) -> None:
        """Remove ads from all collectors of the pool.

        Parameters
        ----------
        ads
            The ads, or as much of each as the collector knows it by: ``MyType`` and ``Name``, ``MyAddress`` for
            schedds and submitters.
        command
            The ``INVALIDATE_`` command for ads of their kind.
        timeout
            Seconds for all of it.
        """
        queries = [invalidation_of(ad) for ad in checked_ads(ads)]
        await self.advertise(queries, command, timeout=timeout)


def _checked(ad_type: AdTypes) -> AdTypes:
    try:
        ad_type = AdTypes(ad_type)
    except ValueError as error:
        raise HTCondorEnumError(f"{ad_type!r} is not a kind of ad") from error
    if ad_type not in AD_TYPES:
        raise HTCondorEnumError(f"there are no ads of the kind {ad_type.name}")
    return ad_type
