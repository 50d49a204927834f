"""The ``$FUNC(...)`` macros of configuration and submit files.

Configuration is expanded by an older implementation in HTCondor than most of a submit file, and the two differ:

================== ========================================= ===================================================
function           configuration                             submit
================== ========================================= ===================================================
``$ENV(X:d)``      default if unset                          default if unset or empty
``$SUBSTR(X,n)``   from position n to the end                the first n characters
``$F...(X:d)``     literal text if X is no parameter         nothing, or the default, if X is no parameter
``$EVAL(x)``       nothing if x is no expression             the text if x is no expression
lists              empty items dropped in named lists        empty items kept
arguments          taken as they are                         blanks around dropped
================== ========================================= ===================================================

Sources: src/condor_utils/config.cpp (both ``evaluate_macro_func``), verified with the v1 bindings 24.0.24.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ._formats import format_integer, format_real, format_string
from .filenames import select_parts
from .macros import Expander, Function, FunctionTable, Macro
from .numbers import evaluate, to_integer, to_real
from .stream import BLANKS, SourceError

__all__ = ["CONFIG_FUNCTIONS", "SUBMIT_FUNCTIONS", "split_list"]

_MAX_INT = 2**31 - 1
_LEADING_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,19})")
_LIST_SEPARATOR = re.compile(r"[, \t\r\n]+")


def split_list(text: str) -> list[str]:
    """Return the items of a list whose separators are commas and blanks; empty items are dropped."""
    return [item for item in _LIST_SEPARATOR.split(text) if item]


def _plain(macro: Macro, expander: Expander) -> str:
    value = expander.lookup(macro.name)
    return value or macro.default or ""


def _argument(expander: Expander, text: str, *, keep_dollar: bool = False) -> str:
    """Return the expanded value of the parameter that ``text`` names, or ``text`` expanded."""
    raw = expander.lookup(text)
    return expander.expand(text if raw is None else raw, keep_dollar=keep_dollar)


def _environment_variable(macro: Macro, expander: Expander) -> str | None:
    if expander.environment is None:
        raise SourceError(f"$ENV({macro.name}) needs an environment, and this configuration was made without one")
    return expander.environment.environ.get(macro.name)


def _config_env(macro: Macro, expander: Expander) -> str:
    value = _environment_variable(macro, expander)
    if value is not None:
        return value
    return "UNDEFINED" if macro.default is None else macro.default


def _submit_env(macro: Macro, expander: Expander) -> str:
    value = _environment_variable(macro, expander)
    if value is None and macro.default is None:
        return "UNDEFINED"
    return value or macro.default or ""


def _below(expander: Expander, count: int, macro: Macro) -> int:
    if expander.environment is None:
        raise SourceError(f"${macro.function}() needs an environment, and this configuration was made without one")
    return expander.environment.random.randrange(count)


def _config_random_choice(macro: Macro, expander: Expander) -> str:
    items = [item.strip(BLANKS) for item in macro.body.split(",")]
    items = [item for item in items if item]
    if len(items) == 1 and (raw := expander.lookup(items[0])) is not None:
        items = split_list(expander.expand(raw))
    if not items:
        raise SourceError("$RANDOM_CHOICE() has no list")
    return items[_below(expander, len(items), macro)]


def _submit_random_choice(macro: Macro, expander: Expander) -> str:
    items = macro.body
    if not items:
        raise SourceError("$RANDOM_CHOICE() has no list")
    if "," not in items:
        items = _argument(expander, items.strip(BLANKS), keep_dollar=True)
    choices = items.split(",")
    return choices[_below(expander, len(choices), macro)].strip(BLANKS)


def _random_integer(macro: Macro, expander: Expander) -> str:
    numbers = []
    items = [item for item in (item.strip(BLANKS) for item in macro.body.split(",")) if item]
    for label, item in zip(("min", "max", "step"), items, strict=False):
        match = _LEADING_INTEGER.match(item)
        if match is None:
            raise SourceError(f"$RANDOM_INTEGER(): {item!r} is an invalid {label}")
        numbers.append(int(match[1]))
    if len(numbers) < 2:
        raise SourceError("$RANDOM_INTEGER() needs min and max")
    low, high, step = (*numbers, 1)[:3]
    if step < 1:
        raise SourceError(f"$RANDOM_INTEGER(): {step} is an invalid step")
    if low > high:
        raise SourceError(f"$RANDOM_INTEGER(): min {low} is greater than max {high}")
    return str(low + _below(expander, (step + high - low) // step, macro) * step)


def _index(macro: Macro, expander: Expander, text: str, what: str, low: int = -(2**31)) -> int:
    number = to_integer(text, expander.environment)
    if number is None or not low <= number < _MAX_INT:
        raise SourceError(f"${macro.function}(): {text!r} is an invalid {what}")
    return number


def _choice(keep_empty: bool) -> Function:
    def choose(macro: Macro, expander: Expander) -> str:
        parts = macro.body.split(",")
        # In configuration neighbouring commas are one, but a blank between them makes an item.
        first, *items = [part.strip(BLANKS) for part in parts if part or keep_empty] or [""]
        if not items:
            raise SourceError("$CHOICE() has no list")
        index = _index(macro, expander, _argument(expander, first), "index", 0)
        if len(items) == 1:
            raw = expander.lookup(items[0]) if items[0] else None
            if raw is None:
                raise SourceError(f"$CHOICE(): there is no list called {items[0]!r}")
            items = [item.strip(BLANKS) for item in expander.expand(raw).split(",")]
            if not keep_empty:
                items = [item for item in items if item]
        if index >= len(items):
            raise SourceError(f"$CHOICE(): index {index} is out of range")
        return items[index]

    return choose


def _cut(text: str, start: int, length: int) -> str:
    """Return a part of ``text``; positions and lengths count bytes, as everywhere in HTCondor."""
    data = text.encode("utf-8", "surrogateescape")
    rest = data[max(0, len(data) + start) if start < 0 else start :]
    part = rest[:length] if length >= 0 else rest[: max(0, len(rest) + length)]
    return part.decode("utf-8", "surrogateescape")


def _config_substr(macro: Macro, expander: Expander) -> str:
    name, *rest = macro.body.split(",", 2)
    if not rest:
        raise SourceError("$SUBSTR() needs a start")
    start = _index(macro, expander, _argument(expander, rest[0]), "start")
    length = _index(macro, expander, _argument(expander, rest[1]), "length") if len(rest) > 1 else _MAX_INT
    raw = expander.lookup(name)
    return "" if raw is None else _cut(expander.expand(raw), start, length)


def _submit_substr(macro: Macro, expander: Expander) -> str:
    name, *rest = (part.strip(BLANKS) for part in macro.body.split(","))
    text = _argument(expander, name, keep_dollar=True)
    if not text:
        return ""
    numbers = [_argument(expander, part, keep_dollar=True) for part in rest[:2]] or [""]
    length = _index(macro, expander, numbers[-1], "length")
    start = _index(macro, expander, numbers[0], "start") if len(numbers) > 1 else 0
    return _cut(text, start, length)


def _split_format(macro: Macro) -> tuple[str, str | None]:
    argument, comma, form = macro.body.partition(",")
    return argument, form if comma else None


def _number(trim: bool, real: bool) -> Function:
    def compute(macro: Macro, expander: Expander) -> str:
        argument, form = _split_format(macro)
        text = _argument(expander, argument.strip(BLANKS) if trim else argument, keep_dollar=trim)
        if real:
            number = to_real(text, expander.environment)
            if number is None:
                raise SourceError(f"$REAL(): {text!r} does not evaluate to a real number")
            result = format_real(number, "%.16G" if form is None else form)
            return result if form is None or "." in result else result + ".0"
        integer = to_integer(text, expander.environment)
        if integer is None:
            raise SourceError(f"$INT(): {text!r} does not evaluate to an integer")
        return format_integer(integer, "%lld" if form is None else form)

    return compute


def _string(trim: bool) -> Function:
    def compute(macro: Macro, expander: Expander) -> str:
        argument, form = _split_format(macro)
        text = _argument(expander, argument.strip(BLANKS) if trim else argument, keep_dollar=trim)
        value = evaluate(text, expander.environment)
        if value is not None and value.string is not None:
            text = value.string
        return text if form is None else format_string(text, form)

    return compute


def _eval(literal: bool) -> Function:
    def compute(macro: Macro, expander: Expander) -> str:
        raw = expander.lookup(macro.body)
        if raw is None:
            raw = macro.body
        text = expander.expand(raw)
        value = evaluate(text, expander.environment)
        if value is None:
            return text if literal or "$" in raw else ""
        return value.text

    return compute


def _file(letters: Callable[[str], str], literal: bool) -> Function:
    def compute(macro: Macro, expander: Expander) -> str:
        name = macro.body if literal else macro.name
        raw = expander.lookup(name)
        if raw is None:
            if not literal:
                return macro.default or ""
            raw = name
        value = expander.expand(raw, keep_dollar=not literal)
        result = select_parts(value, letters(macro.function), expander.cwd)
        return result or ("" if literal else macro.default or "")

    return compute


def _table(*, submit: bool) -> FunctionTable:
    return FunctionTable(
        plain=_plain,
        filename=_file(lambda function: function[1:].lower(), not submit),
        named={
            "ENV": _submit_env if submit else _config_env,
            "RANDOM_CHOICE": _submit_random_choice if submit else _config_random_choice,
            "RANDOM_INTEGER": _random_integer,
            "CHOICE": _choice(submit),
            "SUBSTR": _submit_substr if submit else _config_substr,
            "INT": _number(submit, False),
            "REAL": _number(submit, True),
            "STRING": _string(submit),
            "EVAL": _eval(submit),
            "BASENAME": _file(lambda function: "nx", not submit),
            "DIRNAME": _file(lambda function: "p", not submit),
        },
    )


CONFIG_FUNCTIONS = _table(submit=False)
SUBMIT_FUNCTIONS = _table(submit=True)
