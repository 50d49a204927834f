"""The old names on request: ``htcondor`` and ``classad``, or ``htcondor2`` and ``classad2``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install"]

_V1 = {"htcondor": "htcondor_sync", "classad": "htcondor_sync.classad"}
_V2 = {"htcondor2": "htcondor_sync.v2.htcondor2", "classad2": "htcondor_sync.v2.classad2"}


# Neither derives from a class of importlib.abc, which would load tempfile, shutil and more with it.


class _Alias:
    """Gives a module of ours under another name; the module itself stays as it is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put that of the other name there


class _Finder:
    """Finds the old names and what is below them."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, dot, below = fullname.partition(".")
        home = self.names.get(top)
        if home is None:
            return None
        loader: Any = _Alias(home + dot + below)
        return ModuleSpec(fullname, loader, is_package=not dot)


_finder = _Finder()


def install(*, v2: bool = False) -> None:
    """Make ``import htcondor`` and ``import classad`` give the modules of this package, in this process.

    Parameters
    ----------
    v2
        Also ``htcondor2`` and ``classad2``.

    Raises
    ------
    ImportError
        The real bindings are loaded already: a program cannot use both under one name.
    """
    names = {**_V1, **(_V2 if v2 else {})}
    for name, home in names.items():
        loaded = sys.modules.get(name)
        if loaded is not None and loaded is not sys.modules.get(home):
            raise ImportError(f"{name} is loaded already, from {getattr(loaded, '__file__', 'elsewhere')}", name=name)
    _finder.names.update(names)
    # What is pickled from now on names the modules of v1, as its own pickles do.
    importlib.import_module("htcondor_sync.classad")._present_as("classad.classad")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
