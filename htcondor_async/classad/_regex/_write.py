"""Writes a pattern's tree as a pattern for Python's ``re`` (bytes, no flags), and knows where PCRE's groups went.

What differs between the two engines is written out: case is in the sets of bytes, ``^`` and ``$`` are spelled as
looks, a possessive or atomic group becomes a look ahead followed by a reference to what it captured (so that it works
in Python 3.10, too), a look behind is split into one per alternative, a call of a group's pattern is copied.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ._tree import (
    ANY,
    NEWLINE,
    Anchor,
    AnchorKind,
    Atomic,
    BackReference,
    Call,
    Chars,
    Choice,
    Condition,
    Fail,
    Group,
    Keep,
    Look,
    Node,
    PatternError,
    Repeat,
    RepeatMode,
    Sequence,
    UnsupportedPattern,
)

__all__ = ["MAX_NODES", "Written", "resolve_calls", "width", "write"]

MAX_NODES = 20_000
"""Largest tree, in nodes, after calls of groups were copied."""


@attrs.frozen(slots=True)
class Written:
    """A pattern for ``re``: its text, the Python groups of each PCRE group, and what needs care when matching."""

    text: bytes
    groups: dict[int, tuple[int, ...]]
    keep: int | None
    search_start: bool


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly inside a node."""
    if isinstance(node, Sequence):
        yield from node.items
    elif isinstance(node, Choice):
        yield from node.branches
    elif isinstance(node, (Group, Repeat, Atomic, Look)):
        yield node.body
    elif isinstance(node, Condition):
        if isinstance(node.test, Look):
            yield node.test
        yield node.yes
        yield node.no


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(children(top))


class _Resolver:
    """Replaces calls of groups by copies of the groups' bodies, without captures."""

    def __init__(self, bodies: dict[int, Node]) -> None:
        self.bodies = bodies
        self.count = 0

    def resolve(self, node: Node, calling: frozenset[int], copying: bool) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise UnsupportedPattern(f"more than {MAX_NODES} elements")
        if isinstance(node, Call):
            if node.number in calling:
                raise UnsupportedPattern("recursion")
            body = self.bodies[node.number]
            return self.resolve(body, calling | {node.number}, True)
        if isinstance(node, Group):
            inner = self.resolve(node.body, calling | {node.number}, copying)
            return Sequence((inner,)) if copying else Group(node.number, inner)
        if copying and isinstance(node, (BackReference, Keep)):
            raise UnsupportedPattern("call of a group that contains a reference")
        if isinstance(node, Sequence):
            return Sequence(tuple(self.resolve(item, calling, copying) for item in node.items))
        if isinstance(node, Choice):
            return Choice(tuple(self.resolve(item, calling, copying) for item in node.branches))
        if isinstance(node, (Repeat, Atomic, Look)):
            return attrs.evolve(node, body=self.resolve(node.body, calling, copying))
        if isinstance(node, Condition):
            if node.test is False:
                return Sequence()
            test = self.resolve(node.test, calling, copying) if isinstance(node.test, Look) else node.test
            assert isinstance(test, (int, Look))
            return Condition(test, self.resolve(node.yes, calling, copying), self.resolve(node.no, calling, copying))
        return node


def resolve_calls(tree: Node, bodies: dict[int, Node]) -> Node:
    """Return the tree with calls of groups replaced by copies; recursion is not supported."""
    # The whole pattern is group 0 for (?R), and always being matched.
    return _Resolver({**bodies, 0: tree}).resolve(tree, frozenset({0}), False)


def width(node: Node, groups: dict[int, Node]) -> int:
    """Return how many bytes a node in a look behind matches; raises PatternError if that is not fixed."""
    if isinstance(node, Chars):
        return 1
    if isinstance(node, Sequence):
        return sum(width(item, groups) for item in node.items)
    if isinstance(node, (Choice, Condition)):
        parts = node.branches if isinstance(node, Choice) else (node.yes, node.no)
        widths = {width(part, groups) for part in parts}
        if isinstance(node, Condition) and node.no == Sequence() and widths != {0}:
            raise UnsupportedPattern("condition with one branch in a look behind")
        if len(widths) > 1:
            raise PatternError("lookbehind assertion is not fixed length")
        return widths.pop()
    if isinstance(node, Repeat):
        if isinstance(node.body, Look):
            if node.body.behind:
                raise PatternError("lookbehind assertion is not fixed length")
            return 0
        if node.low != node.high:
            raise PatternError("lookbehind assertion is not fixed length")
        return node.low * width(node.body, groups)
    if isinstance(node, (Group, Atomic)):
        return width(node.body, groups)
    if isinstance(node, BackReference):
        number = node.numbers[0]
        if number not in groups:
            raise PatternError("lookbehind assertion is not fixed length")
        return width(groups[number], {other: body for other, body in groups.items() if other != number})
    return 0


def _up_to_fail(branch: Node) -> Node:
    """Return a branch of a look behind without what stands behind a ``(*FAIL)``: its length does not count."""
    if isinstance(branch, Sequence):
        for index, item in enumerate(branch.items):
            if isinstance(item, Fail):
                return Sequence(branch.items[: index + 1])
    return branch


def _chars(mask: int) -> str:
    if mask == ANY:
        return r"[\x00-\xff]"
    if mask == ANY ^ NEWLINE:
        return "."
    if mask == 0:
        return "(?!)"
    negated = mask.bit_count() > 128
    members = ANY ^ mask if negated else mask
    runs: list[tuple[int, int]] = []
    for byte in range(256):
        if members >> byte & 1:
            if runs and runs[-1][1] == byte - 1:
                runs[-1] = (runs[-1][0], byte)
            else:
                runs.append((byte, byte))
    if len(runs) == 1 and runs[0][0] == runs[0][1] and not negated:
        return _byte(runs[0][0])
    inside = "".join(_byte(low) if low == high else f"{_byte(low)}-{_byte(high)}" for low, high in runs)
    return f"[{'^' if negated else ''}{inside}]"


