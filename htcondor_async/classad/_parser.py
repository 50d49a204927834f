"""Expressions and ads in new and old syntax: text to nodes.

The parser keeps its own stacks, so that nesting costs no Python recursion.  An operand stack holds finished nodes; an
operator stack holds what waits for its right side: operators with their precedence, and open brackets (precedence -1).

Precedence, from the loosest: ``?:`` with a middle, ``||``, ``&&``, ``|``, ``^``, ``&``, equality, comparison, shifts,
``+ -``, ``* / %``, unary, and tightest the default operator ``?:`` and postfix ``.name`` and ``[index]``.
"""

from __future__ import annotations

import re
from typing import Any

from . import _lexer
from ._errors import ClassAdParseError
from ._lexer import IDENT, INTEGER, NUMBER, OPERATOR, PUNCT, QUOTED, RESERVED, SKIP, STRING, parse_error
from ._nodes import (
    AdNode,
    AttrRef,
    BinaryOp,
    Conditional,
    FunctionCall,
    ListNode,
    Literal,
    Node,
    Paren,
    Subscript,
    UnaryOp,
)
from ._precedence import CANONICAL, DEFAULT, UNARY, spelled
from ._times import parse_abs_time, parse_rel_time
from ._values import Error, Undefined, fold

__all__ = ["MAX_NESTING", "parse_ad_at", "parse_expression", "parse_old_value", "parse_prefix"]

MAX_NESTING = 1000
"""How deep brackets and conditionals may nest, as in HTCondor 24."""
MAX_TREE = 20000
"""How deep the tree may be that chains of operators make; HTCondor's own library would overflow its stack."""

_OPEN = -1
_CONSTANTS: dict[str, Literal] = {
    "true": Literal(True),
    "false": Literal(False),
    "undefined": Literal(Undefined),
    "error": Literal(Error),
}
_CALL = re.compile(SKIP.pattern + r"\(")
_CLOSERS = {"(": "')'", "call": "',' or ')'", "{": "',' or '}'", "[]": "']'", "ad": "';' or ']'", "?": "':'"}

_RESERVED_LENGTHS = frozenset(map(len, RESERVED))
# After a name: the end, a bracket, or what may stand between a name and a bracket.
_MAYBE_CALL = frozenset({"(", " ", "\t", "\n", "\v", "\f", "\r", "/"})

# An entry of the operator stack: (precedence, operator or bracket, and for brackets what belongs to them).
_Entry = tuple[int, str, Any, int]
_ENTRIES: dict[str, _Entry] = {op: (level, CANONICAL.get(op, op), None, 0) for op, level in spelled().items()}


