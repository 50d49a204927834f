"""What v1's classes say of where they are from, installed under v1's names and not."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_classes_are_pickled_under_v1s_names() -> None:
    out = run(
        """
        import pickle, htcondor_sync
        htcondor_sync.install()
        import classad
        for value in (classad.ClassAd({"a": 1}), classad.ExprTree("x + 1"), classad.Value.Undefined, classad.ClassAd):
            data = pickle.dumps(value)
            assert b"classad.classad" in data and b"htcondor_sync" not in data, data
            print(repr(pickle.loads(data)))
        print(type(classad.Parser.New))
        """
    )
    assert out.splitlines() == [
        "[ a = 1 ]",
        "x + 1",
        "classad.classad.Value(2)",
        "<class 'classad.classad.ClassAd'>",
        "<class 'classad.classad.Parser'>",
    ]


def test_otherwise_they_are_of_this_package() -> None:
    out = run(
        """
        import pickle
        import htcondor_sync.classad as v1
        print(v1.ClassAd.__module__, pickle.loads(pickle.dumps(v1.ClassAd)) is v1.ClassAd)
        """
    )
    assert out == "htcondor_sync.classad True\n"


@pytest.mark.parametrize("module", ["ssl", "cryptography", "asyncio", "anyio", "trio"])
def test_importing_brings_no_event_loop(module: str) -> None:
    assert run(f"import htcondor_sync.classad, sys; print({module!r} in sys.modules)") == "False\n"
