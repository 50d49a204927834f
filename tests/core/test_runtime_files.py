"""Files, programs and facts of the machine, on every runtime."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
import time

import pytest

from htcondor_async._environment import CommandResult
from htcondor_async.errors import DaemonTimeoutError, HTCondorIOError, HTCondorValueError, LimitExceededError
from tests.helpers.runtimes import ALL, LOOPS, REAL, SOON, World, run

every = pytest.mark.parametrize("backend", ALL)


@every
def test_read_and_write(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        path = str(tmp_path / "token")
        await runtime.write_file(path, b"first")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        await runtime.write_file(path, b"second", mode=0o644)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
        assert await runtime.read_file(path, 6) == b"second"
        with pytest.raises(LimitExceededError, match="larger than 5 bytes"):
            await runtime.read_file(path, 5)
        with pytest.raises(HTCondorIOError) as caught:
            await runtime.write_file(path, b"third", exclusive=True)
        assert caught.value.errno == errno.EEXIST
        assert await runtime.read_file(path, 100) == b"second"
        new = str(tmp_path / "new")
        await runtime.write_file(new, b"", exclusive=True)
        assert await runtime.list_directory(str(tmp_path)) == ["new", "token"]
        await runtime.remove_file(new)
        await runtime.remove_file(new)
        assert await runtime.list_directory(str(tmp_path)) == ["token"]

    run(backend, case)


@every
def test_what_fails_says_what_and_where(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        missing = str(tmp_path / "missing" / "file")
        for attempt, verb in (
            (lambda: runtime.read_file(missing, 10), "read"),
            (lambda: runtime.write_file(missing, b""), "write"),
            (lambda: runtime.open_file(missing, "r"), "open"),
            (lambda: runtime.list_directory(missing), "list"),
            (lambda: runtime.make_directory(missing), "make directory"),
        ):
            with pytest.raises(HTCondorIOError, match=f"cannot {verb} {missing}: no such file") as caught:
                await attempt()
            assert caught.value.errno == errno.ENOENT
            assert isinstance(caught.value.__cause__, FileNotFoundError)
        with pytest.raises(HTCondorIOError, match="is a directory"):
            await runtime.read_file(str(tmp_path), 10)
        with pytest.raises(HTCondorIOError, match="is a directory"):
            await runtime.open_file(str(tmp_path), "r")
        with pytest.raises(HTCondorValueError, match="'rw'"):
            await runtime.open_file(missing, "rw")

    run(backend, case)


@every
def test_lines_are_added(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        path = tmp_path / "deep" / "down" / "known_hosts"
        before = os.umask(0o077)
        try:
            await runtime.append_line(str(path), "one\n")
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        path.chmod(0o600)
        await runtime.append_line(str(path), "two\n")
        path.write_bytes(path.read_bytes() + b"cut off")
        await runtime.append_line(str(path), "three\n")
        assert path.read_text() == "one\ntwo\ncut off\nthree\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    run(backend, case)


@every
def test_lines_are_added_to_nothing_but_a_file_of_its_own(backend, tmp_path):
    async def case(world: World):
        target = tmp_path / "target"
        target.write_text("precious\n")
        (tmp_path / "link").symlink_to(target)
        (tmp_path / "dangling").symlink_to(tmp_path / "new")
        (tmp_path / "second name").hardlink_to(target)
        os.mkfifo(tmp_path / "pipe")
        for name in ("link", "dangling", "second name", "pipe", ""):
            with pytest.raises(HTCondorIOError, match="cannot write"):
                await world.runtime.append_line(str(tmp_path / name), "line\n")
        assert target.read_text() == "precious\n"
        assert not (tmp_path / "new").exists()

    run(backend, case)


@every
def test_directories(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        path = str(tmp_path / "deep" / "down")
        await runtime.make_directory(path, 0o777, parents=True)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o777
        await runtime.make_directory(path, parents=True)
        with pytest.raises(HTCondorIOError) as caught:
            await runtime.make_directory(path)
        assert caught.value.errno == errno.EEXIST
        await runtime.remove_directory(path)
        await runtime.remove_directory(path)
        assert await runtime.stat(path) is None
        info = await runtime.stat(str(tmp_path / "deep"))
        assert info is not None and info.is_directory and info.uid == os.getuid()

    run(backend, case)


@every
def test_stat_follows_links_or_not(backend, tmp_path):
    async def case(world: World):
        target = tmp_path / "target"
        target.write_bytes(b"12345")
        (tmp_path / "link").symlink_to(target)
        followed = await world.runtime.stat(str(tmp_path / "link"))
        itself = await world.runtime.stat(str(tmp_path / "link"), follow=False)
        assert followed is not None and itself is not None
        assert (followed.size, followed.is_link, itself.is_link) == (5, False, True)
        assert followed == await world.runtime.stat(str(target))
        assert await world.runtime.stat(str(target / "below")) is None

    run(backend, case)


@every
def test_files_in_pieces(backend, tmp_path):
    async def case(world: World):
        path = str(tmp_path / "file")
        file = await world.runtime.open_file(path, "x", mode=0o640)
        await file.write(b"hello ")
        await file.write(b"world")
        file.close()
        file.close()
        file = await world.runtime.open_file(path, "a")
        await file.write(b"!")
        file.close()
        file = await world.runtime.open_file(path, "r")
        assert await file.read(5) == b"hello"
        await file.seek(6)
        assert await file.read(100) == b"world!"
        assert await file.read(100) == b""
        file.close()
        (await world.runtime.open_file(path, "w")).close()
        assert await world.runtime.read_file(path, 10) == b""
        with pytest.raises(HTCondorIOError) as caught:
            await world.runtime.open_file(path, "x")
        assert caught.value.errno == errno.EEXIST

    run(backend, case)


@every
def test_wait_for_change(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        path = tmp_path / "log"
        assert await runtime.wait_for_change(str(path), await runtime.stat(str(tmp_path)), world.late()) is None
        deadline = world.soon()
        with pytest.raises(DaemonTimeoutError, match="change of"):
            await runtime.wait_for_change(str(path), None, deadline)
        if world.in_memory:
            world.network.at(runtime.clock() + 60, path.touch)
            found = await runtime.wait_for_change(str(path), None, world.late() + 60)
            assert 60 <= runtime.clock() - deadline <= 62
        else:
            timer = threading.Timer(0.1, lambda: path.write_bytes(b"x"))
            timer.start()
            found = await runtime.wait_for_change(str(path), None, world.late())
            timer.join()
        assert found is not None

    run(backend, case)


@pytest.mark.parametrize("backend", LOOPS)
def test_clean_up_is_done_in_a_cancelled_task(backend, tmp_path):
    import anyio

    async def case(world: World):
        path = tmp_path / "FS_123"
        await world.runtime.make_directory(str(path))
        with anyio.CancelScope() as scope:
            try:
                scope.cancel()
                await anyio.sleep(1)
            finally:
                await world.runtime.remove_directory(str(path))
        assert scope.cancelled_caught
        assert not path.exists()

    run(backend, case)


@pytest.mark.parametrize("backend", [each for each in LOOPS if each != "trio"])
def test_results_of_a_cancelled_task_are_discarded(backend, tmp_path, monkeypatch):
    import asyncio

    from htcondor_async._runtime import files

    entered, release = threading.Event(), threading.Event()
    real_open, real_make = files.open_file, files.make_directory
    opened, made = [], []

    def slowly(function):
        def call(*args):
            entered.set()
            release.wait(10)
            result = function(*args)
            if result is None:
                made.append(result)
            else:
                opened.append(result)
            return result

        return call

    monkeypatch.setattr(files, "open_file", slowly(real_open))
    monkeypatch.setattr(files, "make_directory", slowly(real_make))

    async def case(world: World):
        for operation in (
            lambda: world.runtime.open_file(str(tmp_path / "file"), "x"),
            lambda: world.runtime.make_directory(str(tmp_path / "directory")),
        ):
            entered.clear()
            release.clear()
            task = asyncio.ensure_future(operation())
            await asyncio.to_thread(entered.wait, 10)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            release.set()
        for _ in range(500):
            if opened and made and opened[0].closed and not (tmp_path / "directory").exists():
                break
            await asyncio.sleep(0.01)
        assert opened[0].closed
        assert not (tmp_path / "directory").exists()

    run(backend, case)


real = pytest.mark.parametrize("backend", REAL)


@real
def test_run_command(backend, tmp_path):
    async def case(world: World):
        runtime = world.runtime
        script = "import os, sys; d = sys.stdin.read(); print(len(d), os.getcwd(), os.environ.get('WHO')); sys.exit(3)"
        result = await runtime.run_command(
            [sys.executable, "-c", script],
            world.late(),
            input=b"x" * 300_000,
            environ={"WHO": "me"},
            directory=str(tmp_path),
        )
        assert result.status == 3
        assert result.stdout.decode().split() == ["300000", str(tmp_path), "me"]
        result = await runtime.run_command(["sh", "-c", "echo out; echo err >&2; kill -9 $$"], world.late())
        assert result == CommandResult(status=-9, stdout=b"out\n", stderr=b"err\n")
        result = await runtime.run_command(["true"], world.late(), input=b"x" * 300_000)
        assert result.status == 0

    run(backend, case)


@real
def test_run_command_that_cannot_be_run(backend, tmp_path):
    async def case(world: World):
        with pytest.raises(HTCondorIOError, match=r"cannot run /no/such/program: no such file") as caught:
            await world.runtime.run_command(["/no/such/program"], world.late())
        assert caught.value.errno == errno.ENOENT
        for wrong in ([], "ls -l", ["nul\0"]):
            with pytest.raises(HTCondorValueError):
                await world.runtime.run_command(wrong, world.late())

    run(backend, case)


def gone(path):
    """Whether the processes whose numbers stand in the file have ended."""
    for _ in range(500):
        try:
            for number in path.read_text().split():
                os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def appears(path):
    """Wait for a file with something in it."""
    for _ in range(1000):
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never appears")


@real
def test_run_command_kills_at_the_deadline(backend, tmp_path):
    numbers = tmp_path / "numbers"

    async def case(world: World):
        with pytest.raises(DaemonTimeoutError, match="end of sh"):
            await world.runtime.run_command(
                ["sh", "-c", f"sleep 600 & echo $! > {numbers}; wait"], world.runtime.clock() + 0.5
            )
        with pytest.raises(DaemonTimeoutError, match="end of sh"):  # output closed, yet it goes on
            await world.runtime.run_command(["sh", "-c", "exec >&- 2>&-; sleep 600"], world.runtime.clock() + 0.3)

    run(backend, case)
    assert gone(numbers)


@real
def test_run_command_limits_output(backend):
    async def case(world: World):
        with pytest.raises(LimitExceededError, match="1000 bytes"):
            await world.runtime.run_command(["sh", "-c", "yes"], world.late(), max_output=1000)

    run(backend, case)


@pytest.mark.parametrize("backend", LOOPS)
def test_run_command_cancelled(backend, tmp_path):
    import anyio

    numbers = tmp_path / "numbers"

    async def case(world: World):
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(
                    world.runtime.run_command, ["sh", "-c", f"echo $$ > {numbers}; sleep 600"], world.late()
                )
                await anyio.to_thread.run_sync(appears, numbers)
                scope.cancel()
        assert scope.cancelled_caught

    run(backend, case)
    assert gone(numbers)


@pytest.mark.parametrize("backend", [each for each in ALL if each not in REAL])
def test_scripted_commands(backend):
    async def case(world: World):
        world.network.commands["helper"] = lambda arguments, data: CommandResult(0, arguments[1].encode() + data, b"")
        result = await world.runtime.run_command(["helper", "a"], world.late(), input=b"b")
        assert result.stdout == b"ab"
        with pytest.raises(HTCondorIOError, match="cannot run other"):
            await world.runtime.run_command(["other"], world.late())
        with pytest.raises(HTCondorValueError):
            await world.runtime.run_command("helper a", world.late())
        assert await world.runtime.first_readable([], world.runtime.clock() + SOON) == []

    run(backend, case)
