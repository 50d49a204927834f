"""Functions that ask for users: ``userHome`` and ``userMap``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from htcondor_async.classad._context import EvaluationFailed
from htcondor_async.classad._values import Error, RuntimeValue, Undefined, fold

from . import builtin, strict_builtin
from ._user_maps import load
from .string_lists import tokens

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node

__all__ = ["Configured"]

_TRUE = {"true", "yes", "t", "y", "1"}


@runtime_checkable
class Configured(Protocol):
    """An environment that knows HTCondor's configuration, too.

    Without one ``userHome`` is disabled, as it is by default, and there are no maps for ``userMap``.
    """

    def param(self, name: str) -> str | None:
        """Return the expanded value of a configuration variable, or None."""
        ...


def _param(ctx: EvalContext, name: str) -> str | None:
    environment = ctx.environment
    return environment.param(name) if isinstance(environment, Configured) else None


@builtin("userHome")
def user_home(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``userHome(user, default)``: a home directory; needs ``CLASSAD_ENABLE_USER_HOME = true``."""
    if not 1 <= len(args) <= 2:
        return ctx.fail()
    default = _quietly(ctx, args[1]) if len(args) == 2 else Undefined
    fallback = default if isinstance(default, str) and default else None
    user = _quietly(ctx, args[0])
    if user is Undefined and fallback is None:
        return Undefined
    if not isinstance(user, str):
        return Error if fallback is None else fallback
    record = ctx.environment.user(user) if fold(_param(ctx, "CLASSAD_ENABLE_USER_HOME") or "") in _TRUE else None
    if record is not None:
        return record.home
    return Undefined if fallback is None else fallback


def _quietly(ctx: EvalContext, node: Node) -> RuntimeValue:
    """Evaluate a node; as in HTCondor a failure counts as Undefined here."""
    try:
        return ctx.eval(node)
    except EvaluationFailed:
        return Undefined


@strict_builtin("userMap", 2, 4)
def user_map(ctx: EvalContext, values: tuple[RuntimeValue, ...]) -> RuntimeValue:
    """``userMap(map, user)``: what the map makes of the user; ``userMap(map, user, preferred, default)``: one of it.

    A map is one of those named by ``TOOL_CLASSAD_USER_MAP_NAMES`` in the configuration.
    """
    name, user = values[0], values[1]
    default = values[3] if len(values) == 4 else Undefined
    if not isinstance(name, str) or not isinstance(user, str):
        return Error if name is Error or user is Error else default
    text = _mapped(ctx, name, user)
    if text is None:
        return default
    if len(values) == 2:
        return text
    items = list(tokens(text, ","))
    preferred = values[2]
    if isinstance(preferred, str):
        for item in items:
            if fold(item) == fold(preferred):
                return item
    return items[0] if items else default


def _mapped(ctx: EvalContext, name: str, user: str) -> str | None:
    base, _, method = name.partition(".")
    names = tokens(_param(ctx, "TOOL_CLASSAD_USER_MAP_NAMES") or "", ", \t\r\n")
    if fold(base) not in map(fold, names):
        return None
    prefix = fold(_param(ctx, f"CLASSAD_USER_MAP_PREFIX_{base}") or "") in _TRUE
    path = _param(ctx, f"CLASSAD_USER_MAPFILE_{base}")
    text = _param(ctx, f"CLASSAD_USER_MAPDATA_{base}")
    if path is None and text is None:
        return None
    mapping = load(ctx.environment, path, text or "", prefix=prefix)
    return None if mapping is None else mapping.find(method or "*", user)
