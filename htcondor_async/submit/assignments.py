"""The lines that a submit description begins with, up to the first that is more than an assignment.

Most descriptions hold nothing but ``name = value`` lines, comments and a QUEUE statement. One expression cuts such
lines out of the text in one go; a line that is anything else, and all after it, is for
:class:`~htcondor_async.submit.reader.DescriptionReader`, which knows the whole language.
"""

from __future__ import annotations

import re

from htcondor_async.config.stream import BLANKS, StreamLimits

from .macros import MacroTable
from .problems import SubmitError

__all__ = ["plain_queue", "take_assignments"]

# A blank line, a comment, or an assignment; else all the rest. A backslash may continue a line, and the last line
# without a newline has rules of its own: both are left to the reader.
_LINE = re.compile(r"[ \t\v\f\r]*(?:(\+?[A-Za-z0-9_./]+)[ \t\v\f\r]*=([^\n\\]*)|#[^\n]*)?\n|([\s\S]+)")
_STATEMENTS = frozenset({"queue", "if", "elif", "else", "endif"})
_QUEUE = re.compile(r"(?:[ \t\v\f\r]*queue([ \t\v\f\r][^\n\\]*)?\n|queue([ \t\v\f\r][^\n\\]*)?\Z)", re.IGNORECASE)
_LONGEST = StreamLimits().line


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
    line = 0
    for name, value, rest in _LINE.findall(text):
        if rest:
            return rest, line
        line += 1
        if not name:
            continue
        value = value.strip(BLANKS)
        lower = name.lower()
        if lower in _STATEMENTS:
            return text.split("\n", line - 1)[-1], line - 1
        if lower in values or lower[0] == "+" or ("$" in value and lower in value.lower()):
            try:
                macros.assign(name, value, line)
            except SubmitError as error:
                raise error.at(line=line) from error.__cause__
        else:
            values[lower] = value
            names[lower] = name
            lines[lower] = line
    return "", line


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
