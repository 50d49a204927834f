"""The names of v1's ``classad``: each is here, with v1's members, parameters, values and bases, and nothing more."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import htcondor_sync.classad as classad
from htcondor_sync._enums import BoostEnum

NAMES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data/api/classad_v1.json").read_text(encoding="utf-8")
)["names"]
NOT_IN_V1 = ("pop", "popitem", "clear", "copy", "fromkeys", "__or__", "__ior__", "__lt__", "__reversed__")


def of_kind(kind: str) -> list[str]:
    return [name for name, entry in NAMES.items() if entry["kind"] == kind]


def declared(signatures: list[str]) -> tuple[set[int], set[str]]:
    """Return how many arguments, ``self`` included, the signatures take, and their names but ``arg1`` and so on."""
    counts, names = set(), set()
    for signature in signatures:
        inside = signature[signature.index("(") + 1 : signature.rindex(") ->")]
        required = inside.split("[")[0]
        parameters = re.findall(r"\([\w.]+\)(\w+)", inside)
        counts.update(range(len(re.findall(r"\([\w.]+\)\w+", required)), len(parameters) + 1))
        names.update(name for name in parameters if not re.fullmatch(r"arg\d", name))
    return counts, names


def fits(function: Any, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def test_every_name_is_there() -> None:
    assert [name for name in NAMES if not hasattr(classad, name)] == []
    inner = __import__("htcondor_sync.classad.classad", fromlist=["ClassAd"])
    assert inner.ClassAd is classad.ClassAd


@pytest.mark.parametrize("name", [name for name in of_kind("function") if NAMES[name]["signatures"]])
def test_functions_take_what_v1s_take(name: str) -> None:
    counts, names = declared(NAMES[name]["signatures"])
    function = getattr(classad, name)
    assert {count for count in range(6) if fits(function, count)} == counts
    assert names <= set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", of_kind("class"))
def test_classes_have_v1s_members(name: str) -> None:
    entry, found = NAMES[name], getattr(classad, name)
    wrong = []
    for member, about in entry["members"].items():
        method = getattr(found, member, None)
        if method is None:
            wrong.append(f"{name}.{member} is missing")
            continue
        if member == "__init__" or not about["signatures"]:
            continue
        counts, names = declared(about["signatures"])
        # `get` takes anything and raises ArgumentError itself: it is called too often for the detour of a check.
        accepted = {count for count in range(6) if fits(method, count)}
        if accepted != counts and (name, member) != ("ClassAd", "get"):
            wrong.append(f"{name}.{member} takes {accepted} arguments, not {counts}")
        if not names <= set(inspect.signature(method).parameters):
            wrong.append(f"{name}.{member} has no parameters {names}")
    assert wrong == []
    if entry.get("constructible") is False:
        with pytest.raises(RuntimeError, match="cannot be instantiated"):
            found()


@pytest.mark.parametrize("name", NOT_IN_V1)
def test_an_ad_is_no_more_a_dict_than_v1s(name: str) -> None:
    assert name not in dir(classad.ClassAd) or getattr(classad.ClassAd, name) is getattr(object, name, None)


@pytest.mark.parametrize("name", of_kind("enum"))
def test_enumerations(name: str) -> None:
    found = getattr(classad, name)
    members = NAMES[name]["members"]
    assert issubclass(found, BoostEnum)
    assert {member: int.__add__(value, 0) for member, value in found.names.items()} == {
        member: about["value"] for member, about in members.items()
    }
    for member, about in members.items():
        value = getattr(found, member)
        assert str(value) == value.name == member
        assert found.values[about["value"]] is value
        assert repr(value) == f"classad.classad.{name}.{member}"


@pytest.mark.parametrize("name", of_kind("exception"))
def test_exceptions_have_v1s_bases(name: str) -> None:
    assert [each.__name__ for each in getattr(classad, name).__mro__] == NAMES[name]["mro"]
