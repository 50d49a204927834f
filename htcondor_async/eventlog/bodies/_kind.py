"""The entry of one event number in the table of kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from htcondor_async.eventlog._text import Attributes, Lines

__all__ = ["Kind"]


@attrs.frozen
class Kind:
    """What is known of one event number.

    Parameters
    ----------
    my_type
        The value of ``MyType``.
    read
        Takes the lines of a body and returns its attributes; raises ``BodyError``.
    write
        Takes attributes and returns the lines of a body.
    check
        Matches at the start of a body only if ``read`` is sure to accept it: such a body is read when it is looked at.
        Without a pattern, or where it does not match, bodies are read at once.
    defaults
        What an event has although its XML or JSON form may lack it.
    peek
        Attributes that are often asked for alone: a pattern that finds the attribute in a body that ``check`` matches,
        and what makes its value of the first group.
    """

    my_type: str
    read: Callable[[Lines], Attributes]
    write: Callable[[Mapping[str, Any]], list[str]]
    check: re.Pattern[bytes] | None = None
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    peek: Mapping[str, tuple[re.Pattern[bytes], Callable[[bytes], Any]]] = attrs.field(factory=dict)
