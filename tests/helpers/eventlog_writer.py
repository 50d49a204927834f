"""A process that writes a job event log as badly as can be, and keeps a ledger of what it wrote.

Run as ``python eventlog_writer.py SETTINGS`` with the settings as JSON (see :class:`Settings`). All writers of a log
take turns by a lock, as HTCondor's do; what is lost by the log itself (truncation, deletion, rotation out of existence)
is first waited to have been read, which the reader tells by a counter.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from htcondor_async.eventlog import LogFormat, format_event

BAD = b"005 (%03d.000.000) 2024-03-05 14:07:09 Job terminated.\n\t(1) Normal termination (return val\n...\n"
START = 1_700_000_000.0
PATIENCE = 60.0


class _Clock:
    def now(self) -> float:
        return START

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)


CLOCK = _Clock()


class Log:
    """The log, the counters of events written and read, and how its files are rotated."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.path = Path(settings["path"])
        self.keep: int = settings["keep"]
        self.header: bool = settings["header"]
        self._state = Path(settings["state"])
        self._read = Path(settings["read"])

    def state(self) -> dict[str, Any]:
        text = self._state.read_text() if self._state.exists() else ""
        found: dict[str, Any] = json.loads(text) if text else {"written": 0, "marks": [], "sequence": 0}
        return found

    def store(self, state: dict[str, Any]) -> None:
        self._state.write_text(json.dumps(state))

    def wait_until_read(self, count: int) -> None:
        until = time.monotonic() + PATIENCE
        while int.from_bytes(self._read.read_bytes()[:8], "big") < count:
            if time.monotonic() > until:
                raise SystemExit(f"the reader has not read {count} records in time")
            time.sleep(0.002)

    def begin(self, state: dict[str, Any]) -> None:
        """Begin a new file."""
        state["sequence"] += 1
        data = self._header(state["sequence"], 0) if self.header else b""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(descriptor, data)
        os.close(descriptor)

    def _header(self, sequence: int, size: int) -> bytes:
        info = f"Global JobLog: ctime=1700000000 id=1.2.3 sequence={sequence} size={size} events=0 offset=0"
        info += " event_off=0 max_rotation=3 creator_name=<SCHEDD>"
        return format_event(8, 0, 0, START, {"Info": info.ljust(240)}, CLOCK)

    def rotate(self, state: dict[str, Any]) -> None:
        """Rename the file, after its header has been completed, and begin the next."""
        marks: list[int] = state["marks"]
        if len(marks) >= self.keep:
            self.wait_until_read(marks[-self.keep])
        if self.header:
            with self.path.open("r+b") as file:
                file.write(self._header(state["sequence"], self.path.stat().st_size))
        if self.keep == 1:
            self.path.rename(f"{self.path}.old")
        else:
            for number in range(self.keep - 1, 0, -1):
                older = Path(f"{self.path}.{number}")
                if older.exists():
                    older.rename(f"{self.path}.{number + 1}")
            self.path.rename(f"{self.path}.1")
        marks.append(state["written"])
        self.begin(state)

    def lose(self, state: dict[str, Any], how: str) -> None:
        """Empty the file, or delete it and begin anew, once all of it has been read."""
        self.wait_until_read(state["written"])
        if how == "truncate":
            os.truncate(self.path, 0)
        else:
            self.path.unlink()
            time.sleep(0.01)
        self.begin(state)


class Writer:
    """One writer with its own jobs."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._random = random.Random(settings["seed"])
        self._log = Log(settings)
        self._lock = os.open(settings["lock"], os.O_RDWR | os.O_CREAT)
        self._first: int = settings["first"]
        self._jobs: int = settings["jobs"]
        self._events: int = settings["events"]
        self._form = LogFormat(settings["form"])
        self._ledger = Path(settings["ledger"]).open("w")  # noqa: SIM115 - open as long as it writes
        self._clock = START

    def run(self) -> None:
        done = dict.fromkeys(range(self._first, self._first + self._jobs), 0)
        while done:
            cluster = self._random.choice(list(done)[:50])
            done[cluster] += 1
            if done[cluster] == self._events:
                del done[cluster]
                self._append(cluster, self._events)
            else:
                self._append(cluster, done[cluster])
        self._ledger.close()

    def _append(self, cluster: int, number: int) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            state = self._log.state()
            if not state["sequence"]:
                self._log.begin(state)
            self._disturb(state)
            if self._form is LogFormat.TEXT and self._random.random() < 0.01:
                self._write(BAD % cluster, state, "bad")
            self._clock += self._random.choice([0, 0.001, 1, 1, 3600, -3600, 86400 * 40, -86400 * 39])
            kind, attributes = self._random.choice(
                [(6, {"Size": number}), (12, {"HoldReason": f"n {number}"}), (8, {"Info": f"n {number}"})]
            )
            data = format_event(kind, cluster, 0, self._clock, attributes, CLOCK, form=self._form)
            self._write(data, state, f"{cluster} {number}")
            self._log.store(state)
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _disturb(self, state: dict[str, Any]) -> None:
        chance = self._random.random()
        if chance < 0.02:
            self._log.rotate(state)
        elif chance < 0.026:
            self._log.lose(state, self._random.choice(["truncate", "delete"]))

    def _write(self, data: bytes, state: dict[str, Any], entry: str) -> None:
        descriptor = os.open(self._log.path, os.O_WRONLY | os.O_APPEND)
        try:
            offset = os.fstat(descriptor).st_size
            if self._random.random() < 0.03:
                cuts = sorted(self._random.sample(range(1, len(data)), 2))
                for piece in (data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]):
                    os.write(descriptor, piece)
                    time.sleep(self._random.choice([0, 0.001, 0.02]))
            else:
                os.write(descriptor, data)
        finally:
            os.close(descriptor)
        state["written"] += 1
        self._ledger.write(f"{entry}{f' {offset} {offset + len(data)}' if entry == 'bad' else ''}\n")


if __name__ == "__main__":
    Writer(json.loads(sys.argv[1])).run()
