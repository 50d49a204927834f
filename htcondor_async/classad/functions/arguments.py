"""Functions that convert the arguments and environments of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htcondor_async.classad._values import Error, ListValue, RuntimeValue, Undefined

from . import builtin
from ._argument_text import (
    format_v1,
    format_v2,
    parse_v1,
    parse_v2,
    read_environment_v1,
    read_environment_v2,
    write_environment,
)
from ._coerce import int32

if TYPE_CHECKING:
    from htcondor_async.classad._context import EvalContext
    from htcondor_async.classad._nodes import Node

_NO_STRING = "Unable to evaluate first argument to string."
_NO_ARGUMENTS = "The text is not what a job's arguments look like."
_NO_ENVIRONMENT = "The text is not what an environment looks like."


def _version(ctx: EvalContext, args: tuple[Node, ...]) -> int | None:
    """Return the version that the second argument says, evaluated before the first one; None if it says none."""
    if len(args) < 2:
        return 2
    version = ctx.eval(args[1])
    number = int32(version) if type(version) is int else 0
    return number if number in (1, 2) else None


@builtin("argsToList", 1, 2)
def args_to_list(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``argsToList(text, version)``: a job's arguments as a list."""
    version = _version(ctx, args)
    if version is None:
        return Error
    text = ctx.eval(args[0])
    if not isinstance(text, str):
        return ctx.problem(_NO_STRING, args[0])
    items = parse_v1(text) if version == 1 else parse_v2(text)
    return ctx.problem(_NO_ARGUMENTS, args[0]) if items is None else ctx.new_list(items)


@builtin("listToArgs", 1, 2)
def list_to_args(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``listToArgs(list, version)``: a list as a job's arguments."""
    version = _version(ctx, args)
    if version is None:
        return Error
    items = ctx.eval(args[0])
    if not isinstance(items, ListValue):
        return ctx.problem("Unable to evaluate first argument to list.", args[0])
    texts: list[str] = []
    for index, item in enumerate(items.items):
        text = ctx.element(items, item)
        if not isinstance(text, str):
            return ctx.problem(f"Entry {index} did not evaluate to a string.", item)
        texts.append(text)
    result = format_v1(texts) if version == 1 else format_v2(texts)
    return ctx.problem(_NO_ARGUMENTS, args[0]) if result is None else result


@builtin("envV1ToV2", 1, 1)
def env_v1_to_v2(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``envV1ToV2(text)``: an environment in the old form as one in the new form."""
    text = ctx.eval(args[0])
    if text is Undefined:
        return Undefined
    if not isinstance(text, str):
        return ctx.problem(_NO_STRING, args[0])
    variables: dict[str, str | None] = {}
    if not read_environment_v1(text, variables):
        return ctx.problem(_NO_ENVIRONMENT, args[0])
    return write_environment(variables)


@builtin("mergeEnvironment")
def merge_environment(ctx: EvalContext, args: tuple[Node, ...]) -> RuntimeValue:
    """``mergeEnvironment(text, ...)``: environments in the new form in one; later ones win, undefined ones are left
    out."""
    variables: dict[str, str | None] = {}
    for index, node in enumerate(args):
        text = ctx.eval(node)
        if text is Undefined:
            continue
        if not isinstance(text, str):
            return ctx.problem(f"Unable to evaluate argument {index}.", node)
        if not read_environment_v2(text, variables):
            return ctx.problem(_NO_ENVIRONMENT, node)
    return write_environment(variables)
