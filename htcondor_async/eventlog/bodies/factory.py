"""Clusters that make their jobs one after another, and nodes of a DAG that are skipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from htcondor_async.eventlog._text import Attributes, BodyError, Lines, one_line

from ._kind import Kind

__all__ = ["KINDS"]

_PROGRESS = re.compile(r"\s*Materialized\s+([+-]?[0-9]{1,18}) jobs from ([+-]?[0-9]{1,18}) items\.\s*(.*)")
_ERROR = re.compile(r"error\s*([+-]?[0-9]{1,18})?", re.IGNORECASE)
_CODES = re.compile(r"(PauseCode|HoldCode) +([+-]?[0-9]{1,18})")


def _read_skip(lines: Lines) -> Attributes:
    lines.need("the title")
    notes = lines.need("the notes").strip()
    if not notes:
        raise BodyError("the notes are empty")
    return {"SkipEventLogNotes": notes}


def _write_skip(values: Mapping[str, Any]) -> list[str]:
    notes = one_line(values.get("SkipEventLogNotes", ""))
    if not notes:
        raise BodyError("an event of this kind has the attribute SkipEventLogNotes")
    return ["PRE script return value is PRE_SKIP value", f"    {notes}"]


def _completion(text: str) -> int:
    found = _ERROR.match(text)
    if found is not None:
        code = int(found[1] or 0)
        return code if code < 0 else -1
    lower = text.lower()
    return 1 if lower.startswith("complete") else 2 if lower.startswith("paused") else 0


def _read_remove(lines: Lines) -> Attributes:
    values: Attributes = {"NextProcId": 0, "NextRow": 0, "Completion": 0}
    line = lines.take() or ""
    if "remove" in line or "Remove" in line:
        line = lines.take() or ""
    rest = line.strip()
    found = _PROGRESS.match(line)
    if found is not None:
        values["NextProcId"], values["NextRow"] = int(found[1]), int(found[2])
        rest = found[3]
    values["Completion"] = _completion(rest)
    notes = (lines.take() or "").lstrip()
    if notes:
        values["Notes"] = notes
    return values


def _write_remove(values: Mapping[str, Any]) -> list[str]:
    code = values.get("Completion", 0)
    ended = f"Error {code}" if code < 0 else "Complete" if code == 1 else "Paused" if code >= 2 else "Incomplete"
    progress = f"\tMaterialized {values.get('NextProcId', 0)} jobs from {values.get('NextRow', 0)} items.\t{ended}"
    return ["Cluster removed", progress, *([f"\t{one_line(values['Notes'])}"] if values.get("Notes") else [])]


def _read_paused(lines: Lines) -> Attributes:
    values: Attributes = {"PauseCode": 0, "HoldCode": 0}
    line = lines.take() or ""
    if "pause" in line or "Pause" in line:
        line = lines.take() or ""
    if line.strip():
        values["Reason"] = line.lstrip()
    for line in lines:
        found = _CODES.findall(line)
        if not found:
            break
        values.update({name: int(number) for name, number in found})
    return values


def _write_paused(values: Mapping[str, Any]) -> list[str]:
    reason, pause, hold = values.get("Reason", ""), values.get("PauseCode", 0), values.get("HoldCode", 0)
    lines = ["Job Materialization Paused"]
    if reason or pause or hold:
        lines.append(f"\t{one_line(reason)}")
    lines += [f"\tPauseCode {pause}"] if pause else []
    return lines + ([f"\tHoldCode {hold}"] if hold else [])


def _read_resumed(lines: Lines) -> Attributes:
    line = lines.take() or ""
    if "resume" in line or "Resume" in line:
        line = lines.take() or ""
    return {"Reason": line.lstrip()} if line.strip() else {}


def _write_resumed(values: Mapping[str, Any]) -> list[str]:
    return ["Job Materialization Resumed", *([f"\t{one_line(values['Reason'])}"] if values.get("Reason") else [])]


KINDS = {
    34: Kind("FutureEvent", _read_skip, _write_skip),
    36: Kind("ClusterRemoveEvent", _read_remove, _write_remove, None, {"NextProcId": 0, "NextRow": 0, "Completion": 0}),
    37: Kind("FactoryPausedEvent", _read_paused, _write_paused, None, {"PauseCode": 0, "HoldCode": 0}),
    38: Kind("FactoryResumedEvent", _read_resumed, _write_resumed),
}
