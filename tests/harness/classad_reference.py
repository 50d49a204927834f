"""HTCondor's own ClassAd module in a process of its own, as a reference to compare with."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from . import bindings, classad_reference_worker

__all__ = ["Case", "evaluate", "interpreter", "probe"]

_WORKER = Path(classad_reference_worker.__file__)


@attrs.frozen
class Case:
    """An expression, and the new-syntax ads it is evaluated in and matched with, if any."""

    text: str
    ad: str | None = None
    target: str | None = None


def interpreter() -> Path:
    """Return the Python that has HTCondor's modules.

    It is what HTCONDOR_ASYNC_BINDINGS says (the interpreter, or its virtual environment), or the one in the user's
    cache, which is made if it is missing.
    """
    given = os.environ.get("HTCONDOR_ASYNC_BINDINGS")
    if not given:
        return bindings.bindings(bindings.V1_AND_V2)
    path = Path(given)
    return path / "bin" / "python" if path.is_dir() else path


def probe(text: str) -> str:
    """Return the expression that gives kind and text of the value of another one."""
    return classad_reference_worker.probe(text)


def evaluate(cases: Sequence[Case], *, zone: str, config: Path, timeout: float = 300) -> list[str | None]:
    """Return the reference's answer for each case, as the worker writes them; None where it crashed.

    One process takes all cases; after a crash another takes what is left.
    """
    answers: list[str | None] = []
    environment = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "CONDOR_CONFIG": str(config), "TZ": zone}
    command = [str(interpreter()), str(_WORKER)]
    while len(answers) < len(cases):
        left = cases[len(answers) :]
        lines = "".join(json.dumps({"x": case.text, "ad": case.ad, "target": case.target}) + "\n" for case in left)
        done = subprocess.run(
            command, input=lines, capture_output=True, text=True, timeout=timeout, env=environment, cwd="/"
        )
        answers += [json.loads(line) for line in done.stdout.splitlines()]
        if len(answers) < len(cases):
            assert done.returncode < 0, f"the reference ended with {done.returncode}: {done.stderr}"
            answers.append(None)
    return answers
