"""Words of the ClassAd language: patterns, escapes, numbers.

There are two positions in an expression: where an operand must come, and after one, where an operator may come.  A
minus belongs to a number only in the first.  Each position has one pattern; :mod:`._parser` matches it at each step.

Old syntax differs from new in strings alone: its single escape is a backslash before a quote.
"""

from __future__ import annotations

import re

from ._errors import ClassAdParseError

__all__ = [
    "OPERAND_NEW",
    "OPERAND_OLD",
    "OPERATOR",
    "RESERVED",
    "SKIP",
    "describe",
    "lex_number",
    "meets_end",
    "parse_error",
    "read_through",
    "unescape_json",
    "unescape_new",
    "unescape_old",
]

_SPACE = r"[ \t\n\v\f\r]"
# A comment must not be cut short to let something in it match.
_SKIP = rf"{_SPACE}*(?:(?://[^\n]*(?![^\n])|/\*(?:[^*]|\*(?!/))*\*/){_SPACE}*)*"
_IDENT = r"[A-Za-z_][A-Za-z0-9_]*"
_NEW_DOUBLE = r'"(?:[^"\\]|\\.)*"'
_NEW_SINGLE = r"'(?:[^'\\]|\\.)*'"
_OLD_DOUBLE = r'"(?:[^"]|(?<=\\)"(?=[^\n]))*(?:(?<!\\)"|(?<=\\)"(?=\n|\Z))'
_OLD_SINGLE = r"'(?:[^']|(?<=\\)'(?=[^\n]))*(?:(?<!\\)'|(?<=\\)'(?=\n|\Z))"

# Groups of the operand patterns, by number (``match.lastindex``).
IDENT, INTEGER, STRING, QUOTED, PUNCT, NUMBER = 1, 2, 3, 4, 5, 6


def _operand(double: str, single: str, concatenated: bool) -> re.Pattern[str]:
    more = f"(?:{_SPACE}*%s)*" if concatenated else ""
    return re.compile(
        rf"{_SKIP}(?:({_IDENT})|(-?(?:0|[1-9][0-9]*)(?![0-9.eExX]))"
        rf"|({double}{more % double if more else ''})|({single}{more % single if more else ''})"
        r"|([+!~(\[{}\])]|-(?![0-9]|\.[0-9])|\.\.?(?![0-9.]))"
        r"|(-?\.?[0-9]|\.\.[0-9]))",
        re.DOTALL,
    )


OPERAND_NEW = _operand(_NEW_DOUBLE, _NEW_SINGLE, True)
OPERAND_OLD = _operand(_OLD_DOUBLE, _OLD_SINGLE, False)
OPERATOR = re.compile(
    # Longer operators stand before those they begin with.
    rf"{_SKIP}(&&?|\|\|?|==|\.\.?(?![0-9])|[-+*%^:;,\])}}\[(]|>>>|>>|>=?|<[<=]?|!=|=\?=|=!=|=|\?:?|/(?![/*])"
    r"|[iI][sS](?:[nN][tT])?(?![A-Za-z0-9_]))"
)
SKIP = re.compile(_SKIP)
_TOKEN = re.compile(rf"{_IDENT}|[0-9]+|.", re.DOTALL)

RESERVED = frozenset({"is", "isnt", "true", "false", "error", "undefined"})
RESERVED_JSON = frozenset({"is", "isnt", "true", "false", "error", "null"})

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\([0-3][0-7]{0,2}|[4-7][0-7]?|.)", re.DOTALL)


def _escape_new(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] in "01234567":
        code = int(escape, 8)
        if code == 0:
            raise ValueError("a string cannot contain a NUL")
        return chr(code) if code < 128 else chr(0xDC00 + code)
    return _SIMPLE.get(escape, escape)


