"""The state of one evaluation: in which ad it is, how deep, and in what world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import _registry
from ._nodes import AdNode, ListNode, Literal, Node
from ._unparse import unparse_node
from ._values import AdBase, Error, ListValue, RuntimeValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from htcondor_async._environment import Environment

__all__ = ["MAX_DEPTH", "MAX_STEPS", "EvalContext", "EvaluationFailed"]

MAX_DEPTH = 400
"""How many attribute references, list items and ``eval()`` calls may be in progress at once."""


MAX_CALLS = 100
"""How many functions that evaluate their arguments themselves may be within each other."""
MAX_STEPS = 1_000_000
"""How many attributes one evaluation may follow in all: without it a few lines could ask for 2 to the 400."""


class EvaluationFailed(Exception):
    """The evaluation as a whole fails (a cycle, too deep, ``random(0)``): not the same as the value ``Error``."""


def _root_of(ad: AdBase | None) -> AdBase | None:
    """Return the outermost ad around ``ad``; None where the chain of parents is a circle."""
    if ad is None:
        return None
    top, parent = ad, ad._parent
    while parent is not None:
        if parent is ad:
            return None
        top, parent = parent, parent._parent
    return top


class EvalContext:
    """One evaluation.  ``ad`` is the current ad, ``root`` the outermost one, ``depth`` the levels that are left."""

    __slots__ = ("_environment", "ad", "calls", "debug", "deep", "depth", "root", "steps")

    def __init__(
        self, ad: AdBase | None = None, environment: Environment | None = None, depth: int = MAX_DEPTH
    ) -> None:
        self.ad = ad
        if ad is None or (around := ad._parent) is None:
            self.root: AdBase | None = ad
        else:
            # In a match the root is two steps away.
            outer = around._parent
            self.root = outer if outer is not None and outer._parent is None else _root_of(ad)
        self.depth = depth
        self.steps = MAX_STEPS
        self.calls = MAX_CALLS
        self.debug = False
        self.deep = False
        self._environment = environment

    @property
    def environment(self) -> Environment:
        """The world; raises RuntimeError if neither the caller nor :func:`set_default_environment` gave one."""
        if self._environment is None:
            self._environment = _registry.default_environment()
        return self._environment

    def eval(self, node: Node) -> RuntimeValue:
        """Return the value of ``node`` in the current ad; raises :class:`EvaluationFailed`.

        This costs Python recursion, so such calls may be within each other :data:`MAX_CALLS` times.
        """
        if self.calls <= 0:
            raise EvaluationFailed
        self.calls -= 1
        try:
            if self.debug or self.deep:
                return _registry.run_deep(node, self)
            run = node._run
            if run is None:
                run = _registry.compile_node(node)
            return run(self)
        finally:
            self.calls += 1

    def eval_in(self, node: Node, ad: AdBase | None) -> RuntimeValue:
        """Return the value of ``node`` with ``ad`` as the current ad; the outermost ad stays what it was."""
        saved = self.ad
        self.ad = ad
        try:
            return self.eval(node)
        finally:
            self.ad = saved

    def eval_rooted(self, node: Node, ad: AdBase | None) -> RuntimeValue:
        """Return the value of ``node`` with ``ad`` as the current ad and its outermost ad as the root."""
        saved = self.root
        self.root = _root_of(ad)
        try:
            return self.eval_in(node, ad)
        finally:
            self.root = saved

    def eval_item(self, items: ListValue, index: int) -> RuntimeValue:
        """Return item ``index`` (0-based) of a list, evaluated in the ad the list was written in, one level deeper.

        As in HTCondor a failure inside the item is the value ``Error``; lack of depth fails.
        """
        node = items.items[index]
        if type(node) is Literal and self.depth > 0:
            return node.result
        with self.deeper():
            try:
                return self.eval_in(node, items.scope)
            except EvaluationFailed:
                return Error

    def element(self, items: ListValue, node: Node) -> RuntimeValue:
        """Return an item of a list evaluated in the *current* ad, as HTCondor's functions over lists do.

        Nested lists and ads keep the ad they were written in.
        """
        if type(node) is Literal:
            return node.result
        if type(node) is ListNode or type(node) is AdNode:
            return self.eval_in(node, items.scope)
        return self.eval(node)

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Take one level of depth for the duration; raises :class:`EvaluationFailed` when none is left."""
        if self.depth <= 0:
            raise EvaluationFailed
        self.depth -= 1
        try:
            yield
        finally:
            self.depth += 1

    def fail(self) -> RuntimeValue:
        """Raise :class:`EvaluationFailed`."""
        raise EvaluationFailed

    def problem(self, what: str, node: Node | None = None) -> RuntimeValue:
        """Return ``Error``, and keep for ``lastError()`` what is wrong, and with which expression."""
        _registry.last_problem.set(what if node is None else f"{what}  Problem expression: {unparse_node(node)}")
        return Error

    def parse(self, text: str) -> Node | None:
        """Return the expression that ``text`` is, in new syntax, or None if it is none."""
        return _registry.parse_expression_or_none(text)

    def new_list(self, values: Iterable[RuntimeValue]) -> ListValue:
        """Return a list of values computed by a function."""
        return ListValue(tuple([Literal(value) for value in values]), None, True)

    def new_ad(self, pairs: Iterable[tuple[str, RuntimeValue]]) -> AdBase:
        """Return an ad of values computed by a function."""
        return _registry.make_ad([(name, Literal(value)) for name, value in pairs], None)


if TYPE_CHECKING:
    _Runner = Callable[[Node, EvalContext], RuntimeValue]