class _Parser:
    """One run over a text."""

    __slots__ = ("level", "nodes", "old", "only_ad", "operand", "stack", "text")

    def __init__(self, text: str, old: bool) -> None:
        self.text = text
        self.old = old
        self.operand = _lexer.OPERAND_OLD if old else _lexer.OPERAND_NEW
        self.nodes: list[Node] = []
        self.stack: list[_Entry] = []
        self.level = 1
        self.only_ad = False

    def run(self, position: int) -> int:
        """Parse one expression from ``position``; return where it ended.  The node is left in ``self.nodes``."""
        while True:
            try:
                return self._run(position)
            except ClassAdParseError as error:
                after = self._without_middle(error)
                if after is None:
                    raise
                position = after

    def _without_middle(self, error: ClassAdParseError) -> int | None:
        """Return where to go on after a fault in the middle of a conditional, or None if it is a fault for good.

        HTCondor 24 takes a middle that does not parse, but ends where its ``:`` stands, for one that is missing.
        """
        if error.pending < 0:
            return None
        skip = SKIP.match(self.text, error.pending)
        assert skip is not None
        match = OPERATOR.match(self.text, skip.end())
        if match is None or match[1] != ":":
            return None
        stack = self.stack
        while stack and stack[-1][1] != "?":
            if stack.pop()[0] <= 0:
                self.level -= 1
        if not stack:
            return None
        del self.nodes[stack[-1][3] :]
        stack[-1] = (0, "? :", None, 0)
        return match.end()

    def _run(self, position: int) -> int:
        """Parse from ``position``, where an operand must come.

        What is common is dealt with here, without calls; the rest by the methods below.
        """
        text, nodes, stack = self.text, self.nodes, self.stack
        operand, operator = self.operand.match, OPERATOR.match
        while True:
            match = operand(text, position)
            if match is None:
                raise self._fault(position, "an expression")
            kind = match.lastindex
            if kind == IDENT and self.level <= MAX_NESTING:
                name = match[1]
                position = match.end()
                follows = text[position : position + 1]
                if follows == " ":
                    follows = text[position + 1 : position + 2]
                if follows in _MAYBE_CALL or (len(name) in _RESERVED_LENGTHS and name.lower() in RESERVED):
                    position, complete = self._name(name, match.start(1), position)
                else:
                    nodes.append(AttrRef(None, name))
                    complete = True
            elif kind == INTEGER and self.level <= MAX_NESTING:
                nodes.append(Literal(_lexer.integer(match[2])))
                position, complete = match.end(), True
            elif kind == PUNCT and match[5] == "(":
                position, complete = match.end(), False
                self.level += 1
                stack.append((_OPEN, "(", None, len(nodes)))
            else:
                position, complete = self._operand(match, kind)
            while complete:
                match = operator(text, position)
                if match is None:
                    if stack and text[position - 1] in ")]}" and self._stale(position):
                        position = len(text)
                        continue
                    self._end(position)
                    return position
                token = match[1]
                entry = _ENTRIES.get(token)
                if entry is not None:
                    if stack and stack[-1][0] >= entry[0]:
                        self._reduce(entry[0])
                    stack.append(entry)
                    position = match.end()
                    break
                if token == ".":
                    position = match.end()
                    match = operand(text, position)
                    if match is not None and match.lastindex == IDENT and len(match[1]) not in _RESERVED_LENGTHS:
                        name, position = match[1], match.end()
                    else:
                        name, position = self._identifier(position)
                    nodes[-1] = AttrRef(nodes[-1], name)
                    continue
                if token == "," and stack:
                    if stack[-1][0] >= 0:
                        self._reduce(0)
                    if stack and stack[-1][1] in ("call", "{"):
                        position = match.end()
                        break
                position, state = self._operator(match, token, position)
                if state == 2:
                    return position
                complete = state == 1
                if complete and self.only_ad and not stack:
                    return position

    def _fault(self, position: int, expected: str, *, taken: bool = False) -> ClassAdParseError:
        """Return the error for the word at ``position``, which was only looked at, or taken."""
        error = parse_error(self.text, position, expected)
        error.pending = _lexer.word_end(self.text, error.position)[0] if taken else position
        return error

    def _open(self, bracket: str, extra: Any = None) -> None:
        self.level += 1
        self.stack.append((_OPEN, bracket, extra, len(self.nodes)))

    def _operand(self, match: re.Match[str], kind: int | None) -> tuple[int, bool]:
        """Take what may come where an operand must; return the position, and whether an operand is complete."""
        text = self.text
        end = match.end()
        if self.level > MAX_NESTING and (kind != PUNCT or match.group(5) not in "})"):
            raise parse_error(text, match.start(), f"at most {MAX_NESTING} levels of nesting")
        if kind == IDENT:
            return self._name(match.group(1), match.start(1), end)
        if kind == INTEGER:
            self.nodes.append(Literal(_lexer.integer(match.group(2))))
            return end, True
        if kind == STRING:
            self.nodes.append(Literal(self._unescape(match.group(3), match.start(3))))
            return end, True
        if kind == PUNCT:
            return self._punctuation(match.group(5), match.start(5), end)
        if kind == QUOTED:
            return self._call_or_reference(self._unescape(match.group(4), match.start(4)), end)
        assert kind == NUMBER
        number, end = _lexer.lex_number(text, match.start(6))
        self.nodes.append(Literal(number))
        return end, True

    def _unescape(self, raw: str, position: int) -> str:
        if self.old:
            return _lexer.unescape_old(raw)
        try:
            return _lexer.unescape_new(raw)
        except ValueError as error:
            raise parse_error(self.text, position, f"a valid string ({error})") from None

    def _name(self, name: str, start: int, end: int) -> tuple[int, bool]:
        if len(name) in _RESERVED_LENGTHS and (lower := name.lower()) in RESERVED:
            constant = _CONSTANTS.get(lower)
            if constant is None:
                raise parse_error(self.text, start, "an expression")
            self.nodes.append(constant)
            return end, True
        return self._call_or_reference(name, end)

    def _call_or_reference(self, name: str, end: int) -> tuple[int, bool]:
        call = _CALL.match(self.text, end)
        if call is None:
            self.nodes.append(AttrRef(None, name))
            return end, True
        self._open("call", name)
        return call.end(), False

    def _punctuation(self, token: str, start: int, end: int) -> tuple[int, bool]:
        stack = self.stack
        if stack and stack[-1][0] == DEFAULT and token in "+-!~":
            raise parse_error(self.text, start, "an operand (the default operator takes no unary operator)")
        if token in "+-!~":
            stack.append((UNARY, token, None, 0))
            return end, False
        if token == "(":
            self._open("(")
            return end, False
        if token == "{":
            self._open("{")
            return end, False
        if token == "[":
            return self._open_ad(end)
        if token[0] == ".":
            name, end = self._identifier(end)
            self.nodes.append(AttrRef(None, name, True))
            return end, True
        if stack and len(self.nodes) == stack[-1][3]:
            if token == "}" and stack[-1][1] == "{":
                self.nodes.append(ListNode(()))
                self._close()
                return end, True
            if token == ")" and stack[-1][1] == "call":
                self.nodes.append(self._call(stack[-1][2], (), end))
                self._close()
                return end, True
        raise parse_error(self.text, start, "an expression")

    def _close(self) -> None:
        self.stack.pop()
        self.level -= 1

    def _identifier(self, position: int) -> tuple[str, int]:
        """Take an attribute name, quoted or not; reserved words are none."""
        match = self.operand.match(self.text, position)
        if match is not None:
            if match.lastindex == IDENT:
                name = match[1]
                if len(name) not in _RESERVED_LENGTHS or name.lower() not in RESERVED:
                    return name, match.end()
            elif match.lastindex == QUOTED:
                return self._unescape(match.group(4), match.start(4)), match.end()
        raise self._fault(position, "an attribute name", taken=True)

    def _open_ad(self, end: int) -> tuple[int, bool]:
        self._open("ad", {})
        skip = SKIP.match(self.text, end)
        assert skip is not None
        if self.text.startswith("]", skip.end()):
            self.nodes.append(AdNode(()))
            self._close()
            return skip.end() + 1, True
        return self._ad_name(end, self.stack[-1][2]), False

    def _ad_name(self, position: int, pairs: dict[str, Any]) -> int:
        """Take ``name =`` of the next attribute of an ad, after any semicolons."""
        text = self.text
        while True:
            match = SKIP.match(text, position)
            assert match is not None
            position = match.end()
            if not text.startswith(";", position):
                break
            position += 1
        name, position = self._identifier(position)
        match = SKIP.match(text, position)
        assert match is not None
        position = match.end()
        token = OPERATOR.match(text, position)
        if token is None or token.group(1) != "=":
            raise self._fault(position, "'='", taken=True)
        pairs[""] = name
        return token.end()

    def _reduce(self, precedence: int) -> None:
        """Build the nodes of all operators on the stack that bind at least as tightly as ``precedence``."""
        stack, nodes = self.stack, self.nodes
        while stack and stack[-1][0] >= precedence:
            level, op, _, _ = stack.pop()
            if level == UNARY:
                nodes[-1] = UnaryOp(op, nodes[-1])
                continue
            right = nodes.pop()
            if level:
                nodes[-1] = BinaryOp(op, nodes[-1], right)
                continue
            self.level -= 1
            if op == "? :":
                nodes[-1] = BinaryOp(op, nodes[-1], right)
            else:
                middle = nodes.pop()
                nodes[-1] = Conditional(nodes[-1], middle, right)

    def _operator(self, match: re.Match[str], token: str, position: int) -> tuple[int, int]:
        """Take what may come after an operand; return the position and 0 (operand next), 1 (operator next), 2 (end)."""
        stack, nodes = self.stack, self.nodes
        end = match.end()
        if token == ")" and stack:
            if stack[-1][0] >= 0:
                self._reduce(0)
            if stack and stack[-1][1] == "(":
                nodes[-1] = Paren(nodes[-1])
                self._close()
                return end, 1
        if token[0] == ".":
            name, end = self._identifier(end)
            nodes[-1] = AttrRef(nodes[-1], name)
            return end, 1
        if token == "[":
            self._open("[]")
            return end, 0
        if token == "?:":
            stack.append((DEFAULT, "?:", None, 0))
            return end, 0
        if token == "?":
            return self._question(end), 0
        return self._bracket(token, position, match.start(1), end)

    def _question(self, end: int) -> int:
        """Begin a conditional; one with an empty middle is a default operator of the loosest precedence."""
        self._reduce(1)
        skip = SKIP.match(self.text, end)
        assert skip is not None
        self._open("?")
        if self.text.startswith(":", skip.end()):
            self.stack[-1] = (0, "? :", None, 0)
            return skip.end() + 1
        return end

    def _bracket(self, token: str, position: int, start: int, end: int) -> tuple[int, int]:
        """Take a separator or a closing bracket."""
        stack, nodes = self.stack, self.nodes
        self._reduce(0)
        if not stack:
            return self._end(position)
        _, bracket, extra, base = stack[-1]
        if (token in ",;" and bracket == "call") or (token == "," and bracket == "{"):
            return end, 0
        if token == ":" and bracket == "?":
            stack[-1] = (0, ":", None, 0)
            return end, 0
        if bracket == "ad" and token in ";]":
            return self._ad_separator(token, end, extra)
        if token == ")" and bracket == "(":
            nodes[-1] = Paren(nodes[-1])
        elif token == ")" and bracket == "call":
            arguments = tuple(nodes[base:])
            del nodes[base:]
            nodes.append(self._call(extra, arguments, end))
        elif token == "}" and bracket == "{":
            items = tuple(nodes[base:])
            del nodes[base:]
            nodes.append(ListNode(items))
        elif token == "]" and bracket == "[]":
            index = nodes.pop()
            nodes[-1] = Subscript(nodes[-1], index)
        else:
            raise self._fault(start, _CLOSERS[bracket], taken=bracket in ("(", "[]"))
        self._close()
        return end, 1

    def _ad_separator(self, token: str, end: int, pairs: dict[str, Any]) -> tuple[int, int]:
        name = pairs.pop("")
        lower = fold(name)
        # The first spelling of a name is kept, the last value counts.
        pairs[lower] = (pairs[lower][0] if lower in pairs else name, self.nodes.pop())
        while token == ";":
            skip = SKIP.match(self.text, end)
            assert skip is not None
            end = skip.end()
            if self.text.startswith(";", end):
                end += 1
            elif self.text.startswith("]", end):
                end += 1
                token = "]"
            else:
                return self._ad_name(end, pairs), 0
        self.nodes.append(AdNode(tuple(pairs.values())))
        self._close()
        return end, 1

    def _stale(self, position: int) -> bool:
        """Close a bracket once more if a comment that does not end follows a closing one; return whether it did.

        HTCondor's lexer has nothing to show for such a comment, and what it showed last is taken again.
        """
        skip = SKIP.match(self.text, position)
        assert skip is not None
        if not self.text.startswith("/*", skip.end()):
            return False
        return self._bracket(self.text[position - 1], position, position - 1, len(self.text))[1] == 1

    def _end(self, position: int) -> tuple[int, int]:
        """Finish the expression; what follows it, if anything, is the caller's business."""
        self._reduce(0)
        if self.stack:
            bracket = self.stack[-1][1]
            raise self._fault(position, _CLOSERS[bracket], taken=bracket in ("(", "[]"))
        self.check_depth(position)
        return position, 2

    def check_depth(self, position: int) -> None:
        """Raise ClassAdParseError if the tree is deeper than :data:`MAX_TREE`."""
        if self.nodes[0].depth > MAX_TREE:
            raise parse_error(self.text, position, f"a tree of at most {MAX_TREE} levels", position)

    def _call(self, name: str, arguments: tuple[Node, ...], end: int) -> Node:
        """Return a call; times with a constant string are constants."""
        if len(arguments) == 1 and len(name) == 7 and type(arguments[0]) is Literal:
            constant = arguments[0].value
            if type(constant) is str and name.lower() in ("abstime", "reltime"):
                absolute = name.lower() == "abstime"
                value = parse_abs_time(constant) if absolute else parse_rel_time(constant)
                if value is None:
                    kind = "an absolute" if absolute else "a relative"
                    fault = ClassAdParseError(
                        f"{constant!r} is not {kind} time", found=repr(constant), expected=f"{kind} time"
                    )
                    fault.position, fault.pending = end - 1, end
                    raise fault
                return Literal(value)
        return FunctionCall(name, arguments)


