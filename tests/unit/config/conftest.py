"""An environment in memory for the configuration language."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo

import pytest

from htcondor_async._environment import CommandResult, FileStatus, UserRecord


class MemoryWorld:
    """Files, users, variables and commands that exist nowhere else; counts what is read."""

    def __init__(self) -> None:
        self.environ: Mapping[str, str] = {"CONDOR_CONFIG": "/c/condor_config"}
        self.files: dict[str, bytes] = {}
        self.unreadable: set[str] = set()
        self.users = {"alice": UserRecord("alice", 1000, 1000, "/home/alice")}
        self.random = random.Random(7)
        self.commands: dict[tuple[str, ...], CommandResult] = {}
        self.ran: list[tuple[str, ...]] = []
        self.reads = 0

    def now(self) -> float:
        return 1_700_000_000.0

    def local_zone(self) -> tzinfo:
        return timezone.utc

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)

    def cwd(self) -> str:
        return "/work"

    def hostname(self) -> str:
        return "node1.example.org"

    def read_file(self, path: str) -> bytes:
        self.reads += 1
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def stat(self, path: str) -> FileStatus | None:
        if path in self.files:
            return FileStatus(False, len(self.files[path]), 0o644, 0.0)
        if any(name.startswith(path.rstrip("/") + "/") for name in self.files):
            return FileStatus(True, 0, 0o755, 0.0)
        return None

    def access(self, path: str, mode: int) -> bool:
        return self.stat(path) is not None and path not in self.unreadable

    def list_directory(self, path: str) -> Sequence[str]:
        base = path.rstrip("/") + "/"
        names = {name[len(base) :].split("/")[0] for name in self.files if name.startswith(base)}
        if not names:
            raise FileNotFoundError(2, "No such file or directory", path)
        return sorted(names, key=str.encode)

    def glob(self, pattern: str) -> Sequence[str]:
        raise AssertionError("configuration expands no patterns")

    def current_user(self) -> UserRecord | None:
        return self.users["alice"]

    def user(self, name: str) -> UserRecord | None:
        return self.users.get(name)

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        words = (arguments,) if isinstance(arguments, str) else tuple(arguments)
        self.ran.append(words)
        if words not in self.commands:
            raise FileNotFoundError(2, "No such file or directory", words[0])
        return self.commands[words]

    def log(self, message: str) -> None:
        raise AssertionError("configuration logs nothing")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def write(world: MemoryWorld) -> Callable[..., MemoryWorld]:
    """Write the main file and, by keyword or mapping, others; returns the world."""

    def put(text: str, files: Mapping[str, str] | None = None) -> MemoryWorld:
        world.files["/c/condor_config"] = text.encode("utf-8", "surrogateescape")
        for path, content in (files or {}).items():
            world.files[path] = content.encode("utf-8", "surrogateescape")
        return world

    return put
