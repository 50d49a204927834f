"""Job event logs: a million events read, against the v1 bindings 24.0.24, and a thousand logs followed by one task.

    python benchmarks/eventlog.py [--events 1000000] [--logs 1000] [--rounds 3]

The log is of jobs that are submitted, run, change their size and end with a table of resources. Read are the kind of
each event, and three attributes of each fourth. Prints medians and the ratio to v1, writes
benchmarks/results/eventlog.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from _pool import interpreters

from htcondor_async.eventlog import format_event

HERE = Path(__file__).resolve().parent
ADDRESS = "<192.0.2.10:9618?addrs=192.0.2.10-9618&alias=ap.example.org&noUDP&sock=schedd_1_2>"
USAGE = "Usr 0 00:01:02, Sys 0 00:00:03"


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        return 1_700_000_000.0

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)


def write_log(path: Path, events: int) -> None:
    ended = {
        **dict.fromkeys(("RunRemoteUsage", "RunLocalUsage", "TotalRemoteUsage", "TotalLocalUsage"), USAGE),
        **dict.fromkeys(("SentBytes", "ReceivedBytes", "TotalSentBytes", "TotalReceivedBytes"), 1234.0),
        "TerminatedNormally": True,
        "ReturnValue": 0,
        "Cpus": 1,
        "RequestCpus": 1,
        "CpusUsage": 0.25,
        "Memory": 128,
        "RequestMemory": 128,
        "MemoryUsage": 3,
    }
    kinds: list[tuple[int, dict[str, Any]]] = [
        (0, {"SubmitHost": ADDRESS}),
        (1, {"ExecuteHost": ADDRESS, "SlotName": "slot1_2@ep.example.org", "ExecuteProps": {"Cpus": 1, "Memory": 128}}),
        (6, {"Size": 45, "MemoryUsage": 5, "ResidentSetSize": 4788}),
        (5, ended),
    ]
    texts = [format_event(kind, 111, 222, 1_700_000_000, values, Clock()) for kind, values in kinds]
    with path.open("wb") as file:
        for number in range(events // len(texts)):
            file.write(b"".join(texts).replace(b"(111.222.", b"(%03d.%03d." % (number // 100 + 1, number % 100)))


def run(command: list[str], *arguments: str) -> dict[str, Any]:
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG="/dev/null")
    line = [*command, str(HERE / "_eventlog_child.py"), *arguments]
    ended = subprocess.run(line, capture_output=True, text=True, env=environ, timeout=900, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{line} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--logs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sides = {
        "v1": ([interpreters()["v1"]], "v1"),
        "async": ([sys.executable], "async"),
        "sync": ([sys.executable, "-m", "htcondor_sync"], "v1"),
    }
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "job.log"
        write_log(log, options.events)
        for turn in range(options.rounds):
            for side in sorted(sides, reverse=turn % 2 == 1):
                command, how = sides[side]
                runs[side].append(run(command, how, str(log)))
        log.unlink()
        many = run([sys.executable], "follow", folder, str(options.logs))
    medians = {
        side: {name: statistics.median(one[name] for one in found) for name in found[0]} for side, found in runs.items()
    }
    counts = {found["events"] for found in medians.values()}
    if len(counts) != 1:
        raise SystemExit(f"the sides read different numbers of events: {medians}")
    ratios = {side: medians[side]["cpu"] / medians["v1"]["cpu"] for side in ("async", "sync")}
    result = {"events": options.events, "rounds": options.rounds, "read": medians, "cpu_ratio_to_v1": ratios}
    result |= {"logs": options.logs, "followed": many}
    (HERE / "results" / "eventlog.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
