"""The names of v2: each exists here, with v2's parameters and values, but for a list with reasons."""

from __future__ import annotations

import inspect
import json
from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from htcondor_async import errors
from htcondor_sync._unserved import NotServedError
from htcondor_sync.v2 import classad2, htcondor2

FOLDER = Path(__file__).parents[1] / "data/api"
MODULES: dict[str, ModuleType] = {"htcondor2": htcondor2, "classad2": classad2}
NAMES = {name: json.loads((FOLDER / f"{name}.json").read_text())["names"] for name in MODULES}

# What raises NotServedError, as docs/differences.md says.
UNSERVED = {
    "htcondor2.DAGMan",
    "htcondor2.Placementd",
    "htcondor2.load_a_config_usermap_file",
    "htcondor2.reload_config_usermaps",
    "htcondor2.Credd.get_oauth2_credential",
    *(f"htcondor2.Schedd.{name}ProjectRec" for name in ("add", "remove", "update", "enable", "disable")),
    *(f"htcondor2.Schedd.{name}" for name in ("queryProjectAds", "removeUserRec", "updateUserRec", "daemonHistory")),
    *(f"htcondor2.Schedd.{name}" for name in ("get_claims", "create_ocu", "remove_ocu", "query_ocu")),
    *(f"htcondor2.Startd.{name}" for name in ("vacate", "vacateSlot", "rehome")),
    "htcondor2.Submit.issue_credentials",
    "htcondor2.Submit.from_dag_options",
}
# Members whose numbers, or that, differ.
NUMBERS = {
    "htcondor2.DaemonCommand": "some of v2's numbers are those of other commands; ours are v1's, which daemons know",
    "htcondor2.DaemonCommands": "the same by its other name",
}
ABSENT = {"classad2.Parser.FileAuto": "of the C++ parser alone", "classad2.ParserType.FileAuto": "the same"}
# Parameters that differ.
PARAMETERS = {
    "htcondor2.CredCheck.__init__": "a result, made by Credd",
    "htcondor2.JobEvent.__init__": "a result, made by JobEventLog",
    "htcondor2.SubmitResult.__init__": "a result, made by Schedd.submit",
    "htcondor2.Schedd.jobEpochHistory": "the one keyword there is has its name",
    "htcondor2.log": "the name is v1's",
    "classad2.ClassAd.__init__": "the core's class takes more",
    "classad2.ExprTree.__init__": "the core's class",
    "classad2.ExprTree.eval": "the core's class: the scope comes first too",
    "classad2.ExprTree.simplify": "the core's class: the scope comes first too",
    "classad2.quote": "by position, as everybody calls it",
    "classad2.unquote": "by position, as everybody calls it",
}


def entries() -> list[tuple[str, str, Any]]:
    return [(module, name, entry) for module, found in NAMES.items() for name, entry in found.items()]


def named(kinds: set[str]) -> list[Any]:
    return [
        pytest.param(module, name, entry, id=f"{module}.{name}")
        for module, name, entry in entries()
        if entry["kind"] in kinds and f"{module}.{name}" not in UNSERVED
    ]


def parameters(signature: str) -> list[str]:
    """The names of the parameters in a declared signature, without self."""
    depth, part, found = 0, "", []
    for char in signature[signature.index("(") + 1 :]:
        if char == ")" and depth == 0:
            break
        depth += (char in "([{<") - (char in ")]}>")
        if char == "," and depth == 0:
            found.append(part)
            part = ""
        else:
            part += char
    names = [text.split(":")[0].split("=")[0].strip().lstrip("*") for text in [*found, part]]
    return [name for name in names if name and name != "self"]


def ours_of(value: Any) -> list[str]:
    return [name for name in inspect.signature(value).parameters if name != "self"]


def same(declared: list[str], value: Any, dunder: bool) -> bool:
    """Whether the parameters are the same; those of special methods are never named by callers."""
    return len(ours_of(value)) == len(declared) if dunder else ours_of(value) == declared


def test_every_name_is_here() -> None:
    for module, name, _ in entries():
        if f"{module}.{name}" in UNSERVED:
            with pytest.raises(NotServedError):
                getattr(MODULES[module], name)
        else:
            assert hasattr(MODULES[module], name), f"{module}.{name}"
            assert name in MODULES[module].__all__ or name.startswith("_"), f"{module}.{name} is not public"


@pytest.mark.parametrize(("module", "name", "entry"), named({"enum"}))
def test_enumeration(module: str, name: str, entry: Any) -> None:
    ours = getattr(MODULES[module], name)
    wanted = {member: value["value"] for member, value in entry["members"].items()}
    missing = {member for member in wanted if f"{module}.{name}.{member}" in ABSENT}
    assert set(wanted) - set(ours.__members__) == missing
    if f"{module}.{name}" in NUMBERS:
        return
    assert {member: int(ours[member]) for member in wanted if member not in missing and wanted[member] is not None} == {
        member: value for member, value in wanted.items() if member not in missing and value is not None
    }
    if module == "htcondor2":
        assert issubclass(ours, IntEnum)


@pytest.mark.parametrize(("module", "name", "entry"), named({"exception"}))
def test_exception(module: str, name: str, entry: Any) -> None:
    ours = getattr(MODULES[module], name)
    assert module == "classad2" or ours is getattr(errors, name)
    assert set(entry["builtin_bases"]) <= {base.__name__ for base in ours.__mro__}


@pytest.mark.parametrize(("module", "name", "entry"), named({"function"}))
def test_function(module: str, name: str, entry: Any) -> None:
    ours = getattr(MODULES[module], name)
    assert callable(ours)
    if entry.get("signatures") and f"{module}.{name}" not in PARAMETERS:
        assert parameters(entry["signatures"][0]) == ours_of(ours)


@pytest.mark.parametrize(("module", "name", "entry"), named({"class"}))
def test_class(module: str, name: str, entry: Any) -> None:
    ours = getattr(MODULES[module], name)
    for member, declared in entry["members"].items():
        key = f"{module}.{name}.{member}"
        assert hasattr(ours, member), key
        if declared["kind"] == "property":
            assert isinstance(inspect.getattr_static(ours, member), property), key
        elif key in UNSERVED:
            with pytest.raises(NotServedError):
                getattr(ours, member)(None)
        elif declared.get("signatures") and key not in PARAMETERS:
            wanted = parameters(declared["signatures"][0])
            assert same(wanted, getattr(ours, member), member.startswith("__")), (key, wanted)


def test_the_lists_of_differences_are_used() -> None:
    known = {f"{module}.{name}" for module, name, _ in entries()}
    known |= {f"{module}.{name}.{member}" for module, name, entry in entries() for member in entry.get("members", {})}
    assert set(UNSERVED) | set(NUMBERS) | set(ABSENT) | set(PARAMETERS) <= known


def test_what_is_not_served_is_listed() -> None:
    text = (Path(__file__).parents[2] / "docs/differences.md").read_text()
    assert [name for name in sorted(UNSERVED) if name.partition(".")[2].rpartition(".")[2] not in text] == []
