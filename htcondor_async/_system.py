"""This machine as an :class:`~htcondor_async._environment.Environment`: clock, zone, files, users, commands."""

from __future__ import annotations

import glob
import logging
import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

import attrs

from htcondor_async._environment import CommandResult, FileStatus, UserRecord
from htcondor_async._runtime import host
from htcondor_async._runtime.interfaces import own_addresses
from htcondor_async.config.detected import Machine, detected_values

__all__ = ["LocalZone", "SystemEnvironment", "this_machine"]

_log = logging.getLogger("htcondor_async.messages")

_MEBI = 1024 * 1024


class LocalZone(tzinfo):
    """The zone of this process (``TZ``, else ``/etc/localtime``), with its changes of offset."""

    def _found(self, when: datetime | None) -> time.struct_time:
        if when is None:
            return time.localtime()
        fields = (when.year, when.month, when.day, when.hour, when.minute, when.second, 0, 0)
        readings = {time.mktime((*fields, dst)) for dst in (0, 1)}
        exact = sorted(at for at in readings if time.localtime(at)[:6] == fields[:6])
        if not exact:  # a reading that the clock skips
            return time.localtime(time.mktime((*fields, -1)))
        return time.localtime(exact[-1] if when.fold else exact[0])  # two of them where the clock is put back

    def utcoffset(self, when: datetime | None) -> timedelta:
        """Return the offset from UTC at a local time, or now."""
        return timedelta(seconds=self._found(when).tm_gmtoff)

    def dst(self, when: datetime | None) -> timedelta:
        """Return an hour where daylight saving time holds, else nothing."""
        return timedelta(hours=1) if self._found(when).tm_isdst > 0 else timedelta(0)

    def tzname(self, when: datetime | None) -> str:
        """Return the zone's abbreviation, as ``"CEST"``."""
        return self._found(when).tm_zone

    def fromutc(self, when: datetime) -> datetime:
        """Return the local time of a time in UTC."""
        seconds = when.replace(tzinfo=timezone.utc).timestamp()
        found = time.localtime(seconds)
        local = datetime(*found[:6], microsecond=when.microsecond, tzinfo=self)
        if local.utcoffset() != timedelta(seconds=found.tm_gmtoff):
            local = local.replace(fold=1)
        return local

    def __repr__(self) -> str:
        return "<local zone>"


class SystemEnvironment:
    """The files, the clock and the users of this machine.

    Parameters
    ----------
    environ
        Environment variables; those of the process by default.
    param
        How a configuration variable is looked up, for expressions that use one (``userHome``, ``userMap``); without it
        there are none.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, param: Callable[[str], str | None] | None = None
    ) -> None:
        self.environ = environ if environ is not None else host.environ()
        self.random = random.Random()
        self._param = param
        self._zone = LocalZone()

    def __reduce__(self) -> tuple[object, ...]:
        # the process that unpickles has variables of its own
        return (type(self), (None if self.environ is host.environ() else dict(self.environ),))

    def __repr__(self) -> str:
        return "<environment of this machine>"

    def param(self, name: str) -> str | None:
        """Return the expanded value of a configuration variable, or None."""
        return self._param(name) if self._param is not None else None

    def now(self) -> float:
        """Return the wall clock in seconds since 1970."""
        return time.time()

    def local_zone(self) -> tzinfo:
        """Return the local time zone."""
        return self._zone

    def utc_offset(self, when: datetime) -> timedelta:
        """Return the local offset from UTC at the aware time ``when``."""
        return when.astimezone(self._zone).utcoffset() or timedelta(0)

    def cwd(self) -> str:
        """Return the working directory."""
        return str(Path.cwd())

    def hostname(self) -> str:
        """Return the full host name of this machine."""
        return host.hostname()

    def read_file(self, path: str) -> bytes:
        """Return the content of a file; raises ``OSError``."""
        return Path(path).read_bytes()

    def stat(self, path: str) -> FileStatus | None:
        """Return what is known of a path, following links, or None where there is nothing."""
        try:
            found = Path(path).stat()
        except (OSError, ValueError):
            return None  # the interface's word for what is not there, or may not be seen
        return FileStatus(stat.S_ISDIR(found.st_mode), found.st_size, stat.S_IMODE(found.st_mode), found.st_mtime)

    def access(self, path: str, mode: int) -> bool:
        """Return whether this process may read (4), write (2) or execute (1) ``path``."""
        return os.access(path, mode)

    def list_directory(self, path: str) -> Sequence[str]:
        """Return the names in a directory, sorted by their bytes; raises ``OSError``."""
        return sorted((entry.name for entry in Path(path).iterdir()), key=os.fsencode)

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the paths that match a shell pattern, sorted by their bytes."""
        return sorted(glob.glob(pattern), key=os.fsencode)  # noqa: PTH207 - text in, text out, as glob(3)

    def current_user(self) -> UserRecord | None:
        """Return the user this process runs as."""
        return host.user()

    def user(self, name: str) -> UserRecord | None:
        """Return the record of a user, or None."""
        return host.user_named(name)

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, replacing what is there; raises ``OSError``."""
        Path(path).write_bytes(data)

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what is there; raises ``OSError``."""
        Path(old).replace(new)

    def remove(self, path: str) -> None:
        """Remove a file; raises ``OSError``."""
        Path(path).unlink()

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        """Run a command (a string goes to the shell) and return what it printed; raises ``OSError``."""
        try:
            done = subprocess.run(
                arguments if isinstance(arguments, str) else list(arguments),
                shell=isinstance(arguments, str),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                env=dict(self.environ),
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the command did not end within {timeout:g} s") from error
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def log(self, message: str) -> None:
        """Hand a message meant for people to the logger ``htcondor_async.messages``."""
        _log.info("%s", message)

    def detected(self) -> dict[str, str]:
        """Return the parameters that HTCondor finds out about a machine: ARCH, OPSYS, DETECTED_CORES ..."""
        return detected_values(this_machine(), self)


def this_machine() -> Machine:
    """Return the facts about this machine and process that configurations may refer to."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else (os.cpu_count() or 0)
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MEBI
    except (AttributeError, OSError, ValueError):
        memory = 0  # unknown on this system
    ipv4, ipv6 = own_addresses()
    return Machine(
        **attrs.asdict(host.system_names()),
        cores=cores,
        memory=memory,
        pid=os.getpid(),
        ppid=os.getppid(),
        ipv4=ipv4,
        ipv6=ipv6,
    )
