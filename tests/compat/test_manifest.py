"""The names of v1: each exists here, with v1's signature, values and bases, but for a short list with reasons."""

from __future__ import annotations

import inspect
import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import htcondor_sync
from htcondor_async import errors
from htcondor_sync._arguments import UNSET
from htcondor_sync._enums import BoostEnum

MANIFEST = json.loads((Path(__file__).parents[1] / "data/api/htcondor_v1.json").read_text())["names"]

PARAMETER = re.compile(r"\((?P<kind>[\w.]+)\)(?P<name>\w+)(?:=(?P<default>.+))?\Z", re.DOTALL)

# Intended differences: name to reason. Everything else that differs fails.
SIGNATURES = {
    "Submit.__init__": "v1 declares raw arguments; here they are *args and **kwargs",
}
# Members of v1's classes that are not here.
MISSING: dict[str, str] = {
    "Claim.*": "claims are not made by this client; the constructor says so",
    "ScheddNegotiate.*": "this client does not negotiate; Schedd.negotiate says so",
    "ResourceRequestIterator.*": "this client does not negotiate; Schedd.negotiate says so",
}


def parameters(text: str) -> list[tuple[str, str, str | None, bool]]:
    """Type, name, default and whether it may be left out, of each parameter but self, of a declared signature."""
    inside = text[text.index("(") + 1 : text.rindex(") ->")].strip()
    optional, found, part, quote = False, [], "", ""
    items: list[tuple[str, bool]] = []
    for char in inside:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        if not quote and char == "[" and not part.rstrip().endswith("="):
            if part.strip(" ,"):
                items.append((part.strip(" ,"), optional))
            part, optional = "", True
        elif not quote and char == "," and not part.count("(") > part.count(")"):
            if part.strip():
                items.append((part.strip(), optional))
            part = ""
        elif not quote and char == "]" and not part.rstrip().endswith("["):
            continue
        else:
            part += char
    if part.strip(" ,"):
        items.append((part.strip(" ,"), optional))
    for item, may_lack in items:
        match = PARAMETER.match(item)
        assert match, (text, item)
        found.append((match["kind"], match["name"], match["default"], may_lack))
    return found


def default_of(text: str | None) -> object:
    """The value of a default as declared, or UNSET where an argument may be left out without one."""
    if text is None:
        return UNSET
    enumeration = re.fullmatch(r"htcondor\.(\w+)\.(\w+)", text)
    if enumeration:
        return getattr(getattr(htcondor_sync, enumeration[1]), enumeration[2])
    if text.startswith("htcondor."):
        return UNSET  # a number that is no member: "found out from the name"
    return eval(text, {"__builtins__": {}})


def same_signature(declared: str, ours: inspect.Signature, *, method: bool) -> str | None:
    """What differs between a declared signature and ours, or None."""
    wanted = parameters(declared)
    have = list(ours.parameters.values())
    if method:
        wanted, have = wanted[1:], have[1:]
    if len(wanted) != len(have):
        return f"{len(have)} parameters for {len(wanted)}"
    for (kind, name, default, may_lack), parameter in zip(wanted, have, strict=True):
        if not re.fullmatch(r"arg\d+|self", name) and parameter.name != name:
            return f"{parameter.name} for {name}"
        if may_lack != (parameter.default is not parameter.empty):
            return f"{name} {'must' if may_lack else 'need not'} be given here"
        if may_lack and parameter.default is not UNSET and parameter.default != default_of(default):
            return f"{name}={parameter.default!r} for {default}"
        if default == "0" and kind.endswith("Flags") and parameter.default != 0:
            return f"{name}={parameter.default!r} for 0"
    return None


def names(kind: str) -> list[str]:
    return sorted(name for name, entry in MANIFEST.items() if entry["kind"] == kind)


def missing(owner: str, member: str) -> bool:
    return f"{owner}.{member}" in MISSING or f"{owner}.*" in MISSING


