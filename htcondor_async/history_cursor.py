"""Reading a schedd's history bit by bit: each record once, across restarts of the reader, and no gap unnoticed.

Theory of operation. The history is read newest first, back to a record that is known. Whether the reader got there, or
the daemon stopped before (a cap on the records it looks at, a file rotated away), cannot be told from the answer. So
the cursor remembers the two newest records, and stops at the second: then the first has to come, as the oldest of the
answer. If it does not, the query is repeated without the daemon's cap; if it still does not come, there is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from htcondor_async._dialogues.expressions import Constraint, constraint_text, projection_names
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConcurrencyError, HistoryGapError, HTCondorValueError
from htcondor_async.schedd import Schedd

__all__ = ["HistoryCursor"]

_KEY = ("ClusterId", "ProcId", "QDate")
_NO_CAP = 2_000_000_000


@attrs.frozen
class _Record:
    """What tells one record from all others: job numbers alone are given out again when a queue is made anew."""

    cluster: int
    proc: int
    queued: int

    @classmethod
    def of(cls, ad: ClassAd) -> _Record:
        return cls(ad.get_int("ClusterId", -1), ad.get_int("ProcId", -1), ad.get_int("QDate", 0))

    def expression(self) -> str:
        return f"ClusterId == {self.cluster} && ProcId == {self.proc} && QDate == {self.queued}"

    def __str__(self) -> str:
        return f"{self.cluster}.{self.proc}"


class HistoryCursor:
    """A place in a schedd's history.

    ::

        cursor = HistoryCursor(schedd, state=saved)
        for ad in await cursor.read():      # what has come since, oldest first
            ...
        saved = cursor.state                # plain values, for JSON

    Save the state once the records are dealt with: after a crash in between they are read again.

    Parameters
    ----------
    schedd
        Whose history.
    state
        Where another cursor was.
    constraint, projection
        Which jobs, and which of their attributes; all by default. The constraint has to stay the same.
    from_beginning
        Whether a cursor without state begins with all there is, or with what comes next.
    """

    def __init__(
        self,
        schedd: Schedd,
        state: Mapping[str, Any] | None = None,
        *,
        constraint: Constraint = None,
        projection: Iterable[str] | None = None,
        from_beginning: bool = False,
    ) -> None:
        self._schedd = schedd
        self._constraint = constraint_text(constraint)
        names = projection_names(projection)
        self._projection = list(dict.fromkeys([*names, *_KEY])) if names else []
        self._from_beginning = from_beginning
        self._newest: list[_Record] | None = None
        self._busy = False
        if state is not None:
            self._newest = self._restored(state)

    def _restored(self, state: Mapping[str, Any]) -> list[_Record] | None:
        try:
            if state["version"] != 1 or state["constraint"] != self._constraint:
                raise HTCondorValueError("the state is that of another cursor: of another version, or constraint")
            newest = state["newest"]
            return None if newest is None else [_Record(*map(int, record)) for record in newest]
        except (KeyError, TypeError, IndexError) as error:
            raise HTCondorValueError("this is not the state of a cursor") from error

    @property
    def state(self) -> dict[str, Any]:
        """Where this cursor is, as plain values that JSON can carry."""
        newest = None if self._newest is None else [[one.cluster, one.proc, one.queued] for one in self._newest]
        return {"version": 1, "constraint": self._constraint, "newest": newest}

    async def read(self, *, accept_gap: bool = False, timeout: float | None = None) -> list[ClassAd]:
        """Return the records that have come since the last time, oldest first, and move on.

        Parameters
        ----------
        accept_gap
            Go on behind a gap with what is left.
        timeout
            Seconds for each query.

        Raises
        ------
        HistoryGapError
            Records between the last one read (``oldest``) and the oldest that can be had (``newest``) are out of reach.
            The cursor stays where it is.
        HTCondorException
            The schedd cannot be reached, or refuses the query. The cursor stays where it is.
        """
        if self._busy:
            raise ConcurrencyError("this cursor is in use by another task")
        self._busy = True
        try:
            return await self._read(accept_gap, timeout)
        finally:
            self._busy = False

    async def _read(self, accept_gap: bool, timeout: float | None) -> list[ClassAd]:
        if self._newest is None:
            match = -1 if self._from_beginning else 2
            ads = await self._query(None, None if match > 0 else _NO_CAP, timeout, match=match)
            self._newest = [_Record.of(ad) for ad in ads[:2]]
            return ads[::-1] if self._from_beginning else []
        known = self._newest
        stop = known[1].expression() if len(known) > 1 else None
        ads = await self._query(stop, None, timeout)
        if known and not self._reaches(ads, known[0]):
            ads = await self._query(stop, _NO_CAP, timeout)
        if known and not self._reaches(ads, known[0]):
            if not accept_gap:
                raise self._gap(ads, known[0])
            fresh = ads
        else:
            fresh = ads[: next(place for place, ad in enumerate(ads) if _Record.of(ad) == known[0])] if known else ads
        self._newest = [*(_Record.of(ad) for ad in fresh[:2]), *known][:2]
        return fresh[::-1]

    @staticmethod
    def _reaches(ads: list[ClassAd], record: _Record) -> bool:
        return any(_Record.of(ad) == record for ad in reversed(ads))

    def _gap(self, ads: list[ClassAd], known: _Record) -> HistoryGapError:
        oldest = str(_Record.of(ads[-1])) if ads else None
        upto = f"the oldest that the schedd still has, {oldest}" if oldest else "now: the schedd has none any more"
        return HistoryGapError(
            f"records of the history are out of reach, from job {known}, the last one read, to {upto}",
            oldest=str(known),
            newest=oldest,
            daemon=repr(self._schedd)[1:-1],
            hint="to go on behind the gap call read(accept_gap=True); MAX_HISTORY_LOG and MAX_HISTORY_ROTATIONS say "
            "how much history is kept",
        )

    async def _query(
        self, since: str | None, scan_limit: int | None, timeout: float | None, *, match: int = -1
    ) -> list[ClassAd]:
        stream = self._schedd.history(
            self._constraint, self._projection, match, since, scan_limit=scan_limit, timeout=timeout
        )
        return await stream.collect()
