"""Arguments and environments of jobs as text: the old form (V1) and the new one (V2).

V2 puts blanks between items; within single quotes blanks belong to the item, and two single quotes are one.
"""

from __future__ import annotations

__all__ = [
    "format_v1",
    "format_v2",
    "parse_v1",
    "parse_v2",
    "read_environment_v1",
    "read_environment_v2",
    "write_environment",
]

_BLANKS = " \t\n\r"
_DELIMITERS = "!#$%&*+,-/:;<>?@^`|~\x1f"


def parse_v1(text: str) -> list[str]:
    """Return the arguments of a V1 text: what is between blanks."""
    for blank in _BLANKS[1:]:
        text = text.replace(blank, " ")
    return [item for item in text.split(" ") if item]


def parse_v2(text: str) -> list[str] | None:
    """Return the items of a V2 text, or None if a quote is not closed."""
    items: list[str] = []
    current: list[str] | None = None
    at, end = 0, len(text)
    while at < end:
        char = text[at]
        at += 1
        if char in _BLANKS:
            if current is not None:
                items.append("".join(current))
                current = None
            continue
        if current is None:
            current = []
        if char != "'":
            current.append(char)
            continue
        while True:
            close = text.find("'", at)
            if close < 0:
                return None
            current.append(text[at:close])
            at = close + 1
            if text[at : at + 1] != "'":
                break
            current.append("'")
            at += 1
    if current is not None:
        items.append("".join(current))
    return items


def format_v1(items: list[str]) -> str | None:
    """Return arguments as V1 text, or None if one has a blank in it."""
    result = ""
    for item in items:
        if any(blank in item for blank in _BLANKS):
            return None
        # An empty argument is lost, but for the blank before it.
        result += " " + item if result else item
    return result


def format_v2(items: list[str]) -> str:
    """Return items as V2 text."""
    result = ""
    for item in items:
        if result:
            result += " "
        if not item:
            result += "''"
        for char in item:
            if char in _BLANKS or char == "'":
                # A quoted part that ends here is continued.
                result = result[:-1] if result.endswith("'") else result + "'"
                result += "''" if char == "'" else char
                result += "'"
            else:
                result += char
    return result


def _set(variables: dict[str, str | None], entry: str) -> bool:
    """Take one ``NAME=value``; an entry with ``$$`` and no ``=`` is kept as it is (value None)."""
    name, equals, value = entry.partition("=")
    if not equals and "$$" in entry:
        variables[entry] = None
        return True
    if not equals or not name:
        return False
    variables[name] = value
    return True


def read_environment_v1(text: str, variables: dict[str, str | None]) -> bool:
    """Add the variables of a V1 text; returns False at an entry that is none.

    The text may begin with its delimiter, a punctuation character; it is ``;`` otherwise.  A line end delimits too.
    """
    if not text:
        return True
    delimiter = ";"
    if text[0] in _DELIMITERS:
        delimiter = text[0]
        text = text[1:]
    for entry in text.replace(delimiter, "\n").split("\n"):
        stripped = entry.lstrip(_BLANKS)
        if stripped and not _set(variables, stripped):
            return False
    return True


def read_environment_v2(text: str, variables: dict[str, str | None]) -> bool:
    """Add the variables of a V2 text; returns False if it has a fault."""
    items = parse_v2(text)
    return items is not None and all(_set(variables, item) for item in items)


def write_environment(variables: dict[str, str | None]) -> str:
    """Return variables as V2 text, sorted by the bytes of their names."""
    ordered = sorted(variables.items(), key=lambda pair: pair[0].encode("utf-8", "surrogateescape"))
    return format_v2([name if value is None else f"{name}={value}" for name, value in ordered])
