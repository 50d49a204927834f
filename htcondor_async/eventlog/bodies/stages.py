"""What happens while a job runs: sizes, file transfers, changed attributes, job ads, free texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from htcondor_async.classad import ClassAd
from htcondor_async.eventlog._text import (
    HIDDEN,
    Attributes,
    BodyError,
    Lines,
    ad_lines,
    constant,
    integer,
    one_line,
    parsed_line,
    value_in,
)

from ._kind import Kind

__all__ = ["KINDS"]

_SIZE = re.compile(r"\s*([+-]?[0-9]{1,18})\s+-\s*([A-Za-z]+)")
_SIZES = {name.lower(): name for name in ("MemoryUsage", "ResidentSetSize", "ProportionalSetSize")}
_TRANSFERS = (
    "Entered queue to transfer input files",
    "Started transferring input files",
    "Finished transferring input files",
    "Entered queue to transfer output files",
    "Started transferring output files",
    "Finished transferring output files",
)
_QUEUED = "\tSeconds spent in queue: "
_HOST = "\tTransferring to host: "
_COMMON_FILES = "Common files event: "
_COMMON_TEXTS = {
    "none": "NONE",
    "transferqueued": "Entered queue to transfer common files",
    "transferstarted": "Started transferring common files",
    "transferfinished": "Finished transferring common files",
    "waitstarted": "Started waiting for previous job to transfer common files",
    "waitfinished": "Finished waitiing for previous job to transfer common files",
}
_CHANGING = re.compile(r"Changing job attribute (\S+) from (.*)")
_SETTING = re.compile(r"Setting job attribute (\S+) to (.*)")
_OLD_VALUE = f"{HIDDEN}OldValue"
_AS_WRITTEN = f"{HIDDEN}Ad"


def _read_image_size(lines: Lines) -> Attributes:
    values: Attributes = {"Size": integer(lines.after("Image size of job updated: "), "the size"), "ResidentSetSize": 0}
    for line in lines:
        found = _SIZE.match(line)
        name = _SIZES.get(found[2].lower()) if found else None
        if found is None or name is None:
            break
        values[name] = int(found[1])
    return {name: value for name, value in values.items() if value >= 0 or name == "ResidentSetSize"}


def _write_image_size(values: Mapping[str, Any]) -> list[str]:
    lines = [f"Image size of job updated: {values.get('Size', -1)}"]
    for name, unit in (("MemoryUsage", "MB"), ("ResidentSetSize", "KB"), ("ProportionalSetSize", "KB")):
        value = values.get(name, -1)
        if isinstance(value, int) and value >= 0:
            lines.append(f"\t{value}  -  {name} of job ({unit})")
    return lines


def _read_generic(lines: Lines) -> Attributes:
    line = lines.take()
    return {"Info": line} if line else {}


def _write_generic(values: Mapping[str, Any]) -> list[str]:
    return [one_line(values.get("Info", ""))]


def _read_job_ad(lines: Lines) -> Attributes:
    lines.after("Job ad information event triggered.")
    whole = ClassAd()
    for line in lines:
        ad = parsed_line(line)
        if ad is None:
            raise BodyError(f"expected an attribute, found {line[:80]!r}")
        whole.update(ad)
    if not len(whole):
        raise BodyError("a job ad without attributes")
    values: Attributes = {name: value_in(whole, name) for name in whole}
    # expressions are evaluated, and written as they were
    values[_AS_WRITTEN] = whole
    return values


def _write_job_ad(values: Mapping[str, Any]) -> list[str]:
    own = values.get(_AS_WRITTEN) or {name: value for name, value in values.items() if name[:1] != HIDDEN}
    return ["Job ad information event triggered.", *ad_lines(own, "")]


def _title_only(title: str, my_type: str = "FutureEvent", head: bool = False) -> Kind:
    def read(lines: Lines) -> Attributes:
        lines.after(title)
        return {"EventHead": title} if head else {}

    def write(_values: Mapping[str, Any]) -> list[str]:
        return [title]

    return Kind(my_type, read, write, re.compile(re.escape(title.encode())))


def _is_expression(text: str) -> bool:
    return constant(text) is not None


def _read_update(lines: Lines) -> Attributes:
    line = lines.need("the attribute")
    found = _SETTING.match(line)
    if found is not None:
        return {"Attribute": found[1], "Value": found[2]}
    found = _CHANGING.match(line)
    pairs = _splits(found[2]) if found is not None else []
    if found is None or not pairs:
        if not line.strip():
            raise BodyError("expected what was changed in which attribute")
        # as HTCondor: the event counts, though it does not say what changed
        named = re.match(r"Changing job attribute (\S+)", line)
        return {"Attribute": named[1] if named else "", "Value": ""}
    old, new = next((pair for pair in pairs[:64] if all(map(_is_expression, pair))), pairs[0])
    return {"Attribute": found[1], "Value": new, _OLD_VALUE: old}


def _splits(text: str) -> list[tuple[str, str]]:
    """Return all ways to take ``text`` as ``OLD to NEW``: a value may hold the word itself."""
    return [(text[: found.start()], text[found.end() :]) for found in re.finditer(" to (?=.)", text)]


def _write_update(values: Mapping[str, Any]) -> list[str]:
    name, new = one_line(values.get("Attribute", "")), one_line(values.get("Value", ""))
    if _OLD_VALUE in values:
        return [f"Changing job attribute {name} from {one_line(values[_OLD_VALUE])} to {new}"]
    return [f"Setting job attribute {name} to {new}"]


def _read_transfer(lines: Lines) -> Attributes:
    line = lines.need("the stage of the transfer")
    if line not in _TRANSFERS:
        raise BodyError(f"no stage of a file transfer: {line[:80]!r}")
    values: Attributes = {"Type": _TRANSFERS.index(line) + 1}
    line = lines.take() or ""
    if line.startswith(_QUEUED):
        digits = line[len(_QUEUED) :]
        if not re.fullmatch("[+-]?[0-9]{1,18}", digits):
            raise BodyError(f"the seconds in the queue are no number: {digits[:40]!r}")
        values["QueueingDelay"] = int(digits)
        line = lines.take() or ""
    if line.startswith(_HOST) and line[len(_HOST) :]:
        values["Host"] = line[len(_HOST) :]
    return values


def _write_transfer(values: Mapping[str, Any]) -> list[str]:
    stage = values.get("Type")
    if not isinstance(stage, int) or not 1 <= stage <= len(_TRANSFERS):
        raise BodyError(f"no stage of a file transfer: {stage!r}")
    lines = [_TRANSFERS[stage - 1]]
    if values.get("QueueingDelay", -1) != -1:
        lines.append(f"{_QUEUED}{values['QueueingDelay']}")
    if values.get("Host"):
        lines.append(f"{_HOST}{one_line(values['Host'])}")
    return lines


def _read_common_files(lines: Lines) -> Attributes:
    line = lines.need("the stage of the transfer")
    _before, found, stage = line.partition(_COMMON_FILES)
    if not found or not stage:
        raise BodyError(f"expected {_COMMON_FILES!r}, found {line[:80]!r}")
    return {"Type": stage}


def _write_common_files(values: Mapping[str, Any]) -> list[str]:
    stage = one_line(values.get("Type", "None"))
    text = _COMMON_TEXTS.get(stage.lower())
    return [f"{_COMMON_FILES}{stage}", *([f"\t{text}"] if text else [])]


_ANY_TRANSFER = b"|".join(re.escape(text.encode()) for text in _TRANSFERS)
KINDS = {
    6: Kind(
        "JobImageSizeEvent",
        _read_image_size,
        _write_image_size,
        re.compile(rb"Image size of job updated: [0-9]{1,18}\r?\n"),
        {"ResidentSetSize": 0},
    ),
    8: Kind("GenericEvent", _read_generic, _write_generic, re.compile(b"")),
    28: Kind("JobAdInformationEvent", _read_job_ad, _write_job_ad),
    29: _title_only("The job's remote status is unknown"),
    30: _title_only("The job's remote status is known again"),
    31: _title_only("Job is performing stage-in of input files", head=True),
    32: _title_only("Job is performing stage-out of output files", head=True),
    33: Kind("AttributeUpdateEvent", _read_update, _write_update),
    40: Kind(
        "FileTransferEvent",
        _read_transfer,
        _write_transfer,
        re.compile(rb"(?:" + _ANY_TRANSFER + rb")\r?\n(?!\tSeconds spent in queue: (?![0-9]{1,18}\r?\n))"),
    ),
    47: Kind("CommonFilesEvent", _read_common_files, _write_common_files),
}
