"""The lines that a submit description begins with, up to the first that is more than an assignment.

Most descriptions hold nothing but ``name = value`` lines, comments and a QUEUE statement. Those are taken here; a line
that is anything else, and all after it, is for :class:`~htcondor_async.submit.reader.DescriptionReader`, which knows
the whole language.
"""

from __future__ import annotations

import re

from htcondor_async.config.stream import BLANKS, StreamLimits

from .macros import MacroTable
from .problems import SubmitError

__all__ = ["plain_queue", "take_assignments"]

# A blank line, a comment, or an assignment. A backslash may continue a line, and the last line without a newline has
# rules of its own: both are left to the reader.
_LINE = re.compile(r"[ \t\v\f\r]*(?:(\+?[A-Za-z0-9_./]+)[ \t\v\f\r]*=[^\\]*|#.*)?", re.DOTALL)
_STATEMENTS = frozenset({"queue", "if", "elif", "else", "endif"})
_QUEUE = re.compile(r"(?:[ \t\v\f\r]*queue([ \t\v\f\r][^\n\\]*)?\n|queue([ \t\v\f\r][^\n\\]*)?\Z)", re.IGNORECASE)
_LONGEST = StreamLimits().line
_AT_ONCE = 1000  # lines; items may follow QUEUE by the million


def take_assignments(text: str, macros: MacroTable) -> tuple[str, int]:
    """Put the plain assignments at the start of a description into a table.

    Parameters
    ----------
    text
        The description.
    macros
        The table to fill.

    Returns
    -------
    tuple
        The text that is left, and the number of lines before it.

    Raises
    ------
    SubmitError
        A value refers to itself without end.
    """
    if len(text) > _LONGEST:
        # perhaps with a line that is too long, which the reader finds
        return text, 0
    values, names, lines = macros.values, macros.names, macros.lines
    usual = text.isascii() and "\\" not in text
    found = text.split("\n", _AT_ONCE)
    rest = found.pop()
    number = 0
    for line in found:
        number += 1
        name, equals, value = line.partition("=")
        name = name.strip(BLANKS)
        lower = name.lower()
        if not (usual and equals and lower.isidentifier()):  # which has no '+', '.' or '/'
            match = _LINE.fullmatch(line)
            if match is None:
                return "\n".join([*found[number - 1 :], rest]), number - 1
            if not match[1]:
                continue
        if lower in _STATEMENTS:
            return "\n".join([*found[number - 1 :], rest]), number - 1
        value = value.strip(BLANKS)
        if lower in values or lower[0] == "+" or ("$" in value and lower in value.lower()):
            try:
                macros.assign(name, value, number)
            except SubmitError as error:
                raise error.at(line=number) from error.__cause__
        else:
            values[lower] = value
            names[lower] = name
            lines[lower] = number
    return rest, number


def plain_queue(text: str) -> tuple[str, str] | None:
    """Return the arguments of the QUEUE statement that a text begins with, and what follows it.

    None if the text begins with anything else, or the statement goes on in the next line.
    """
    match = _QUEUE.match(text)
    if match is None or len(text) > _LONGEST:
        return None
    # blanks at the end of a last line without a newline belong to the arguments
    arguments = match[1].rstrip(BLANKS) if match[1] else match[2] or ""
    return arguments.lstrip(), text[match.end() :]
