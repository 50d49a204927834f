"""Events whose number has no form of its own here, and those of execution points: a title, and attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from htcondor_async.classad import ClassAd
from htcondor_async.eventlog._text import HIDDEN, Attributes, Lines, ad_lines, one_line, parsed_line, value_in

from ._kind import Kind

__all__ = ["FIRST_EP", "FUTURE", "FUTURE_KINDS"]

FIRST_EP = 100
"""The first number of the events that an execution point writes; their header names slots instead of a job."""

_OWN = {"eventtypenumber", "mytype", "eventtime", "cluster", "proc", "subproc", "slotid", "dslotid", "eventhead"}
_PAYLOAD = f"{HIDDEN}Payload"
_EP_TYPES = (
    "EPStartupEvent",
    "EPReadyEvent",
    "EPReconfigEvent",
    "EPShutdownEvent",
    "RequestClaimEvent",
    "ReleaseClaimEvent",
    "ActivateClaimEvent",
    "DeactivateClaimEvent",
    "VacateClaimEvent",
    "DrainEvent",
    "ResourceBreakEvent",
    "ResourceMendEvent",
    "EPFutureEvent",
)


def _read(lines: Lines) -> Attributes:
    values: Attributes = {"EventHead": lines.take() or ""}
    payload = list(lines)
    whole = ClassAd()
    for line in payload:
        ad = parsed_line(line) if line.strip() else None
        if ad is not None:
            whole.update(ad)
    values.update({name: value_in(whole, name) for name in whole if name.lower() not in _OWN})
    if payload:
        # lines that are no attributes are kept for writing
        values[_PAYLOAD] = payload
    return values


def _write(values: Mapping[str, Any]) -> list[str]:
    lines = [one_line(values.get("EventHead", ""))]
    if _PAYLOAD in values:
        return lines + list(values[_PAYLOAD])
    own = {name: value for name, value in values.items() if name.lower() not in _OWN and name[:1] != HIDDEN}
    return lines + (ad_lines(own, "") if own else [])


_ANY = re.compile(b"")
FUTURE = Kind("FutureEvent", _read, _write, _ANY, {"EventHead": ""})
FUTURE_KINDS = {FIRST_EP + i: Kind(name, _read, _write, _ANY, {"EventHead": ""}) for i, name in enumerate(_EP_TYPES)}
