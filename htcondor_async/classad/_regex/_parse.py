r"""Parser of PCRE2 patterns, in byte mode, as of PCRE2 10.32 (the version that HTCondor's own module carries).

Options that change the meaning of later parts (``(?i)`` and so on) are resolved here: the tree has sets of bytes, so
neither the writer nor the cost estimate knows about them.  The rules are those of pcre2pattern(3); they are one
grammar, hence one class.
"""

from __future__ import annotations

import attrs

from ._reader import SET_ESCAPES, Options, Reader, both_cases, is_digit, is_letter, read_class
from ._tree import (
    ANY,
    NEWLINE,
    SPACES,
    VERTICAL,
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

__all__ = ["Options", "Parsed", "parse"]

MAX_REPEAT = 65535
MAX_NESTING = 80
"""Deepest nesting of parentheses (PCRE's own limit is 250)."""

_ANCHOR_ESCAPES = {
    ord("A"): AnchorKind.SUBJECT_START,
    ord("Z"): AnchorKind.LAST_LINE_END,
    ord("z"): AnchorKind.SUBJECT_END,
    ord("b"): AnchorKind.WORD_BOUNDARY,
    ord("B"): AnchorKind.NO_WORD_BOUNDARY,
    ord("G"): AnchorKind.SEARCH_START,
}
_START_OPTIONS_IGNORED = {
    b"LF", b"NO_AUTO_POSSESS", b"NO_START_OPT", b"NO_JIT", b"NO_DOTSTAR_ANCHOR", b"BSR_UNICODE",
}  # fmt: skip
_START_OPTIONS = {
    b"UTF", b"UCP", b"NOTEMPTY", b"NOTEMPTY_ATSTART", b"CR", b"CRLF", b"ANY", b"ANYCRLF", b"NUL", b"BSR_ANYCRLF",
}  # fmt: skip
_OPTION_LETTERS = {
    "i": "caseless",
    "m": "multiline",
    "s": "dotall",
    "n": "no_capture",
    "U": "ungreedy",
    "J": "duplicate_names",
}


@attrs.frozen(slots=True)
class Parsed:
    """A pattern's tree, and how many groups it has."""

    tree: Node
    groups: int
    bodies: dict[int, Node]


class _Parser(Reader):
    """Recursive descent over the bytes of a pattern.  A byte behind the end reads as 0 (no pattern contains NUL)."""

    def __init__(self, pattern: bytes, options: Options) -> None:
        super().__init__(pattern, options)
        self.groups = 0
        self.names: dict[bytes, list[int]] = {}
        self.bodies: dict[int, Node] = {}
        self.depth = 0
        self.literal = False  # inside \Q...\E
        self.highest_reference = 0

    def whole(self) -> Node:
        self.start_options()
        tree = self.choice()
        if self.pos < len(self.text):
            raise PatternError("unmatched closing parenthesis")
        if self.highest_reference > self.groups:
            raise PatternError("reference to non-existent subpattern")
        return tree

    def start_options(self) -> None:
        while self.at(b"(*"):
            end = self.text.find(b")", self.pos)
            name = self.text[self.pos + 2 : end] if end > 0 else b""
            if name in _START_OPTIONS_IGNORED:
                self.pos = end + 1
            elif name in _START_OPTIONS or name.startswith(b"LIMIT_"):
                raise UnsupportedPattern(f"(*{name.decode('latin-1')})")
            else:
                return

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise UnsupportedPattern(f"more than {MAX_NESTING} nested parentheses")
        branches = [self.sequence()]
        while self.peek() == 0x7C and not self.literal:
            self.pos += 1
            branches.append(self.sequence())
        self.depth -= 1
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def sequence(self) -> Node:
        items: list[Node] = []
        repeatable = False
        while self.pos < len(self.text):
            byte = self.peek()
            if self.literal:
                if self.take(b"\\E"):
                    self.literal = False
                else:
                    self.pos += 1
                    items.append(self.char(byte))
                    repeatable = True
                continue
            if byte in b"|)":
                break
            if self.skipped():
                continue
            quantifier = self.quantifier()
            if quantifier is not None:
                if not repeatable:
                    raise PatternError("quantifier does not follow a repeatable item")
                items[-1] = self.repeat(items[-1], *quantifier)
                repeatable = False
                continue
            item, repeatable = self.atom()
            if item is not None:
                items.append(item)
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def skipped(self) -> bool:
        r"""Skip one comment, blank of extended mode, ``\E``, or enter ``\Q``."""
        if self.skipped_comment():
            return True
        if self.take(b"\\Q"):
            self.literal = True
            return True
        return self.take(b"\\E")

    def skipped_comment(self) -> bool:
        """Skip one comment or blank of extended mode."""
        byte = self.peek()
        if self.take(b"(?#"):
            end = self.text.find(b")", self.pos)
            if end < 0:
                raise PatternError("missing ) after (?# comment")
            self.pos = end + 1
            return True
        if self.options.extended and SPACES >> byte & 1:
            self.pos += 1
            return True
        if self.options.extended and byte == 0x23:
            end = self.text.find(b"\n", self.pos)
            self.pos = len(self.text) if end < 0 else end + 1
            return True
        return False

    def quantifier(self) -> tuple[int, int | None, RepeatMode] | None:
        byte = self.peek()
        low, high = 0, None
        if byte == 0x2A:
            self.pos += 1
        elif byte == 0x2B:
            self.pos += 1
            low = 1
        elif byte == 0x3F:
            self.pos += 1
            high = 1
        elif byte == 0x7B:
            counts = self.counts()
            if counts is None:
                return None
            low, high = counts
        else:
            return None
        while self.skipped_comment():
            pass  # what makes a quantifier lazy or possessive may stand behind comments
        if self.take(b"+"):
            return low, high, RepeatMode.POSSESSIVE
        lazy = self.take(b"?")
        return low, high, RepeatMode.LAZY if lazy != self.options.ungreedy else RepeatMode.GREEDY

    def counts(self) -> tuple[int, int | None] | None:
        """Read ``{n}``, ``{n,}`` or ``{n,m}``; anything else is no quantifier but a literal brace."""
        start = self.pos
        self.pos += 1
        low = self.number()
        high = low
        if low is not None and self.take(b","):
            high = self.number()
        if low is None or not self.take(b"}"):
            self.pos = start
            return None
        if low > MAX_REPEAT or (high is not None and high > MAX_REPEAT):
            raise PatternError("number too big in {} quantifier")
        if high is not None and high < low:
            raise PatternError("numbers out of order in {} quantifier")
        return low, high

    def repeat(self, body: Node, low: int, high: int | None, mode: RepeatMode) -> Node:
        if isinstance(body, (Look, Condition)) and not (isinstance(body, Condition) and body.test is not False):
            # A repeated assertion is tried at most once.
            if isinstance(body, Condition) or high == 0:
                return Sequence()
            return body if low == high else Repeat(body, min(low, 1), 1, mode)
        return Repeat(body, low, high, mode)

    def char(self, byte: int) -> Chars:
        mask = 1 << byte
        return Chars(both_cases(mask) if self.options.caseless else mask)

    def atom(self) -> tuple[Node | None, bool]:
        """Return the next item (None: nothing to match) and whether a quantifier may follow it."""
        byte = self.peek()
        if byte == 0x28:
            return self.parenthesis()
        self.pos += 1
        if byte == 0x5B:
            return self.bracket(), True
        if byte == 0x5C:
            return self.escape()
        if byte == 0x5E:
            return Anchor(AnchorKind.LINE_START if self.options.multiline else AnchorKind.SUBJECT_START), False
        if byte == 0x24:
            return Anchor(AnchorKind.LINE_END if self.options.multiline else AnchorKind.LAST_LINE_END), False
        if byte == 0x2E:
            return Chars(ANY if self.options.dotall else ANY ^ NEWLINE), True
        return self.char(byte), True

    def escape(self) -> tuple[Node | None, bool]:
        if self.pos >= len(self.text):
            raise PatternError(r"\ at end of pattern")
        byte = self.peek()
        if byte in _ANCHOR_ESCAPES:
            self.pos += 1
            return Anchor(_ANCHOR_ESCAPES[byte]), False
        if byte in SET_ESCAPES:
            self.pos += 1
            return Chars(SET_ESCAPES[byte]), True
        if byte in b"Kk" or byte in b"gNRCX":
            self.pos += 1
            return self.special_escape(byte)
        if 0x31 <= byte <= 0x39:
            start = self.pos
            number = self.number() or 0
            if number < 10 or byte >= 0x38 or number <= self.groups:
                return self.back_reference(number), True
            self.pos = start
        if byte in b"pP":
            self.pos += 1
            return Chars(self.category(byte == 0x50)), True
        return self.char(self.char_escape(in_class=False)), True

    def special_escape(self, byte: int) -> tuple[Node | None, bool]:
        if byte == ord("K"):
            return Keep(), False
        if byte == ord("N"):
            if self.peek() == 0x7B and self.counts_ahead() is None:
                raise PatternError(r"\N{name} is not supported")
            return Chars(ANY ^ NEWLINE), True
        if byte == ord("C"):
            return Chars(ANY), True
        if byte == ord("R"):
            crlf = Sequence((Chars(1 << 13), Chars(1 << 10)))
            return Atomic(Choice((crlf, Chars(VERTICAL)))), True
        if byte == ord("X"):
            raise UnsupportedPattern(r"\X")
        return self.reference_escape(byte), True

    def counts_ahead(self) -> tuple[int, int | None] | None:
        start = self.pos
        try:
            return self.counts()
        finally:
            self.pos = start

    def reference_escape(self, byte: int) -> Node:
        r"""Read what follows ``\k`` or ``\g``."""
        if byte == ord("k"):
            for begin, end in ((b"{", b"}"), (b"<", b">"), (b"'", b"'")):
                if self.take(begin):
                    return self.named_reference(self.name(end))
            raise PatternError(r"\k is not followed by a name")
        for begin, end in ((b"<", b">"), (b"'", b"'")):
            if self.take(begin):
                return self.call(end)
        brace = self.take(b"{")
        sign = self.peek()
        if sign in b"+-":
            self.pos += 1
        number = self.number()
        if number is None:
            if brace and sign not in b"+-":
                return self.named_reference(self.name(b"}"))
            raise PatternError(r"a numbered reference must not be zero")
        if brace:
            self.expect(b"}")
        return self.back_reference(self.relative(number, sign))

    def relative(self, number: int, sign: int) -> int:
        if number == 0:
            if sign in b"+-" and sign:
                raise PatternError("a relative value of zero is not allowed")
            return 0
        if sign == 0x2D:
            number = self.groups - number + 1
        elif sign == 0x2B:
            number += self.groups
        if number <= 0:
            raise PatternError("reference to non-existent subpattern")
        return number

    def back_reference(self, number: int) -> Node:
        if number == 0:
            raise PatternError("a numbered reference must not be zero")
        self.highest_reference = max(self.highest_reference, number)
        return BackReference((number,), self.options.caseless)

    def named_reference(self, name: bytes) -> Node:
        numbers = self.names.get(name)
        if numbers is None:
            if _has_name(self.text, name):
                raise UnsupportedPattern("reference to a later group")
            raise PatternError("reference to non-existent subpattern")
        return BackReference(tuple(dict.fromkeys(numbers)), self.options.caseless)

    def bracket(self) -> Node:
        for text, kind in ((b"[:<:]]", AnchorKind.WORD_START), (b"[:>:]]", AnchorKind.WORD_END)):
            if self.take(text):
                return Anchor(kind)
        if self.peek() in b":.=" and self.peek() and self.posix_end() is not None:
            raise PatternError("POSIX named classes are supported only within a class")
        negated = self.take(b"^")
        mask = read_class(self)
        if self.options.caseless:
            mask = both_cases(mask)
        return Chars(ANY ^ mask if negated else mask)

    def parenthesis(self) -> tuple[Node | None, bool]:
        if self.at(b"(*") and (is_letter(self.peek(2)) or self.peek(2) == 0x3A):
            return self.verb()
        self.pos += 1
        if not self.take(b"?"):
            return (self.wrapped(self.inside()) if self.options.no_capture else self.capture()), True
        byte = self.peek()
        for text, behind, negative in ((b"=", 0, 0), (b"!", 0, 1), (b"<=", 1, 0), (b"<!", 1, 1)):
            if self.take(text):
                body = self.inside()
                if not behind and negative and body == Sequence():
                    return Fail(), True
                return Look(body, bool(behind), bool(negative)), True
        if self.take(b":"):
            return self.wrapped(self.inside()), True
        if self.take(b">"):
            return Atomic(self.inside()), True
        if self.take(b"|"):
            return self.wrapped(self.branch_reset()), True
        if self.take(b"("):
            return self.condition(), True
        if self.take(b"C"):
            return self.callout()
        for begin, end in ((b"P<", b">"), (b"<", b">"), (b"'", b"'")):
            if self.take(begin):
                return self.capture(self.name(end)), True
        if self.take(b"P="):
            return self.named_reference(self.name(b")")), True
        if self.at(b"P>") or byte == 0x26:
            self.pos += 2 if byte == 0x50 else 1
            return self.named_call(self.name(b")")), True
        if byte == ord("R") or is_digit(byte) or (byte in b"+-" and is_digit(self.peek(1))):
            if self.take(b"R"):
                self.expect(b")")
                return Call(0), True
            return self.call(b")"), True
        return self.inline_options()

    def wrapped(self, body: Node) -> Node:
        """Keep a group apart from what is around it: its alternatives, and what a quantifier applies to."""
        return Sequence((body,)) if isinstance(body, (Look, Condition, Choice)) else body

    def inside(self, options: Options | None = None) -> Node:
        """Read the inside of a group up to its parenthesis; options set inside end with it."""
        saved = self.options
        if options is not None:
            self.options = options
        body = self.choice()
        self.close()
        self.options = saved
        return body

    def close(self) -> None:
        if self.literal or not self.take(b")"):
            raise PatternError("missing closing parenthesis")

    def capture(self, name: bytes | None = None) -> Node:
        self.groups += 1
        number = self.groups
        if name is not None:
            numbers = self.names.setdefault(name, [])
            if numbers and number not in numbers and not self.options.duplicate_names:
                raise PatternError("two named subpatterns have the same name")
            numbers.append(number)
        body = self.inside()
        self.bodies.setdefault(number, body)
        return Group(number, body)

    def branch_reset(self) -> Node:
        first = self.groups
        most = first
        saved = self.options
        branches = []
        while True:
            self.groups = first
            branches.append(self.sequence())
            most = max(most, self.groups)
            if self.peek() != 0x7C or self.literal:
                break
            self.pos += 1
        self.close()
        self.options = saved
        self.groups = most
        return Choice(tuple(branches))

    def inline_options(self) -> tuple[Node | None, bool]:
        options = self.options
        value, start = True, True
        caret = False
        while self.peek() not in b"):" or not self.peek():
            byte = self.peek()
            self.pos += 1
            if byte == 0x5E and start:
                options = attrs.evolve(
                    options, caseless=False, multiline=False, dotall=False, extended=False, extended_more=False,
                    no_capture=False,
                )  # fmt: skip
                caret = True
            elif byte == 0x2D and value and not caret:
                value = False
            else:
                options = self.one_option(options, byte, value)
            start = False
        if self.take(b")"):
            self.options = options
            return None, False
        self.pos += 1
        return self.wrapped(self.inside(options)), True

    def one_option(self, options: Options, byte: int, value: bool) -> Options:
        letter = chr(byte)
        if letter == "x":
            more = self.take(b"x")
            return attrs.evolve(options, extended=value, extended_more=value and more)
        field = _OPTION_LETTERS.get(letter)
        if field is None:
            raise PatternError("unrecognized character after (? or (?-")
        return attrs.evolve(options, **{field: value})

    def callout(self) -> tuple[Node | None, bool]:
        number = self.number()
        if number is None and self.peek() in b"`'\"^%#${" and self.peek():
            raise UnsupportedPattern("(?C with a string)")
        if number is not None and number > 255:
            raise PatternError("number after (?C is greater than 255")
        self.expect(b")")
        return None, False

    def verb(self) -> tuple[Node | None, bool]:
        end = self.text.find(b")", self.pos)
        if end < 0:
            raise PatternError("missing closing parenthesis")
        name, _, argument = self.text[self.pos + 2 : end].partition(b":")
        has_argument = b":" in self.text[self.pos + 2 : end]
        self.pos = end + 1
        if name in (b"F", b"FAIL") and not has_argument:
            return Fail(), False
        if name in (b"MARK", b""):
            if not argument:
                raise PatternError("(*MARK) must have an argument")
            return None, False
        if name in (b"ACCEPT", b"COMMIT", b"PRUNE", b"SKIP", b"THEN", b"F", b"FAIL"):
            raise UnsupportedPattern(f"(*{name.decode()})")
        raise PatternError("(*VERB) not recognized or malformed")

    def call(self, end: bytes) -> Node:
        sign = self.peek()
        if sign in b"+-" and sign:
            self.pos += 1
        number = self.number()
        if number is None:
            return self.named_call(self.name(end))
        self.expect(end)
        number = self.relative(number, sign)
        self.highest_reference = max(self.highest_reference, number)
        return Call(number)

    def named_call(self, name: bytes) -> Node:
        numbers = self.names.get(name)
        if numbers:
            return Call(numbers[0])
        if _has_name(self.text, name):
            raise UnsupportedPattern("call of a later group by name")
        raise PatternError("reference to non-existent subpattern")

    def condition(self) -> Node:
        test = self.condition_test()
        body = self.inside()
        branches = body.branches if isinstance(body, Choice) else (body,)
        if len(branches) > 2 or (test is False and len(branches) > 1):
            raise PatternError("conditional subpattern contains more than two branches")
        no = branches[1] if len(branches) == 2 else Sequence()
        return Condition(test, branches[0], no)

    def condition_test(self) -> int | Look | bool:
        if self.take(b"DEFINE)"):
            return False
        if self.at(b"VERSION"):
            raise UnsupportedPattern("(?(VERSION)")
        if self.take(b"?"):
            for text, behind, negative in ((b"=", 0, 0), (b"!", 0, 1), (b"<=", 1, 0), (b"<!", 1, 1)):
                if self.take(text):
                    return Look(self.inside(), bool(behind), bool(negative))
            raise PatternError("assertion expected after (?(")
        sign = self.peek()
        if is_digit(sign) or (sign in b"+-" and sign):
            if sign in b"+-":
                self.pos += 1
            number = self.number()
            if number is None:
                raise PatternError("digit expected")
            self.expect(b")")
            number = self.relative(number, sign)
            if number == 0:
                raise PatternError("invalid condition (?(0)")
            self.highest_reference = max(self.highest_reference, number)
            return number
        for begin, end in ((b"<", b">"), (b"'", b"'")):
            if self.take(begin):
                numbers = self.names.get(self.name(end))
                self.expect(b")")
                return self.named_test(numbers)
        if self.peek() == ord("R") and (is_digit(self.peek(1)) or self.peek(1) in b"&)"):
            raise UnsupportedPattern("(?(R)")
        return self.named_test(self.names.get(self.name(b")")))

    def named_test(self, numbers: list[int] | None) -> int:
        if numbers is None:
            raise PatternError("reference to non-existent subpattern")
        if len(set(numbers)) > 1:
            raise UnsupportedPattern("condition on a name that several groups have")
        return numbers[0]


def _has_name(pattern: bytes, name: bytes) -> bool:
    return any(begin + name + end in pattern for begin, end in ((b"<", b">"), (b"'", b"'")))


def parse(pattern: bytes, options: Options) -> Parsed:
    """Parse a pattern.

    Raises
    ------
    PatternError
        PCRE refuses it too.
    UnsupportedPattern
        It has a construct that cannot be expressed.
    """
    parser = _Parser(pattern, options)
    tree = parser.whole()
    return Parsed(tree, parser.groups, parser.bodies)
