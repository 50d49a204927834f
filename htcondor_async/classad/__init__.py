"""The ClassAd language: expressions, ads, their evaluation, and their text forms."""

from __future__ import annotations

from . import _compile, _convert, _deep, _evaluate, _flatten, _refs, _registry
from ._ad import ClassAd
from ._errors import (
    ClassAdEnumError,
    ClassAdEvaluationError,
    ClassAdException,
    ClassAdInternalError,
    ClassAdOSError,
    ClassAdParseError,
    ClassAdTypeError,
    ClassAdValueError,
)
from ._expr import ExprTree, attr, function, literal
from ._quote import quote, unquote
from ._read import Parser, ParserType, parse_ads, parse_next, parse_old, parse_one
from ._regex import ClassAdRegexWarning
from ._registry import set_default_environment
from ._values import Error, Undefined, Value
from .functions.registered import register, register_library

_registry.convert = _convert

__all__ = [
    "ClassAd",
    "ClassAdEnumError",
    "ClassAdEvaluationError",
    "ClassAdException",
    "ClassAdInternalError",
    "ClassAdOSError",
    "ClassAdParseError",
    "ClassAdRegexWarning",
    "ClassAdTypeError",
    "ClassAdValueError",
    "Error",
    "ExprTree",
    "Parser",
    "ParserType",
    "Undefined",
    "Value",
    "attr",
    "function",
    "literal",
    "parse_ads",
    "parse_next",
    "parse_old",
    "parse_one",
    "quote",
    "register",
    "register_library",
    "set_default_environment",
    "unquote",
]

assert _compile and _deep and _evaluate and _flatten and _refs
