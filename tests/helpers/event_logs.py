"""Recorded job event logs, what the bindings make of them, and what this package does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from htcondor_async.classad import ClassAd, ExprTree, Value
from htcondor_async.eventlog import BadRecord, EventDecoder, JobEvent, Limits

DATA = Path(__file__).parents[1] / "data" / "eventlog"
DEVIATIONS = DATA.parent / "eventlog_deviations.json"
NOW = 1798761600.0
"""The end of 2026, the year in which the bindings read the dates without a year."""


class FixedClock:
    """A clock that stands still, in a zone."""

    def __init__(self, zone: str = "UTC", now: float = NOW) -> None:
        self._zone = ZoneInfo(zone)
        self._now = now

    def now(self) -> float:
        return self._now

    def utc_offset(self, when: datetime) -> timedelta:
        return when.astimezone(self._zone).utcoffset() or timedelta(0)


CLOCK = FixedClock()


def plain(value: Any) -> Any:
    """Return a value as the recordings have it."""
    if isinstance(value, ClassAd):
        return {name: plain(value[name]) for name in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, ExprTree):
        return {"__expr__": str(value)}
    if isinstance(value, Value):
        return {"__classad_value__": str(value)}
    return value


def outcome(found: JobEvent | BadRecord) -> dict[str, Any]:
    """Return an event, or an error, in the form of the recordings."""
    if isinstance(found, BadRecord):
        return {"error_offset": found.end}
    attributes = {
        name: {"type": "dict" if isinstance(value, ClassAd) else type(value).__name__, "value": plain(value)}
        for name, value in found.items()
    }
    return {
        "type_number": int(found.type),
        "cluster": found.cluster,
        "proc": found.proc,
        "timestamp": found.timestamp,
        "attributes": attributes,
        "str": str(found),
    }


def decoded(data: bytes, clock: FixedClock = CLOCK, limits: Limits | None = None) -> list[JobEvent | BadRecord]:
    """Return what a whole file holds."""
    decoder = EventDecoder(clock, limits=limits)
    decoder.feed(data)
    found = []
    while (one := decoder.next(at_end=True)) is not None:
        found.append(one)
    return found


def recorded(path: Path) -> list[dict[str, Any]]:
    """Return what a recording of the bindings holds beside the ends of iterations."""
    wanted = []
    for event in json.loads(path.read_text())["events"]:
        if "error" in event:
            wanted.append({"error_offset": int(event["error"][1].rsplit(" ", 1)[1])})
        elif "stop" not in event:
            wanted.append({key: value for key, value in event.items() if key != "type"})
    return wanted


def zone_of(path: Path) -> str:
    zone: str = json.loads(path.read_text()).get("tz", "UTC")
    return zone


def differences(got: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return where two lists of outcomes differ: number, field, and what each has there."""
    found: list[dict[str, Any]] = []
    for number in range(max(len(got), len(wanted))):
        ours = got[number] if number < len(got) else None
        theirs = wanted[number] if number < len(wanted) else None
        if ours is None or theirs is None or ours.keys() != theirs.keys():
            found.append({"event": number, "ours": _brief(ours), "theirs": _brief(theirs)})
            continue
        for key in ours:
            if key != "attributes":
                if ours[key] != theirs[key]:
                    found.append({"event": number, "field": key, "ours": ours[key], "theirs": theirs[key]})
                continue
            for name in sorted(ours[key].keys() | theirs[key].keys()):
                if ours[key].get(name) != theirs[key].get(name):
                    pair = {"ours": _value(ours[key].get(name)), "theirs": _value(theirs[key].get(name))}
                    found.append({"event": number, "attribute": name, **pair})
    return found


def _value(entry: dict[str, Any] | None) -> Any:
    return "(absent)" if entry is None else entry["value"]


def _brief(event: dict[str, Any] | None) -> Any:
    """Return enough of an event to know it by."""
    if event is None or "type_number" not in event:
        return event
    return [event["type_number"], event["cluster"], event["proc"], event["timestamp"], event["str"]]
