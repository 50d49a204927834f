"""The registry of built-in functions, and how they are called.

There are three forms, chosen by decorator:

``@builtin("name", min_args, max_args)`` on ``def fn(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue``
    gets its arguments as expressions and decides itself which to evaluate: ``ctx.eval(args[0])``.

``@strict_builtin("name", min_args, max_args)`` on ``def fn(ctx: EvalContext, values: tuple[RuntimeValue, ...])``
    gets all arguments evaluated, left to right, whatever they are (``Undefined`` and ``Error`` included).  Prefer this
    form: the evaluator can then follow calls of any depth without Python recursion.

``@stepping_builtin("name", min_args, max_args)`` on a generator ``def fn(ctx, args: tuple[Node, ...])``
    gets its arguments as expressions, too, *yields* each it wants evaluated and is sent its value; it returns the
    result.  For functions that choose what to evaluate and may be nested deeply (``ifThenElse``, ``strcat``, ``join``,
    ``eval``, ``debug``): they cost no Python recursion.  ``ctx.depth`` and ``ctx.ad`` may be changed around a
    ``yield`` if a ``finally`` restores them; a failing evaluation is thrown in as ``EvaluationFailed``.

``max_args`` None means any number.  A call with another number of arguments is ``Error`` without calling the function.
``name`` is matched without regard to case; a function whose behaviour depends on the spelling declares
``spelled=True`` and gets the name as written as the keyword ``name``.

Evaluating
    * ``ctx.eval(node)`` evaluates in the current ad; it raises
      :class:`~htcondor_async.classad._context.EvaluationFailed` where the whole evaluation fails (not ``Error``):
      let it pass unless the language says that the function catches it.
    * ``ctx.eval_in(node, ad)`` evaluates with ``ad`` as the current ad.
    * ``ctx.eval_rooted(node, ad)`` the same, and ``ad``'s outermost ad as the root of absolute names.
    * ``ctx.element(list_value, item_node)`` evaluates an item of a list in the *current* ad: HTCondor's functions over
      lists do this.  ``ctx.eval_item(list_value, index)`` evaluates it in the ad the list was written in, one level
      deeper: what a subscript does.
    * ``with ctx.deeper():`` around an evaluation takes one of the 400 levels of depth; raises ``EvaluationFailed``
      when none is left.
    * ``ctx.parse(text)`` returns the Node of a complete expression in new syntax, or None.
    * ``ctx.new_list(values)``, ``ctx.new_ad(pairs)`` build a list, an ad from values.
    * ``ctx.fail()`` raises ``EvaluationFailed``.
    * Evaluating a literal relative time gives its seconds as a ``float`` (a peculiarity of the language); values held
      by functions may be ``RelTime``.
    * ``ctx.environment`` is the :class:`~htcondor_async._environment.Environment`; ``ctx.debug`` (settable) is the
      tracing state of ``debug()``.

Times: :mod:`.._times` parses and prints absolute and relative times.
Printing: :func:`htcondor_async.classad._unparse.unparse_node` and ``unparse_value`` (new syntax, one line).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

__all__ = ["REGISTRY", "Builtin", "builtin", "stepping_builtin", "strict_builtin"]


@attrs.frozen(slots=True)
class Builtin:
    """One built-in function: its implementation, how many arguments it takes, and whether they come evaluated."""

    name: str
    function: Callable[..., Any]
    min_args: int
    max_args: int | None
    strict: bool
    spelled: bool
    steps: bool = False


REGISTRY: dict[str, Builtin] = {}


def _register(
    name: str,
    function: Callable[..., Any],
    low: int,
    high: int | None,
    strict: bool,
    spelled: bool,
    steps: bool = False,
) -> None:
    REGISTRY[name.lower()] = Builtin(name, function, low, high, strict, spelled, steps)


def builtin(
    name: str, min_args: int = 0, max_args: int | None = None, *, spelled: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that gets its arguments unevaluated, ``fn(ctx, nodes)``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        _register(name, function, min_args, max_args, False, spelled)
        return function

    return decorate


def strict_builtin(
    name: str, min_args: int = 0, max_args: int | None = None, *, spelled: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that gets its arguments evaluated, ``fn(ctx, values)``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        _register(name, function, min_args, max_args, True, spelled)
        return function

    return decorate


def stepping_builtin(
    name: str, min_args: int = 0, max_args: int | None = None, *, spelled: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a generator that yields the arguments it wants evaluated, ``fn(ctx, nodes)``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        _register(name, function, min_args, max_args, False, spelled, True)
        return function

    return decorate


# These register the functions; they import what is above.
from . import (  # noqa: E402
    arguments,
    contexts,
    lists,
    numbers,
    references,
    regexps,
    registered,
    string_lists,
    strings,
    times,
    types,
    users,
)

__all__ += ["arguments", "contexts", "lists", "numbers", "references", "regexps", "registered", "string_lists"]
__all__ += ["strings", "times", "types", "users"]
