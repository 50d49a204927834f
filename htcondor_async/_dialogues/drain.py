"""Draining a startd: DRAIN_JOBS and CANCEL_DRAIN_JOBS, one ad each way (``condor_startd.V6/command.cpp``)."""

from __future__ import annotations

import attrs

from htcondor_async._dialogues.expressions import Constraint, constraint_text, string_literal
from htcondor_async.classad import ClassAd
from htcondor_async.enums import CompletionTypes, DrainTypes
from htcondor_async.errors import DaemonError, HTCondorEnumError, HTCondorTypeError, ProtocolError

__all__ = ["DrainRequest", "cancel_answer", "cancel_request", "drain_answer", "drain_request"]

_TRIVIAL = "true"


@attrs.frozen
class DrainRequest:
    """How to drain; expressions are known to parse."""

    how_fast: DrainTypes
    on_completion: CompletionTypes
    check: str | None
    start: str | None
    reason: str

    def ad(self) -> list[tuple[str, str]]:
        """Return the request as names and expressions."""
        pairs = [
            ("HowFast", str(int(self.how_fast))),
            ("ResumeOnCompletion", str(int(self.on_completion))),
            ("DrainReason", string_literal(self.reason)),
        ]
        if self.check is not None and self.check.strip().lower() != _TRIVIAL:
            pairs.append(("CheckExpr", self.check))
        if self.start is not None:
            pairs.append(("StartExpr", self.start))
        return pairs


def drain_request(
    drain_type: DrainTypes, on_completion: CompletionTypes | int, check: Constraint, start: Constraint, reason: str
) -> DrainRequest:
    """Check the arguments of a request and return it."""
    try:
        how_fast = DrainTypes(drain_type)
    except ValueError as error:
        raise HTCondorEnumError(f"{drain_type!r} is not a way to drain") from error
    try:
        completion = CompletionTypes(on_completion)
    except ValueError as error:
        raise HTCondorEnumError(f"{on_completion!r} is not what a startd can do once it is drained") from error
    if not isinstance(reason, str):
        raise HTCondorTypeError(f"a reason is text, not {type(reason).__name__}")
    return DrainRequest(
        how_fast,
        completion,
        None if check is None else constraint_text(check),
        None if start is None else constraint_text(start),
        reason,
    )


def drain_answer(answer: ClassAd) -> str:
    """Return the id of the request from the answer; raises ``DaemonError`` for a refusal."""
    _check(answer, "begin to drain")
    request = answer.get("RequestID")
    if not isinstance(request, str):
        raise ProtocolError("the startd began to drain but gave no id of the request")
    return request


def cancel_request(request_id: str | None) -> list[tuple[str, str]]:
    """Return the request to end a drain; None ends whatever goes on."""
    if request_id is not None and not isinstance(request_id, str):
        raise HTCondorTypeError(f"the id of a request is text, not {type(request_id).__name__}")
    return [("RequestID", string_literal(request_id))] if request_id else []


def cancel_answer(answer: ClassAd) -> None:
    """Check the answer to a cancellation."""
    _check(answer, "end the drain")


def _check(answer: ClassAd, what: str) -> None:
    if answer.get("Result") is True:
        return
    code, text = answer.get("ErrorCode"), answer.get("ErrorString")
    raise DaemonError(
        f"the startd did not {what}: {text if isinstance(text, str) and text else 'no reason given'}",
        code=code if type(code) is int else 0,
    )
