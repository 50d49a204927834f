"""Job event logs as they are read: waiting, deadlines, errors, copies, many at once, with and without an event loop."""

from __future__ import annotations

import copy
import os
import pickle
import threading
import time

import anyio
import anyio.to_thread
import pytest
from harness.leaks import descriptors

from htcondor_async import (
    ConcurrencyError,
    EventLogError,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
    JobEventLog,
    JobEventLogs,
)
from htcondor_async import _logwait as logwait
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._runtime.inotify import FileWatch
from htcondor_async._system import SystemEnvironment
from htcondor_async.eventlog import LogFormat, format_event

RELEASED = b"013 (%03d.000.000) 2024-03-05 14:07:09 Job was released.\n...\n"
BAD = b"013 (%03d.000.000) 2024-03-05 14:07:09 Nonsense.\n...\n"
LATE = 30

pytestmark = pytest.mark.allow_blocking


def append(path, *clusters):
    with open(path, "ab") as file:
        for cluster in clusters:
            file.write(cluster if isinstance(cluster, bytes) else RELEASED % cluster)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "job.log")


async def here(log):
    return [event.cluster async for event in log.events(0)]


def later(*steps):
    """Do things in a thread, a little later and one after another."""

    def run():
        for step in steps:
            time.sleep(0.05)
            step()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


async def test_what_is_there_and_then_more(path, anyio_backend):
    append(path, 1, 2)
    log = JobEventLog(path)
    assert log.events(0) is log
    assert await here(log) == [1, 2]
    assert await here(log) == []
    append(path, 3)
    assert await here(log) == [3]
    assert log.offset == 3 * len(RELEASED % 1)
    assert log.path == path
    log.close()
    append(path, 4)
    assert await here(log) == []
    log.close()


@pytest.mark.parametrize("watched", [True, False], ids=["told", "polled"])
async def test_waiting(path, anyio_backend, watched, monkeypatch):
    if not watched:
        monkeypatch.setattr(FileWatch, "start", classmethod(lambda cls: None))
    append(path, 1)
    half = RELEASED % 3
    found = []

    def read(cluster):
        # what is truncated or deleted before it has been read would be lost
        until = time.monotonic() + LATE
        while cluster not in found and time.monotonic() < until:
            time.sleep(0.005)

    writer = later(
        lambda: append(path, 2),
        lambda: append(path, half[:20]),
        lambda: append(path, half[20:]),
        lambda: os.rename(path, f"{path}.old"),
        lambda: append(path, 4),
        lambda: read(4),
        lambda: os.truncate(path, 0),
        lambda: append(path, 55555555),
        lambda: read(55555555),
        lambda: os.unlink(path),
        lambda: append(path, 6),
    )
    with anyio.fail_after(LATE):
        async with JobEventLog(path) as log:
            async for event in log:
                found.append(event.cluster)
                if event.cluster == 6:
                    break
    await anyio.to_thread.run_sync(writer.join)
    assert found == [1, 2, 3, 4, 55555555, 6]


async def test_a_shared_file_system_is_polled(path, anyio_backend, monkeypatch):
    monkeypatch.setattr(logwait, "_is_shared", lambda path: True)
    append(path, 1)
    log = JobEventLog(path)
    assert await here(log) == [1]
    writer = later(lambda: append(path, 2))
    with anyio.fail_after(LATE):
        assert (await log.events(None).__anext__()).cluster == 2
    writer.join()
    log.close()


async def test_no_event_is_given_twice_or_lost_when_a_wait_is_cancelled(path, anyio_backend):
    append(path, 1)
    log = JobEventLog(path)
    found = []
    written = 1
    with anyio.fail_after(LATE):
        while len(found) < 40:
            with anyio.move_on_after(0.0005 * (written % 7)):
                async for event in log:
                    found.append(event.cluster)
            if written < 40:
                written += 1
                append(path, written)
    assert found == list(range(1, 41))
    log.close()


async def test_deadlines(path, anyio_backend):
    append(path)
    log = JobEventLog(path)
    began = time.monotonic()
    assert [event async for event in log.events(0.1)] == []
    assert time.monotonic() - began > 0.09
    assert [event async for event in log.events(-5)] == []
    for wrong in ("1", [], float("nan"), object()):
        with pytest.raises(HTCondorTypeError, match="deadline must be an integer"):
            log.events(wrong)
    log.close()


async def test_missing_files(path, tmp_path, anyio_backend):
    with pytest.raises(HTCondorIOError, match="cannot open"):
        await JobEventLog(path).open()
    with pytest.raises(HTCondorIOError) as raised:
        await here(JobEventLog(path))
    assert isinstance(raised.value, OSError)
    with pytest.raises(HTCondorIOError, match="directory"):
        await here(JobEventLog(tmp_path))
    with pytest.raises(HTCondorTypeError):
        JobEventLog(b"x")


