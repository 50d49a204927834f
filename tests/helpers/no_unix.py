"""A program that hides from itself what only Unix has, and then uses this package; see test_other_systems.py.

What is hidden is missing in Python on Windows. The standard library was loaded before and keeps what it needs.
"""

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded before things are hidden, as all of these
import getpass  # noqa: F401
import importlib
import logging.handlers  # noqa: F401
import multiprocessing  # noqa: F401
import os
import pkgutil
import select
import selectors
import shutil
import signal
import socket
import subprocess  # noqa: F401
import sys
import tempfile
import warnings
from pathlib import Path

MODULES = ("fcntl", "grp", "pwd", "resource", "syslog", "termios")
ATTRIBUTES = {
    os: """EFD_CLOEXEC EFD_NONBLOCK O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK chown eventfd fchmod fchown fork getegid
    geteuid getgid getgroups getpgid getuid killpg lchown mkfifo pread pwrite register_at_fork set_blocking setsid
    statvfs sysconf uname""",
    select: "epoll poll EPOLLIN",
    selectors: "EpollSelector PollSelector",
    signal: "SIGHUP SIGKILL",
    socket: "AF_UNIX SO_REUSEPORT",
}


def hide() -> None:
    """Take away what Windows does not have."""
    pair, family = socket.socketpair, socket.AF_UNIX
    socket.socketpair = lambda: pair(family)  # type: ignore[assignment,misc]  # Windows has it, of another family
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # so an import fails
    for module, names in ATTRIBUTES.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    os.supports_dir_fd.clear()
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # what it found when it was loaded
    selectors.DefaultSelector = selectors.SelectSelector  # type: ignore[misc]  # as there


def import_all() -> int:
    """Import every module of both packages."""
    names = []
    for package in ("htcondor_async", "htcondor_sync"):
        names.append(package)
        path = importlib.import_module(package).__path__
        names += [found.name for found in pkgutil.walk_packages(path, package + ".")]
    for name in names:
        if not name.endswith(("__main__", ".htchirp")):  # the one runs, the other needs a package that may not be here
            importlib.import_module(name)
    return len(names)


class Loop(asyncio.SelectorEventLoop):
    """An event loop that cannot watch sockets for others."""

    def add_reader(self, fd: object, callback: object, *args: object) -> None:
        raise NotImplementedError

    add_writer = add_reader

    def remove_reader(self, fd: object) -> bool:
        raise NotImplementedError

    remove_writer = remove_reader


async def use(config: dict[str, str]) -> None:
    """Query, submit, change, and follow, as a program would."""
    from htcondor_async import (
        Client,
        Collector,
        DaemonTypes,
        HTCondorIOError,
        JobAction,
        JobEventLog,
        Schedd,
        Submit,
    )
    from htcondor_async._runtime.anyio_ import AnyioRuntime
    from htcondor_async._runtime.sandbox import SandboxWriter

    client = Client(config)
    (location,) = await Collector(client=client).locate_all(DaemonTypes.Schedd)
    schedd = Schedd(location, client=client)
    before = len(await schedd.query())
    result = await schedd.submit(Submit("executable = job.exe\nqueue 3", client.submit_context()))
    mine = f"ClusterId == {result.cluster()}"
    assert sorted(ad["ProcId"] for ad in await schedd.query(mine)) == [0, 1, 2]
    assert (await schedd.edit(mine, "Mark", 7)).count == 3
    await schedd.act(JobAction.Remove, mine)
    assert len(await schedd.query()) == before
    log = Path(tempfile.mkdtemp()) / "log"
    log.write_text("000 (005.000.000) 2026-01-01 00:00:00 Job submitted from host: <10.0.0.1:9618>\n...\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with JobEventLog(log) as events:
            found = [event async for event in events.events(0)]
    assert [event.cluster for event in found] == [5]
    runtime = AnyioRuntime()
    command = [sys.executable, "-c", "print(input())"]
    done = await runtime.run_command(command, runtime.clock() + 60, input=b"hello\n")
    assert (done.status, done.stdout.split()) == (0, [b"hello"])
    try:
        SandboxWriter(".")
    except HTCondorIOError:
        return
    raise AssertionError("files would be received that nothing keeps inside of their directory")


def use_v1(config: dict[str, str]) -> None:
    """Query by the blocking API."""
    from htcondor_sync import htcondor

    for name, value in config.items():
        htcondor.param[name] = value
    (ad,) = htcondor.Collector().locateAll(htcondor.DaemonTypes.Schedd)
    assert len(htcondor.Schedd(ad).query(projection=["ClusterId"])) == 1


def main() -> None:
    """Do all of it."""
    hide()
    count = import_all()
    from htcondor_async.testing import embedded_pool

    with embedded_pool(jobs=[{"Owner": "alice"}]) as running:
        config = {"COLLECTOR_HOST": running.address, "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}
        config["SEC_CLIENT_AUTHENTICATION_METHODS"] = "CLAIMTOBE"
        loop = Loop()
        loop.run_until_complete(use(config))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        use_v1(config)
    print(f"{count} modules")


main()