def parse_prefix(text: str, position: int = 0, *, old: bool = False) -> tuple[Node, int]:
    """Return the expression that begins at ``position``, and where it ended.

    :param old: strings are in old syntax.
    :raises ClassAdParseError: there is none.
    """
    nul = text.find("\0", position)
    if nul >= 0:
        text = text[:nul]
    parser = _Parser(text, old)
    end = parser.run(position)
    return parser.nodes[0], end


def parse_expression(text: str, *, old: bool = False) -> Node:
    """Return the expression that all of ``text`` is.

    As in HTCondor, what follows a conditional that is not in parentheses is ignored.

    :param old: strings are in old syntax.
    :raises ClassAdParseError: it is none, or something follows it.
    """
    node, end = parse_prefix(text, old=old)
    if type(node) is Conditional or (type(node) is BinaryOp and node.op == "? :"):
        return node
    skip = SKIP.match(text, end)
    assert skip is not None
    if skip.end() < len(text) and text[skip.end()] != "\0":
        raise parse_error(text, end, "an operator or the end")
    return node


def parse_old_value(text: str) -> Node:
    """Return the value of an old-syntax line: the expression ``text`` begins with; what follows it is ignored."""
    return parse_prefix(text, old=True)[0]


def parse_ad_at(text: str, position: int = 0) -> tuple[AdNode, int]:
    """Return the new-syntax ad at ``position`` and where it ended; raises ClassAdParseError."""
    skip = SKIP.match(text, position)
    assert skip is not None
    if not text.startswith("[", skip.end()):
        raise parse_error(text, position, "'['")
    parser = _Parser(text, False)
    parser.level = 0
    parser.only_ad = True
    end, complete = parser._open_ad(skip.end() + 1)
    if not complete:
        end = parser.run(end)
    parser.check_depth(end)
    node = parser.nodes[0]
    assert isinstance(node, AdNode)
    return node, end
