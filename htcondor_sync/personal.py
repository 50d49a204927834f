"""v1's ``htcondor.personal``: a pool of one's own on this machine, where HTCondor's daemons are installed."""

from __future__ import annotations

import enum
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from htcondor_async.errors import HTCondorIOError, HTCondorLocateError
from htcondor_sync import _ads
from htcondor_sync._collector import Collector
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._schedd import Schedd
from htcondor_sync._state import STATE

__all__ = ["PersonalPool", "PersonalPoolState", "SetCondorConfig"]

_WAIT = 120.0  # seconds for a pool to come up, or go down
_PAUSE = 0.5
_BASE = """\
LOCAL_DIR = {local_dir}
use ROLE: Personal
use FEATURE: GPUs
LOCAL_CONFIG_FILE =
COLLECTOR_HOST = $(CONDOR_HOST):0
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
LOG = $(LOCAL_DIR)/log
SPOOL = $(LOCAL_DIR)/spool
EXECUTE = $(LOCAL_DIR)/execute
LOCK = $(LOCAL_DIR)/lock
RUN = $(LOCAL_DIR)/run
SEC_PASSWORD_DIRECTORY = $(LOCAL_DIR)/passwords.d
SEC_TOKEN_SYSTEM_DIRECTORY = $(LOCAL_DIR)/tokens.d
COLLECTOR_ADDRESS_FILE = $(LOG)/.collector_address
SCHEDD_ADDRESS_FILE = $(LOG)/.schedd_address
USE_SHARED_PORT = True
SHARED_PORT_PORT = 0
"""


class PersonalPoolState(str, enum.Enum):
    """How far a pool has come."""

    UNINITIALIZED = "UNINITIALIZED"
    INITIALIZED = "INITIALIZED"
    STARTING = "STARTING"
    READY = "READY"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


class SetCondorConfig:
    """Makes a configuration file that of this process, for a while; a context manager."""

    def __init__(self, config_file: Path) -> None:
        self.config_file = Path(config_file)
        self._before: str | None = None

    def set(self) -> None:
        """Read the file, and remember what held before."""
        self._before = STATE.use_file(str(self.config_file))

    def unset(self) -> None:
        """Read what held before."""
        STATE.use_file(self._before)

    def __enter__(self) -> SetCondorConfig:
        self.set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unset()


