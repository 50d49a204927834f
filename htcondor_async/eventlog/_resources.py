"""The table of resources at the end of some bodies, and the line on who ended a job.

::

    <tab>Partitionable Resources :    Usage  Request Allocated Assigned
    <tab>   Cpus                 :     0.01        1         1

Columns are found from the title, counted from after its colon [src/condor_utils/condor_event.cpp].
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from htcondor_async.classad import ClassAd

from ._text import Attributes, Lines, constant

__all__ = ["is_table_title", "read_ending", "read_table", "table_lines", "toe_line"]

_TITLES = ("\tPartitionable ", "\tResources")
_UNITS = {
    "Memory": " (MB)",
    "Disk": " (KB)",
    "Gpus": " (Average)",
    "GpusMemory": " (MB)",
    "TimeExecute": " (s)",
    "TimeSlotBusy": " (s)",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z"
_OWN_ACCORD = re.compile(rf"\tJob terminated of its own accord at {_TIME}(?: with (exit-code|signal) ([0-9]{{1,9}}))?")
_BY_OTHERS = re.compile(
    rf"\tJob terminated by (.+?) at (?:{_TIME}|([0-9]{{1,12}})) \(using method ([0-9]{{1,9}}): (.*)\)"
)


def is_table_title(line: str) -> bool:
    """Return whether a line is the title of the table."""
    return line.startswith(_TITLES)


def read_table(title: str, lines: Lines, into: Attributes) -> None:
    """Read the rows below ``title`` up to a line without a colon, which is left, as attributes."""
    edges = _edges(title)
    while (line := lines.peek()) is not None and ":" in line and not line.startswith("\tJob terminated"):
        lines.take()
        label, _colon, cells = line.partition(":")
        tag = label.lstrip("\t ").partition(" ")[0]
        if not tag:
            continue
        for before, after, left, right in edges:
            value = constant(cells[left:right])
            if value is not None:
                into[before + tag + after] = value


@functools.lru_cache(maxsize=256)
def _edges(title: str) -> list[tuple[str, str, int, int | None]]:
    """Return the columns of a table: what stands before and after the resource in the attribute, and the edges."""
    table = title.partition(":")[2]
    words = [found.end() + 1 for found in re.finditer("[^ ]+", table)][:2]
    usage, request = (*words, len(table), len(table))[:2]
    edges: list[tuple[str, str, int, int | None]] = [("", "Usage", 0, usage), ("Request", "", usage, request)]
    allocated = table.find("Allocated", request - 1)
    if allocated >= 0:
        edges.append(("", "", request, allocated + 9))
        assigned = table.find("Assigned", allocated)
        if assigned >= 0:
            edges.append(("Assigned", "", assigned, None))
    return edges


class _Row:
    """One resource: its cells by column, as text."""

    __slots__ = ("cells", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells = ["", "", "", ""]


def table_lines(values: Mapping[str, Any]) -> list[str]:
    """Return resources as the lines of the table; none if there are none."""
    rows: dict[str, _Row] = {}
    fraction = [False] * 4
    for name, value in values.items():
        resource, column = _place(name)
        text = _cell(value)
        if isinstance(value, float) and not value.is_integer():
            fraction[column] = True
        rows.setdefault(resource.lower(), _Row(resource)).cells[column] = text
    if not rows:
        return []
    for row in rows.values():
        for column in range(4):
            if fraction[column] and row.cells[column].isdigit():
                row.cells[column] += "   "
    used, asked, given, assigned = (max(len(row.cells[column]) for row in rows.values()) for column in range(4))
    used, asked = max(used, 8), max(asked, 8)
    label = max(12, *(len(row.name) for row in rows.values())) + 8
    titles = ("Allocated" if given or assigned else "", "Assigned" if assigned else "")
    given = max(given, 9)
    lines = [f"\tPartitionable Resources : {'Usage':>{used}} {'Request':>{asked}} {titles[0]:>{given}} {titles[1]}"]
    for key in sorted(rows):
        name, cells = rows[key].name, rows[key].cells
        name += _UNITS.get(name, "")
        lines.append(f"\t   {name:<{label}} : {cells[0]:>{used}} {cells[1]:>{asked}} {cells[2]:>{given}} {cells[3]}")
    return lines


def _place(name: str) -> tuple[str, int]:
    """Return the resource that an attribute is about, and its column."""
    if name.startswith("Request"):
        return name[7:], 1
    if name.startswith("Assigned"):
        return name[8:], 3
    for ending in ("AverageUsage", "Usage"):
        if name.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)], 0
    return name, 2


def _cell(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        whole = abs(value) < 1e15 and value == int(value)
        return str(int(value)) if whole else f"{value:.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ClassAd({"X": value}).print_old().strip().partition(" = ")[2]


def read_ending(lines: Lines, into: Attributes) -> None:
    """Read what may follow: a blank line, and the line that says who ended the job (``ToE``)."""
    line = lines.peek()
    if line == "":
        lines.take()
        line = lines.peek()
    if line is None or not line.startswith("\tJob terminated"):
        return
    lines.take()
    found = _OWN_ACCORD.match(line)
    if found is not None:
        values: dict[str, Any] = {"Who": "itself", "How": "OF_ITS_OWN_ACCORD", "HowCode": 0}
        values["When"] = _seconds(found.groups()[:6])
        if values["When"] is None:
            return
        if found[7]:
            by_signal = found[7] == "signal"
            values["ExitBySignal"] = by_signal
            values["ExitSignal" if by_signal else "ExitCode"] = int(found[8])
        into["ToE"] = ClassAd(values)
        return
    found = _BY_OTHERS.match(line)
    when = None if found is None else int(found[8]) if found[8] else _seconds(found.groups()[1:7])
    if found is not None and when is not None:
        into["ToE"] = ClassAd({"Who": found[1], "How": found[10], "HowCode": int(found[9]), "When": when})


def _seconds(fields: tuple[str | Any, ...]) -> int | None:
    """Return seconds since 1970, or None if there is no such day: what follows the body proper spoils no event."""
    year, month, day, hour, minute, second = map(int, fields)
    try:
        start = datetime(year, month, day, tzinfo=timezone.utc)
    except ValueError:
        return None
    return int((start - _EPOCH).total_seconds()) + hour * 3600 + minute * 60 + second


def toe_line(toe: Mapping[str, Any]) -> str | None:
    """Return the line on who ended a job, or None if the ad does not say it."""
    when, who, code = toe.get("When"), toe.get("Who"), toe.get("HowCode")
    if not isinstance(when, int) or not isinstance(who, str) or not isinstance(code, int):
        return None
    try:
        at = (_EPOCH + timedelta(seconds=when)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None
    if who != "itself":
        return f"\tJob terminated by {who} at {at} (using method {code}: {toe.get('How', '')})."
    ended = ""
    if "ExitBySignal" in toe:
        by_signal = bool(toe["ExitBySignal"])
        number = toe.get("ExitSignal" if by_signal else "ExitCode", 0)
        ended = f" with {'signal' if by_signal else 'exit-code'} {number}"
    return f"\tJob terminated of its own accord at {at}{ended}."
