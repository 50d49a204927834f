"""A daemon in Python as a real child of a real master, which kills what gives no sign of life in time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import attrs
import pytest
from contract.child_daemon import PROMISE

PROJECT = Path(__file__).parents[2]


def _inside(pool, *command):
    """Run a command among the mounts of a pool."""
    done = subprocess.run(["nsenter", "--target", str(pool.init), "--mount", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def child(real_pool):
    """The folder of a daemon that the pool's master runs; this interpreter and this project are shown inside."""
    pool = real_pool
    folder = pool.run / "child"
    folder.mkdir()
    folder.chmod(0o777)
    shown = {
        "python": Path(sys.base_prefix),
        "packages": Path(sysconfig.get_path("purelib", vars={"base": sys.prefix})),
        "project": PROJECT,
    }
    for name, source in shown.items():
        (folder / name).mkdir()
        _inside(pool, "mount", "--bind", str(source), f"{pool.root}{folder / name}")
    start = folder / "start"
    start.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={folder}/python/lib PYTHONPATH={folder}/project:{folder}/packages\n"
        "export PYTHONDONTWRITEBYTECODE=1\n"
        f"exec {folder}/python/bin/python{sys.version_info[0]}.{sys.version_info[1]} "
        f"{folder}/project/tests/contract/child_daemon.py {folder} >>{folder}/output 2>&1\n"
    )
    start.chmod(0o755)
    config = pool.run / "condor_config"
    before = config.read_text()
    config.write_text(
        f"{before}PYTHON_CHILD = {start}\nDAEMON_LIST = $(DAEMON_LIST) PYTHON_CHILD\n"
        "DC_DAEMON_LIST = $(DC_DAEMON_LIST) PYTHON_CHILD\n"
    )
    try:
        pool.tool("condor_reconfig", "-master")
        yield folder
    finally:
        config.write_text(before)
        pool.tool("condor_reconfig", "-master")
        pool.wait_for(lambda: _ended(folder), "the child to end", 60)
        for name in shown:
            _inside(pool, "umount", "--lazy", f"{pool.root}{folder / name}")
        shutil.rmtree(folder)


def _running(folder):
    needle = str(folder / "project/tests").encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended meanwhile
    return found


def _ended(folder):
    """Kill the child; the master starts it no more."""
    for pid in _running(folder):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    return not _running(folder)


@attrs.frozen
class Said:
    """One line of what the child said."""

    pid: int
    beats: int


def _said(folder):
    try:
        lines = (folder / "said").read_text().split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [Said(*map(int, line.split())) for line in lines]


def _output(folder):
    file = folder / "output"
    return file.read_text() if file.exists() else "no output"


def test_it_lives_while_it_says_so_and_advertises_itself(real_pool, child):
    pool = real_pool
    _begun(pool, child)
    first = _said(child)[0].pid

    # it survives several times its promise
    pool.wait_for(lambda: _said(child)[-1].beats >= 2 * PROMISE + 2, "the child to live on", 60)
    assert {said.pid for said in _said(child)} == {first}, _output(child)

    # and has advertised itself
    command = ["condor_status", "-any", "-constraint", 'MyType == "PythonChild"', "-af", "ChildPid", "Beats"]
    pid, beats = pool.tool(*command).stdout.split()
    assert int(pid) == first and int(beats) >= 2 * PROMISE

    # the session that the master gave it was used, and it was believed
    assert (child / "sessions").read_text() == "1"
    assert "PERMISSION DENIED" not in pool.logs("master")


@pytest.mark.full  # that of 25.14 waits a minute, whatever the child has promised
@pytest.mark.timeout(300)
def test_it_is_killed_when_it_says_nothing_and_started_again(real_pool, child):
    pool = real_pool
    _begun(pool, child)
    pool.wait_for(lambda: _said(child)[-1].beats >= 1, "the child to say that it is alive", 30)
    first = _said(child)[-1].pid
    (child / "silent").touch()
    silent_since = time.monotonic()
    pool.wait_for(lambda: str(first) not in _inner_pids(child), "the master to kill the silent child", 120)
    assert time.monotonic() - silent_since > PROMISE / 2
    assert "hung" in pool.logs("master").lower()
    (child / "silent").unlink()
    pool.wait_for(lambda: _said(child)[-1].pid != first, "the master to start it again", 90)


def _begun(pool, folder):
    try:
        pool.wait_for(lambda: _said(folder), "the child to begin", 30)
    except AssertionError as error:
        raise AssertionError(f"{_output(folder)}\n{error}") from error


def _inner_pids(folder):
    """Process ids of the child as the pool sees them."""
    found = []
    for pid in _running(folder):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue  # it has ended meanwhile
        found += [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")]
    return found
