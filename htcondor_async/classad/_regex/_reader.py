r"""Reads the parts of PCRE2 patterns that stand for single bytes or sets of them: escapes and ``[...]``."""

from __future__ import annotations

import unicodedata

import attrs

from ._tree import (
    ANY,
    DIGITS,
    HORIZONTAL,
    SPACES,
    VERTICAL,
    WORD,
    PatternError,
    UnsupportedPattern,
    byte_set,
)

__all__ = ["SET_ESCAPES", "Options", "Reader", "both_cases", "is_digit", "is_letter", "read_class"]

MAX_NAME = 32

_SIMPLE_ESCAPES = {ord("a"): 7, ord("e"): 27, ord("f"): 12, ord("n"): 10, ord("r"): 13, ord("t"): 9}
SET_ESCAPES = {
    ord("d"): DIGITS,
    ord("D"): ANY ^ DIGITS,
    ord("s"): SPACES,
    ord("S"): ANY ^ SPACES,
    ord("w"): WORD,
    ord("W"): ANY ^ WORD,
    ord("h"): HORIZONTAL,
    ord("H"): ANY ^ HORIZONTAL,
    ord("v"): VERTICAL,
    ord("V"): ANY ^ VERTICAL,
}
_LOWER = byte_set(b"abcdefghijklmnopqrstuvwxyz")
_UPPER = byte_set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_GRAPH = sum(1 << byte for byte in range(0x21, 0x7F))
_POSIX = {
    b"alpha": _LOWER | _UPPER,
    b"lower": _LOWER,
    b"upper": _UPPER,
    b"alnum": _LOWER | _UPPER | DIGITS,
    b"ascii": (1 << 128) - 1,
    b"blank": byte_set(b" \t"),
    b"cntrl": ((1 << 32) - 1) | (1 << 127),
    b"digit": DIGITS,
    b"graph": _GRAPH,
    b"print": _GRAPH | byte_set(b" "),
    b"punct": _GRAPH & ~(_LOWER | _UPPER | DIGITS),
    b"space": SPACES,
    b"word": WORD,
    b"xdigit": byte_set(b"0123456789abcdefABCDEF"),
}
_CATEGORIES = {
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
    "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
}  # fmt: skip


@attrs.frozen(slots=True, cache_hash=True)
class Options:
    """The options of ``regexp()``, and those that a pattern can set for itself."""

    caseless: bool = False
    multiline: bool = False
    dotall: bool = False
    extended: bool = False
    extended_more: bool = False
    ungreedy: bool = False
    no_capture: bool = False
    duplicate_names: bool = False


def both_cases(mask: int) -> int:
    lower, upper = mask & _LOWER, mask & _UPPER
    return mask | (lower >> 32) | (upper << 32)


def _category_set(name: str) -> int:
    if name == "Any":
        return ANY
    if name == "L&":
        return _category_set("Lu") | _category_set("Ll") | _category_set("Lt")
    if name not in _CATEGORIES:
        raise UnsupportedPattern(rf"\p{{{name}}}")
    return sum(1 << byte for byte in range(256) if unicodedata.category(chr(byte)).startswith(name))


def is_digit(byte: int) -> bool:
    return 0x30 <= byte <= 0x39


def is_word(byte: int) -> bool:
    return bool(WORD >> byte & 1)


def is_letter(byte: int) -> bool:
    return 0x41 <= byte & 0xDF <= 0x5A


class Reader:
    """A position in a pattern.  A byte behind the end reads as 0 (no pattern contains NUL)."""

    def __init__(self, pattern: bytes, options: Options) -> None:
        self.text = pattern
        self.pos = 0
        self.options = options

    def peek(self, ahead: int = 0) -> int:
        at = self.pos + ahead
        return self.text[at] if at < len(self.text) else 0

    def at(self, prefix: bytes) -> bool:
        return self.text.startswith(prefix, self.pos)

    def take(self, prefix: bytes) -> bool:
        if self.at(prefix):
            self.pos += len(prefix)
            return True
        return False

    def expect(self, prefix: bytes) -> None:
        if not self.take(prefix):
            raise PatternError(f"{prefix.decode()!r} expected at {self.pos}")

    def number(self) -> int | None:
        start = self.pos
        while is_digit(self.peek()):
            self.pos += 1
        return int(self.text[start : self.pos]) if self.pos > start else None

    def name(self, end: bytes) -> bytes:
        start = self.pos
        while is_word(self.peek()):
            self.pos += 1
        name = self.text[start : self.pos]
        if not name or len(name) > MAX_NAME or is_digit(name[0]):
            raise PatternError("bad group name")
        self.expect(end)
        return name

    def posix_end(self) -> int | None:
        """Return where ``:]`` (or ``.]``, ``=]``) stands, if what begins here is such a name."""
        terminator = self.peek()
        at = self.pos + 1
        while at + 1 < len(self.text):
            byte, following = self.text[at], self.text[at + 1]
            if byte == 0x5C and following in b"]\\":
                at += 1
            elif (byte == 0x5B and following == terminator) or byte == 0x5D:
                return None
            elif byte == terminator and following == 0x5D:
                return at
            at += 1
        return None

    def category(self, negated: bool) -> int:
        if self.take(b"{"):
            negated ^= self.take(b"^")
            end = self.text.find(b"}", self.pos)
            if end < 0:
                raise PatternError(r"malformed \P or \p sequence")
            name = self.text[self.pos : end].decode("latin-1")
            self.pos = end + 1
        else:
            name = chr(self.peek())
            if not is_letter(self.peek()):
                raise PatternError(r"malformed \P or \p sequence")
            self.pos += 1
        mask = _category_set(name)
        return ANY ^ mask if negated else mask

    def char_escape(self, in_class: bool) -> int:
        """Read an escape that stands for one byte."""
        byte = self.peek()
        self.pos += 1
        if byte in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[byte]
        if not (is_letter(byte) or is_digit(byte)):
            return byte
        if byte == ord("x"):
            return self.hexadecimal()
        if byte == ord("o"):
            self.expect(b"{")
            return self.braced(8)
        if byte == ord("c"):
            following = self.peek()
            self.pos += 1
            if not 0x20 <= following <= 0x7E:
                raise PatternError(r"\c must be followed by a printable ASCII character")
            if 0x61 <= following <= 0x7A:
                following -= 0x20
            return following ^ 0x40
        if byte >= 0x38 and is_digit(byte) and in_class:
            return byte
        if is_digit(byte):
            return self.octal(byte)
        raise PatternError("unrecognized character follows \\")

    def octal(self, first: int) -> int:
        value = first - 0x30
        for _ in range(2):
            if not 0x30 <= self.peek() <= 0x37:
                break
            value = value * 8 + self.peek() - 0x30
            self.pos += 1
        return self.in_range(value)

    def hexadecimal(self) -> int:
        if self.take(b"{"):
            return self.braced(16)
        start = self.pos
        while self.pos < start + 2 and self.peek() in b"0123456789abcdefABCDEF" and self.peek():
            self.pos += 1
        return int(self.text[start : self.pos] or b"0", 16)

    def braced(self, base: int) -> int:
        end = self.text.find(b"}", self.pos)
        digits = self.text[self.pos : end] if end >= 0 else b""
        if not digits or any(digit not in b"0123456789abcdefABCDEF"[: 8 if base == 8 else 22] for digit in digits):
            raise PatternError("bad digits in braces")
        self.pos = end + 1
        return self.in_range(int(digits, base))

    def in_range(self, value: int) -> int:
        if value > 255:
            raise PatternError("character code point value is too large")
        return value


