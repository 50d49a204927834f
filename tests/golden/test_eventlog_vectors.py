"""What the bindings 24.0.24 made of 174 job event logs, against what this package does.

Each place where the two differ is in ``tests/data/eventlog_deviations.json``, with what both have there and why.
"""

from __future__ import annotations

import json

import pytest
from helpers import event_logs

LOGS = sorted(event_logs.DATA.glob("*.log"))
WRITTEN = json.loads(event_logs.DEVIATIONS.read_text())


@pytest.mark.parametrize("log", LOGS, ids=[log.stem for log in LOGS])
def test_log(log):
    recording = log.with_suffix(".json")
    clock = event_logs.FixedClock(event_logs.zone_of(recording))
    got = [event_logs.outcome(found) for found in event_logs.decoded(log.read_bytes(), clock)]
    found = event_logs.differences(got, event_logs.recorded(recording))
    expected = [
        {key: value for key, value in entry.items() if key != "reason"} for entry in WRITTEN["logs"].get(log.stem, [])
    ]
    assert found == expected


def test_the_list_of_deviations():
    """Each has a reason, no reason is left over, and the list names only logs that there are."""
    used = {entry["reason"] for entries in WRITTEN["logs"].values() for entry in entries}
    assert used == WRITTEN["reasons"].keys()
    assert WRITTEN["logs"].keys() <= {log.stem for log in LOGS}
    assert len(LOGS) == 174


@pytest.mark.parametrize("log", LOGS, ids=[log.stem for log in LOGS])
def test_what_the_newer_bindings_read_is_read(log):
    """Where v1 gives fewer events than the bindings 25.14.1, all of theirs are among ours."""
    path = log.parent / f"{log.stem}.v2.json"
    newer = json.loads(path.read_text())
    if "events" not in newer:
        # an event number that their enumeration lacks
        assert "is not a valid JobEventType" in newer["dump_error"]
        return
    theirs = [
        (event["type_number"], event["cluster"], event["proc"])
        for event in newer["events"]
        if "stop" not in event and "error" not in event
    ]
    found = event_logs.decoded(log.read_bytes())
    ours = [(e.number, e.cluster, e.proc) for e in found if isinstance(e, event_logs.JobEvent)]
    remaining = iter(ours)
    assert all(event in remaining for event in theirs)
