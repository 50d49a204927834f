"""Queries of history (515 of the embedded pool's schedd, 429 of its startd)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from htcondor_async.classad import ClassAd, ClassAdException
from htcondor_async.config import Config
from htcondor_async.testing._ads import matches, projected, projection_of, requirements_of, send_each, send_sequence
from htcondor_async.testing._server import Connection

__all__ = ["serve_history"]

_DEFAULT_SCAN = 10000


async def serve_history(
    connection: Connection, config: Config, sources: Mapping[str, Sequence[ClassAd]], default: str = ""
) -> None:
    """Answer one query.

    Parameters
    ----------
    config
        ``HISTORY_HELPER_MAX_HISTORY`` bounds how many ads are looked at where the query does not.
    sources
        The records by the name that a query gives (``HistoryRecordSource``; empty for jobs), oldest first.
    default
        The source of a query that names none.
    """
    reader = await connection.request(connection.runtime.clock() + 20)
    query = reader.ad()
    reader.expect_end()
    requirements = requirements_of(query)
    try:
        names = projection_of(query)
    except (ValueError, ClassAdException):
        await _refuse(connection, 3, "Unable to evaluate projection list")
        return
    named = query.get("HistoryRecordSource")
    source = named if isinstance(named, str) and named else default
    if source not in sources:
        text = f"{source}_HISTORY undefined in remote configuration. No such related history to be queried."
        await _refuse(connection, 5, text)
        return
    search = _Search(query, sources[source], config.get_int("HISTORY_HELPER_MAX_HISTORY", _DEFAULT_SCAN))
    ads = (projected(ad, names) for ad in search.ads() if matches(ad, requirements) and search.wanted())
    if query.get("StreamResults") is True:
        await connection.reply(connection.writer().ad(ClassAd({"Owner": 1, "StreamResults": True})))
        await send_each(connection, ads)
        await connection.reply(connection.writer().ad(search.final()))
        return
    await send_sequence(connection, ads, lambda writer: writer, lambda writer, count: writer.ad(search.final()))


class _Search:
    """Which records a query looks at, and how many it has found."""

    def __init__(self, query: ClassAd, records: Sequence[ClassAd], cap: int) -> None:
        limit, scan = query.get("NumJobMatches"), query.get("ScanLimit")
        self._limit = limit if type(limit) is int and limit > 0 else -1
        self._scan_limit = scan if type(scan) is int and scan > 0 else cap
        self._since = query.lookup("Since") if "Since" in query else None
        self._records = list(records) if query.get("HistoryReadForwards") is True else list(reversed(records))
        self._scanned = 0
        self._found = 0

    def ads(self) -> Iterator[ClassAd]:
        """Give the records to look at, to the end of the search."""
        for ad in self._records:
            if self._scanned >= self._scan_limit or self._found == self._limit:
                return
            self._scanned += 1
            if self._since is not None and matches(ad, self._since):
                return
            yield ad

    def wanted(self) -> bool:
        """Count one that matches."""
        self._found += 1
        return True

    def final(self) -> ClassAd:
        """Return the ad that ends the answer."""
        return ClassAd({"Owner": 0, "NumJobMatches": self._found, "MalformedAds": 0, "AdCount": self._scanned})


async def _refuse(connection: Connection, code: int, text: str) -> None:
    await connection.reply(connection.writer().ad(ClassAd({"Owner": 0, "ErrorCode": code, "ErrorString": text})))
