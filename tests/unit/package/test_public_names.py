"""The names that the package loads when they are used are those that type checkers see."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import htcondor_async
from htcondor_async import errors


def seen_by_type_checkers() -> dict[str, str]:
    """Name to module, as imported under TYPE_CHECKING."""
    tree = ast.parse(Path(htcondor_async.__file__).read_text())
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    found = {}
    for node in guarded.body:
        assert isinstance(node, ast.ImportFrom) and node.module is not None
        module = node.module.removeprefix("htcondor_async.")
        for alias in node.names:
            for name in errors.__all__ if alias.name == "*" else [alias.asname or alias.name]:
                found[name] = module
    return {name: module for name, module in found.items() if not module.startswith("_")}


def test_the_table_is_what_type_checkers_see():
    assert seen_by_type_checkers() == htcondor_async._HOME_OF


@pytest.mark.parametrize("name", htcondor_async.__all__)
def test_every_name_loads(name):
    assert getattr(htcondor_async, name) is not None
    assert name in dir(htcondor_async)


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = htcondor_async.nonsense


def test_importing_loads_no_event_loop():
    heavy = ("asyncio", "anyio", "ssl", "cryptography")
    code = f"import sys, htcondor_async; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
