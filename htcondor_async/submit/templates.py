"""Submit templates: ``use TEMPLATE : Name(arguments)`` and their ``$(1)`` [src/condor_utils/config.cpp]."""

from __future__ import annotations

import re

from .problems import SubmitError

__all__ = ["STRICT", "expand_arguments", "split_uses"]

_KEYS = (
    "SubmitWarnEmptyMatches",
    "SubmitFailEmptyMatches",
    "SubmitWarnDuplicateMatches",
    "SubmitFailEmptyFields",
    "SubmitWarnEmptyFields",
)


def _strict(*values: str) -> str:
    return "\n".join(f"{key} = {value}" for key, value in zip(_KEYS, values, strict=True))


STRICT = {
    "FALSE": _strict("false", "false", "false", "false", "false"),
    "TRUE": _strict("true", "true", "true", "false", "true"),
    "HARSH": _strict("true", "true", "true", "true", "true"),
}

_ARGUMENT = re.compile(r"\$\((\d{1,9})([?#+]*)(?::((?:\([^)]*\)|[^)(]|\()*?))?\)")
_LIMIT = 10_000


def _close(text: str, start: int) -> int:
    """Return the position of the parenthesis that closes the one at ``start``, or -1."""
    stack: list[str] = []
    for position in range(start, len(text)):
        char = text[position]
        if char in "([":
            stack.append(")" if char == "(" else "]")
        elif stack and char == stack[-1]:
            stack.pop()
            if not stack:
                return position
    return -1


def split_uses(text: str) -> list[tuple[str, str]]:
    """Return the names listed after ``use CATEGORY :``, each with the text of its arguments."""
    found: list[tuple[str, str]] = []
    position = 0
    while True:
        match = re.compile(r"[\s,]*([^\s,(]+)\s*").match(text, position)
        if match is None:
            return found
        name, position, arguments = match[1], match.end(), ""
        if text.startswith("(", position):
            end = _close(text, position)
            if end < 0:
                raise SubmitError(f"the arguments of {name} have no closing parenthesis")
            arguments, position = text[position + 1 : end], end + 1
        found.append((name, arguments))


def expand_arguments(text: str, arguments: str) -> str:
    """Replace ``$(1)`` and its relatives in the text of a template.

    ``$(n)`` is argument n, ``$(n:default)`` with a default, ``$(0)`` all of them, ``$(0#)`` their number, ``$(n?)`` 1
    or 0 for whether there is one, ``$(n+)`` argument n and those after it.
    """
    values = [value.strip() for value in arguments.split(",") if value.strip()]
    rest = arguments.split(",")

    def value(match: re.Match[str]) -> str:
        index, flags, default = int(match[1]), match[2], match[3]
        many = flags[:1] in ("#", "+")
        if index == 0:
            found = str(len(values)) if many else arguments
        elif many:
            found = ",".join(rest[index - 1 :]) if index <= len(rest) else ""
            found = found if found.strip() or default is None else default
        elif index <= len(values):
            found = values[index - 1]
        else:
            found = default if default is not None else ""
        found = found.strip()
        return ("1" if found else "0") if flags[:1] == "?" else found

    for _ in range(_LIMIT):
        match = _ARGUMENT.search(text)
        if match is None:
            return text
        text = text[: match.start()] + value(match) + text[match.end() :]
        if len(text) > 4 * 1024 * 1024:
            break
    raise SubmitError("the arguments of a template refer to themselves")