class _ClassReader:
    """Reads the inside of ``[...]`` up to and with its ``]``."""

    def __init__(self, parser: Reader) -> None:
        self.parser = parser
        self.mask = 0
        self.last: int | None = None  # a byte that a range may begin with
        self.range_open = False

    def read(self) -> int:
        parser = self.parser
        first = True
        literal = False
        while True:
            if parser.pos >= len(parser.text):
                raise PatternError("missing terminating ] for character class")
            byte = parser.peek()
            if literal:
                parser.pos += 1
                if byte == 0x5C and parser.peek() == 0x45:
                    parser.pos += 1
                    literal = False
                else:
                    self.add(byte)
                    first = False
                continue
            if byte == 0x5D and not first:
                parser.pos += 1
                break
            if parser.take(b"\\Q"):
                literal = True
                continue
            if parser.take(b"\\E"):
                continue
            if parser.options.extended_more and byte in b" \t":
                parser.pos += 1
                continue
            self.item(byte)
            first = False
        if self.range_open:
            self.mask |= 1 << 0x2D
        return self.mask

    def item(self, byte: int) -> None:
        parser = self.parser
        if byte == 0x5B and parser.peek(1) in b":.=" and parser.peek(1):
            parser.pos += 1
            end = parser.posix_end()
            if end is not None:
                self.posix(end)
                return
            self.add(byte)
            return
        parser.pos += 1
        if byte == 0x2D and self.last is not None and not self.range_open:
            self.range_open = True
            return
        if byte != 0x5C:
            self.add(byte)
            return
        if parser.pos >= len(parser.text):
            raise PatternError(r"\ at end of pattern")
        escape = parser.peek()
        if escape == ord("b"):
            parser.pos += 1
            self.add(8)
        elif escape in SET_ESCAPES:
            parser.pos += 1
            self.whole_set(SET_ESCAPES[escape])
        elif escape in b"pP":
            parser.pos += 1
            self.whole_set(parser.category(escape == 0x50))
        else:
            self.add(parser.char_escape(in_class=True))

    def posix(self, end: int) -> None:
        parser = self.parser
        if parser.peek() != 0x3A:
            raise PatternError("POSIX collating elements are not supported")
        parser.pos += 1
        negated = parser.take(b"^")
        mask = _POSIX.get(parser.text[parser.pos : end])
        if mask is None:
            raise PatternError("unknown POSIX class name")
        if parser.options.caseless and mask in (_LOWER, _UPPER):
            mask = _LOWER | _UPPER
        parser.pos = end + 2
        self.whole_set(ANY ^ mask if negated else mask)

    def whole_set(self, mask: int) -> None:
        parser = self.parser
        if self.range_open:
            raise PatternError("invalid range in character class")
        if parser.peek() == 0x2D and parser.peek(1) != 0x5D and parser.pos + 1 < len(parser.text):
            raise PatternError("invalid range in character class")
        self.mask |= mask
        self.last = None

    def add(self, byte: int) -> None:
        if self.range_open and self.last is not None:
            if byte < self.last:
                raise PatternError("range out of order in character class")
            self.mask |= (1 << (byte + 1)) - (1 << self.last)
            self.range_open = False
            self.last = None
        else:
            self.mask |= 1 << byte
            self.last = byte


def read_class(reader: Reader) -> int:
    """Read the inside of ``[...]`` up to and with its ``]``, and return its set of bytes."""
    return _ClassReader(reader).read()
