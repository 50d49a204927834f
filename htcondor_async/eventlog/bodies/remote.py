"""Errors, lost connections and grid resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from htcondor_async.eventlog._text import Attributes, BodyError, Lines, one_line

from ._kind import Kind

__all__ = ["KINDS"]

_CODE = re.compile(r"Code\s+([+-]?[0-9]{1,18})\s+Subcode\s+([+-]?[0-9]{1,18})")
_RECONNECTING = "    Trying to reconnect to "
_GIVING_UP = "    Can not reconnect to "


def _read_remote_error(lines: Lines) -> Attributes:
    line = lines.need("who reports the error").strip()
    kind, found, source = line.partition(" from ")
    if not found:
        raise BodyError(f"expected who reports the error, found {line[:80]!r}")
    values: Attributes = {}
    daemon, found, host = source.strip().partition(" on ")
    if found and daemon.strip():
        values["Daemon"] = daemon.strip()
    else:
        host = source
    host = host.strip()
    host = host[:-1] if host.endswith(":") else host
    if host:
        values["ExecuteHost"] = host
    # the writer says "Message" where it is not critical, the reader of HTCondor knows only "Warning"
    if kind.strip() in ("Warning", "Message"):
        values["CriticalError"] = 0
    texts: list[str] = []
    for line in lines:
        text = line[1:] if line.startswith("\t") else line
        code = _CODE.match(text)
        if code is not None:
            if int(code[1]):
                values["HoldReasonCode"], values["HoldReasonSubCode"] = int(code[1]), int(code[2])
            break
        if texts or text:
            texts.append(text)
    if texts:
        values["ErrorMsg"] = "\n".join(texts)
    return values


def _write_remote_error(values: Mapping[str, Any]) -> list[str]:
    kind = "Error" if values.get("CriticalError", 1) else "Message"
    lines = [f"{kind} from {one_line(values.get('Daemon', ''))} on {one_line(values.get('ExecuteHost', ''))}:"]
    message = str(values.get("ErrorMsg", ""))
    lines += [f"\t{one_line(line)}" for line in message.removesuffix("\n").split("\n")] if message else []
    if values.get("HoldReasonCode"):
        lines.append(f"\tCode {values['HoldReasonCode']} Subcode {values.get('HoldReasonSubCode', 0)}")
    return lines


def _indented(lines: Lines, what: str) -> str:
    line = lines.need(what)
    if not line.startswith("    ") or len(line) == 4:
        raise BodyError(f"expected {what}, found {line[:80]!r}")
    return line[4:]


def _read_disconnected(lines: Lines) -> Attributes:
    lines.need("the title")
    reason = _indented(lines, "the reason")
    name, found, address = lines.after(_RECONNECTING).partition(" ")
    if not found:
        raise BodyError("the address of the startd is missing")
    return {
        "DisconnectReason": reason,
        "StartdName": name,
        "StartdAddr": address,
        "EventDescription": "Job disconnected, attempting to reconnect",
    }


def _write_disconnected(values: Mapping[str, Any]) -> list[str]:
    return [
        "Job disconnected, attempting to reconnect",
        f"    {one_line(_needed(values, 'DisconnectReason'))}",
        f"{_RECONNECTING}{one_line(_needed(values, 'StartdName'))} {one_line(_needed(values, 'StartdAddr'))}",
    ]


def _needed(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise BodyError(f"an event of this kind has the attribute {name}")
    return value


def _read_reconnected(lines: Lines) -> Attributes:
    return {
        "StartdName": lines.after("Job reconnected to "),
        "StartdAddr": lines.after("    startd address: "),
        "StarterAddr": lines.after("    starter address: "),
        "EventDescription": "Job reconnected",
    }


def _write_reconnected(values: Mapping[str, Any]) -> list[str]:
    return [
        f"Job reconnected to {one_line(_needed(values, 'StartdName'))}",
        f"    startd address: {one_line(_needed(values, 'StartdAddr'))}",
        f"    starter address: {one_line(_needed(values, 'StarterAddr'))}",
    ]


def _read_not_reconnected(lines: Lines) -> Attributes:
    lines.need("the title")
    reason = _indented(lines, "the reason")
    name, found, _rest = lines.after(_GIVING_UP).partition(",")
    if not found:
        raise BodyError("the name of the startd is missing")
    return {
        "Reason": reason,
        "StartdName": name,
        "EventDescription": "Job reconnect impossible: rescheduling job",
    }


def _write_not_reconnected(values: Mapping[str, Any]) -> list[str]:
    return [
        "Job reconnection failed",
        f"    {one_line(_needed(values, 'Reason'))}",
        f"{_GIVING_UP}{one_line(_needed(values, 'StartdName'))}, rescheduling job",
    ]


def _grid(my_type: str, title: str, *names: str) -> Kind:
    def read(lines: Lines) -> Attributes:
        lines.after(title)
        values = {name: lines.after(f"    {name}: ") for name in names}
        return {name: value for name, value in values.items() if value}

    def write(values: Mapping[str, Any]) -> list[str]:
        return [title, *(f"    {name}: {one_line(values.get(name) or 'UNKNOWN')}" for name in names)]

    return Kind(my_type, read, write)


KINDS = {
    21: Kind("RemoteErrorEvent", _read_remote_error, _write_remote_error),
    22: Kind(
        "JobDisconnectedEvent",
        _read_disconnected,
        _write_disconnected,
        None,
        {"EventDescription": "Job disconnected, attempting to reconnect"},
    ),
    23: Kind(
        "JobReconnectedEvent", _read_reconnected, _write_reconnected, None, {"EventDescription": "Job reconnected"}
    ),
    24: Kind(
        "JobReconnectFailedEvent",
        _read_not_reconnected,
        _write_not_reconnected,
        None,
        {"EventDescription": "Job reconnect impossible: rescheduling job"},
    ),
    25: _grid("GridResourceUpEvent", "Grid Resource Back Up", "GridResource"),
    26: _grid("GridResourceDownEvent", "Detected Down Grid Resource", "GridResource"),
    27: _grid("GridSubmitEvent", "Job submitted to grid resource", "GridResource", "GridJobId"),
}
