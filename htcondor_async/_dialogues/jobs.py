"""Queries of a schedd's job queue: ``QUERY_JOB_ADS`` (516) and ``QUERY_JOB_ADS_WITH_AUTH`` (519).

Request: one ad. Answer: each job ad a message of its own, then a final ad, recognised by ``Owner = 0`` (an integer),
that holds counters or the daemon's error (``condor_schedd.V6/schedd.cpp``, ``command_query_job_ads``).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.classad import ClassAd
from htcondor_async.enums import QueryOpts
from htcondor_async.errors import DaemonError, HTCondorValueError

__all__ = ["JobQuery", "check_final", "is_final"]

_NO_PROC_ADS = 0x40  # QueryOpts.ClusterAds and JobsetAds hold it: no ads of single jobs
_JOB_IDS_SHOWN = 2  # how many job ids an aggregate ad lists; what condor_q asks for


@attrs.frozen
class JobQuery:
    """What to ask a schedd.

    ``constraint`` is an expression in old syntax that is known to parse; ``me`` is the user name that stands in for
    an unauthenticated one where only one's own jobs are asked for.
    """

    constraint: str = "true"
    projection: Sequence[str] = ()
    limit: int | None = None
    options: QueryOpts = QueryOpts.Default
    me: str = ""
    server_time: bool = False

    @property
    def command(self) -> Command:
        """The command that asks for this.

        519 differs only in forced authentication; whose jobs "mine" are is told by ``Me`` where the connection does
        not say it, as the v1 bindings do.
        """
        return Command.QUERY_JOB_ADS

    @property
    def summary_only(self) -> bool:
        """Whether the final ad is the answer itself."""
        return bool(self.options & QueryOpts.SummaryOnly)

    def ad(self) -> list[tuple[str, str]]:
        """Return the query ad as names and expressions.

        Raises
        ------
        HTCondorValueError
            The options contradict each other.
        """
        options = int(self.options)
        aggregate = options & (QueryOpts.AutoCluster | QueryOpts.GroupBy)
        pairs = [("Requirements", self.constraint)]
        if self.projection and aggregate:  # a list is understood by the query for single jobs alone
            pairs.append(("Projection", string_literal(" ".join(self.projection))))
        elif self.projection:
            pairs.append(("Projection", "{" + ",".join(string_literal(name) for name in self.projection) + "}"))
        if self.limit is not None and self.limit >= 0:
            pairs.append(("LimitResults", str(self.limit)))
        pairs.append(("SendServerTime", "true" if self.server_time else "false"))
        if aggregate:
            if aggregate == QueryOpts.AutoCluster | QueryOpts.GroupBy:
                raise HTCondorValueError("QueryOpts.AutoCluster and QueryOpts.GroupBy exclude each other")
            name = "QueryDefaultAutocluster" if options & QueryOpts.AutoCluster else "ProjectionIsGroupBy"
            pairs += [(name, "true"), ("MaxReturnedJobIds", str(_JOB_IDS_SHOWN))]
        if options & QueryOpts.DefaultMyJobsOnly:
            pairs += [("Me", string_literal(self.me)), ("MyJobs", '"(Owner == Me)"')]
        for bit, name in (
            (QueryOpts.SummaryOnly, "SummaryOnly"),
            (QueryOpts.IncludeClusterAd, "IncludeClusterAd"),
            (QueryOpts.IncludeJobsetAds, "IncludeJobsetAds"),
            (_NO_PROC_ADS, "NoProcAds"),
        ):
            if options & bit:
                pairs.append((name, "true"))
        return pairs


def is_final(ad: ClassAd) -> bool:
    """Return whether ``ad`` ends the answer. Job ads have a text as owner, or none if projected."""
    owner = ad.get("Owner")
    return type(owner) is int and owner == 0


def check_final(ad: ClassAd) -> None:
    """Raise ``DaemonError`` with the daemon's code and text if the final ad is that of a failure."""
    code = ad.get("ErrorCode", 0)
    if type(code) is int and code != 0:
        text = ad.get("ErrorString")
        raise DaemonError(
            f"the daemon refused the query with error {code}",
            code=code,
            error_stack=[text] if isinstance(text, str) else [],
        )
