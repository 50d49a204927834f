"""Queries of finished jobs: ``QUERY_SCHEDD_HISTORY`` (515) and, of a startd, ``GET_HISTORY`` (429).

Without ``StreamResults`` all ads and the final ad are one message; with it a header ad (``Owner = 1``) comes first and
every ad is a message of its own. The final ad (``Owner = 0``) holds counts, or the daemon's error
(``condor_utils/history_queue.cpp``, ``condor_tools/history.cpp``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import attrs

from htcondor_async._dialogues.expressions import constraint_text, string_literal
from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.errors import DaemonError, HTCondorTypeError, ProtocolError

__all__ = ["HistoryQuery", "Since", "check_history_end", "is_header", "since_text"]

Since: TypeAlias = "int | str | ExprTree | None"

_JOB_ID = re.compile(r"\s*(\d+)(?:\.(\d+))?\s*$")


def since_text(since: Since) -> str | None:
    """Return where a history query stops, as an expression: a cluster, a job id as text, or an expression."""
    if since is None:
        return None
    if isinstance(since, bool) or not isinstance(since, (int, str, ExprTree)):
        raise HTCondorTypeError(f"since is a cluster, a job id or an expression, not {type(since).__name__}")
    if isinstance(since, int):
        return f"ClusterId == {since}"
    found = _JOB_ID.match(since) if isinstance(since, str) else None
    if found:
        proc = f" && ProcId == {found[2]}" if found[2] is not None else ""
        return f"ClusterId == {found[1]}{proc}"
    return constraint_text(since)


@attrs.frozen
class HistoryQuery:
    """What to ask. ``constraint`` and ``since`` are expressions in old syntax that are known to parse.

    ``source`` is empty for jobs, ``"JOB_EPOCH"`` for runs of jobs, ``"STARTD"`` for a startd's; ``match`` is the most
    ads wanted, negative for all; ``scan_limit`` the most ads the daemon looks at. ``stream`` asks for a message per ad,
    so that an ad comes as soon as it is found; a daemon that does not know this sends one message.
    """

    constraint: str = "true"
    projection: Sequence[str] = ()
    match: int = -1
    since: str | None = None
    source: str = ""
    ad_types: Sequence[str] = ()
    stream: bool = True
    forwards: bool = False
    scan_limit: int | None = None

    def ad(self) -> list[tuple[str, str]]:
        """Return the query ad as names and expressions."""
        pairs = [("Requirements", self.constraint), ("NumJobMatches", str(self.match))]
        if self.projection:
            pairs.append(("Projection", "{" + ",".join(string_literal(name) for name in self.projection) + "}"))
        if self.since is not None:
            pairs.append(("Since", self.since))
        if self.source:
            pairs.append(("HistoryRecordSource", string_literal(self.source)))
        if self.ad_types:
            pairs.append(("HistoryAdTypeFilter", string_literal(",".join(self.ad_types))))
        if self.stream:
            pairs.append(("StreamResults", "true"))
        if self.forwards:
            pairs.append(("HistoryReadForwards", "true"))
        if self.scan_limit is not None:
            pairs.append(("ScanLimit", str(self.scan_limit)))
        return pairs


def is_header(ad: ClassAd) -> bool:
    """Return whether ``ad`` opens an answer in which each ad is a message."""
    owner = ad.get("Owner")
    return type(owner) is int and owner == 1


def check_history_end(ad: ClassAd, received: int) -> None:
    """Raise the error that the final ad tells of, or the one that its counts reveal."""
    code = ad.get("ErrorCode", 0)
    if type(code) is int and code != 0:
        text = ad.get("ErrorString")
        raise DaemonError(
            f"the daemon refused the history query with error {code}",
            code=code,
            error_stack=[text] if isinstance(text, str) else [],
        )
    malformed = ad.get("MalformedAds", 0)
    if type(malformed) is int and malformed != 0:
        raise DaemonError(f"the daemon could not read {malformed} records of its history file")
    sent = ad.get("NumJobMatches", received)
    if type(sent) is int and sent != received:
        raise ProtocolError(f"the daemon says that it sent {sent} ads of history, but {received} came")