async def test_bad_records(path, anyio_backend):
    append(path, 1, BAD % 9, 2, b"junk\n", 3)
    log = JobEventLog(path)
    found = []
    for _attempt in range(3):
        try:
            async for event in log.events(0):
                found.append(event.cluster)
        except EventLogError as error:
            found.append((error.offset, error.end))
            assert error.path == path
            assert f"ULOG_RD_ERROR in file {path} at offset {error.end}" in str(error)
            assert str(pickle.loads(pickle.dumps(error))) == str(error)
    size, bad = len(RELEASED % 1), len(BAD % 9)
    assert found == [1, (size, size + bad), 2, (2 * size + bad, 2 * size + bad + 5), 3]
    log.close()

    errors = []
    log = JobEventLog(path, on_error=errors.append)
    assert await here(log) == [1, 2, 3]
    assert [error.offset for error in errors] == [size, 2 * size + bad]
    log.close()


async def test_the_rest_of_a_rotated_file(path, anyio_backend, monkeypatch):
    monkeypatch.setattr("htcondor_async._logsource.GRACE", 0.2)
    append(path, 1, (RELEASED % 2)[:30])
    log = JobEventLog(path)
    assert await here(log) == [1]
    os.rename(path, f"{path}.old")
    append(path, 3)
    with pytest.raises(EventLogError, match="ends within a record"):
        [event async for event in log.events(LATE)]
    assert await here(log) == [3]
    # one that is completed in time, by a writer that still had the old file
    append(path, (RELEASED % 4)[:30])
    assert await here(log) == []
    os.rename(path, f"{path}.old")
    append(path, 5)
    writer = later(lambda: append(f"{path}.old", (RELEASED % 4)[30:]))
    found = []
    with anyio.fail_after(LATE):
        async for event in log.events(None):
            found.append(event.cluster)
            if event.cluster == 5:
                break
    assert found == [4, 5]
    writer.join()
    log.close()


async def test_not_following(path, anyio_backend):
    append(path, 1)
    log = JobEventLog(path, follow=False)
    assert await here(log) == [1]
    os.rename(path, f"{path}.old")
    append(path, 2)
    append(f"{path}.old", 3)
    assert await here(log) == [3]
    log.close()


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda log: pickle.loads(pickle.dumps(log))])
async def test_copies_go_on_where_the_original_stands(path, anyio_backend, how):
    append(path, 1, 2, 3)
    log = JobEventLog(path)
    assert (await log.__anext__()).cluster == 1
    other = how(log.events(0))
    assert [event.cluster async for event in other] == [2, 3]
    assert await here(log) == [2, 3]
    fresh = how(JobEventLog(path))
    assert await here(fresh) == [1, 2, 3]
    for one in (log, other, fresh):
        one.close()
    with pytest.raises(HTCondorIOError):
        await here(how(JobEventLog(f"{path}.none")))


async def test_a_copy_of_a_copy_knows_its_file(path, anyio_backend):
    append(path, 1)
    log = JobEventLog(path)
    assert await here(log) == [1]
    for _copy in range(3):
        log.close()
        log = pickle.loads(pickle.dumps(log))
        assert await here(log) == []
    log.close()
    os.truncate(path, 0)
    append(path, 2, 3)
    log = pickle.loads(pickle.dumps(log))
    assert await here(log) == [2, 3]
    log.close()


@pytest.mark.parametrize("form", [LogFormat.XML, LogFormat.JSON])
@pytest.mark.parametrize("resumed", [False, True])
async def test_a_log_made_anew_whose_events_end_as_the_old_ones(path, anyio_backend, form, resumed):
    """The file has grown beyond its old size before it is looked at, and ends of events are the same in it."""

    def events(*clusters):
        return [format_event(6, one, 0, 1e9, {"Size": 12345}, SystemEnvironment(), form=form) for one in clusters]

    append(path, *events(11, 12))
    log = JobEventLog(path)
    assert await here(log) == [11, 12]
    if resumed:
        log.close()
        log = pickle.loads(pickle.dumps(log))
    os.truncate(path, 0)
    append(path, *events(13, 14, 15))
    assert await here(log) == [13, 14, 15]
    log.close()


async def test_a_copy_after_a_cancelled_look_at_the_next_file(path, anyio_backend):
    append(path, 1)
    log = JobEventLog(path)
    assert await here(log) == [1]
    os.rename(path, f"{path}.old")
    append(path, 2)
    # what a worker thread does whose caller has left
    log._source.look()
    log._source.look(advance=True)
    other = pickle.loads(pickle.dumps(log))
    assert await here(other) == await here(log) == [2]
    other.close()
    log.close()