def rejoin(text: str) -> str:
    """Return ``text`` with bytes that were written one by one put together to characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def unescape_new(raw: str) -> str:
    """Return the text of a new-syntax string or quoted name.

    :param raw: the literal with its quotes; adjacent literals are one.
    :raises ValueError: it contains a NUL.
    """
    body = raw[1:-1]
    delim = raw[0]
    if delim in body:
        body = _join_adjacent(body, delim)
    return unescape_text(body)


def unescape_text(body: str) -> str:
    """Return ``body`` with new-syntax escapes resolved; raises ValueError for a NUL."""
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(_escape_new, body)
    return text if text.isascii() else rejoin(text)


def _join_adjacent(body: str, delim: str) -> str:
    """Return the contents of adjacent literals as one content, escapes not yet resolved."""
    parts: list[str] = []
    position = start = 0
    length = len(body)
    while position < length:
        char = body[position]
        if char == "\\":
            position += 2
        elif char == delim:
            parts.append(body[start:position])
            position = start = body.index(delim, position + 1) + 1
        else:
            position += 1
    parts.append(body[start:])
    return "".join(parts)


def unescape_old(raw: str) -> str:
    """Return the text of an old-syntax string or quoted name, given with its quotes."""
    body = raw[1:-1]
    delim = raw[0]
    return body.replace("\\" + delim, delim) if delim in body else body


_JSON_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_JSON_ESCAPE = re.compile(r"\\(u(?:[0-9a-fA-F]{4})?|.)", re.DOTALL)


def _byte(code: int) -> str:
    code &= 0xFF
    return chr(code) if code < 128 else chr(0xDC00 + code)


def _escape_json(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] != "u":
        return _JSON_SIMPLE.get(escape, escape)
    code = int(escape[1:], 16) if len(escape) == 5 else 0
    if code == 0:
        raise ValueError("not a character escape that a string can hold")
    # The bytes HTCondor 24 makes of an escaped character above 127 are not UTF-8; they are reproduced here.
    if code >= 0x800:
        return _byte(code >> 12) + _byte((code >> 6) | 0x11) + _byte(code | 0x11)
    if code >= 0x80:
        return _byte(code >> 6) + _byte(code & 0x11)
    return chr(code)


def unescape_json(body: str) -> str:
    """Return the text of a JSON string, given without its quotes; raises ValueError for a bad escape."""
    if "\\" not in body:
        return body
    text = _JSON_ESCAPE.sub(_escape_json, body)
    return text if text.isascii() else rejoin(text)


_NUMBER = re.compile(
    r"""(?P<hex>-?0[xX][0-9a-fA-F]*)(?P<hexfrac>\.[0-9]+(?:[eE][+-]?[0-9]+)?)?
      | -?[0-9]+(?P<frac>\.[0-9]*)?(?P<exp>[eE](?P<digits>[+-]?[0-9]*))?
      | (?P<dots>-?\.|\.\.)[0-9]+(?P<exp2>[eE](?P<digits2>[+-]?[0-9]*))?""",
    re.VERBOSE,
)
_MAX = 0x7FFFFFFFFFFFFFFF


def integer(digits: str) -> int:
    """Return a decimal integer literal; one that does not fit 64 bits is 0, as in HTCondor."""
    number = int(digits) if len(digits) <= 20 else 0
    return number if -_MAX - 1 <= number <= _MAX else 0


def lex_number(text: str, position: int, *, json: bool = False) -> tuple[int | float, int]:
    """Return the number at ``position`` (after any spaces) and where it ends.

    Octal and hexadecimal integers are errors, as in any process that has loaded HTCondor's Python module; behind a
    minus they pass, and are then read as decimal.

    :raises ClassAdParseError: it is not a number.
    """
    match = _NUMBER.match(text, position)
    if match is None:
        raise parse_error(text, position, "a number")
    end = match.end()
    whole = match.group()
    if match["hex"]:
        if match["hex"][-1] in "xX":
            raise parse_error(text, position, "hexadecimal digits", end)
        if match["hexfrac"]:
            # What looks like an exponent are hexadecimal digits, up to a sign.
            return float.fromhex(re.split(r"(?<=.)[+-]", whole)[0]), end
        if text[end : end + 1] == "." or whole[0] == "0":
            raise parse_error(text, position, "a decimal number", end)
        return 0, end
    if match["dots"] is not None:
        if match["exp2"] and (not match["digits2"] or match["digits2"] in "+-"):
            raise parse_error(text, position, "an exponent", end)
        return (0.0 if match["dots"] == ".." else float(whole)), end
    if match["exp"] and (not match["digits"] or match["digits"] in "+-"):
        raise parse_error(text, position, "an exponent", end)
    if match["frac"] is not None:
        if match["frac"] == ".":
            raise parse_error(text, position, "digits after the point", end)
        return float(whole), end
    if match["exp"]:
        return float(whole), end
    digits = whole.lstrip("-")
    if len(digits) > 1 and digits[0] == "0" and (whole[0] == "0" or digits.strip("01234567")):
        raise parse_error(text, position, "a decimal number without leading zeros", end)
    return integer(whole), end


def describe(text: str, position: int) -> str:
    """Return what stands at ``position`` in words for a message."""
    if position >= len(text):
        return "the end"
    if text.startswith("/*", position):
        return "a comment that does not end"
    if text[position] in "\"'":
        return "a string that does not end or has an invalid escape"
    match = _TOKEN.match(text, position)
    token = match.group() if match else text[position]
    return f"'{token[:40]}'"


def parse_error(text: str, position: int, expected: str, end: int | None = None) -> ClassAdParseError:
    """Return the error for a fault at ``position``: it says line, column, what was found and what was expected."""
    skip = SKIP.match(text, position)
    if end is None and skip is not None:
        position = skip.end()
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    found = describe(text, position) if end is None else f"'{text[position:end][:40]}'"
    error = ClassAdParseError(
        f"line {line}, column {column}: found {found}, expected {expected}", line, column, found, expected
    )
    error.position = position
    return error


_ANY_STRING = re.compile(rf"(?:{_NEW_DOUBLE}|{_NEW_SINGLE}){_SPACE}*", re.DOTALL)
_LOOKAHEAD = re.compile(r"[<>=!]=|&&|\|\||<<|>>>|=\?=?|=!=|\?:|>>|[&|<>=!?/.-]")


_WORD = re.compile(_IDENT)
_CLOSED = frozenset({"&&", "||", "<=", ">=", "==", "!=", "<<", ">>>", "=?=", "=!=", "?:"})


def word_end(text: str, position: int) -> tuple[int, bool]:
    """Return where the word at ``position`` ends, and whether HTCondor's lexer has then read one character more."""
    end = len(text)
    if position >= end or text.startswith("/*", position):
        return end, False
    if text[position] in "\"'":
        match = _ANY_STRING.match(text, position)
        return (end, False) if match is None else (match.end(), True)
    word = _WORD.match(text, position) or _NUMBER.match(text, position)
    if word is not None:
        return word.end(), True
    match = _LOOKAHEAD.match(text, position)
    if match is None:
        return position + 1, False
    if match.group() == "-":
        # Only where a number may begin is there more to see.
        before = text[:position].rstrip()[-1:] or " "
        return match.end(), not (before.isalnum() or before in "_)]}\"'")
    return match.end(), match.group() not in _CLOSED


def read_through(text: str, position: int) -> int:
    """Return how many characters HTCondor's lexer has read when it has taken the word at ``position``.

    Where its readers stop at faulty text, whether they report the fault depends on this.
    """
    end, ahead = word_end(text, position)
    return min(len(text), end + 1) if ahead else end


def meets_end(text: str, position: int) -> bool:
    """Return whether HTCondor's lexer has looked beyond the end of ``text`` when it has taken the word at ``position``.

    Where a file ends so, HTCondor takes what is faulty for its end.
    """
    size = len(text)
    end, ahead = word_end(text, position)
    return end >= size and (ahead or position >= size or text[position] in "\"'/")
