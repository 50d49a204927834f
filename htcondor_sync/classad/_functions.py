"""Functions of the v1 module: registered functions, quoting, versions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from htcondor_async.classad import ClassAdOSError, ClassAdParseError, _registry
from htcondor_async.classad._nodes import AdNode, ListNode, Literal, Node
from htcondor_async.classad._parser import parse_expression
from htcondor_async.classad._unparse import quote_new
from htcondor_async.classad.functions import REGISTRY, builtin
from htcondor_async.classad.functions.registered import registered

from ._ad import ClassAd
from ._calls import checked, text_of
from ._convert import decoded, node_to_python, to_node
from ._expr import ExprTree, parse_error

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._values import RuntimeValue

__all__ = ["VERSION", "lastError", "quote", "register", "registerLibrary", "registered_functions", "unquote", "version"]

VERSION = "24.0.24"
"""The release of the v1 module that this one behaves as."""

registered_functions: dict[str, Callable[..., Any]] = {}
"""The functions that were registered, by name."""


@checked
def register(function: Any, name: Any = None) -> None:
    """Make a Python function callable in expressions, in this process, under its name exactly.

    The function gets constants, lists and ads as Python values, and any other argument as :class:`ExprTree`; its
    result may be any value of the language, or an expression, which is evaluated in the ad.  If it has a parameter
    named ``state``, or takes any keyword, it gets the ad it is evaluated in, a copy, as ``state``.  An exception it
    raises comes out of the evaluation.  A function of the language keeps its meaning under its own name.

    :param name: its name in the language; by default its ``__name__``.
    """
    called = function.__name__ if name is None else name
    if not isinstance(called, (str, bytes)):
        raise TypeError(f"the name of a function is a str, not {type(called).__name__}")
    called = text_of(called, "register")
    registered_functions[called] = function
    lower = called.lower()
    if lower in REGISTRY and lower not in {each.lower() for each in registered}:
        return
    for each in [each for each in registered if each.lower() == lower]:
        del registered[each]
    registered[called] = function

    def call(ctx: EvalContext, args: tuple[Node, ...], *, name: str) -> RuntimeValue:
        if name != called:
            raise KeyError(name)
        keywords: dict[str, Any] = {}
        if _takes_state(function) and ctx.ad is not None:
            keywords["state"] = ClassAd._from_pairs(ctx.ad._pairs())
        result = function(*[_argument(ctx, node) for node in args], **keywords)
        return ctx.eval(to_node(result))

    builtin(called, spelled=True)(call)


def _takes_state(function: Any) -> bool:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return "state" in names or bool(code.co_flags & inspect.CO_VARKEYWORDS)


def _argument(ctx: EvalContext, node: Node) -> Any:
    if isinstance(node, (Literal, ListNode, AdNode)):
        return node_to_python(node, ctx.ad)
    return ExprTree._of(node, ctx.ad)


@checked
def registerLibrary(path: Any, /) -> None:
    """Refuse to load a library of functions in C++: it needs HTCondor's own ClassAd library around it.

    :raises ClassAdOSError: always; functions in Python can be given to :func:`register`.
    """
    text_of(path, "registerLibrary")
    error = ClassAdOSError("Failed to load shared library.")
    error.strerror = "functions in C++ need HTCondor's own ClassAd library; write them in Python, use register()"
    raise error


@checked
def quote(input: Any) -> str:
    """Return text as a string literal of the language, quotes included."""
    return quote_new(text_of(input, "quote"))


@checked
def unquote(input: Any) -> str:
    """Return the text that a string literal stands for; raises ClassAdParseError if it is none."""
    text = text_of(input, "unquote")
    try:
        node = parse_expression(text)
    except ClassAdParseError as error:
        raise parse_error("Invalid string to unquote", error) from None
    if type(node) is not Literal:
        raise ClassAdParseError("String does not parse to ClassAd string literal")
    if not isinstance(node.value, str):
        raise ClassAdParseError("ClassAd literal is not string value")
    return decoded(node.value)


@checked
def lastError() -> str:
    """Return what the function of the language that failed last in this thread said; "" if none did."""
    return _registry.last_problem.get()


@checked
def version() -> str:
    """Return the release of the v1 module that this one behaves as."""
    return VERSION