async def test_resuming_in_files_that_were_rotated_meanwhile(path, anyio_backend):
    append(path, 1, 2)
    log = JobEventLog(path)
    assert (await log.__anext__()).cluster == 1
    state = pickle.dumps(log.events(0))
    log.close()
    for new in (3, 4, 5):
        for number in (2, 1):
            if os.path.exists(f"{path}.{number}"):  # noqa: ASYNC240 - this test blocks
                os.rename(f"{path}.{number}", f"{path}.{number + 1}")
        os.rename(path, f"{path}.1")
        append(path, new)
    log = pickle.loads(state)
    assert [event.cluster async for event in log] == [2, 3, 4, 5]
    log.close()
    # the file it was in is gone
    os.unlink(f"{path}.3")
    log = pickle.loads(state)
    assert [event.cluster async for event in log] == [3, 4, 5]
    log.close()


async def test_one_task_at_a_time(path, anyio_backend):
    append(path)
    log = JobEventLog(path)
    async with anyio.create_task_group() as group:

        async def wait():
            async for _event in log:
                raise AssertionError

        group.start_soon(wait)
        await anyio.sleep(0.05)
        with pytest.raises(ConcurrencyError):
            await log.__anext__()
        group.cancel_scope.cancel()
    log.close()


async def test_descriptors_are_given_back(path, anyio_backend):
    append(path, 1)
    first = JobEventLog(path)
    assert await here(first) == [1]
    first.close()
    before = descriptors()
    async with JobEventLog(path) as log:
        assert [event.cluster async for event in log.events(0.05)] == [1]
        assert len(descriptors()) == len(before) + 2
    async with JobEventLogs([path, f"{path}.none"]) as logs:
        assert [event.cluster async for _path, event in logs.events(0.05)] == [1]
    assert descriptors() == before


async def test_many_logs(tmp_path, anyio_backend):
    paths = [str(tmp_path / f"{number}.log") for number in range(60)]
    for path in paths[:40]:
        append(path, 1, 2)
    async with JobEventLogs(paths, max_open=5) as logs:
        found = [(path, event.cluster) async for path, event in logs.events(0)]
        assert sorted(found) == sorted((path, cluster) for path in paths[:40] for cluster in (1, 2))
        assert len(logs) == 60
        writer = later(
            lambda: [append(path, 3) for path in paths],
            lambda: [os.rename(path, f"{path}.old") for path in paths],
            lambda: [append(path, 4) for path in paths],
        )
        found = []
        with anyio.fail_after(LATE):
            async for path, event in logs.events(None):
                found.append((path, event.cluster))
                if len(found) == 120:
                    break
        writer.join()
        assert sorted(found) == sorted((path, cluster) for path in paths for cluster in (3, 4))
        assert all(found.index((path, 3)) < found.index((path, 4)) for path in paths)
        again = pickle.loads(pickle.dumps(logs))
        logs.discard(paths[0])
        logs.discard("unknown")
        assert paths[0] not in logs
        append(paths[0], 5)
        append(paths[1], 5)
        assert [(path, event.cluster) async for path, event in logs.events(0)] == [(paths[1], 5)]
        logs.add(paths[0])
        assert [event.cluster async for path, event in logs.events(0)] == [4, 5]
    async with again:
        found = [(path, event.cluster) async for path, event in again.events(0)]
        assert sorted(found) == sorted([(paths[0], 5), (paths[1], 5)])


async def test_errors_among_many_logs(tmp_path, anyio_backend):
    good, bad = str(tmp_path / "good"), str(tmp_path / "bad")
    append(good, 1)
    append(bad, BAD % 1, 2)
    logs = JobEventLogs([bad, good, str(tmp_path)])
    found, errors = [], []
    for _attempt in range(4):
        try:
            async for path, event in logs.events(0):
                found.append((path, event.cluster))
        except EventLogError as error:
            errors.append(error.path)
        except HTCondorIOError as error:
            errors.append(str(error))
    assert sorted(found) == [(bad, 2), (good, 1)]
    assert bad in errors
    assert any("directory" in error for error in errors)
    logs.close()
    with pytest.raises(HTCondorValueError):
        JobEventLogs(max_open=0)


def test_without_an_event_loop(path):
    append(path, 1)
    log = JobEventLog(path, runtime=BlockingRuntime())
    log.events(None)
    assert drive(log.__anext__()).cluster == 1
    writer = later(lambda: append(path, (RELEASED % 2)[:9]), lambda: append(path, (RELEASED % 2)[9:]))
    assert drive(log.__anext__()).cluster == 2
    writer.join()
    log.events(0)
    with pytest.raises(StopAsyncIteration):
        drive(log.__anext__())
    log.close()