def test_every_name_is_here_and_listed() -> None:
    public = {name for name in MANIFEST if not name.startswith("_")}
    assert public <= set(htcondor_sync.__all__) | {"__version__"}
    assert [name for name in MANIFEST if not hasattr(htcondor_sync, name)] == []


@pytest.mark.parametrize("name", names("enum"))
def test_enumeration(name: str) -> None:
    entry = MANIFEST[name]
    ours = getattr(htcondor_sync, name)
    wanted = {member: value["value"] for member, value in entry["members"].items()}
    if entry["base"] == "IntEnum":
        assert issubclass(ours, IntEnum) and {member.name: member.value for member in ours} == wanted
        return
    assert issubclass(ours, BoostEnum)
    assert {member: int(value) for member, value in ours.names.items()} == wanted
    assert {int(value) for value in ours.values.values()} == set(wanted.values())
    for member, value in wanted.items():
        assert getattr(ours, member) == value and str(ours.names[member]) == member


@pytest.mark.parametrize("name", names("exception"))
def test_exception(name: str) -> None:
    ours = getattr(htcondor_sync, name)
    assert ours is getattr(errors, name)
    built_in = [base.__name__ for base in ours.__mro__ if base.__module__ == "builtins" and base is not object]
    assert set(built_in) == set(MANIFEST[name]["builtin_bases"])


@pytest.mark.parametrize("name", names("function"))
def test_function(name: str) -> None:
    ours = getattr(htcondor_sync, name)
    signature = inspect.signature(ours)
    problems = [same_signature(text, signature, method=False) for text in MANIFEST[name]["signatures"]]
    assert None in problems or covers(MANIFEST[name]["signatures"], signature, 0), problems


@pytest.mark.parametrize("name", names("constant"))
def test_constant(name: str) -> None:
    assert type(getattr(htcondor_sync, name)).__name__ == MANIFEST[name]["type"]


def class_members() -> list[tuple[str, str]]:
    return [
        (name, member)
        for name in names("class")
        for member in MANIFEST[name].get("members", {})
        if not missing(name, member)
    ]


@pytest.mark.parametrize(("owner", "member"), class_members())
def test_member(owner: str, member: str) -> None:
    entry = MANIFEST[owner]["members"][member]
    ours = getattr(htcondor_sync, owner)
    assert hasattr(ours, member), f"{owner} has no {member}"
    if entry["kind"] == "property":
        assert isinstance(inspect.getattr_static(ours, member), property)
        return
    if entry.get("static"):
        assert isinstance(inspect.getattr_static(ours, member), staticmethod)
    if f"{owner}.{member}" in SIGNATURES or member == "__exit__":
        return
    function = getattr(ours, member)
    signature = inspect.signature(function)
    problems = [same_signature(text, signature, method=not entry.get("static")) for text in entry["signatures"]]
    assert None in problems or covers(entry["signatures"], signature), problems


def covers(declared: list[str], ours: inspect.Signature, bound: int = 1) -> bool:
    """Whether a signature of ours takes all that several overloads take: the longest, with what some lack optional."""
    names_of_ours = list(ours.parameters)[bound:]
    return len(declared) > 1 and any(
        len(parameters(text)) - bound == len(names_of_ours)
        and all(
            re.fullmatch(r"arg\d+", name) or name == have
            for (_, name, _, _), have in zip(parameters(text)[bound:], names_of_ours, strict=True)
        )
        for text in declared
    )


@pytest.mark.parametrize("name", [n for n in names("class") if MANIFEST[n].get("constructible") is False])
def test_classes_that_v1_makes_no_objects_of(name: str) -> None:
    with pytest.raises(RuntimeError):
        getattr(htcondor_sync, name)()


def test_the_lists_of_differences_are_used() -> None:
    for key in [*SIGNATURES, *MISSING]:
        owner, _, member = key.partition(".")
        assert owner in MANIFEST
        assert member == "*" or member in MANIFEST[owner]["members"]


def test_the_module_has_no_name_that_is_only_half_there() -> None:
    unserved: list[Any] = [name for name in dir(htcondor_sync) if not hasattr(htcondor_sync, name)]
    assert unserved == []
