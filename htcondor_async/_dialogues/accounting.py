"""What the negotiator's accountant is asked and told, and how its one flat ad is taken apart.

Entry *i* (from 1) is spread over attributes with the number appended: ``Name1``, ``Priority1``, ``Name2`` ...
(``condor_negotiator.V6/Accountant.cpp``, ``ReportState``; layouts in ``condor_negotiator.V6/matchmaker.cpp``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from htcondor_async._cedar.values import Writer
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.classad import ClassAd
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError

__all__ = [
    "check_user",
    "entries",
    "factor_answer",
    "lease_answer",
    "lease_request",
    "named_int",
    "named_real",
    "number_at_least",
]

_NUMBERED = re.compile(r"(.*?[^0-9])([1-9][0-9]{0,8})\Z", re.DOTALL)
_LIMITS = "concurrencylimit"
_INT32 = (-(1 << 31), (1 << 31) - 1)


def check_user(user: str) -> str:
    """Return a submitter's name, ``user@domain`` or ``group.user@domain``.

    Raises
    ------
    HTCondorTypeError, HTCondorValueError
        It is not text, or has no ``@``: the accountant would make a record of a submitter that never is.
    """
    if not isinstance(user, str):
        raise HTCondorTypeError(f"the name of a submitter is text, not {type(user).__name__}")
    if "@" not in user or "\0" in user:
        raise HTCondorValueError(
            f"{user!r} is not the full name of a submitter", hint="write user@uid.domain or group.user@uid.domain"
        )
    return user


def number_at_least(value: float, least: float, what: str, *, whole: bool = False) -> float:
    """Return a number that is not below ``least``; ``whole`` asks for an integer of 32 bits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HTCondorTypeError(f"{what} is a number, not {type(value).__name__}")
    if not math.isfinite(value) or value < least:
        raise HTCondorValueError(f"{what} must be a number from {least:g} up, not {value!r}")
    if whole:
        if value != int(value) or not _INT32[0] <= value <= _INT32[1]:
            raise HTCondorValueError(f"{what} must be a whole number of 32 bits, not {value!r}")
        return int(value)
    return float(value)


def named_real(user: str, value: float) -> Callable[[Writer], Writer]:
    """Return what writes a name and a real."""
    return lambda writer: writer.str(user).double(value)


def named_int(user: str, value: int) -> Callable[[Writer], Writer]:
    """Return what writes a name and an integer."""
    return lambda writer: writer.str(user).int(value)


def entries(report: ClassAd) -> list[ClassAd]:
    """Return the entries of a report, in its order: groups first, then submitters; up to the first number missing."""
    found: dict[int, ClassAd] = {}
    for name in report:
        numbered = _NUMBERED.match(name)
        if numbered and not name.lower().startswith(_LIMITS):
            found.setdefault(int(numbered[2]), ClassAd())[numbered[1]] = report.lookup(name)
    result: list[ClassAd] = []
    while (entry := found.get(len(result) + 1)) is not None:
        result.append(entry)
    return result


def factor_answer(answer: ClassAd) -> None:
    """Check the answer to SET_PRIORITYFACTOR."""
    code = answer.get("ErrorCode", 0)
    if code != 0:
        text = answer.get("ErrorString")
        raise DaemonError(
            f"the negotiator did not set the priority factor: {text if isinstance(text, str) else 'no reason given'}",
            code=code if type(code) is int else 0,
            hint="it takes an administrator, or a mapping named PRIORITY_FACTOR_AUTHORIZATION",
        )


def lease_request(user: str, attribute: str, value: float | None, seconds: int) -> list[tuple[str, str]]:
    """Return the request for a limit that ends by itself (MANAGE_CEILING and its like); None cancels it."""
    pairs = [("Submitter", string_literal(user)), ("Action", string_literal("cancel" if value is None else "set"))]
    if value is not None:
        pairs += [(attribute, repr(value)), ("Duration", str(seconds))]
    return pairs


def lease_answer(answer: ClassAd, what: str) -> None:
    """Check the answer to such a request."""
    if answer.get("Success") is not True:
        text = answer.get("ErrorString")
        raise DaemonError(
            f"the negotiator did not {what}: {text if isinstance(text, str) and text else 'no reason given'}"
        )
