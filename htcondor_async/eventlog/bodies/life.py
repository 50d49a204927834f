"""Submitted, running, held, released, suspended, aborted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from htcondor_async.classad import ClassAd, ClassAdParseError
from htcondor_async.eventlog._resources import read_ending, toe_line
from htcondor_async.eventlog._text import Attributes, BodyError, Lines, ad_lines, integer, one_line, whole_line

from ._kind import Kind

__all__ = ["KINDS", "reason_lines"]

_CODE = re.compile(r"\s*Code\s+([+-]?[0-9]{1,18})\s+Subcode\s+([+-]?[0-9]{1,18})")
_NODE = re.compile(r"Node\s+([+-]?[0-9]{1,18}) executing on host: ")


def _plain(text: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(text.encode()))


def reason_lines(title: str, values: Mapping[str, Any]) -> list[str]:
    """Return a title, the reason if there is one, and who ended the job if that is known."""
    lines = [title]
    if values.get("Reason"):
        lines.append(f"\t{one_line(values['Reason'])}")
    toe = values.get("ToE")
    ending = toe_line(toe) if isinstance(toe, Mapping) else None
    if ending is not None:
        lines += ["", one_line(ending)]
    return lines


_WARNED = "WARNING: Committed job submission into the queue with the following warning(s): "
"""What HTCondor writes in front of warnings, and reads as part of them."""


def _put_text(into: Attributes, name: str, text: str | None) -> None:
    if text:
        into[name] = text


def _read_notes(lines: Lines, into: Attributes, prefix: str) -> None:
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("["):
            if "StructuredNotes" in into:
                continue
            into[f"{prefix}LogNotes"] = line
            try:
                into["StructuredNotes"] = ClassAd(line)
            except ClassAdParseError:
                # kept as text: the notes are what somebody wrote
                continue
        elif line.startswith("DAG Node: "):
            into[f"{prefix}LogNotes"] = line
            into["StructuredNotes"] = ClassAd({"DAGNodeName": line[10:].strip()})
        elif line.startswith("WARNING: ") and not prefix:
            into["Warnings"] = line
        elif number <= 2:
            _put_text(into, f"{prefix}{('LogNotes', 'UserNotes')[number - 1]}", line)


def _read_submit(lines: Lines) -> Attributes:
    values: Attributes = {}
    _put_text(values, "SubmitHost", lines.after("Job submitted from host: "))
    _read_notes(lines, values, "")
    return values


def _read_cluster_submit(lines: Lines) -> Attributes:
    values: Attributes = {}
    _put_text(values, "SubmitHost", lines.after("Cluster submitted from host: "))
    # as in v1, these notes are not attributes; they are kept for writing
    _read_notes(lines, values, ".")
    return values


def _write_notes(title: str, values: Mapping[str, Any], prefix: str) -> list[str]:
    lines = [f"{title} {one_line(values.get('SubmitHost', ''))}"]
    notes, structured = values.get(f"{prefix}LogNotes"), values.get("StructuredNotes")
    if not notes and isinstance(structured, Mapping) and structured:
        notes = str(structured if isinstance(structured, ClassAd) else ClassAd(structured))
    user = values.get(f"{prefix}UserNotes")
    if notes:
        lines.append(f"    {one_line(notes)}")
    elif user:
        # its place says what it is, so the first line must be there
        lines.append("    ")
    if user:
        lines.append(f"    {one_line(user)}")
    if values.get("Warnings"):
        lines.append(f"    {_WARNED}{one_line(values['Warnings'])}")
    return lines


def _write_submit(values: Mapping[str, Any]) -> list[str]:
    return _write_notes("Job submitted from host:", values, "")


def _write_cluster_submit(values: Mapping[str, Any]) -> list[str]:
    return _write_notes("Cluster submitted from host:", values, ".")


def _read_properties(lines: Lines, into: Attributes) -> None:
    line = lines.peek()
    if line is not None and line.startswith("\tSlotName:"):
        lines.take()
        name = line.partition(":")[2].strip()
        quoted = len(name) > 1 and name[0] == name[-1] == '"'
        _put_text(into, "SlotName", name[1:-1] if quoted else name)
    properties = ClassAd()
    for line in lines:
        ad = whole_line(line)
        if ad is not None:
            for name in ad:
                properties[name] = ad.lookup(name)
    if properties:
        into["ExecuteProps"] = properties


def _read_execute(lines: Lines) -> Attributes:
    values: Attributes = {}
    _put_text(values, "ExecuteHost", lines.after("Job executing on host: "))
    _read_properties(lines, values)
    return values


def _read_node_execute(lines: Lines) -> Attributes:
    line = lines.need("the node")
    found = _NODE.match(line)
    if found is None:
        raise BodyError(f"expected 'Node N executing on host:', found {line[:80]!r}")
    values: Attributes = {"Node": int(found[1])}
    _put_text(values, "ExecuteHost", line[found.end() :])
    _read_properties(lines, values)
    return values


def _property_lines(values: Mapping[str, Any]) -> list[str]:
    lines = [f"\tSlotName: {one_line(values['SlotName'])}"] if values.get("SlotName") else []
    properties = values.get("ExecuteProps")
    return lines + ad_lines(properties) if isinstance(properties, Mapping) else lines


def _write_execute(values: Mapping[str, Any]) -> list[str]:
    return [f"Job executing on host: {one_line(values.get('ExecuteHost', ''))}", *_property_lines(values)]


def _write_node_execute(values: Mapping[str, Any]) -> list[str]:
    title = f"Node {values.get('Node', -1)} executing on host: {one_line(values.get('ExecuteHost', ''))}"
    return [title, *_property_lines(values)]


def _read_aborted(lines: Lines) -> Attributes:
    lines.after("Job was aborted")
    return _read_reason_and_ending(lines)


def _read_skipped(lines: Lines) -> Attributes:
    lines.after("Dataflow job was skipped.")
    return _read_reason_and_ending(lines)


def _read_reason_and_ending(lines: Lines) -> Attributes:
    values: Attributes = {}
    line = lines.peek()
    if line and not line.startswith("\tJob terminated by "):
        lines.take()
        _put_text(values, "Reason", line.strip())
    read_ending(lines, values)
    return values


def _write_aborted(values: Mapping[str, Any]) -> list[str]:
    return reason_lines("Job was aborted.", values)


def _write_skipped(values: Mapping[str, Any]) -> list[str]:
    return reason_lines("Dataflow job was skipped.", values)


def _read_held(lines: Lines) -> Attributes:
    lines.after("Job was held.")
    values: Attributes = {}
    line = lines.take()
    reason = "" if line is None else line.strip()
    _put_text(values, "HoldReason", None if reason == "Reason unspecified" else reason)
    line = lines.take()
    found = _CODE.match(line) if line is not None else None
    values["HoldReasonCode"], values["HoldReasonSubCode"] = (int(found[1]), int(found[2])) if found else (0, 0)
    return values


def _write_held(values: Mapping[str, Any]) -> list[str]:
    return [
        "Job was held.",
        f"\t{one_line(values.get('HoldReason') or 'Reason unspecified')}",
        f"\tCode {values.get('HoldReasonCode', 0)} Subcode {values.get('HoldReasonSubCode', 0)}",
    ]


def _read_released(lines: Lines) -> Attributes:
    lines.after("Job was released.")
    values: Attributes = {}
    line = lines.take()
    _put_text(values, "Reason", None if line is None else line.strip())
    return values


def _write_released(values: Mapping[str, Any]) -> list[str]:
    return reason_lines("Job was released.", {"Reason": values.get("Reason")})


def _read_suspended(lines: Lines) -> Attributes:
    lines.after("Job was suspended.")
    return {"NumberOfPIDs": integer(lines.after("\tNumber of processes actually suspended:"), "the count of processes")}


def _write_suspended(values: Mapping[str, Any]) -> list[str]:
    count = values.get("NumberOfPIDs", -1)
    return ["Job was suspended.", f"\tNumber of processes actually suspended: {count}"]


def _read_unsuspended(lines: Lines) -> Attributes:
    lines.after("Job was unsuspended.")
    return {}


def _write_unsuspended(_values: Mapping[str, Any]) -> list[str]:
    return ["Job was unsuspended."]


KINDS = {
    0: Kind("SubmitEvent", _read_submit, _write_submit, _plain("Job submitted from host: ")),
    1: Kind("ExecuteEvent", _read_execute, _write_execute, _plain("Job executing on host: ")),
    9: Kind("JobAbortedEvent", _read_aborted, _write_aborted),
    10: Kind(
        "JobSuspendedEvent",
        _read_suspended,
        _write_suspended,
        re.compile(rb"Job was suspended\.[^\n]*\n\tNumber of processes actually suspended: [0-9]{1,18}\r?\n"),
        {"NumberOfPIDs": -1},
    ),
    11: Kind("JobUnsuspendedEvent", _read_unsuspended, _write_unsuspended, _plain("Job was unsuspended.")),
    12: Kind(
        "JobHeldEvent",
        _read_held,
        _write_held,
        _plain("Job was held."),
        {"HoldReasonCode": 0, "HoldReasonSubCode": 0},
    ),
    13: Kind("JobReleaseEvent", _read_released, _write_released, _plain("Job was released.")),
    14: Kind("NodeExecuteEvent", _read_node_execute, _write_node_execute, None, {"Node": -1}),
    35: Kind(
        "ClusterSubmitEvent", _read_cluster_submit, _write_cluster_submit, _plain("Cluster submitted from host: ")
    ),
    46: Kind("DataflowJobSkippedEvent", _read_skipped, _write_skipped),
}
