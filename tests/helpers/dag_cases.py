"""Running the recorded cases of tests/data/dag."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from htcondor_async._environment import FileStatus
from htcondor_async.submit import Identity, SubmitContext, Version
from htcondor_sync._submit import Submit
from tests.helpers.submit_rows import type_matches
from tests.helpers.submit_world import SubmitWorld

DATA = Path(__file__).resolve().parent.parent / "data" / "dag"
CASES = sorted(path.stem for path in DATA.glob("*.json"))
HOME = "/home/alice/dags"
VERSION = "$CondorVersion: 24.0.24 2026-09-24 BuildID: UW_Python_Wheel_Build $"
DIAMOND = "JOB A a.sub\nJOB B b.sub\nPARENT A CHILD B\n"
PARAMS = {
    "param_insert_sub_file": {"DAGMAN_INSERT_SUB_FILE": "app.sub"},
    "param_insert_sub_file_missing": {"DAGMAN_INSERT_SUB_FILE": "app.sub"},
    "param_append_getenv": {"DAGMAN_MANAGER_JOB_APPEND_GETENV": "XX,YY"},
    "param_append_getenv_true": {"DAGMAN_MANAGER_JOB_APPEND_GETENV": "true"},
    "param_on_exit_remove": {"DAGMAN_ON_EXIT_REMOVE": "true"},
}
ENVIRON = {
    "CONDOR_CONFIG": "/etc/condor/condor_config",
    "EMPTY": "",
    "HOME": "/home/alice",
    "LANG": "C.UTF-8",
    "NL": "a\nb",
    "PATH": "/usr/bin:/usr/bin:/bin",
    "QUOTED": 'it\'s "q"',
    "SHELL": "/bin/sh",
    "SPACED": "two words",
    "USER": "alice",
    "WEIRD": "a;b",
}


class DagWorld(SubmitWorld):
    """The recording machine: its directory, its programs."""

    def __init__(self, directory: str, programs: Sequence[str]) -> None:
        super().__init__(directory, ENVIRON)
        self._programs = programs

    def _real(self, path: str) -> str:
        return self.directory + path[len(HOME) :] if path.startswith(HOME) else path

    def cwd(self) -> str:
        return HOME

    def read_file(self, path: str) -> bytes:
        return super().read_file(self._real(path))

    def write_file(self, path: str, data: bytes) -> None:
        super().write_file(self._real(path), data)

    def rename(self, old: str, new: str) -> None:
        super().rename(self._real(old), self._real(new))

    def remove(self, path: str) -> None:
        super().remove(self._real(path))

    def stat(self, path: str) -> FileStatus | None:
        if not path.startswith(HOME):
            return FileStatus(False, 1, 0o755, 0.0) if path in self._programs else None
        return super().stat(self._real(path))

    def access(self, path: str, mode: int) -> bool:
        return path in self._programs or super().access(self._real(path), mode)


def _snapshot(directory: str) -> dict[str, str]:
    found = {}
    for top, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(top, name)
            found["./" + os.path.relpath(path, directory)] = Path(path).read_text(encoding="utf-8")
    return found


def check(name: str, directory: str) -> list[str]:
    """Return what differs between a recorded case and this package."""
    case: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    files = dict(case.get("extra_files", {}))
    if name != "missing_dag":
        files[case["dag_file"]] = case.get("dag_text", DIAMOND)
    for path, text in files.items():
        target = Path(directory, path.removeprefix(HOME + "/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    before = _snapshot(directory)
    programs = [] if name == "no_dagman_in_path" else ["/usr/bin/condor_dagman", "/usr/bin/valgrind"]
    world = DagWorld(directory, programs)
    context = SubmitContext(
        world,
        PARAMS.get(name, {}).get,
        Identity(VERSION, "$CondorPlatform: X $"),
        Version(24, 0, 24),
        Version(24, 0, 24),
    )
    problems = []
    try:
        submit = Submit._from_dag(case["dag_file"], case.get("options", {}), context)
    except Exception as error:
        if "exception" not in case:
            return [f"{type(error).__name__}: {error}"]
        if not type_matches(case["exception"][0], error) or not str(error):
            problems.append(f"{type(error).__name__}: {error}, expected {case['exception']}")
    else:
        if "exception" in case:
            return [f"expected {case['exception']}"]
        found = {
            "submit_items": dict(submit.items()),
            "submit_str": str(submit),
            "queue_args": submit.getQArgs(),
        }
        problems += [f"{key}: {value!r}, expected {case[key]!r}" for key, value in found.items() if value != case[key]]
    after = _snapshot(directory)
    created = {path: text for path, text in after.items() if path not in before}
    removed = sorted(path for path in before if path not in after)
    if created != case.get("files_created", {}):
        problems.append(f"created {created}, expected {case.get('files_created')}")
    if removed != sorted(case.get("files_removed", [])):
        problems.append(f"removed {removed}, expected {case.get('files_removed')}")
    return problems
