"""Functions over string lists (items in one string) and those that split strings."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from htcondor_async.classad import _regex
from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._nodes import Literal
from htcondor_async.classad._values import Error, ListValue, RuntimeValue, Undefined, fold, to_bytes, to_text

from . import builtin, regexps, strict_builtin
from ._coerce import strtod, to_int64

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node

__all__ = ["tokens"]

Values = tuple[RuntimeValue, ...]
_SPACE = " \t\n\v\f\r"
_SHORT = 256
"""What is longer is not kept."""
_FLOAT_MAX: float = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
_FLOAT_MIN: float = struct.unpack("<f", b"\x00\x00\x80\x00")[0]
_WHOLE = re.compile(r"[-+0-9]*\Z")
# What scanf(3) reads in full where strtod(3) would stop earlier.
_UNFINISHED = re.compile(r"[+-]?(?:inf(?=i)(?!inity)|0x(?![0-9a-f]|\.[0-9a-f]))", re.IGNORECASE)


def tokens(text: str, delimiters: str) -> Iterator[str]:
    """Yield the items of a string list: not empty, without blanks around them."""
    leading = set(delimiters) | set(_SPACE)
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in leading:
            at += 1
        start = at
        while at < end and text[at] not in delimiters:
            at += 1
        if at == start:
            return
        yield text[start:at].rstrip(_SPACE)


def _list_and_delimiters(values: Values) -> tuple[str, str] | None:
    text = values[0]
    delimiters = values[1] if len(values) > 1 else ", "
    return (text, delimiters) if isinstance(text, str) and isinstance(delimiters, str) else None


@strict_builtin("stringListSize", 1, 2)
def string_list_size(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListSize(list, delimiters)``: how many items."""
    pair = _list_and_delimiters(values)
    return Error if pair is None else sum(1 for _ in tokens(*pair))


def _scan(item: str) -> float | None:
    """Return the number an item begins with, as scanf(3) reads it."""
    if _UNFINISHED.match(item):
        return None
    number = strtod(item)
    return None if number is None else number[0]


def _summary(values: Values, name: str) -> RuntimeValue:
    pair = _list_and_delimiters(values)
    if pair is None:
        return Error
    # HTCondor begins with the largest and the smallest positive C float.
    result = {"min": _FLOAT_MAX, "max": _FLOAT_MIN}.get(name, 0.0)
    count = 0
    real = False
    for item in tokens(*pair):
        count += 1
        number = _scan(item)
        if number is None:
            return Error
        real = real or not _WHOLE.match(item)
        if name == "min":
            result = number if number < result else result
        elif name == "max":
            result = number if number > result else result
        else:
            result += number
    if not count:
        return 0.0 if name in ("sum", "avg") else Undefined
    if name == "avg":
        result /= count
    return result if real else to_int64(result)


