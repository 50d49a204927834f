"""What changes in a job when it is evicted: more memory or disk for the next try, and transforms of one's own.

Version 25 and later. The schedd applies the transforms that TransformOnEvict names, whose text is in attributes
TransformBody_NAME, lines separated by the control character RS.
"""

from __future__ import annotations

import itertools
import math

import attrs

from htcondor_async.submit import expressions
from htcondor_async.submit.job import JobBuilder
from htcondor_async.submit.values import Size, parse_size
from htcondor_async.submit.words import split_list

__all__ = ["DISK", "MEMORY", "RequestKind", "set_checks", "set_retries_of_request"]

_SEPARATOR = "\x1e"
_LIST = "TransformOnEvict"


@attrs.frozen
class RequestKind:
    """A resource that can be asked for again: its command, attribute, base unit, and the code of running out of it."""

    key: str
    attribute: str
    base: int
    unit: str
    subcode: int


MEMORY = RequestKind("request_memory", "RequestMemory", 1024 * 1024, "megabytes", 102)
DISK = RequestKind("request_disk", "RequestDisk", 1024, "kilobytes", 104)


def set_checks(job: JobBuilder) -> None:
    """Write the transforms that ``on_evict_checks`` names."""
    if job.target.version.major < 25:
        return
    text = job.param("on_evict_checks", _LIST)
    if text is None:
        return
    names = []
    for name in split_list(text):
        body = job.macros.lookup(f"transform_body_{name}")
        if body is None:
            body = job.macros.lookup(f"TransformBody_{name}")
        if body is None:
            continue
        names.append(name)
        lines = (job.macros.expand_defined(line.strip()) for line in body.split("\n") if line.strip())
        kept = [line for line in lines if line and not line.startswith("#")]
        job.set(f"TransformBody_{name}", _SEPARATOR.join(kept))
    job.set(_LIST, " ".join(names))


def set_retries_of_request(job: JobBuilder, kind: RequestKind, more: str) -> None:
    """Write what a job asks for after it ran out of what it asked for at first.

    Parameters
    ----------
    job
        The job; the first request is written.
    kind
        What is asked for.
    more
        The sizes after the first one of the command itself; if empty, the ``retry_...`` commands are looked at.

    Raises
    ------
    SubmitError
        The sizes do not grow, or there is something that is neither a size nor an expression.
    """
    if more:
        _sequence(job, kind, kind.key, more)
        return
    retry = f"retry_{kind.key}"
    text = job.param(retry)
    limit = job.param(f"{retry}_max") if kind is MEMORY else None
    increase = job.param(f"{retry}_increase") if kind is MEMORY else None
    if text is not None:
        if increase is not None:
            job.warn(f"{retry}_increase is ignored because {retry} is given")
        _sequence(job, kind, retry, text)
    elif increase is not None:
        _growth(job, kind, retry, limit, increase)
    elif limit is not None:
        _sequence(job, kind, f"{retry}_max", limit)


def _check_unit(job: JobBuilder, kind: RequestKind, key: str, text: str) -> None:
    missing = job.settings.get("SUBMIT_REQUEST_MISSING_UNITS")
    if missing is None:
        return
    if missing.lower() == "error":
        raise job.error(f"{key}={text} has no unit, and the configuration wants one", key, text, "a unit: K, M, G or T")
    job.warn(f"{key}={text} means {kind.unit}; it should have a unit (K, M, G or T)")


def _parse(job: JobBuilder, kind: RequestKind, key: str, text: str) -> list[str]:
    """Return the growing sizes of a list as numbers, perhaps with an expression as the last."""
    sizes: list[int] = []
    rest, bare = text, ""
    while rest.strip():
        first, _, others = rest.partition(",")
        size: Size | None = parse_size(first.strip(), kind.base)
        if size is None:
            break
        if not size.has_unit and not bare:
            bare = rest
        sizes.append(size.amount)
        rest = others
    values = [str(size) for size in sizes]
    if rest.strip():
        try:
            values.append(expressions.unparse(expressions.parse(rest.strip())))
        except expressions.ExpressionError as error:
            raise job.error(
                f"{key}={rest.strip()} is invalid ({error})", key, text, "an expression or a size"
            ) from error
    if bare:
        _check_unit(job, kind, key, bare)
    if len(sizes) > 1:
        for before, after in itertools.pairwise([0, *sizes]):
            if after <= before:
                raise job.error(
                    f"{key} must have growing values, but {after} is not greater than {before}",
                    key,
                    text,
                    "growing sizes",
                )
    return values


def _sequence(job: JobBuilder, kind: RequestKind, key: str, text: str) -> None:
    values = _parse(job, kind, key, text)
    if not values:
        return
    name = kind.attribute
    if len(values) == 1:
        verb = "SET" if _is_number(values[0]) else "EVALSET"
        _add(job, kind, [f"{verb} {name} {values[0]}"])
        return
    retry = f"Retry{name}"
    index = f"{retry}Index"
    job.set_expression(retry, "{" + ",".join(values) + "}", key)
    _add(
        job,
        kind,
        [f"EVALSET {name} {retry}[{index}?:0]", f"EVALSET {index} MIN({{size({retry})-1, ({index}?:0)+1}})"],
    )


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _growth(job: JobBuilder, kind: RequestKind, retry: str, limit: str | None, increase: str) -> None:
    name, key = kind.attribute, f"{retry}_increase"
    values = _parse(job, kind, f"{retry}_max", limit) if limit is not None else []
    if len(values) > 1:
        _sequence(job, kind, f"{retry}_max", limit or "")
        return
    size = parse_size(increase, kind.base)
    expected = f"a positive size or an expression with {name}"
    if size is not None:
        if not size.has_unit:
            _check_unit(job, kind, key, increase)
        if size.amount <= 0:
            raise job.error(f"{key}={increase} is not positive", key, increase, expected)
        text = f"{name} + {size.amount}"
    else:
        text = increase
        try:
            node = expressions.parse(text)
        except expressions.ExpressionError as error:
            raise job.error(f"{key}={increase} is invalid ({error})", key, increase, expected) from error
        if name.lower() not in expressions.internal_references(node, {name.lower()}):
            raise job.error(f"{key}={increase} does not depend on {name}", key, increase, expected)
    if values:
        job.set_expression(f"Max{name}", values[0], f"{retry}_max")
        job.set_expression(f"Next{name}", text, key)
        _add(job, kind, [f"EVALSET {name} MIN({{Next{name}, Max{name}}})"])
        return
    first = job.get(name)
    grown = expressions.evaluate_in(expressions.parse(text), job.make_ad({name.lower(): expressions.node_of(first)}))
    if not isinstance(grown, (int, float)) or not math.isfinite(grown):
        raise job.error(f"{key}={increase} must give a number at submission", key, increase, expected)
    _add(job, kind, [f"SET {name} {int(grown)}"])


def _add(job: JobBuilder, kind: RequestKind, body: list[str]) -> None:
    """Write the transform of a request, and its name."""
    name = kind.attribute
    when = job.settings.get(f"ON_EVICT_CHECK_{name}_REQUIREMENTS") or (
        f"(VacateReasonCode==21 || VacateReasonCode == 34) && VacateReasonSubCode == {kind.subcode}"
    )
    job.set(f"TransformBody_{name}", _SEPARATOR.join([f"REQUIREMENTS {when}", *body]))
    names = job.string(_LIST) or ""
    if name.lower() not in (other.lower() for other in split_list(names)):
        job.set(_LIST, f"{names} {name}".strip())
