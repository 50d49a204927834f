"""From arguments as v1 takes them to arguments of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from htcondor_async import enums
from htcondor_async.classad import ClassAd as CoreAd
from htcondor_async.classad import ClassAdException, ClassAdParseError
from htcondor_async.classad import Value as CoreValue
from htcondor_async.classad._nodes import Literal
from htcondor_async.errors import HTCondorEnumError, HTCondorIOError, HTCondorValueError
from htcondor_sync import _ads
from htcondor_sync._arguments import ArgumentError, expect, text_in

__all__ = [
    "action_in",
    "ad_type_in",
    "callback_in",
    "constraint_in",
    "cred_type_in",
    "credential_in",
    "daemon_type_in",
    "drain_type_in",
    "edited_in",
    "expression_constraint_in",
    "found_out",
    "history_constraint_in",
    "job_spec_in",
    "query_opts_in",
    "reason_in",
    "retrieved_in",
    "since_in",
    "spooled_in",
]


_CONDITIONS = (bool, int, float)


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
        It is something else, or a constant that is no truth value: a string, error.
    """
    value = text_in(_ads.expression_in(value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(float(value)) if isinstance(value, float) else str(int(value))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value:
            return value
        try:
            value = _ads.CoreExpr(value)
        except ClassAdException as error:
            raise HTCondorValueError(f"Invalid constraint. {value!r}: {error.args[0]}") from error
    if isinstance(value, _ads.CoreExpr):
        node = value._node
        if not isinstance(node, Literal) or (type(node.value) in _CONDITIONS or node.value is CoreValue.Undefined):
            return value
    raise HTCondorValueError("Invalid constraint.")


def expression_constraint_in(value: Any) -> Any:
    """Return a constraint of a call that parses it itself; raises ClassAdParseError for what is no expression."""
    value = text_in(_ads.expression_in(value))
    if value is None or isinstance(value, _ads.CoreExpr):
        return value
    try:
        if isinstance(value, str):
            return _ads.CoreExpr(value)
    except ClassAdException as error:
        raise ClassAdParseError(f"Unable to parse requirements expression: {error.args[0]}") from error
    raise ClassAdParseError("Unable to parse requirements expression")


def history_constraint_in(value: Any) -> Any:
    """Return a constraint of a history: as of :func:`expression_constraint_in`, also a truth value, a number or ''."""
    value = text_in(_ads.expression_in(value))
    if isinstance(value, (bool, int, float)) or (isinstance(value, str) and not value):
        return constraint_in(value)
    return expression_constraint_in(value)


def job_spec_in(value: Any) -> Any:
    """Return which jobs: a constraint, or ids as a list.

    Raises
    ------
    TypeError
        An id in the list is not text.
    HTCondorValueError
        It is something else.
    """
    value = text_in(_ads.expression_in(value))
    if type(value) is int:
        return f"ClusterId == {value}"  # v1 takes a number for a constraint that holds for all jobs
    if isinstance(value, str) and _is_job_id(value):
        return value
    if value is None or isinstance(value, (str, bool, _ads.CoreExpr)):
        return constraint_in(value)
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise HTCondorValueError("job_spec is not a valid constraint expression.")
    ids = []
    for item in map(text_in, value):
        if not isinstance(item, str):
            raise TypeError(f"a job id is text like '5.0', not {type(item).__name__}")
        ids += item.split(",")
    return ids


def _is_job_id(text: str) -> bool:
    return text.replace(".", "", 1).strip().isdecimal()


def edited_in(value: Any) -> Any:
    """Return which jobs to edit, as :func:`job_spec_in`; an id in a list must name one job.

    Raises
    ------
    HTCondorValueError
        An id names a whole cluster, or nothing.
    """
    found = job_spec_in(value)
    if isinstance(found, list) and not all("." in item for item in found):
        raise HTCondorValueError("Invalid ID", hint="write CLUSTER.PROC, as 5.0")
    return found


def reason_in(action: int, reason: Any) -> Any:
    """Return why: text, for holding also a pair of texts, the reason and its code; None for no reason given.

    Raises
    ------
    TypeError
        It is not text.
    HTCondorValueError
        A tuple is not such a pair.
    """
    if reason is None:
        return None
    if isinstance(reason, tuple) and int(action) == int(enums.JobAction.Hold):
        if len(reason) != 2:
            raise HTCondorValueError("Hold action requires (hold string, hold code) tuple as the reason.")
        return tuple(text_of("a reason and its code", part) for part in reason)
    return text_of("a reason", reason)


def text_of(what: str, value: Any) -> str:
    """Return text, also where it came as bytes; raises TypeError for anything else."""
    text = text_in(value)
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    return text


def since_in(value: Any) -> Any:
    """Return where a history query stops.

    Raises
    ------
    ClassAdParseError
        The text is neither a job id nor an expression.
    HTCondorValueError
        It can be no such place.
    """
    value = text_in(_ads.expression_in(value))
    if value is None or isinstance(value, _ads.CoreExpr):
        return value
    if isinstance(value, int):
        expect("history", ("since", value, int))
        return int(value)
    if not isinstance(value, str):
        raise HTCondorValueError("invalid since argument")
    if not _is_job_id(value):
        try:
            _ads.CoreExpr(value)
        except ClassAdException as error:
            raise ClassAdParseError(f"Unable to parse since argument: {error.args[0]}") from error
    return value


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
