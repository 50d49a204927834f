"""The same query to many schedds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

import attrs

from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async.classad import ClassAd
from htcondor_async.enums import QueryOpts
from htcondor_async.errors import HTCondorException
from htcondor_async.polling import Arrivals
from htcondor_async.schedd import Schedd
from htcondor_async.streams import AdStream

__all__ = ["QueryAll", "ScheddResult", "query_all"]


@attrs.frozen
class ScheddResult:
    """All that one schedd answered: its ads, or those that came before ``error``."""

    schedd: Schedd
    ads: list[ClassAd] = attrs.field(repr=False)
    error: HTCondorException | None = None
    summary: ClassAd | None = attrs.field(default=None, repr=False)


class QueryAll(Arrivals[Schedd]):
    """The answers of many schedds: iterated as they arrive (``async with``), or awaited as a list of results."""

    def __init__(self, sources: Iterable[tuple[Schedd, Callable[[], AdStream]]], concurrency: int) -> None:
        super().__init__(sources, concurrency)
        self._order = [schedd for schedd, _ in self._sources]

    def __await__(self) -> Generator[Any, Any, list[ScheddResult]]:
        return self._gather().__await__()

    async def _gather(self) -> list[ScheddResult]:
        ads: dict[int, list[ClassAd]] = {id(schedd): [] for schedd in self._order}
        ends: dict[int, tuple[HTCondorException | None, ClassAd | None]] = {}
        async with self:
            async for arrival in self:
                ads[id(arrival.source)] += arrival.ads
                if arrival.done:
                    ends[id(arrival.source)] = (arrival.error, arrival.summary)
        return [ScheddResult(schedd, ads[id(schedd)], *ends[id(schedd)]) for schedd in self._order]


def query_all(
    schedds: Iterable[Schedd],
    constraint: Constraint = None,
    projection: Iterable[str] | None = None,
    *,
    limit: int | None = None,
    opts: QueryOpts = QueryOpts.Default,
    timeout: float | None = None,
    idle_timeout: float | None = None,
    concurrency: int = 64,
) -> QueryAll:
    """Ask many schedds the same, at the same time.

    ``await query_all(...)`` gives a :class:`ScheddResult` for each, in the order given;
    ``async with query_all(...) as arrivals`` gives each batch of ads as it arrives. A schedd that fails has its error
    in its result and spoils no other.

    Parameters
    ----------
    schedds
        The schedds; of one given twice only the first counts.
    constraint, projection, limit, opts
        As for :meth:`Schedd.xquery <htcondor_async.Schedd.xquery>`; ``limit`` holds for each schedd.
    timeout, idle_timeout
        Seconds for each schedd's answer, and seconds to wait for its next bytes.
    concurrency
        The most schedds that are asked at a time.
    """
    where, names = constraint_text(constraint), projection_names(projection)

    def asking(schedd: Schedd) -> Callable[[], AdStream]:
        return lambda: schedd.xquery(where, names, limit=limit, opts=opts, timeout=timeout, idle_timeout=idle_timeout)

    chosen = {id(schedd): schedd for schedd in schedds}
    return QueryAll(((schedd, asking(schedd)) for schedd in chosen.values()), concurrency)
