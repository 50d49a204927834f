"""Functions over times."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from htcondor_async.classad import _registry
from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._nodes import AttrRef
from htcondor_async.classad._times import civil, local_offset
from htcondor_async.classad._values import AbsTime, AdBase, Error, RelTime, RuntimeValue, Undefined, wrap_int

from . import stepping_builtin, strict_builtin
from ._coerce import int32, quotient, remainder, to_int32
from ._strftime import BrokenDownTime, day_numbers, strftime

if TYPE_CHECKING:
    from collections.abc import Callable

    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node
    from htcondor_async.classad._registry import Steps

Values = tuple[RuntimeValue, ...]
_FIELDS = ("Year", "Month", "Day", "Hours", "Minutes", "Seconds")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST, _LAST = -62135510400, 253402214400
_JANUARY, _JULY = 1577836800, 1593561600


def _now(ctx: EvalContext) -> int:
    return int(ctx.environment.now())


def _local(ctx: EvalContext, secs: int) -> AbsTime:
    return AbsTime(secs, local_offset(secs, ctx.environment))


@strict_builtin("time", 0, 0)
def time_function(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``time()``: seconds since 1970."""
    return _now(ctx)


@strict_builtin("currentTime", 0, 0)
def current_time(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``currentTime()``: now, as an absolute time."""
    return _local(ctx, _now(ctx))


@strict_builtin("timeZoneOffset", 0, 0)
def time_zone_offset(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``timeZoneOffset()``: how far local time is ahead of UTC, as a relative time."""
    return RelTime(float(local_offset(_now(ctx), ctx.environment)))


@strict_builtin("dayTime", 0, 0)
def day_time(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``dayTime()``: the time of day, as a relative time."""
    now = _local(ctx, _now(ctx))
    return RelTime(float((now.secs + now.offset) % 86400))


@strict_builtin("absTime", 0, 2)
def abs_time(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``absTime(x, offset)``: seconds since 1970 as an absolute time, in local time if there is no offset.

    A constant string was made a time when the expression was read; any other string stays what it is.
    """
    if not values:
        return _local(ctx, _now(ctx))
    value = values[0]
    offset: int | None = None
    if len(values) == 2:
        offset = _offset(values[1])
        if offset is None:
            return Error
    if value is Undefined:
        return Undefined
    if isinstance(value, (str, AbsTime)):
        return value
    if type(value) is int:
        moment = _at(ctx, int32(value), offset)
        return ctx.fail() if moment.offset == -1 else moment
    if isinstance(value, float):
        return _at(ctx, to_int32(value), offset)
    if isinstance(value, RelTime):
        return _at(ctx, to_int32(value.seconds), offset)
    return Error


def _at(ctx: EvalContext, secs: int, offset: int | None) -> AbsTime:
    return _local(ctx, secs) if offset is None else AbsTime(secs, offset)


def _offset(value: RuntimeValue) -> int | None:
    if type(value) is int:
        return int32(value)
    if isinstance(value, float):
        return to_int32(value)
    return to_int32(value.seconds) if isinstance(value, RelTime) else None


@strict_builtin("relTime", 1, 2)
def rel_time(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``relTime(x)``: seconds as a relative time."""
    if len(values) != 1:
        return Error
    value = values[0]
    if value is Undefined or isinstance(value, RelTime):
        return value
    if type(value) is int:
        return RelTime(float(int32(value)))
    if isinstance(value, float):
        return RelTime(value)
    if isinstance(value, AbsTime):
        return RelTime(float(value.secs))
    return RelTime(0.0) if isinstance(value, str) else Error


# Fields


def _abs_field(name: str, secs: int) -> int:
    year, month, day, hour, minute, second, days = civil(secs)
    if name == "getYear":
        return year
    if name == "getMonth":
        return month
    if name == "getDayOfMonth":
        return day
    if name == "getDayOfWeek":
        return (days + 4) % 7
    if name == "getDayOfYear":
        return day_numbers(year, month, day)[1]
    return {"getHours": hour, "getMinutes": minute, "getSeconds": second}[name]


_REL_FIELDS: dict[str, Callable[[int], int]] = {
    "getDays": lambda seconds: quotient(seconds, 86400),
    "getHours": lambda seconds: quotient(remainder(seconds, 86400), 3600),
    "getMinutes": lambda seconds: quotient(remainder(seconds, 3600), 60),
    "getSeconds": lambda seconds: remainder(seconds, 60),
}


def _field_function(name: str) -> None:
    def field(ctx: EvalContext, values: Values) -> RuntimeValue:
        value = values[0]
        if isinstance(value, AbsTime):
            if name == "getDays":
                return Error
            return _abs_field(name, value.secs + local_offset(value.secs, ctx.environment))
        if isinstance(value, RelTime) and name in _REL_FIELDS:
            return _REL_FIELDS[name](to_int32(value.seconds))
        return Error

    strict_builtin(name, 1, 1)(field)


for _name in (
    "getYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDayOfWeek", "getDays", "getHours", "getMinutes",
    "getSeconds",
):  # fmt: skip
    _field_function(_name)


def _moment(ctx: EvalContext, value: RuntimeValue) -> AbsTime | None:
    """Return a number or absolute time as one; None for anything else."""
    if type(value) is int:
        return _local(ctx, int32(value))
    if isinstance(value, float):
        return _local(ctx, to_int32(value))
    return value if isinstance(value, AbsTime) else None


@strict_builtin("splitTime", 1, 1)
def split_time(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``splitTime(x)``: an ad with the fields of a time."""
    value = values[0]
    if value is Undefined:
        return Undefined
    if isinstance(value, RelTime):
        return ctx.new_ad(_split_span(value.seconds))
    moment = _moment(ctx, value)
    if moment is None:
        return Error
    fields = civil(moment.secs + moment.offset)
    pairs: list[tuple[str, RuntimeValue]] = [("Type", "AbsoluteTime"), *zip(_FIELDS, fields[:6], strict=True)]
    return ctx.new_ad([*pairs, ("Offset", moment.offset)])


def _split_span(seconds: float) -> list[tuple[str, RuntimeValue]]:
    negative = seconds < 0
    span = abs(seconds)
    whole = to_int32(span)
    days, rest = quotient(whole, 86400), remainder(whole, 86400)
    hours, rest = quotient(rest, 3600), remainder(rest, 3600)
    minutes = quotient(rest, 60)
    second = remainder(rest, 60) + (span % 1.0)
    if negative:
        if days > 0:
            days = -days
        elif hours > 0:
            hours = -hours
        elif minutes > 0:
            minutes = -minutes
        else:
            second = -second
    return [("Type", "RelativeTime"), ("Days", days), ("Hours", hours), ("Minutes", minutes), ("Seconds", second)]


# formatTime


@stepping_builtin("formatTime", 0, 2)
def format_time(ctx: EvalContext, args: tuple[Node, ...]) -> Steps:
    """``formatTime(x, format)``: by strftime(3); without arguments the present local time."""
    if not args:
        now = _local(ctx, _now(ctx))
        zone = _zone_name(ctx, now.secs)
        return strftime("%c", _broken_down(civil(now.secs + now.offset)[:6], zone, now.offset, now.secs))
    fields = _fields_of(ctx, (yield args[0]))
    if fields is None:
        return Error
    pattern = (yield args[1]) if len(args) == 2 else "%c"
    if not isinstance(pattern, str):
        return Error
    return strftime(pattern, _broken_down(fields, _standard_zone(ctx), 0, _local_epoch(ctx, fields)))


def _fields_of(ctx: EvalContext, value: RuntimeValue) -> tuple[int, ...] | None:
    if not isinstance(value, AdBase):
        moment = _moment(ctx, value)
        return None if moment is None else civil(moment.secs + moment.offset)[:6]
    fields = []
    for name, missing in zip(_FIELDS, (1900, 1, 0, 0, 0, 0), strict=True):
        try:
            number = _registry.evaluate_fresh(AttrRef(None, name), value, ctx)
        except EvaluationFailed:
            number = Error
        fields.append(int32(number) if type(number) is int else missing)
    return tuple(fields)


def _broken_down(fields: tuple[int, ...], zone: str, gmt_offset: int, epoch: int) -> BrokenDownTime:
    year, month, day, hour, minute, second = fields
    weekday, yearday = day_numbers(year, month, day)
    return BrokenDownTime(year, month, day, hour, minute, second, weekday, yearday, zone, gmt_offset, epoch)


def _local_epoch(ctx: EvalContext, fields: tuple[int, ...]) -> int:
    """Return the instant at which local standard time shows ``fields``, as mktime(3) without daylight saving."""
    year, month, day, hour, minute, second = fields
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    epoch_day = 719163  # 1970-01-01 counted from the first day of year 1
    before = year - 1
    days = 365 * before + before // 4 - before // 100 + before // 400 + day_numbers(year, month, 1)[1] + 1 - epoch_day
    naive = (days + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    return wrap_int(naive - local_offset(naive, ctx.environment, standard=True))


def _zone_name(ctx: EvalContext, secs: int) -> str:
    when = _instant(secs)
    return when.astimezone(ctx.environment.local_zone()).tzname() or ""


def _instant(secs: int) -> datetime:
    return _EPOCH + timedelta(seconds=min(max(secs, _FIRST), _LAST))


def _standard_zone(ctx: EvalContext) -> str:
    """Return the name of local standard time."""
    zone = ctx.environment.local_zone()
    for secs in (_JANUARY, _JULY):
        when = _instant(secs).astimezone(zone)
        if not when.dst():
            return when.tzname() or ""
    return _instant(_JANUARY).astimezone(zone).tzname() or ""
