"""The ``classad`` module of v1: the same names, the same behaviour, on the engine of :mod:`htcondor_async.classad`.

What is different between the two is in docs/classad.md.  An ad goes from one to the other by ``ClassAd._wrap(ad)`` and
``ad._unwrap()``, without being parsed or copied.
"""

from __future__ import annotations

from htcondor_async.classad import (
    ClassAdEnumError,
    ClassAdEvaluationError,
    ClassAdException,
    ClassAdInternalError,
    ClassAdOSError,
    ClassAdParseError,
    ClassAdTypeError,
    ClassAdValueError,
)

from ._ad import ClassAd
from ._expr import Attribute, ExprTree, Function
from ._expr import Literal_ as Literal
from ._functions import VERSION, lastError, quote, register, registerLibrary, unquote, version
from ._functions import registered_functions as _registered_functions
from ._read import (
    ClassAdFileIterator,
    ClassAdStringIterator,
    OldClassAdIterator,
    parse,
    parseAds,
    parseNext,
    parseOld,
    parseOldAds,
    parseOne,
)
from ._values import Parser, Value

__all__ = [
    "Attribute",
    "ClassAd",
    "ClassAdEnumError",
    "ClassAdEvaluationError",
    "ClassAdException",
    "ClassAdFileIterator",
    "ClassAdInternalError",
    "ClassAdOSError",
    "ClassAdParseError",
    "ClassAdStringIterator",
    "ClassAdTypeError",
    "ClassAdValueError",
    "ExprTree",
    "Function",
    "Literal",
    "OldClassAdIterator",
    "Parser",
    "Value",
    "__version__",
    "_registered_functions",
    "lastError",
    "parse",
    "parseAds",
    "parseNext",
    "parseOld",
    "parseOldAds",
    "parseOne",
    "quote",
    "register",
    "registerLibrary",
    "unquote",
    "version",
]

__version__ = VERSION

_CLASSES = (
    ClassAd,
    ExprTree,
    Value,
    Parser,
    OldClassAdIterator,
    ClassAdStringIterator,
    ClassAdFileIterator,
)


def _present_as(module: str) -> None:
    """Let the classes say that they are of ``module``, where pickling then looks for them.

    ``classad.classad`` once this package stands in ``sys.modules`` under that name.
    """
    for each in _CLASSES:
        each.__module__ = module


_present_as(__name__)
