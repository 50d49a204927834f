"""Functions that match regular expressions; see :mod:`htcondor_async.classad._regex` for what is supported."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from htcondor_async.classad import _regex
from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._values import Error, ListValue, RuntimeValue, Undefined, Value, to_bytes, to_text

from . import strict_builtin

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext

Values = tuple[RuntimeValue, ...]


@functools.lru_cache(maxsize=64)
def _options(letters: str) -> _regex.Options:
    return _regex.Options(
        caseless="i" in letters, multiline="m" in letters, dotall="s" in letters, extended="x" in letters
    )


def match(pattern: str, text: str, options: _regex.Options, *, nonempty: bool = False) -> bool | Value:
    """Return whether ``pattern`` is found in ``text``; Error (and a warning where due) if that cannot be told."""
    data = to_bytes(pattern)
    try:
        compiled = _regex.compile_pattern(data, options)
        if nonempty:
            return compiled.search_nonempty(to_bytes(text))
        return compiled.search(to_bytes(text)) is not None
    except _regex.PatternError:
        return Error
    except (_regex.UnsupportedPattern, _regex.PatternLimitError) as error:
        _regex.warn(data, error)
        return Error


def valid(pattern: str, options: _regex.Options) -> bool:
    """Return whether a pattern can be used; warns if it is only this implementation that cannot use it."""
    data = to_bytes(pattern)
    try:
        _regex.compile_pattern(data, options)
    except _regex.PatternError:
        return False
    except _regex.UnsupportedPattern as error:
        _regex.warn(data, error)
        return False
    return True


def _exceptional(values: Values) -> Value | None:
    """Return Error or Undefined if one of the values is; None if none is."""
    if any(value is Error for value in values):
        return Error
    return Undefined if any(value is Undefined for value in values) else None


@strict_builtin("regexp", 2, 3)
def regexp(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``regexp(pattern, text, options)``: whether the pattern is found."""
    exceptional = _exceptional(values)
    if exceptional is not None:
        return exceptional
    pattern, text = values[0], values[1]
    options = values[2] if len(values) > 2 else ""
    if not isinstance(pattern, str) or not isinstance(text, str) or not isinstance(options, str):
        return Error
    return match(pattern, text, _options(options))


@strict_builtin("regexpMember", 2, 3)
def regexp_member(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``regexpMember(pattern, list, options)``: whether the pattern is found in an item."""
    exceptional = _exceptional(values)
    if exceptional is not None:
        return exceptional
    pattern, items = values[0], values[1]
    options = values[2] if len(values) > 2 else ""
    if not isinstance(pattern, str) or not isinstance(items, ListValue) or not isinstance(options, str):
        return Error
    undefined = False
    for item in items.items:
        try:
            text = ctx.element(items, item)
        except EvaluationFailed:
            return Error
        if text is Undefined:
            undefined = True
        elif not isinstance(text, str):
            return Error
        elif match(pattern, text, _options(options)) is True:
            return True
    return Undefined if undefined else False


def _substitute(values: Values, extra: str) -> RuntimeValue:
    exceptional = _exceptional(values)
    if exceptional is not None:
        return exceptional
    options = values[3] if len(values) > 3 else ""
    pattern, text, template = values[0], values[1], values[2]
    if not isinstance(options, str):
        return Error
    if not isinstance(pattern, str) or not isinstance(text, str) or not isinstance(template, str):
        return Error
    letters = options + extra
    data = to_bytes(pattern)
    try:
        compiled = _regex.compile_pattern(data, _options(letters))
        result = _regex.replace(
            compiled, to_bytes(text), to_bytes(template), every="g" in letters, whole="f" in letters
        )
    except _regex.PatternError:
        return Error
    except (_regex.UnsupportedPattern, _regex.PatternLimitError) as error:
        _regex.warn(data, error)
        return Error
    return Error if result is None else to_text(result)


@strict_builtin("regexps", 3, 4)
def regexps(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``regexps(pattern, text, template, options)``: the template filled in from the match, "" without one."""
    return _substitute(values, "")


@strict_builtin("replace", 3, 4)
def replace(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``replace(pattern, text, template, options)``: the text with its first match replaced."""
    return _substitute(values, "f")


@strict_builtin("replaceAll", 3, 4)
def replace_all(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``replaceAll(pattern, text, template, options)``: the text with all matches replaced."""
    return _substitute(values, "fg")
