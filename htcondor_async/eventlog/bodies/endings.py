"""Checkpointed, evicted, terminated: what a job used, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from htcondor_async.eventlog._resources import is_table_title, read_ending, read_table, table_lines, toe_line
from htcondor_async.eventlog._text import NO_USAGE, Attributes, BodyError, Lines, byte_count, one_line, read_usage

from ._kind import Kind

__all__ = ["KINDS"]

_INT = r"([+-]?[0-9]{1,18})"
_EVICTED = re.compile(rf"Job was evicted\.(?:\s+Code {_INT} Subcode {_INT})?")
_TEXT = re.compile(rf"\t\({_INT}\)\s*([A-Za-z].*)")
_NORMAL = re.compile(rf"Normal termination \(return value {_INT}\)")
_ABNORMAL = re.compile(rf"Abnormal termination \(signal {_INT}\)")
_EXECUTABLE = re.compile(rf"\({_INT}\)")
_NODE = re.compile(rf"Node {_INT} terminated\.")
_REQUEUED = "Job terminated and was requeued"
_USAGES = (
    ("RunRemoteUsage", "Run Remote Usage"),
    ("RunLocalUsage", "Run Local Usage"),
    ("TotalRemoteUsage", "Total Remote Usage"),
    ("TotalLocalUsage", "Total Local Usage"),
)
_BYTES = (
    ("SentBytes", "Run Bytes Sent By "),
    ("ReceivedBytes", "Run Bytes Received By "),
    ("TotalSentBytes", "Total Bytes Sent By "),
    ("TotalReceivedBytes", "Total Bytes Received By "),
)
_CHECKPOINT_BYTES = "Run Bytes Sent By Job For Checkpoint"
_COMMON = ("EventTypeNumber", "MyType", "EventTime", "Cluster", "Proc", "Subproc", "Node")
_KNOWN = {
    *_COMMON,
    *(name for name, _label in (*_USAGES, *_BYTES)),
    *("TerminatedNormally", "ReturnValue", "TerminatedBySignal", "CoreFile", "ToE"),
    *("Checkpointed", "TerminatedAndRequeued", "Reason", "ReasonCode", "ReasonSubCode"),
}
_NO_USAGES: dict[str, Any] = {name: NO_USAGE for name, _label in _USAGES}
_NO_BYTES: dict[str, Any] = {name: 0.0 for name, _label in _BYTES}


def _read_termination(lines: Lines, into: Attributes) -> None:
    line = lines.need("the way of termination")
    found = _TEXT.match(line)
    if found is None:
        raise BodyError(f"expected the way of termination, found {line[:80]!r}")
    normal = int(found[1]) != 0
    into["TerminatedNormally"] = normal
    value = (_NORMAL if normal else _ABNORMAL).match(found[2])
    if value is None:
        raise BodyError(f"the way of termination does not parse: {line[:80]!r}")
    into["ReturnValue" if normal else "TerminatedBySignal"] = int(value[1])


def _read_core(lines: Lines, into: Attributes) -> None:
    if into["TerminatedNormally"]:
        return
    line = lines.need("the core file").strip()
    if line.startswith("(1) Corefile in: "):
        into["CoreFile"] = line[17:]
    elif not line.startswith("(0)"):
        raise BodyError(f"expected the core file, found {line[:80]!r}")


def _termination_lines(values: Mapping[str, Any], core: bool = True) -> list[str]:
    if values.get("TerminatedNormally"):
        return [f"\t(1) Normal termination (return value {values.get('ReturnValue', -1)})"]
    lines = [f"\t(0) Abnormal termination (signal {values.get('TerminatedBySignal', -1)})"]
    if core:
        file = values.get("CoreFile")
        lines.append(f"\t(1) Corefile in: {one_line(file)}" if file else "\t(0) No core file")
    return lines


def _usage_lines(values: Mapping[str, Any], count: int, indent: str = "\t\t") -> list[str]:
    return [f"{indent}{one_line(values.get(name, NO_USAGE))}  -  {label}" for name, label in _USAGES[:count]]


def _bytes_of(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, 0.0)
    return f"{value if isinstance(value, (int, float)) else 0.0:.0f}"


def _byte_lines(values: Mapping[str, Any], count: int, whose: str) -> list[str]:
    return [f"\t{_bytes_of(values, name)}  -  {label}{whose}" for name, label in _BYTES[:count]]


def _resources_of(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _KNOWN and name[:1] != "."}


def _read_checkpointed(lines: Lines) -> Attributes:
    lines.after("Job was checkpointed.")
    values: Attributes = {name: read_usage(lines, label) for name, label in _USAGES[:2]}
    values["SentBytes"] = 0.0
    if lines.peek() is not None:
        sent = byte_count(lines.take(), _CHECKPOINT_BYTES)
        if sent is None:
            raise BodyError("expected the bytes sent for the checkpoint")
        values["SentBytes"] = sent
    return values


def _write_checkpointed(values: Mapping[str, Any]) -> list[str]:
    sent = f"\t{_bytes_of(values, 'SentBytes')}  -  {_CHECKPOINT_BYTES}"
    return ["Job was checkpointed.", *_usage_lines(values, 2, "\t"), sent]


def _read_evicted(lines: Lines) -> Attributes:
    line = lines.need("the title")
    title = _EVICTED.match(line)
    if title is None:
        raise BodyError(f"expected 'Job was evicted.', found {line[:80]!r}")
    line = lines.need("the checkpoint")
    text = _TEXT.match(line)
    if text is None:
        raise BodyError(f"expected whether there is a checkpoint, found {line[:80]!r}")
    requeued = text[2].startswith(_REQUEUED)
    values: Attributes = {
        "Checkpointed": int(text[1]) != 0,
        "TerminatedAndRequeued": requeued,
        "TerminatedNormally": False,
        **{name: read_usage(lines, label) for name, label in _USAGES[:2]},
        "SentBytes": 0.0,
        "ReceivedBytes": 0.0,
    }
    for name, code in (("ReasonCode", title[1]), ("ReasonSubCode", title[2])):
        if code and int(code):
            values[name] = int(code)
    for name, label in _BYTES[:2]:
        count = byte_count(lines.peek(), label)
        if count is None:
            return values
        lines.take()
        values[name] = count
    if requeued:
        _read_termination(lines, values)
        _read_core(lines, values)
    rest = lines.take()
    if rest is not None and not is_table_title(rest):
        reason = rest[9:] if rest.startswith("\tReason: ") else rest.strip()
        if reason:
            values["Reason"] = reason
        rest = lines.take()
    if rest is not None and is_table_title(rest):
        read_table(rest, lines, values)
    return values


def _write_evicted(values: Mapping[str, Any]) -> list[str]:
    code = values.get("ReasonCode", 0)
    lines = [f"Job was evicted. Code {code} Subcode {values.get('ReasonSubCode', 0)}" if code else "Job was evicted."]
    requeued = values.get("TerminatedAndRequeued")
    if requeued:
        lines.append(f"\t(0) {_REQUEUED}")
    else:
        lines.append("\t(1) Job was checkpointed." if values.get("Checkpointed") else "\t(0) CPU times")
    lines += _usage_lines(values, 2)
    lines += _byte_lines(values, 2, "Job")
    if requeued:
        lines += _termination_lines(values)
    if values.get("Reason"):
        lines.append(f"\t{'' if requeued else 'Reason: '}{one_line(values['Reason'])}")
    return lines + table_lines(_resources_of(values))


def _read_ended(lines: Lines, values: Attributes, whose: str) -> Attributes:
    _read_termination(lines, values)
    _read_core(lines, values)
    for name, label in _USAGES:
        values[name] = read_usage(lines, label)
    values.update(_NO_BYTES)
    while (line := lines.peek()) is not None:
        for name, label in _BYTES:
            count = byte_count(line, label + whose)
            if count is not None:
                values[name] = count
                break
        else:
            break
        lines.take()
    if line is not None and is_table_title(line):
        lines.take()
        read_table(line, lines, values)
    read_ending(lines, values)
    return values


def _ended_lines(title: str, values: Mapping[str, Any], whose: str) -> list[str]:
    lines = [title, *_termination_lines(values), *_usage_lines(values, 4), *_byte_lines(values, 4, whose)]
    lines += table_lines(_resources_of(values))
    toe = values.get("ToE")
    ending = toe_line(toe) if isinstance(toe, Mapping) else None
    return lines if ending is None else [*lines, "", one_line(ending)]


def _read_terminated(lines: Lines) -> Attributes:
    lines.after("Job terminated.")
    return _read_ended(lines, {}, "Job")


def _write_terminated(values: Mapping[str, Any]) -> list[str]:
    return _ended_lines("Job terminated.", values, "Job")


def _read_node_terminated(lines: Lines) -> Attributes:
    line = lines.need("the title")
    found = _NODE.match(line)
    if found is None:
        raise BodyError(f"expected 'Node N terminated.', found {line[:80]!r}")
    return _read_ended(lines, {"Node": int(found[1]), "ReturnValue": -1, "TerminatedBySignal": -1}, "Node")


def _write_node_terminated(values: Mapping[str, Any]) -> list[str]:
    return _ended_lines(f"Node {values.get('Node', 0)} terminated.", values, "Node")


def _read_post_script(lines: Lines) -> Attributes:
    lines.after("POST Script terminated.")
    values: Attributes = {}
    _read_termination(lines, values)
    line = (lines.take() or "").strip()
    if line.startswith("DAG Node: ") and line[10:]:
        values["DAGNodeName"] = line[10:]
    return values


def _write_post_script(values: Mapping[str, Any]) -> list[str]:
    lines = ["POST Script terminated.", *_termination_lines(values, core=False)]
    if values.get("DAGNodeName"):
        lines.append(f"    DAG Node: {one_line(values['DAGNodeName'])}")
    return lines


def _read_executable_error(lines: Lines) -> Attributes:
    line = lines.need("the number of the error")
    found = _EXECUTABLE.match(line)
    if found is None:
        raise BodyError(f"expected '(N)', found {line[:80]!r}")
    return {"ExecuteErrorType": int(found[1])}


def _write_executable_error(values: Mapping[str, Any]) -> list[str]:
    number = values.get("ExecuteErrorType", -1)
    texts = {0: "Job file not executable.", 1: "Job not properly linked for Condor."}
    return [f"({number}) {texts.get(number, '[Bad error number.]')}"]


def _read_shadow_exception(lines: Lines) -> Attributes:
    lines.after("Shadow exception!")
    line = lines.take()
    values: Attributes = {"Message": (line or "").strip(), "SentBytes": 0.0, "ReceivedBytes": 0.0}
    for name, _label in _BYTES[:2]:
        # as HTCondor reads it: the order tells which of the two it is
        count = byte_count(lines.take())
        if count is None:
            break
        values[name] = count
    return values


def _write_shadow_exception(values: Mapping[str, Any]) -> list[str]:
    return ["Shadow exception!", f"\t{one_line(values.get('Message', ''))}", *_byte_lines(values, 2, "Job")]


_TIMES = rb"[0-9]{1,9} [0-9]{1,9}:[0-9]{1,9}:[0-9]{1,9}"
_USAGE_LINE = rb"\t\t?Usr " + _TIMES + rb", Sys " + _TIMES + rb"[^\n]*\n"
_ENDED = (
    rb"\t\((?:1\) Normal termination \(return value -?[0-9]{1,18}\)[^\n]*\n"
    rb"|0\) Abnormal termination \(signal -?[0-9]{1,18}\)[^\n]*\n\t\((?:0\)|1\) Corefile in: )[^\n]*\n)"
) + _USAGE_LINE * 4
_PEEK: dict[str, tuple[re.Pattern[bytes], Callable[[bytes], Any]]] = {
    "ReturnValue": (re.compile(rb"[^\n]*\n\t\(1\) Normal termination \(return value (-?[0-9]+)"), int),
    "TerminatedNormally": (re.compile(rb"[^\n]*\n\t\(([01])\) "), b"1".__eq__),
    "TerminatedBySignal": (re.compile(rb"[^\n]*\n\t\(0\) Abnormal termination \(signal (-?[0-9]+)"), int),
}
KINDS = {
    2: Kind("ExecutableErrorEvent", _read_executable_error, _write_executable_error),
    3: Kind(
        "CheckpointedEvent",
        _read_checkpointed,
        _write_checkpointed,
        None,
        {"RunRemoteUsage": NO_USAGE, "RunLocalUsage": NO_USAGE, "SentBytes": 0.0},
    ),
    4: Kind(
        "JobEvictedEvent",
        _read_evicted,
        _write_evicted,
        None,
        {
            "Checkpointed": False,
            "TerminatedAndRequeued": False,
            "TerminatedNormally": False,
            "RunRemoteUsage": NO_USAGE,
            "RunLocalUsage": NO_USAGE,
            "SentBytes": 0.0,
            "ReceivedBytes": 0.0,
        },
    ),
    5: Kind(
        "JobTerminatedEvent",
        _read_terminated,
        _write_terminated,
        re.compile(rb"Job terminated\.[^\n]*\n" + _ENDED),
        {"TerminatedNormally": False, **_NO_USAGES, **_NO_BYTES},
        _PEEK,
    ),
    7: Kind(
        "ShadowExceptionEvent",
        _read_shadow_exception,
        _write_shadow_exception,
        re.compile(rb"Shadow exception!"),
        {"Message": "", "SentBytes": 0.0, "ReceivedBytes": 0.0},
    ),
    15: Kind(
        "NodeTerminatedEvent",
        _read_node_terminated,
        _write_node_terminated,
        None,
        {
            "Node": -1,
            "TerminatedNormally": False,
            "ReturnValue": -1,
            "TerminatedBySignal": -1,
            **_NO_USAGES,
            **_NO_BYTES,
        },
    ),
    16: Kind("PostScriptTerminatedEvent", _read_post_script, _write_post_script, None, {"TerminatedNormally": False}),
}
