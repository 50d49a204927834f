"""A log that is written badly, followed: every event exactly once, in order per job, against the writers' ledgers.

Two processes append, in pieces, with stepping clocks and broken records between; the log is rotated, truncated,
deleted and made anew under the reader, which is pickled and resumed at random points.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from htcondor_async import EventLogError, JobEventLog, JobEventLogs

WRITER = Path(__file__).parents[1] / "helpers" / "eventlog_writer.py"
PATIENCE = 100.0


class World:
    """The writers, and what the reader has found so far."""

    def __init__(self, folder, *, jobs, events, form="text", keep=3, header=False, seed=1):
        self.path = str(folder / "job.log")
        self._read = os.open(folder / "read", os.O_RDWR | os.O_CREAT)
        os.pwrite(self._read, bytes(8), 0)
        Path(self.path).touch()
        self._ledgers = [folder / f"ledger{number}" for number in range(2)]
        self.expected = 2 * jobs * events
        self.found = []
        self.bad = []
        self._done = 0
        self._state = folder / "state"
        self.form = form
        common = {
            "path": self.path,
            "state": str(folder / "state"),
            "read": str(folder / "read"),
            "lock": str(folder / "lock"),
            "jobs": jobs,
            "events": events,
            "form": form,
            "keep": keep,
            "header": header,
        }
        environ = {**os.environ, "PYTHONPATH": str(WRITER.parents[2])}
        self._writers = [
            subprocess.Popen(
                [
                    sys.executable,
                    str(WRITER),
                    json.dumps({**common, "seed": seed + n, "first": 1 + n * jobs, "ledger": str(self._ledgers[n])}),
                ],
                env=environ,
                stderr=subprocess.PIPE,
            )
            for n in range(2)
        ]

    def take(self, event):
        if event.type == 8 and event["Info"].startswith("Global JobLog"):
            return
        number = event.get("Size") or int((event.get("HoldReason") or event["Info"]).split()[1])
        self.found.append((event.cluster, number))
        self._tell()

    def take_bad(self, error):
        self.bad.append((error.offset, error.end))
        self._tell()

    def _tell(self):
        self._done += 1
        os.pwrite(self._read, self._done.to_bytes(8, "big"), 0)

    @property
    def complete(self):
        return len(self.found) >= self.expected

    def check(self):
        for writer in self._writers:
            _out, errors = writer.communicate(timeout=30)
            assert writer.returncode == 0, errors.decode()
        os.close(self._read)
        written, bad = [], []
        for ledger in self._ledgers:
            for line in ledger.read_text().splitlines():
                fields = line.split()
                (bad if fields[0] == "bad" else written).append(tuple(map(int, fields[-2:])))
        state = json.loads(self._state.read_text())
        # it was as bad as it was meant to be
        assert state["sequence"] > 1
        assert bad or self.form != "text"
        assert Counter(self.found) == Counter(written)
        assert Counter(self.bad) == Counter(bad)
        last = Counter()
        for cluster, number in self.found:
            assert number == last[cluster] + 1
            last[cluster] = number

    def end(self):
        for writer in self._writers:
            if writer.poll() is None:
                writer.kill()
                writer.communicate()


@pytest.fixture
def world(tmp_path):
    made = []

    def make(**settings):
        made.append(World(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


async def follow(world, seed):
    """Read all that is written, each time from a pickled place."""
    chance = random.Random(seed)
    log = JobEventLog(world.path)
    with anyio.fail_after(PATIENCE):
        while not world.complete:
            try:
                async for event in log.events(chance.choice([0, 0.01, 0.2])):
                    world.take(event)
                    if chance.random() < 0.02:
                        break
            except EventLogError as error:
                assert error.path == world.path
                world.take_bad(error)
            if chance.random() < 0.3:
                state = pickle.dumps(log)
                log.close()
                await anyio.sleep(chance.choice([0, 0.005]))
                log = pickle.loads(state)
    log.close()


VARIANTS = {
    "user log": {},
    "one old file": {"keep": 1},
    "global log": {"header": True},
    "XML": {"form": "xml"},
    "JSON": {"form": "json", "header": True},
}


@pytest.mark.allow_blocking
@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_event_once(world, variant, anyio_backend):
    made = world(jobs=20, events=10, seed=len(variant), **VARIANTS[variant])
    await follow(made, 3)
    made.check()


@pytest.mark.full
@pytest.mark.allow_blocking
@pytest.mark.timeout(900)
@pytest.mark.parametrize("anyio_backend", [pytest.param(("asyncio", {}), id="asyncio")], scope="module")
@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_event_of_ten_thousand_jobs(world, variant, anyio_backend, monkeypatch):
    monkeypatch.setitem(globals(), "PATIENCE", 800.0)
    made = world(jobs=5000, events=6, seed=len(variant) + 100, **VARIANTS[variant])
    await follow(made, 4)
    made.check()


@pytest.mark.allow_blocking
async def test_among_many_logs(world, tmp_path, anyio_backend):
    """The same log, one of a group whose files are mostly closed, and others that do not exist yet."""
    made = world(jobs=20, events=10, seed=9)
    others = [str(tmp_path / f"other{number}.log") for number in range(20)]
    logs = JobEventLogs([*others, made.path], max_open=4)
    counted = Counter()
    with anyio.fail_after(PATIENCE):
        while not made.complete:
            for other in random.Random(len(made.found)).sample(others, 2):
                with open(other, "ab") as file:  # noqa: ASYNC230 - this test blocks
                    file.write(b"011 (001.000.000) 2024-03-05 14:07:09 Job was unsuspended.\n...\n")
                    counted[other] += 1
            try:
                async for path, event in logs.events(0.05):
                    if path == made.path:
                        made.take(event)
                    else:
                        counted[path] -= 1
            except EventLogError as error:
                made.take_bad(error)
            if len(made.found) % 3 == 0:
                state = pickle.dumps(logs)
                logs.close()
                logs = pickle.loads(state)
        async for path, _event in logs.events(0):
            counted[path] -= 1
    logs.close()
    made.check()
    assert not +counted
    assert not -counted


def _descriptors():
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.allow_blocking
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.full)])
async def test_many_logs_followed_at_once(tmp_path, anyio_backend, count):
    """One task, few descriptors; each log is written in pieces, cut, rotated or made anew once all of it was read."""
    chance = random.Random(count)
    paths = [tmp_path / f"{number}.log" for number in range(count)]
    told, written = Counter(), Counter()
    before = _descriptors()
    logs = JobEventLogs(paths, max_open=32)
    most = 0

    async def take(limit):
        nonlocal most
        with anyio.fail_after(PATIENCE):
            async for path, event in logs.events(PATIENCE):
                assert event.proc == told[path]  # in order, none twice
                told[path] += 1
                most = max(most, _descriptors() - before) if told.total() % 100 == 0 else most
                if told.total() == limit:
                    return

    for turn in range(3):
        cut = []
        for path in chance.sample(paths, count):
            event = f"011 (001.{written[str(path)]:03}.000) 2024-03-05 14:07:09 Job was unsuspended.\n...\n".encode()
            written[str(path)] += 1
            half = chance.randrange(1, len(event))
            with path.open("ab") as file:
                file.write(event[:half])
            cut.append((path, event[half:]))
        await anyio.lowlevel.checkpoint()
        for path, rest in cut:
            with path.open("ab") as file:
                file.write(rest)
        await take((turn + 1) * count)
        for path in chance.sample(paths, count // 2):
            chance.choice((path.unlink, lambda path=path: path.rename(f"{path}.old")))()
    assert told == written
    assert most <= 32 + 8
    logs.close()
    assert _descriptors() <= before + 2
