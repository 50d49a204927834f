"""What one process has of the v1 API: the configuration behind ``param``, and the client made from it."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from htcondor_async._runtime import host
from htcondor_async._runtime.blocking import BlockingRuntime
from htcondor_async.client import Client
from htcondor_async.config import NO_CONFIGURATION, Config, MutableConfig
from htcondor_sync._snapshot import VARIABLES

if TYPE_CHECKING:
    from htcondor_sync._system import SystemEnvironment

__all__ = ["STATE", "ProcessState"]


class ProcessState:
    """The configuration and the client of this process; both are made at the first use.

    The configuration is that of the environment variables of the moment when the package was imported, as in v1, until
    it is reloaded. Whoever writes to ``param`` gets another client: handles ask for it anew at each call.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._variables = dict(VARIABLES)
        self._environment: SystemEnvironment | None = None
        self._config: MutableConfig | None = None
        self._client: Client | None = None
        self.subsystem = "TOOL"
        self.runtime = BlockingRuntime()

    @property
    def environment(self) -> SystemEnvironment:
        """The machine, with the environment variables that the configuration was read with."""
        with self._lock:
            if self._environment is None:
                from htcondor_sync._system import SystemEnvironment  # it loads much that an import does not need

                self._environment = SystemEnvironment(self._variables)
            return self._environment

    @property
    def config(self) -> MutableConfig:
        """The configuration, loaded at the first use; its warnings go to standard error."""
        with self._lock:
            if self._config is None:
                self._config = self._load_first()
            return self._config

    def _load(self) -> MutableConfig:
        loaded = Config.load(
            self.environment,
            subsystem=self.subsystem,
            allow_commands=True,
            detected=self.environment.detected(),
        )
        for warning in loaded.warnings:
            if warning.startswith(NO_CONFIGURATION):
                warnings.warn(warning, stacklevel=2)
            else:
                print(warning, file=sys.stderr)
        return loaded.mutable()

    def _load_first(self) -> MutableConfig:
        """Read the configuration as importing the bindings does: one that is not there only costs a message."""
        named = self._variables.get("CONDOR_CONFIG", "")
        if named and not named.endswith("|") and named.upper() != "ONLY_ENV":
            found = self.environment.stat(named)
            if found is None or found.is_directory:
                what = "is a directory" if found else "does not exist"
                print(f"the configuration {named!r} of CONDOR_CONFIG {what}; defaults are used", file=sys.stderr)
                kept = {name: value for name, value in self._variables.items() if name[:8].lower() != "_condor_"}
                self._variables, self._environment = {**kept, "CONDOR_CONFIG": "ONLY_ENV"}, None
        config = self._load()
        config["ENABLE_CLASSAD_CACHING"] = "false"
        return config

    def reload(self) -> None:
        """Read the configuration again, with the environment variables of now; what was written is lost."""
        with self._lock:
            self._variables, self._environment = dict(host.environ()), None
            self._config = self._load()
            self._client = None

    def use_file(self, path: str | None) -> str | None:
        """Read another main file (None for where it is looked for); return the one that was named before."""
        with self._lock:
            before = self._variables.get("CONDOR_CONFIG")
            variables = dict(host.environ())
            variables.pop("CONDOR_CONFIG", None)
            if path is not None:
                variables["CONDOR_CONFIG"] = path
            self._variables, self._environment, self._client = variables, None, None
            self._config = self._load()
            return before

    def set_subsystem(self, name: str) -> None:
        """Look values up for another subsystem; files are read for it when the configuration is reloaded."""
        with self._lock:
            self.config.set_subsystem(name)
            self.subsystem = name
            self._client = None

    def changed(self) -> None:
        """Take note that the configuration was written to."""
        with self._lock:
            self._client = None

    @property
    def client(self) -> Client:
        """The client of this process."""
        with self._lock:
            if self._client is None:
                self._client = Client(self.config.snapshot(), runtime=self.runtime)
            return self._client

    def _forget_parent(self) -> None:
        # A lock held by another thread of the parent would never be released here, nor would that of the sessions.
        self._lock = threading.RLock()
        self._client = None


STATE = ProcessState()


def _after_fork(*_: Any) -> None:
    STATE._forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
