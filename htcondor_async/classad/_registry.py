"""What is plugged together at import time, so that the modules of the language need not import each other in a circle.

Also the default environment: pure code asks for the world here; the public classes put the real one in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from htcondor_async import _world

if TYPE_CHECKING:
    from htcondor_async._environment import Environment

    from ._ad import ClassAd
    from ._context import EvalContext
    from ._expr import ExprTree
    from ._nodes import Node
    from ._store import AdStore
    from ._values import AdBase, RuntimeValue

    Steps = Generator[Node, RuntimeValue, RuntimeValue]

__all__ = ["default_environment", "set_default_environment"]

compile_node: Callable[[Node], Callable[[EvalContext], RuntimeValue]]
run_deep: Callable[[Node, EvalContext], RuntimeValue]
parse_expression_or_none: Callable[[str], Node | None]
evaluate: Callable[[Node, AdBase | None, AdStore | None, Environment | None], RuntimeValue]
evaluate_fresh: Callable[[Node, AdBase, EvalContext], RuntimeValue]
matches: Callable[[AdStore, AdStore, Environment | None], bool]
symmetric_match: Callable[[AdStore, AdStore, Environment | None], bool]
flatten: Callable[[Node, AdBase, AdBase | None], Node]
external_refs: Callable[[Node, AdBase], list[str]]
internal_refs: Callable[[Node, AdBase], list[str]]
convert: Any
clear_line_cache: Callable[[], None]
make_ad: Callable[[list[tuple[str, Node]], AdBase | None], AdBase]
ad_class: type[ClassAd]
expr_class: type[ExprTree]

last_problem: ContextVar[str] = ContextVar("last_problem", default="")
"""What the function of the language said that failed last, in this thread or task."""

_environment: Environment | None = None


def set_default_environment(environment: Environment | None) -> None:
    """Set the environment that evaluations use when none is given to them.

    :param environment: the world, or None for the package's own: this machine.
    """
    global _environment
    _environment = environment


def default_environment() -> Environment:
    """Return the environment set by :func:`set_default_environment`, else the package's own, made at the first use.

    Raises RuntimeError if there is none.
    """
    environment = _environment if _environment is not None else _world.default_environment()
    if environment is None:
        raise RuntimeError("this expression asks for the time, the zone or the like, and no environment was set")
    return environment
