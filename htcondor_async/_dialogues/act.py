"""``ACT_ON_JOBS`` (478): hold, release, remove ... jobs.

Request ad, result ad; where at least one job was acted upon, the client confirms with ``int 1`` and the schedd answers
``int 1`` once it has committed. Anything else than the confirmation makes it drop the action
(``condor_schedd.V6/schedd.cpp``, ``actOnJobs``).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._dialogues.codec import Codec
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.classad import ClassAd
from htcondor_async.enums import JobAction
from htcondor_async.errors import DaemonError, ProtocolError

__all__ = ["ActRequest", "act", "totals"]

_OK = 1
_TOTALS = 2
_MAX_ANSWER = 1 << 20
_REASONS = {
    JobAction.Hold: "HoldReason",
    JobAction.Release: "ReleaseReason",
    JobAction.Remove: "RemoveReason",
    JobAction.RemoveX: "RemoveReason",
    JobAction.Suspend: "SuspendReason",
    JobAction.Continue: "ContinueReason",
}
_RESULTS = (
    "TotalError",
    "TotalSuccess",
    "TotalNotFound",
    "TotalBadStatus",
    "TotalAlreadyDone",
    "TotalPermissionDenied",
)


@attrs.frozen
class ActRequest:
    """What to do, and to which jobs: ``ids`` or else ``constraint``, an expression that is known to parse."""

    action: JobAction
    ids: Sequence[str] | None = None
    constraint: str | None = None
    reason: str | None = None
    reason_code: int | None = None

    def ad(self) -> list[tuple[str, str]]:
        """Return the request ad as names and expressions."""
        pairs = [("JobAction", str(int(self.action))), ("ActionResultType", str(_TOTALS))]
        if self.ids is None:
            pairs.append(("ActionConstraint", self.constraint or "true"))
        elif self.ids:
            pairs.append(("ActionIds", string_literal(",".join(self.ids))))
        attribute = _REASONS.get(self.action)
        if attribute and self.reason is not None:
            pairs.append((attribute, string_literal(self.reason)))
        if self.action is JobAction.Hold and self.reason_code is not None:
            pairs.append(("HoldReasonSubCode", str(self.reason_code)))
        return pairs


@attrs.define
class ActProgress:
    """How far the exchange has come: once ``confirmed``, a lost answer leaves the outcome unknown."""

    confirmed: bool = False


def act(codec: Codec, request: ActRequest, progress: ActProgress) -> Generator[Send | Receive, bytes, ClassAd]:
    """Carry out one action; return the schedd's result ad."""
    yield Send(codec.writer().ad(request.ad()).getvalue())
    answer = yield Receive(_MAX_ANSWER)
    reader = codec.reader(answer)
    if len(answer) == 8:  # a bare number instead of an ad
        reader.int()
        raise DaemonError(
            f"the schedd does not take the action {request.action.name}",
            hint="an older schedd may not know it",
        )
    result = reader.ad()
    reader.expect_end()
    if result.get("ActionResult") == _OK:
        progress.confirmed = True
        yield Send(codec.writer().int(_OK).getvalue())
        answer = yield Receive(_MAX_ANSWER)
        done = codec.reader(answer).int()
        if done != _OK:
            raise DaemonError(f"the schedd did not commit the action {request.action.name} (answer {done})", code=done)
    return result


def totals(result: ClassAd) -> ClassAd:
    """Return a result ad by the names that the bindings give its counts."""
    named = {name: _count(result, f"result_total_{code}") for code, name in enumerate(_RESULTS)}
    named["TotalJobAds"] = _count(result, "TotalJobAds")
    named["TotalChangedAds"] = _count(result, "ActionResult")
    return ClassAd(named)


def _count(ad: ClassAd, name: str) -> int:
    value = ad.get(name, 0)
    if type(value) is not int:
        raise ProtocolError(f"the attribute {name} of the result is not a number")
    return value