class PersonalPool:
    """A pool of one's own: daemons of this user, in a folder.

    Parameters
    ----------
    local_dir
        The folder; ``~/.condor/personal`` by default.
    config, raw_config
        Settings beside those that make it a personal pool, as a mapping and as text.
    detach
        Whether it goes on when this object ends.
    use_config
        Whether this process uses its configuration while it runs.

    Raises
    ------
    HTCondorLocateError
        From :meth:`start`: HTCondor's programs are not on this machine.
    """

    def __init__(
        self,
        local_dir: Path | None = None,
        config: Mapping[str, str] | None = None,
        raw_config: str | None = None,
        detach: bool = False,
        use_config: bool = True,
    ) -> None:
        self.local_dir = Path(local_dir or Path.home() / ".condor" / "personal").absolute()
        self._config = {name: str(value) for name, value in (config or {}).items()}
        self._raw_config = raw_config or ""
        self._detach = detach
        self._use_config = use_config
        self._setting: SetCondorConfig | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._state = PersonalPoolState.UNINITIALIZED

    def __repr__(self) -> str:
        return f"PersonalPool(local_dir={self.local_dir}, state={self._state.value})"

    @property
    def config_file(self) -> Path:
        """The pool's configuration."""
        return self.local_dir / "condor_config"

    @property
    def state(self) -> PersonalPoolState:
        """How far it has come."""
        return self._state

    @classmethod
    def attach(cls, local_dir: Path | None = None) -> PersonalPool:
        """Return the pool that runs in a folder, left there detached.

        Raises
        ------
        FileNotFoundError
            There is none.
        """
        pool = cls(local_dir, detach=True)
        if not pool.config_file.exists():
            raise FileNotFoundError(f"there is no pool in {pool.local_dir}")
        pool._state = PersonalPoolState.READY
        pool.who()
        return pool

    def detach(self) -> PersonalPool:
        """Let the pool go on when this object ends."""
        self._detach = True
        return self

    def initialize(self, overwrite_config: bool = True) -> PersonalPool:
        """Make the folders and the configuration."""
        for name in ("log", "spool", "execute", "lock", "run"):
            (self.local_dir / name).mkdir(parents=True, exist_ok=True)
        for name in ("passwords.d", "tokens.d"):
            (self.local_dir / name).mkdir(mode=0o700, exist_ok=True)
        if overwrite_config or not self.config_file.exists():
            settings = "".join(f"{name} = {value}\n" for name, value in self._config.items())
            self.config_file.write_text(_BASE.format(local_dir=self.local_dir) + settings + self._raw_config + "\n")
        self._state = PersonalPoolState.INITIALIZED
        return self

    def start(self) -> PersonalPool:
        """Start the daemons and wait until they answer."""
        master = _program("condor_master")
        if self._state is PersonalPoolState.UNINITIALIZED:
            self.initialize()
        self._state = PersonalPoolState.STARTING
        self._master = subprocess.Popen(
            [master, "-f"], env=self._environment(), cwd=self.local_dir, start_new_session=True
        )
        try:
            self._wait(self._answers, "come up")
        except BaseException:
            self.stop()
            raise
        self._state = PersonalPoolState.READY
        if self._use_config:
            self.use_config().set()
        return self

    def stop(self) -> PersonalPool:
        """End the daemons, and wait until they have ended."""
        if self._setting is not None:
            self._setting.unset()
            self._setting = None
        if self._state in (PersonalPoolState.STARTING, PersonalPoolState.READY):
            self._state = PersonalPoolState.STOPPING
            self.run_command(["condor_off", "-daemon", "master"])
            if self._master is not None:
                try:
                    self._master.wait(_WAIT)
                except subprocess.TimeoutExpired:
                    self._master.kill()
                    self._master.wait()
            self._state = PersonalPoolState.STOPPED
        return self

    def use_config(self) -> SetCondorConfig:
        """Return what makes the pool's configuration that of this process."""
        self._setting = SetCondorConfig(self.config_file)
        return self._setting

    def run_command(
        self,
        args: list[str],
        stdout: int | None = subprocess.PIPE,
        stderr: int | None = subprocess.PIPE,
        universal_newlines: bool = True,
        **kwargs: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """Run one of HTCondor's programs with the pool's configuration."""
        command = [_program(args[0]), *args[1:]]
        return subprocess.run(
            command, stdout=stdout, stderr=stderr, text=universal_newlines, env=self._environment(), **kwargs
        )

    def get_config_val(self, macro: str, default: str | None = None) -> str | None:
        """Return a parameter of the pool, or ``default``."""
        done = self.run_command(["condor_config_val", macro])
        return done.stdout.strip() if done.returncode == 0 else default

    def who(self) -> _ads.ClassAd:
        """Return what the master says of itself."""
        with SetCondorConfig(self.config_file):
            return Collector(self._collector_address()).directQuery(DaemonTypes.Master)

    @property
    def collector(self) -> Collector:
        """The pool's collector."""
        return Collector(self._collector_address())

    @property
    def schedd(self) -> Schedd:
        """The pool's schedd."""
        return Schedd(self.collector.locateAll(DaemonTypes.Schedd)[0])

    def _collector_address(self) -> str:
        return (self.local_dir / "log" / ".collector_address").read_text().splitlines()[0]

    def _answers(self) -> bool:
        if self._master is not None and self._master.poll() is not None:
            raise HTCondorIOError(f"condor_master ended; see {self.local_dir / 'log'}")
        try:
            return bool(self.collector.locateAll(DaemonTypes.Schedd))
        except (OSError, HTCondorIOError):
            return False  # not yet

    def _wait(self, condition: Any, what: str) -> None:
        until = time.monotonic() + _WAIT
        while not condition():
            if time.monotonic() > until:
                raise HTCondorIOError(f"the pool in {self.local_dir} did not {what} within {_WAIT:.0f} s")
            time.sleep(_PAUSE)

    def _environment(self) -> dict[str, str]:
        return {**STATE.environment.environ, "CONDOR_CONFIG": str(self.config_file)}

    def __enter__(self) -> PersonalPool:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._detach:
            self.stop()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise HTCondorLocateError(
            f"{name} is not on this machine",
            hint="a personal pool needs HTCondor's programs; htcondor_async.testing.EmbeddedPool needs none",
        )
    return found
