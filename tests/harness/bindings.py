"""HTCondor's own Python bindings, each version in a virtual environment of its own, cached outside the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import roots

V1_AND_V2 = "24.0.24"
V2_ONLY = "25.14.1"

_PREAMBLE = "import json as _json, sys as _sys\ndef emit(value): print('\\x1e' + _json.dumps(value), flush=True)\n"


class BindingsUnavailableError(RuntimeError):
    """The bindings of some version cannot be installed here."""


def bindings(version: str) -> Path:
    """Return the interpreter of an environment with `htcondor` of this version, made if missing."""
    folder = roots.cache() / "bindings" / version
    python = folder / "bin/python"
    with roots.locked(folder.parent / f".{version}.lock"):
        if python.exists() and subprocess.run([python, "-c", "import htcondor2"], capture_output=True).returncode == 0:
            return python
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", f"htcondor=={version}"],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                raise BindingsUnavailableError(f"htcondor {version} cannot be installed: {last}")
    return python


def run_bindings(
    version: str,
    script: str,
    *args: str,
    config: Path,
    timeout: float = 120,
    env: dict[str, str] | None = None,
) -> list[Any]:
    """Run Python source with real bindings and return what it gave to `emit(...)`, in order.

    Args:
        version: "24.0.24" (`htcondor`, `classad`, `htcondor2`, `classad2`) or "25.14.1" (the latter two).
        script: the source; `emit(value)` is defined in it for values that JSON can carry.
        args: for `sys.argv[1:]`.
        config: CONDOR_CONFIG, as from `Pool.client()`.

    Raises:
        AssertionError: the script failed.
    """
    environment = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "CONDOR_CONFIG": str(config), **(env or {})}
    command: Sequence[str] = [str(bindings(version)), "-c", _PREAMBLE + script, *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, cwd="/")
    if done.returncode:
        raise AssertionError(f"bindings {version}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return [json.loads(line[1:]) for line in done.stdout.split("\n") if line.startswith("\x1e")]
