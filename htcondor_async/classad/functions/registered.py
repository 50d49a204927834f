"""Functions of the language written in Python by users."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from htcondor_async.classad import _registry
from htcondor_async.classad._errors import ClassAdOSError, ClassAdValueError
from htcondor_async.classad._nodes import AdNode, ListNode, Literal, Node

from . import REGISTRY, builtin

if TYPE_CHECKING:
    import os

    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._values import RuntimeValue

__all__ = ["register", "register_library", "registered"]

registered: dict[str, Callable[..., Any]] = {}
"""The functions that were registered, by the name as given."""


def register(function: Callable[..., Any], name: str | None = None, *, exact_case: bool = False) -> None:
    """Make a Python function callable in expressions, in this process.

    The function gets constants (also lists and ads) as Python values and any other argument as an
    :class:`~htcondor_async.classad.ExprTree`; its result may be any value of the language, or an expression, which is
    evaluated in the ad.  If it has a parameter named ``state``, or takes any keyword, it gets the ad it is evaluated in
    (a copy) as ``state``.  An exception it raises comes out of the evaluation.

    Parameters
    ----------
    function
        What to call.
    name
        Its name in the language; by default its ``__name__``.  A function registered before under that name is
        replaced.
    exact_case
        Whether a call by a name that differs in case raises ``KeyError``, as in HTCondor's own module.

    Raises
    ------
    ClassAdValueError
        The name is that of a function of the language.
    """
    called = function.__name__ if name is None else name
    known = REGISTRY.get(called.lower())
    if known is not None and called.lower() not in {each.lower() for each in registered}:
        raise ClassAdValueError(f"{called} is a function of the language and cannot be replaced")
    for each in [each for each in registered if each.lower() == called.lower()]:
        del registered[each]
    registered[called] = function
    takes_state = _takes_state(function)

    def call(ctx: EvalContext, args: tuple[Node, ...], *, name: str) -> RuntimeValue:
        if exact_case and name != called:
            raise KeyError(name)
        keywords = {}
        if takes_state and ctx.ad is not None:
            keywords["state"] = _registry.ad_class._from_pairs(ctx.ad._pairs())
        result = function(*[_argument(ctx, node) for node in args], **keywords)
        return ctx.eval(_registry.convert.to_node(result))

    builtin(called, spelled=True)(call)


def _takes_state(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return False
    return any(each.name == "state" or each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _argument(ctx: EvalContext, node: Node) -> Any:
    if isinstance(node, (Literal, ListNode, AdNode)):
        return _registry.convert.node_to_python(node, ctx.ad)
    return _registry.expr_class._of(node, ctx.ad)


def register_library(path: str | os.PathLike[str]) -> None:
    """Refuse to load a library of functions written in C++: it needs HTCondor's own ClassAd library around it.

    Raises
    ------
    ClassAdOSError
        Always; functions written in Python can be registered with :func:`register`.
    """
    raise ClassAdOSError(
        f"Failed to load shared library. {path}: libraries of ClassAd functions are written for HTCondor's own C++ "
        "library; write the functions in Python and use classad.register"
    )