@strict_builtin("stringListSum", 1, 2)
def string_list_sum(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListSum(list, delimiters)``: an integer if all items are; 0.0 for an empty list."""
    return _summary(values, "sum")


@strict_builtin("stringListAvg", 1, 2)
def string_list_avg(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListAvg(list, delimiters)``: cut to an integer if all items are; 0.0 for an empty list."""
    return _summary(values, "avg")


@strict_builtin("stringListMin", 1, 2)
def string_list_min(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListMin(list, delimiters)``: at most the largest C float."""
    return _summary(values, "min")


@strict_builtin("stringListMax", 1, 2)
def string_list_max(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListMax(list, delimiters)``: at least the smallest positive C float, so never negative."""
    return _summary(values, "max")


def _membership(values: Values) -> tuple[str, str, str] | RuntimeValue:
    """Return item, list and delimiters; undefined ones are empty (delimiters: the default)."""
    texts = []
    for value, default in zip((*values, Undefined)[:3], ("", "", ", \t\r\n"), strict=True):
        if value is not Undefined and not isinstance(value, str):
            return Error
        texts.append(value if isinstance(value, str) else default)
    if values[0] is Undefined and values[1] is Undefined:
        return Undefined
    return texts[0], texts[1], texts[2]


@strict_builtin("stringListMember", 2, 3)
def string_list_member(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListMember(item, list, delimiters)``."""
    given = _membership(values)
    return given[0] in tokens(given[1], given[2]) if isinstance(given, tuple) else given


@strict_builtin("stringListIMember", 2, 3)
def string_list_imember(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListIMember(item, list, delimiters)``: without regard to case."""
    given = _membership(values)
    if not isinstance(given, tuple):
        return given
    return fold(given[0]) in map(fold, tokens(given[1], given[2]))


def _subset(values: Values, caseless: bool) -> RuntimeValue:
    given = _membership(values)
    if not isinstance(given, tuple):
        return given
    wanted, text, delimiters = given
    if not wanted:
        return True
    if caseless:
        wanted, text = fold(wanted), fold(text)
    items = list(tokens(wanted, delimiters))
    # A list without items is no subset, unless it is the empty string.
    return bool(items) and set(items) <= set(tokens(text, delimiters))


@strict_builtin("stringListSubsetMatch", 2, 3)
def string_list_subset_match(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListSubsetMatch(items, list, delimiters)``: whether all items are in the list."""
    return _subset(values, False)


@strict_builtin("stringListISubsetMatch", 2, 3)
def string_list_isubset_match(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringListISubsetMatch(items, list, delimiters)``: without regard to case."""
    return _subset(values, True)


@builtin("stringListsIntersect", 2, 3)
def string_lists_intersect(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``stringListsIntersect(list, list, delimiters)``: whether an item is in both; blanks are not trimmed."""
    try:
        values = [ctx.eval(node) for node in args]
    except EvaluationFailed:
        return Error
    if any(value is Error for value in values):
        return Error
    if any(value is Undefined for value in values):
        return Undefined
    first, second = values[0], values[1]
    delimiters = values[2] if len(values) > 2 else ""
    if not isinstance(delimiters, str) or not isinstance(first, str) or not isinstance(second, str):
        return Error
    return not _pieces(first, delimiters or " ,").isdisjoint(_pieces(second, delimiters or " ,"))


def _pieces(text: str, delimiters: str) -> set[bytes]:
    pieces = to_bytes(text).translate(bytes(0 if byte in to_bytes(delimiters) else byte for byte in range(256)))
    return set(pieces.split(b"\0")) - {b""}


@strict_builtin("stringList_regexpMember", 2, 4)
def string_list_regexp_member(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``stringList_regexpMember(pattern, list, delimiters, options)``: Undefined for an empty list."""
    if not all(isinstance(value, str) for value in values):
        return Error
    pattern, text, delimiters, letters = [str(value) for value in (*values, *(", ", "")[len(values) - 2 :])]
    letters = fold(letters)
    options = _regex.Options(
        caseless="i" in letters, multiline="m" in letters, dotall="s" in letters, extended="x" in letters
    )
    if not regexps.valid(pattern, options):
        return Error
    items = list(tokens(text, delimiters))
    if not items:
        return Undefined
    return any(regexps.match(pattern, item, options) is True for item in items)


@strict_builtin("split", 1, 2)
def split(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``split(text, separators)``: a list; two equal separators (not blanks) in a row have an empty item between."""
    text = values[0]
    separators = values[1] if len(values) > 1 else ", \t"
    if not isinstance(text, str) or not isinstance(separators, str):
        return Error
    pieces = _few_pieces(text, separators) if len(text) <= _SHORT else _split(text, separators)
    return ListValue(pieces, None, True)


def _split(text: str, separators: str) -> tuple[Node, ...]:
    data, cuts = to_bytes(text), to_bytes(separators)
    items: list[Node] = []
    start = 0
    before = -1
    for at, byte in enumerate(data):
        if byte not in cuts:
            continue
        if at > start:
            items.append(Literal(to_text(data[start:at])))
        elif byte == before:
            items.append(Literal(""))
        if byte not in b" \t\n\v\f\r":
            before = byte
        start = at + 1
    if start < len(data):
        items.append(Literal(to_text(data[start:])))
    return tuple(items)


# The slots of a pool have few versions of HTCondor between them, which the requirements of every job take apart.
_few_pieces = lru_cache(256)(_split)


def _split_at(ctx: EvalContext, value: RuntimeValue, slot: bool) -> RuntimeValue:
    if not isinstance(value, str):
        return Error
    first, at, second = value.partition("@")
    if not at and slot:
        first, second = "", value
    return ctx.new_list([first, second])


@strict_builtin("splitUserName", 1, 1)
def split_user_name(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``splitUserName("user@domain")``: ``{"user", "domain"}``; without ``@`` the domain is empty."""
    return _split_at(ctx, values[0], False)


@strict_builtin("splitSlotName", 1, 1)
def split_slot_name(ctx: EvalContext, values: Values) -> RuntimeValue:
    """``splitSlotName("slot@machine")``: ``{"slot", "machine"}``; without ``@`` the slot is empty."""
    return _split_at(ctx, values[0], True)
