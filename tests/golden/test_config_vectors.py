"""What the v1 bindings 24.0.24 read from configurations, against what this package reads from them."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest

from htcondor_async._environment import CommandResult, FileStatus, UserRecord
from htcondor_async.config import Config, SourceError
from htcondor_async.config._defaults import defaults
from htcondor_async.config.detected import Machine, detected_values

DATA = Path(__file__).resolve().parent.parent / "data" / "config"
CASES = sorted(path.stem for path in DATA.glob("*.json") if not path.name.startswith("_"))
HOST = "host.example.org"
IPV4, IPV6 = "10.1.2.3", "fd00::1"


class RealFiles:
    """An environment with real files and commands, and everything else made up."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.random = random.Random(1)
        self.messages: list[str] = []

    def now(self) -> float:
        return 1_700_000_000.0

    def local_zone(self) -> tzinfo:
        return timezone.utc

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)

    def cwd(self) -> str:
        return "/nonexistent"

    def hostname(self) -> str:
        return HOST

    def read_file(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def stat(self, path: str) -> FileStatus | None:
        if not os.path.exists(path):
            return None
        found = os.stat(path)
        return FileStatus(os.path.isdir(path), found.st_size, found.st_mode & 0o7777, found.st_mtime)

    def access(self, path: str, mode: int) -> bool:
        return os.access(path, mode)

    def list_directory(self, path: str) -> Sequence[str]:
        return sorted(os.listdir(path))

    def glob(self, pattern: str) -> Sequence[str]:
        raise AssertionError("configuration expands no patterns")

    def current_user(self) -> UserRecord | None:
        return UserRecord("alice", 1234, 1234, "/home/alice")

    def user(self, name: str) -> UserRecord | None:
        return None

    def run_command(self, arguments: Sequence[str] | str, *, timeout: float) -> CommandResult:
        done = subprocess.run(arguments, capture_output=True, timeout=timeout, check=False)
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def log(self, message: str) -> None:
        self.messages.append(message)


class Case:
    """One recorded input, its files written to a directory."""

    def __init__(self, name: str, directory: Path) -> None:
        self.directory = directory
        self.record: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
        files = {**self.record["files"], "condor_config": self.record["condor_config"]}
        for path, text in files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(self.fill(text).encode("utf-8"))

    def fill(self, text: str) -> str:
        return text.replace("@DIR@", str(self.directory)).replace("@HOST@", HOST).replace("@IPADDRS@", f"{IPV4} {IPV6}")

    def load(self) -> Config:
        environ = {
            "HOME": "/home/alice",
            "USER": "alice",
            "PATH": os.environ["PATH"],
            "CONDOR_CONFIG": str(self.directory / "condor_config"),
            **{name: self.fill(value) for name, value in self.record["env"].items()},
        }
        return Config.load(
            RealFiles(environ),
            subsystem=self.record.get("subsys", "TOOL"),
            allow_commands=True,
            detected={"IP_ADDRESS": IPV4, "IPV4_ADDRESS": IPV4, "IPV6_ADDRESS": IPV6},
        )


def checked(case: Case, config: Config) -> int:
    """Compare every query of a case; returns how many were compared."""
    for name in case.record["query"]:
        expected = case.record["v1"][name]
        assert (name in config) == expected["in"], f"{name} in config"
        if "exception" in expected:
            assert expected["exception"][0] == "KeyError"
            with pytest.raises(KeyError):
                config[name]
            assert config.get(name, "<default>") == expected["get"]
            continue
        value = case.fill(expected["value"]) if isinstance(expected["value"], str) else expected["value"]
        assert config[name] == value, name
        assert type(config[name]).__name__ == expected["type"], name
        assert config.get(name, "<default>") == value, name
    return len(case.record["query"])


@pytest.mark.parametrize("name", [name for name in CASES if "v1" in json.loads((DATA / f"{name}.json").read_text())])
def test_values(name: str, tmp_path: Path) -> None:
    case = Case(name, tmp_path)
    config = case.load()
    assert checked(case, config) == len(case.record["query"])
    told = re.findall(
        r'^Config source Warning "(.*)", Line (\d+): ', case.fill(case.record.get("stderr", "")), re.MULTILINE
    )
    assert [warning.split(": ")[0] for warning in config.warnings] == [f"{file}, line {line}" for file, line in told]


@pytest.mark.parametrize(
    "name", [name for name in CASES if "process_failed" in json.loads((DATA / f"{name}.json").read_text())]
)
def test_failures(name: str, tmp_path: Path) -> None:
    """Where the bindings end the process: with status 1 while reading, with status 4 when a value is looked up."""
    case = Case(name, tmp_path)
    failed = case.record["process_failed"]
    if failed["returncode"] == 1:
        with pytest.raises(SourceError) as caught:
            case.load()
        place = re.search(r"Error Line (\d+) while reading global config source (.*)", case.fill(failed["stderr"]))
        assert place is not None
        assert (caught.value.source, caught.value.line) == (place[2], int(place[1]))
        return
    assert failed["returncode"] == 4
    config = case.load()
    with pytest.raises(SourceError):
        for query in case.record["query"]:
            config[query]


def test_every_case_is_run() -> None:
    assert len(CASES) == 105


def test_defaults() -> None:
    """Raw defaults, declared types and typed values of the parameters that clients use."""
    recorded = json.loads((DATA / "_defaults.json").read_text(encoding="utf-8"))
    world = RealFiles({"CONDOR_CONFIG": "/dev/null"})
    config = Config.load(world, detected=detected_values(Machine("Linux", machine="x86_64"), world))
    compared = 0
    for name, record in recorded.items():
        declared = defaults().find(name)
        # The build of the bindings, not the table, decides these two; their value is compared below.
        if "raw_default" in record and name not in ("SEC_DEFAULT_AUTHENTICATION_METHODS", "CONDOR_VERSION"):
            assert declared is not None
            assert (declared.raw or "", declared.kind) == (record["raw_default"], record["declared_type"]), name
        # The bindings set ENABLE_CLASSAD_CACHING when they are imported.
        if record.get("host_dependent") or "v1" not in record or name == "ENABLE_CLASSAD_CACHING":
            continue
        compared += 1
        if record["v1"] is None:
            assert config.get(name) is None, name
        else:
            value = record["v1"]["value"]
            assert config[name] == (value.replace("@HOST@", HOST) if isinstance(value, str) else value), name
            assert type(config[name]).__name__ == record["v1"]["type"], name
            assert (name in config) == record["v1"]["in"], name
    assert compared > 200


def test_metaknobs(tmp_path: Path) -> None:
    """What each metaknob changes, compared with what it changes in the bindings."""
    recorded = json.loads((DATA / "_metaknobs.json").read_text(encoding="utf-8"))
    main = tmp_path / "condor_config"
    for knob, changes in recorded.items():
        category, name = knob.split(":")
        main.write_text(f"CONDOR_HOST = cm.example.org\nuse {category} : {name}\n", encoding="utf-8")
        config = Config.load(RealFiles({"CONDOR_CONFIG": str(main)}), detected={"DETECTED_CPUS": "2"})
        for parameter, value in changes.items():
            expected = value.replace("@HOST@", HOST) if isinstance(value, str) else value
            # Addresses are those of the machine that recorded; the checkpoint period holds a random number.
            if "@IP" not in str(value) and "PERIODIC_CHECKPOINT" not in parameter:
                assert config[parameter] == expected, (knob, parameter)
    assert len(recorded) == 24


RECORDED = [json.loads(line) for line in (DATA / "recorded.jsonl").read_text(encoding="utf-8").splitlines()]

# Where this package deliberately differs from what was recorded, and why.
DIFFERENCES = {
    "two conversions print whatever lies behind the argument": r"\$INT\(X,%d%d\)",
    "a character conversion of a real number prints whatever lies in a register": r"\$REAL\(X,%c\)",
    "a byte that is no text makes the bindings return the unexpanded value": r"X = -3\nA = \$INT\(X,%c\)",
    "including a directory is an error instead of nothing": r"include : @DIR@\n",
    "wrong settings of how to read are errors of the reading, not of a look-up": r"EXCLUDE_REGEXP=\(|CONFIG_FILE=no\n",
}


def test_recorded_differences_are_few() -> None:
    matching = [row for row in RECORDED if any(re.search(p, row["config"]) for p in DIFFERENCES.values())]
    assert len(matching) == 10
    assert len(RECORDED) > 1500


def test_recorded(tmp_path: Path) -> None:
    """Some 1500 small configurations, written for the corners of the language, as the bindings read them."""
    for number, row in enumerate(RECORDED):
        if any(re.search(pattern, row["config"]) for pattern in DIFFERENCES.values()):
            continue
        directory = tmp_path / str(number)
        directory.mkdir()
        for path, text in {**row.get("files", {}), "condor_config": row["config"]}.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(text.replace("@DIR@", str(directory)).encode())
        environ = {name: value.replace("@DIR@", str(directory)) for name, value in row.get("env", {}).items()}
        environ = {"HOME": "/home/alice", "CONDOR_CONFIG": str(directory / "condor_config"), **environ}
        compare_recorded(row, environ, str(directory))


def compare_recorded(row: Mapping[str, Any], environ: Mapping[str, str], directory: str) -> None:
    values, about = row.get("values"), row["config"]
    try:
        config = Config.load(RealFiles(environ), subsystem=row.get("subsys", "TOOL"), allow_commands=True)
    except SourceError:
        assert row.get("status") == 1, about
        return
    assert values is not None, about
    for name in row["query"]:
        if name not in values:
            assert row.get("status") == 4, about
            with pytest.raises(SourceError):
                config[name]
            return
        assert (name in config) == values[name][0], (about, name)
        if len(values[name]) == 1:
            with pytest.raises(KeyError):
                config[name]
            continue
        expected = values[name][1]
        if isinstance(expected, str):
            expected = expected.replace("@DIR@", directory)
        assert (config[name], type(config[name])) == (expected, type(expected)), (about, name)
    assert not row.get("status"), about
