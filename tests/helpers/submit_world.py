"""An environment for the submit language: real files below one directory, and everything else made up."""

from __future__ import annotations

import glob
import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

from htcondor_async._environment import CommandResult, FileStatus, UserRecord
from htcondor_async.submit import SubmitContext, Version

NOW = 1_700_000_000

BASE_ENVIRON = {
    "HOME": "/home/alice",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "USER": "alice",
    "LOGNAME": "alice",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}

BASE_CONFIG = {
    "ARCH": "X86_64",
    "OPSYS": "LINUX",
    "OPSYSANDVER": "AlmaLinux8",
    "OPSYSMAJORVER": "8",
    "OPSYSVER": "800",
    "FILESYSTEM_DOMAIN": "fs.example.org",
    "UID_DOMAIN": "example.org",
    "SPOOL": "/var/lib/condor/spool",
    "HOSTNAME": "submit",
    "FULL_HOSTNAME": "submit.example.org",
}


class SubmitWorld:
    """The world as seen from a working directory."""

    def __init__(self, directory: str | Path, environ: Mapping[str, str] | None = None, user: str = "osuser") -> None:
        self.directory = str(directory)
        self.environ: Mapping[str, str] = dict(BASE_ENVIRON if environ is None else environ)
        self.random = random.Random(1)
        self.messages: list[str] = []
        self._user = UserRecord(user, 1234, 1234, "/home/alice")

    def now(self) -> float:
        return float(NOW)

    def local_zone(self) -> tzinfo:
        return timezone.utc

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)

    def cwd(self) -> str:
        return self.directory

    def hostname(self) -> str:
        return "submit.example.org"

    def read_file(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def write_file(self, path: str, data: bytes) -> None:
        Path(path).write_bytes(data)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def remove(self, path: str) -> None:
        os.remove(path)

    def stat(self, path: str) -> FileStatus | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return FileStatus(os.path.isdir(path), found.st_size, found.st_mode & 0o7777, found.st_mtime)

    def access(self, path: str, mode: int) -> bool:
        if path == self.environ.get("HOME"):
            return True
        return os.access(path, mode)

    def list_directory(self, path: str) -> Sequence[str]:
        return sorted(os.listdir(path))

    def glob(self, pattern: str) -> Sequence[str]:
        if pattern.startswith("/"):
            return sorted(glob.glob(pattern))
        start = glob.escape(self.directory) + "/"
        return [path[len(self.directory) + 1 :] for path in sorted(glob.glob(start + pattern))]

    def current_user(self) -> UserRecord | None:
        return self._user

    def user(self, name: str) -> UserRecord | None:
        return None

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        done = subprocess.run(
            arguments, capture_output=True, timeout=timeout, check=False, cwd=self.directory, env=dict(self.environ)
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def log(self, message: str) -> None:
        self.messages.append(message)


def submit_context(
    directory: str | Path, schedd_version: str = "25.14.1", *, v1: bool = False, **config: str
) -> SubmitContext:
    """Return a context in which the working directory is ``directory``."""
    settings = {**BASE_CONFIG, **config}
    return SubmitContext(SubmitWorld(directory), settings.get, schedd_version=Version.parse(schedd_version), v1=v1)
