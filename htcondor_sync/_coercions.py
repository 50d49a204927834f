"""From arguments as v1 takes them to arguments of the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from htcondor_async import enums
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import ClassAdException, ClassAdParseError
from htcondor_async.errors import HTCondorEnumError, HTCondorIOError, HTCondorValueError
from htcondor_sync import _ads
from htcondor_sync._arguments import ArgumentError

__all__ = [
    "action_in",
    "ad_type_in",
    "callback_in",
    "constraint_in",
    "cred_type_in",
    "credential_in",
    "daemon_type_in",
    "drain_type_in",
    "expression_constraint_in",
    "found_out",
    "job_spec_in",
    "query_opts_in",
    "retrieved_in",
    "since_in",
    "spooled_in",
]


def ad_type_in(value: int) -> enums.AdTypes:
    """Return a kind of ads; raises HTCondorIOError for a number that is none, and for the kind None."""
    try:
        kind = enums.AdTypes(int(value))
    except ValueError as error:
        raise HTCondorIOError(f"Invalid query: {value!r} is not a kind of ad") from error
    if kind is enums.AdTypes.None_:
        raise HTCondorIOError("Invalid query: there are no ads of no kind")
    return kind


def daemon_type_in(value: int) -> enums.DaemonTypes:
    """Return a kind of daemon; raises HTCondorEnumError for a number that is none."""
    try:
        return enums.DaemonTypes(int(value))
    except ValueError as error:
        raise HTCondorEnumError(f"{value!r} is not a kind of daemon") from error


def action_in(value: int) -> enums.JobAction:
    """Return an action on jobs; raises HTCondorEnumError for a number that is none."""
    try:
        return enums.JobAction(int(value))
    except ValueError as error:
        raise HTCondorEnumError("Job action not implemented.") from error


def cred_type_in(value: int) -> enums.CredTypes:
    """Return a kind of credential; raises HTCondorEnumError for a number that is none."""
    try:
        return enums.CredTypes(int(value))
    except ValueError as error:
        raise HTCondorEnumError("invalid credtype") from error


def credential_in(value: Any) -> bytes | None:
    """Return a credential as bytes; None where the daemon's producer is to make it."""
    if value is None or isinstance(value, (bytes, bytearray)):
        return None if value is None else bytes(value)
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"a credential is bytes, not {type(value).__name__}")


def drain_type_in(value: int) -> enums.DrainTypes:
    """Return how fast to drain; raises HTCondorEnumError for a number that is none."""
    try:
        return enums.DrainTypes(int(value))
    except ValueError as error:
        raise HTCondorEnumError(f"{value!r} is not a way to drain") from error


def query_opts_in(value: int) -> enums.QueryOpts:
    """Return the options of a query of jobs."""
    return enums.QueryOpts(int(value))


def constraint_in(value: Any) -> Any:
    """Return a constraint: text, an expression, a truth value, a number, or None for all.

    Raises
    ------
    HTCondorValueError
        It is something else.
    """
    value = _ads.expression_in(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(float(value)) if isinstance(value, float) else str(int(value))
    if value is None or isinstance(value, (str, bool, _ads.CoreExpr)):
        return value
    raise HTCondorValueError("Invalid constraint.")


def expression_constraint_in(value: Any) -> Any:
    """Return a constraint of a call that parses it itself; raises ClassAdParseError for what is no expression."""
    value = _ads.expression_in(value)
    if value is None or isinstance(value, _ads.CoreExpr):
        return value
    try:
        if isinstance(value, str):
            return _ads.CoreExpr(value) if value.strip() else value
    except ClassAdException as error:
        raise ClassAdParseError(f"Unable to parse requirements expression: {error.args[0]}") from error
    raise ClassAdParseError("Unable to parse requirements expression")


def job_spec_in(value: Any) -> Any:
    """Return which jobs: a constraint, or ids as a list.

    Raises
    ------
    TypeError
        An id in the list is not text.
    HTCondorValueError
        It is something else.
    """
    value = _ads.expression_in(value)
    if isinstance(value, (str, bool, _ads.CoreExpr)):
        return value
    if isinstance(value, (int, float)) or value is None:
        return constraint_in(value)
    try:
        ids = list(value)
    except TypeError:
        raise HTCondorValueError("job_spec is not a valid constraint expression.") from None
    for item in ids:
        if not isinstance(item, str):
            raise TypeError(f"a job id is text like '5.0', not {type(item).__name__}")
    return ids


def since_in(value: Any) -> Any:
    """Return where a history query stops; raises HTCondorValueError for what can be no such place."""
    value = _ads.expression_in(value)
    if value is None or (isinstance(value, (int, str, _ads.CoreExpr)) and not isinstance(value, bool)):
        return int(value) if isinstance(value, int) else value
    raise HTCondorValueError("invalid since argument")


def callback_in(callback: Callable[[Any], Any] | None) -> Callable[[CoreAd], Any] | None:
    """Return a callback that is given ads of v1; the query keeps an ad unless the callback returned None, as in v1."""
    if callback is None:
        return None

    def kept(ad: CoreAd) -> Any:
        given = _ads.ad_out(ad)
        return given if callback(given) is not None else None

    return kept


def found_out(found: list[Any]) -> list[Any]:
    """Return the results of a query, which a callback may have been given already as ads of v1."""
    return _ads.ads_out(found)


def spooled_in(jobs: Any) -> Any:
    """Return jobs to spool: the result of a submission, or a list of job ads."""
    found = getattr(jobs, "_result", None)
    if found is not None:
        return found
    return [_ads.ad_in(ad) for ad in jobs]


def retrieved_in(jobs: Any) -> Any:
    """Return jobs to retrieve: a constraint, or a list of job ads.

    Raises
    ------
    ArgumentError
        It is neither.
    """
    value = _ads.expression_in(jobs)
    if isinstance(value, (str, _ads.CoreExpr)):
        return value
    if isinstance(value, (list, tuple)):
        return [_ads.ad_in(ad) for ad in value]
    raise ArgumentError(f"Schedd.retrieve(): expected a constraint or a list of ads, not {type(jobs).__name__}")
