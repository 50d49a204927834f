"""v1's ``param``: the configuration as a mapping that can be written to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from htcondor_async.config import SourceError
from htcondor_async.errors import HTCondorValueError
from htcondor_sync._arguments import UNSET, Unset, expect
from htcondor_sync._generated.enums import SubsystemType
from htcondor_sync._state import STATE

__all__ = ["_Param", "param", "reload_config", "set_subsystem"]


@contextlib.contextmanager
def _usable(name: object) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise HTCondorValueError(f"the value of {name} cannot be used: {error}") from error


class _Param:
    """The configuration of this process; written values hold in memory only."""

    def __init__(self) -> None:
        """Make another view of the same configuration."""

    def __getitem__(self, arg2: str, /) -> Any:
        """Return a value in its declared type; raises KeyError."""
        expect("_Param.__getitem__", ("name", arg2, str))
        with _usable(arg2):
            return STATE.config[arg2]

    def __setitem__(self, arg2: str, arg3: str, /) -> None:
        """Set a value."""
        expect("_Param.__setitem__", ("name", arg2, str), ("value", arg3, str))
        STATE.config[arg2] = arg3
        STATE.changed()

    def __contains__(self, arg2: object, /) -> bool:
        """Return whether a value is set and not empty."""
        expect("_Param.__contains__", ("name", arg2, str))
        with _usable(arg2):
            return arg2 in STATE.config

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(STATE.config)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(STATE.config)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or ``default`` where there is none."""
        expect("_Param.get", ("key", key, str))
        try:
            return self[key]
        except KeyError:
            return default

    def setdefault(self, arg2: str, arg3: str, /) -> str:
        """Return the value, setting it first if it is empty."""
        expect("_Param.setdefault", ("name", arg2, str), ("value", arg3, str))
        found = STATE.config.setdefault(arg2, arg3)
        STATE.changed()
        return found

    def keys(self) -> list[str]:
        """Return the names."""
        return list(STATE.config)

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of names and values; names whose value cannot be used are left out."""
        found = []
        for name in STATE.config:
            try:
                found.append((name, STATE.config[name]))
            except (KeyError, SourceError):  # declared for another subsystem, or broken
                continue
        return found

    def update(self, arg2: Any, /) -> None:
        """Set the values of a mapping, or of an iterable of pairs."""
        STATE.config.update(arg2)
        STATE.changed()


param = _Param()


def reload_config() -> None:
    """Read the configuration again from its files and the environment; what was written to ``param`` is lost."""
    STATE.reload()


def set_subsystem(subsystem: str, type: SubsystemType | Unset = UNSET) -> None:
    """Look values up as another subsystem; what it reads of files itself holds from the next reload on."""
    expect("set_subsystem", ("subsystem", subsystem, str), ("type", type, SubsystemType))
    STATE.set_subsystem(subsystem)
