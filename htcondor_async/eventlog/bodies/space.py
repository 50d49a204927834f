"""Reserved space and files kept in it.

HTCondor writes a line break before the first of these lines, and its own reader then refuses the event; here both
forms are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from htcondor_async.eventlog._text import Attributes, BodyError, Lines, integer, one_line

from ._kind import Kind

__all__ = ["KINDS"]

_NUMBERS = ("ReservedSpace", "ExpirationTime", "Size")


def _kind(my_type: str, *fields: tuple[str, str]) -> Kind:
    """Return the kind whose body has a line ``label: value`` for each of ``fields`` (attribute, label)."""

    def read(lines: Lines) -> Attributes:
        if lines.peek() == "":
            lines.take()
        values: Attributes = {}
        for name, label in fields:
            line = lines.need(label).removeprefix("\t")
            if not line.startswith(f"{label}:"):
                raise BodyError(f"expected {label!r}, found {line[:80]!r}")
            text = line[len(label) + 1 :].removeprefix(" ")
            values[name] = integer(text, label) if name in _NUMBERS else text
        return values

    def write(values: Mapping[str, Any]) -> list[str]:
        lines = [""]
        for name, label in fields:
            lines.append(f"\t{label}: {one_line(values.get(name, 0 if name in _NUMBERS else ''))}")
        return lines

    return Kind(my_type, read, write, None, {name: 0 if name in _NUMBERS else "" for name, _label in fields})


_SIZE = ("Size", "Bytes")
_SUM = (("Checksum", "Checksum Value"), ("ChecksumType", "Checksum Type"))
KINDS = {
    41: _kind(
        "ReserveSpaceEvent",
        ("ReservedSpace", "Bytes reserved"),
        ("ExpirationTime", "Reservation Expiration"),
        ("UUID", "Reservation UUID"),
        ("Tag", "Tag"),
    ),
    42: _kind("ReleaseSpaceEvent", ("UUID", "Reservation UUID")),
    43: _kind("FileCompleteEvent", _SIZE, *_SUM, ("UUID", "UUID")),
    44: _kind("FileUsedEvent", *_SUM, ("Tag", "Tag")),
    45: _kind("FileRemovedEvent", _SIZE, *_SUM, ("Tag", "Tag")),
}
