"""Lines as those of the v1 bindings (tests/data/logs/v1.json: what 24.0.24 printed), and the way onto `logging`."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from pathlib import Path

import pytest

from htcondor_async import Client, HTCondorTypeError, HTCondorValueError, logs
from htcondor_async.enums import LogLevel

VECTORS = json.loads((Path(__file__).parents[2] / "data/logs/v1.json").read_text())
LEVELS = (
    *(0, 1, 2, 4, 9, 11, 14, 11 | 256, 0x400, 0x400 | 11, 256, 0x4000000, 0x8000000, 0x10000000, -0x80000000),
    *(22, 27, 5 | 0x10000000),
)


@pytest.fixture(autouse=True)
def _quiet_afterwards():
    before = logging.getLogger("htcondor_async").level
    yield
    logs.disable_logging()
    assert logging.getLogger("htcondor_async").level == before


def _normal(line):
    line = re.sub(
        r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d(\.\d{3})?", lambda found: "DATE" + (".mmm" if found[1] else ""), line
    )
    line = re.sub(r"^\d{10}(\.\d{3})? ", lambda found: "EPOCH" + (".mmm " if found[1] else " "), line)
    return re.sub(r"\((pid|fd):\d+\)", r"(\1:N)", line)


@pytest.mark.parametrize("row", VECTORS, ids=[row["debug"] or "nothing" for row in VECTORS])
def test_lines_are_those_of_v1(row):
    out = io.StringIO()
    logs.enable_debug(client=Client({"TOOL_DEBUG": row["debug"]}), stream=out)
    for level in LEVELS:
        logs.log(level, f"m{level & 0xFFFFFFFF:x}")
    assert [_normal(line) for line in out.getvalue().splitlines()] == row["lines"]


def test_there_are_vectors():
    assert len(VECTORS) >= 13
    assert sum(len(row["lines"]) for row in VECTORS) > 100


def test_nothing_is_written_before_it_is_enabled(capfd):
    logs.log(LogLevel.Error, "to nobody")
    assert capfd.readouterr() == ("", "")


def test_it_reaches_the_applications_handlers(caplog):
    with caplog.at_level(logging.DEBUG, "htcondor_async"):
        logs.log(LogLevel.Error, "bad")
        logs.log(LogLevel.Always, "so")
        logs.log(LogLevel.Security | LogLevel.Verbose, "key")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "bad"),
        ("INFO", "so"),
        ("DEBUG", "key"),
    ]


def test_the_packages_own_records_have_categories():
    out = io.StringIO()
    logs.enable_debug(client=Client({"TOOL_DEBUG": "D_CAT D_SECURITY"}), stream=out)
    logging.getLogger("htcondor_async.security").debug("handshake")
    logging.getLogger("htcondor_async.schedd").debug("hidden without D_FULLDEBUG")
    logging.getLogger("htcondor_async.schedd").warning("careful")
    assert [line.split(" ", 2)[2] for line in out.getvalue().splitlines()] == [
        "(D_SECURITY) handshake",
        "(D_ALWAYS) careful",
    ]


def test_settings_are_read_when_it_is_enabled_and_the_last_call_holds():
    first, second = io.StringIO(), io.StringIO()
    logs.enable_debug(client=Client({"TOOL_DEBUG": "D_JOB"}), stream=first)
    logs.enable_debug(client=Client({"ALL_DEBUG": "D_PID", "DEFAULT_DEBUG": "D_NETWORK"}), stream=second)
    logs.log(LogLevel.Job, "job")
    logs.log(LogLevel.Network, "net")
    assert first.getvalue() == ""
    assert second.getvalue().endswith(f"(pid:{os.getpid()}) net\n")
    assert second.getvalue().count("\n") == 1


def test_time_format_and_backtrace():
    out = io.StringIO()
    client = Client({"DEBUG_TIME_FORMAT": '"%Y | "', "TOOL_DEBUG": "D_BACKTRACE"})
    logs.enable_debug(client=client, stream=out)
    for _ in range(2):
        logs.log(LogLevel.Always, "here")
    first, *stack, second = out.getvalue().splitlines()
    assert re.fullmatch(r"\d{4} \|  \(bt:[0-9a-f]{4}:\d+\) here", first)
    assert first == second
    assert any("test_time_format_and_backtrace" in line for line in stack)


def test_a_file_that_is_rotated(tmp_path):
    path = tmp_path / "ToolLog"
    client = Client({"TOOL_LOG": str(path), "MAX_TOOL_LOG": "1 Kb"})
    logs.enable_log(client=client)
    for number in range(50):
        logs.log(LogLevel.Always, f"line {number} " + "x" * 40)
    logs.disable_logging()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ToolLog", "ToolLog.old"]
    assert "line 49" in path.read_text()


def test_misuse():
    with pytest.raises(HTCondorValueError, match="TOOL_LOG is not set"):
        logs.enable_log(client=Client({"TOOL_LOG": ""}))
    with pytest.raises(HTCondorValueError, match="not a size"):
        logs.enable_log(client=Client({"TOOL_LOG": "/tmp/x", "MAX_TOOL_LOG": "much"}))
    with pytest.raises(HTCondorTypeError):
        logs.log("D_ALWAYS", "text")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(HTCondorTypeError):
        logs.log(LogLevel.Always, b"text")  # type: ignore[arg-type]  # the point of the test