def _byte(byte: int) -> str:
    char = chr(byte)
    return char if char.isascii() and char.isalnum() else f"\\x{byte:02x}"


class _Writer:
    def __init__(self, bodies: dict[int, Node], first_group: int) -> None:
        self.bodies = bodies
        self.python_groups = first_group
        self.groups: dict[int, list[int]] = {}
        self.open: list[int] = []
        self.keep: int | None = None
        self.search_start = False
        self.looking = 0
        self.behind = 0

    def new_group(self) -> int:
        self.python_groups += 1
        return self.python_groups

    def write(self, node: Node) -> str:
        if isinstance(node, Chars):
            return _chars(node.mask)
        if isinstance(node, Sequence):
            return "".join(self.grouped(item) if isinstance(item, Choice) else self.write(item) for item in node.items)
        if isinstance(node, Choice):
            return "|".join(self.write(branch) for branch in node.branches)
        if isinstance(node, Group):
            return self.capture(node)
        if isinstance(node, Repeat):
            return self.repeat(node)
        if isinstance(node, Atomic):
            return self.atomic(node.body)
        if isinstance(node, Look):
            return self.look(node)
        if isinstance(node, BackReference):
            return self.reference(node)
        if isinstance(node, Condition):
            return self.condition(node)
        if isinstance(node, Anchor):
            return self.anchor(node)
        if isinstance(node, Keep):
            return self.write_keep()
        if isinstance(node, Fail):
            return "(?!)"
        raise UnsupportedPattern("recursion")

    def grouped(self, node: Node) -> str:
        return f"(?:{self.write(node)})"

    def capture(self, node: Group) -> str:
        number = self.new_group()
        self.open.append(node.number)
        body = self.write(node.body)
        self.open.pop()
        self.groups.setdefault(node.number, []).append(number)
        return f"(?P<g{number}>{body})"

    def repeat(self, node: Repeat) -> str:
        if node.mode is RepeatMode.POSSESSIVE:
            return self.atomic(attrs.evolve(node, mode=RepeatMode.GREEDY))
        body = self.write(node.body)
        if not isinstance(node.body, (Chars, Group)):
            body = f"(?:{body})"
        if node.high is None:
            count = {0: "*", 1: "+"}.get(node.low, f"{{{node.low},}}")
        elif (node.low, node.high) == (0, 1):
            count = "?"
        else:
            count = f"{{{node.low},{node.high}}}"
        return f"{body}{count}{node.mode.value}"

    def atomic(self, body: Node) -> str:
        if self.behind:
            raise UnsupportedPattern("atomic group in a look behind")
        number = self.new_group()
        return f"(?=(?P<g{number}>{self.write(body)}))(?P=g{number})"

    def look(self, node: Look) -> str:
        self.looking += 1
        try:
            if not node.behind:
                return f"(?{'!' if node.negative else '='}{self.write(node.body)})"
            self.behind += 1
            branches = node.body.branches if isinstance(node.body, Choice) else (node.body,)
            sign = "!" if node.negative else "="
            parts = []
            for branch in map(_up_to_fail, branches):
                width(branch, self.bodies)
                parts.append(f"(?<{sign}{self.write(branch)})")
            self.behind -= 1
            if len(parts) == 1 or node.negative:
                return "".join(parts)
            return f"(?:{'|'.join(parts)})"
        finally:
            self.looking -= 1

    def reference(self, node: BackReference) -> str:
        parts: list[str] = []
        for number in node.numbers:
            if number in self.open:
                raise UnsupportedPattern("reference to a group from within it")
            if number not in self.groups:
                raise UnsupportedPattern("reference to a later group")
            parts.extend(f"(?P=g{python})" for python in self.groups[number])
        text = parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
        return f"(?i:{text})" if node.caseless else text

    def condition(self, node: Condition) -> str:
        if isinstance(node.test, Look):
            if any(isinstance(inner, Group) for inner in _walk(node.test)):
                raise UnsupportedPattern("condition that captures")
            negated = attrs.evolve(node.test, negative=not node.test.negative)
            return f"(?:{self.look(node.test)}{self.grouped(node.yes)}|{self.look(negated)}{self.grouped(node.no)})"
        numbers = self.groups.get(node.test)
        if numbers is None or len(numbers) != 1 or node.test in self.open:
            raise UnsupportedPattern("condition on a group that is not closed yet")
        return f"(?({numbers[0]}){self.grouped(node.yes)}|{self.grouped(node.no)})"

    def anchor(self, node: Anchor) -> str:
        if node.kind is AnchorKind.SEARCH_START:
            self.search_start = True
        return node.kind.value

    def write_keep(self) -> str:
        if self.looking or self.keep is not None:
            raise UnsupportedPattern(r"\K more than once or in a look around")
        self.keep = self.new_group()
        return "()"


def write(tree: Node, bodies: dict[int, Node], groups_before: int = 0) -> Written:
    """Write a tree (without calls) for ``re``, to stand behind ``groups_before`` other capturing groups.

    Raises UnsupportedPattern, PatternError.
    """
    writer = _Writer(bodies, groups_before)
    text = writer.write(tree)
    groups = {number: tuple(numbers) for number, numbers in writer.groups.items()}
    return Written(text.encode("ascii"), groups, writer.keep, writer.search_start)
