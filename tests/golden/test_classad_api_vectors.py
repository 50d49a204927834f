"""The v1 façade of the ClassAd language against recorded behaviour of HTCondor's own v1 module.

A row is a few lines of Python; the value or error of the last one is recorded.  What the wrapper of the v1 module adds
by itself is not compared: the name of its metaclass (``class``), and the texts of its argument errors, which are
recorded as empty.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import htcondor_sync.classad as classad
from htcondor_async.classad import _registry
from htcondor_async.classad.functions import REGISTRY
from htcondor_async.classad.functions.registered import registered

DATA = Path(__file__).parents[1] / "data" / "classad"
FILES = "api.jsonl", "api_more.jsonl"
DEAD_OBJECTS = "a99185ee56"  # compares the hashes, which are addresses, of two objects that are no more
OTHER_AREAS = {"submit", "ht_misc"}  # of the module htcondor: test_submit_vectors.py, tests/compat
ADDRESS = re.compile(r"0x[0-9a-f]{4,}")


def rows() -> list[dict[str, Any]]:
    found = [json.loads(line) for name in FILES for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
    return [row for row in found if row["area"] not in OTHER_AREAS]


@pytest.fixture(autouse=True)
def v1_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module is installed under v1's names, in UTC."""
    monkeypatch.setitem(sys.modules, "classad", classad)
    monkeypatch.setitem(sys.modules, "classad.classad", classad)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    classad._present_as("classad.classad")
    yield
    classad._present_as("htcondor_sync.classad")
    monkeypatch.undo()
    time.tzset()


@contextmanager
def fresh_functions() -> Iterator[None]:
    """No functions are registered, nothing has failed; what happens to the language here is undone."""
    functions, names = dict(REGISTRY), dict(registered)
    problem = _registry.last_problem.set("")
    classad._registered_functions.clear()
    try:
        yield
    finally:
        _registry.last_problem.reset(problem)
        for known, before in ((REGISTRY, functions), (registered, names), (classad._registered_functions, {})):
            known.clear()
            known.update(before)


def run(code: str) -> Any:
    """Return the value of the last line of ``code``."""
    tree = ast.parse(code)
    last = tree.body[-1]
    names: dict[str, Any] = {"classad": classad, "htcondor": SimpleNamespace()}
    try:
        if not isinstance(last, ast.Expr):
            exec(compile(tree, "row", "exec"), names)
            return None
        exec(compile(ast.Module(tree.body[:-1], []), "row", "exec"), names)
        return eval(compile(ast.Expression(last.value), "row", "eval"), names)
    finally:
        for value in names.values():
            if isinstance(value, io.IOBase):
                value.close()


def described(code: str) -> dict[str, Any]:
    """Return what running ``code`` comes to, as the rows say it."""
    try:
        value = run(code)
    except Exception as error:
        bases = [
            each.__name__
            for each in type(error).__mro__
            if getattr(builtins, each.__name__, None) is each and each not in (BaseException, object)
        ]
        first = error.args[0] if error.args else ""
        return {"exc": type(error).__name__, "bases": bases, "msg": first if isinstance(first, str) else repr(first)}
    found = {"type": type(value).__name__}
    try:
        shown = repr(value)
    except Exception as error:
        return {**found, "repr_exc": type(error).__name__}
    found["repr"] = ADDRESS.sub("0xADDR", shown)[:800]
    if not isinstance(value, str) and str(value) != shown:
        found["str"] = ADDRESS.sub("0xADDR", str(value))
    return found


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what is the wrapper's own."""
    result = dict(result)
    if result.get("type") == "class":
        result["type"] = "type"
    return result


@pytest.mark.filterwarnings("ignore::SyntaxWarning")  # the rows compare with `is`
@pytest.mark.parametrize("area", sorted({row["area"] for row in rows()}))
def test_what_the_v1_module_does(area: str) -> None:
    wrong = []
    for row in rows():
        if row["area"] != area:
            continue
        with fresh_functions():
            expected, found = comparable(row["r"]), described(row["code"])
        if "crash" in expected:
            # The reference crashed. Here there is a value, or an error of the module.
            assert "type" in found or found["exc"].startswith("ClassAd"), (row["code"], found)
            continue
        if found.get("msg") and not expected.get("msg"):
            found["msg"] = ""
        if str(expected.get("msg", "")).startswith("string indices must be integers"):
            expected["msg"] = "string indices must be integers"  # Python's own words; more of them since 3.11
            found["msg"] = str(found.get("msg", "")).partition(",")[0]
        if "str" in expected:
            expected["str"] = expected["str"][:800]
            found["str"] = found.get("str", "")[:800]
        if expected != found and row["id"] != DEAD_OBJECTS:
            wrong.append(f"{row['id']}\n{row['code']}\n  expected {expected}\n  found    {found}")
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong)


def test_expressions_and_ads_hash_by_identity() -> None:
    first, second = classad.ExprTree("x"), classad.ExprTree("x")
    assert hash(first) != hash(second)
    ads = classad.ClassAd(), classad.ClassAd()
    assert ads[0] == ads[1]
    assert hash(ads[0]) != hash(ads[1])
