"""A whole world for evaluations: fixed time, a zone, a user, files in memory, a configuration."""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from htcondor_async._environment import CommandResult, FileStatus, UserRecord

__all__ = ["World"]


class World:
    """An environment for the languages; what is logged is kept in ``logged``."""

    def __init__(
        self,
        zone: str = "UTC",
        *,
        now: float = 1700000000.0,
        files: Mapping[str, bytes] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.random = random.Random(1)
        self.environ: dict[str, str] = {}
        self.files = dict(files or {})
        self.params = dict(params or {})
        self.logged: list[str] = []
        self.time = now

    def now(self) -> float:
        return self.time

    def local_zone(self) -> tzinfo:
        return self.zone

    def utc_offset(self, when: datetime) -> timedelta:
        offset = when.astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset

    def cwd(self) -> str:
        return "/"

    def hostname(self) -> str:
        return "host.example.org"

    def read_file(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def stat(self, path: str) -> FileStatus | None:
        if path in self.files:
            return FileStatus(False, len(self.files[path]), 0o644, 0.0)
        return FileStatus(True, 0, 0o755, 0.0) if self.list_directory(path) else None

    def access(self, path: str, mode: int) -> bool:
        return path in self.files

    def list_directory(self, path: str) -> Sequence[str]:
        prefix = path.rstrip("/") + "/"
        return sorted({name[len(prefix) :].split("/")[0] for name in self.files if name.startswith(prefix)})

    def glob(self, pattern: str) -> Sequence[str]:
        return sorted(fnmatch.filter(self.files, pattern))

    def current_user(self) -> UserRecord | None:
        return self.user("alice")

    def user(self, name: str) -> UserRecord | None:
        return UserRecord(name, 1000, 1000, f"/home/{name}") if name == "alice" else None

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        raise FileNotFoundError(str(arguments))

    def log(self, message: str) -> None:
        self.logged.append(message)

    def param(self, name: str) -> str | None:
        return self.params.get(name)
