"""The configuration as a mapping: :class:`Config`, which never changes, and :class:`MutableConfig`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

from htcondor_async._environment import Environment
from htcondor_async.errors import HTCondorTypeError

from ._defaults import defaults
from .functions import CONFIG_FUNCTIONS
from .macros import Expander
from .stream import SourceError
from .table import OVERRIDE, Origin, ParameterTable
from .typed import ParameterValue, as_boolean, as_integer, as_real, default_value

__all__ = ["Config", "MutableConfig"]

T = TypeVar("T")
_C = TypeVar("_C", bound="_BaseConfig")
_READERS = {"int": as_integer, "long": as_integer, "double": as_real, "bool": as_boolean}


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    raise HTCondorTypeError(f"the value of {name} must be a str, int, float or bool, not {type(value).__name__}")


class _BaseConfig(Mapping[str, ParameterValue]):
    __slots__ = ("_environment", "_expander", "_table", "warnings")

    def __init__(
        self,
        values: Mapping[str, object] | Iterable[tuple[str, object]] = (),
        *,
        subsystem: str = "TOOL",
        local_name: str | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._set_up(ParameterTable(subsystem, local_name), environment, ())
        items = values.items() if isinstance(values, Mapping) else values
        for name, value in items:
            self._insert(name, value)

    def _set_up(self, table: ParameterTable, environment: Environment | None, warnings: Iterable[str]) -> None:
        self._table = table
        self._environment = environment
        self._expander = Expander(table.lookup, functions=CONFIG_FUNCTIONS, environment=environment)
        self.warnings = tuple(warnings)

    @classmethod
    def _of(cls: type[_C], table: ParameterTable, environment: Environment | None, warnings: Iterable[str] = ()) -> _C:
        config = cls.__new__(cls)
        config._set_up(table, environment, warnings)
        return config

    def _insert(self, name: str, value: object) -> None:
        if not isinstance(name, str):
            raise HTCondorTypeError(f"a name must be a str, not {type(name).__name__}")
        self._table.insert(name, _text(name, value), OVERRIDE, self._expander)

    @property
    def subsystem(self) -> str:
        """The subsystem whose ``SUBSYSTEM.NAME`` settings take precedence over ``NAME``."""
        return self._table.subsystem

    @property
    def local_name(self) -> str | None:
        """The local name whose ``LOCALNAME.NAME`` settings take precedence over both, or None."""
        return self._table.local_name

    def __getitem__(self, name: str) -> ParameterValue:
        """Return the value of ``name`` in its declared type; a name that HTCondor does not know is a str.

        A value whose expansion is empty comes unexpanded, as in the v1 bindings.

        Raises
        ------
        KeyError
            ``name`` has neither a value nor a default. Settings of ``SUBSYSTEM.NAME`` alone do not count.
        SourceError
            The value is not of the declared type or cannot be expanded.
        """
        entry = self._table.find_exact(name)
        if entry is None:
            raise KeyError(name)
        declared = defaults().declaration(name)
        reader = _READERS.get(declared.kind) if declared is not None else None
        expanded = self._expanded(name)
        if declared is None or reader is None:
            return expanded or entry.raw
        return reader(name, expanded, declared, self._environment) if expanded else default_value(name, declared)

    def __contains__(self, name: object) -> bool:
        """Return whether the expanded value of ``name`` is not empty."""
        return isinstance(name, str) and bool(self._expanded(name))

    def __iter__(self) -> Iterator[str]:
        """Iterate over all names with a value or a default, sorted ignoring case."""
        return iter(list(self._table.names()))

    def __len__(self) -> int:
        return sum(1 for _ in self._table.names())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _BaseConfig):
            return NotImplemented
        mine, theirs = self._table, other._table
        return mine.prefixes == theirs.prefixes and mine.values() == theirs.values()

    __hash__ = None  # type: ignore[assignment]  # mappings of equal content are equal, and one kind can change

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self)._of, (self._table.copy(), self._environment, self.warnings))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.subsystem}, {len(self._table.entries)} names set>"

    def _expanded(self, name: str) -> str:
        entry = self._table.find(name)
        if entry is None or not entry.raw:
            return ""
        try:
            return self._expander.expand(entry.raw)
        except SourceError as error:
            if not error.source and entry.origin.line:
                error.at(entry.origin.source, entry.origin.line)
            raise

    def raw(self, name: str) -> str | None:
        """Return the unexpanded value that a look-up of ``name`` finds, or None."""
        return self._table.lookup(name)

    def expand(self, text: str) -> str:
        """Return ``text`` with its macros expanded by this configuration."""
        return self._expander.expand(text)

    def where(self, name: str) -> Origin | None:
        """Return where the value that a look-up of ``name`` finds came from, or None where there is none."""
        entry = self._table.find(name)
        return None if entry is None else entry.origin

    @overload
    def get_str(self, name: str) -> str | None: ...
    @overload
    def get_str(self, name: str, default: T) -> str | T: ...
    def get_str(self, name: str, default: object = None) -> object:
        """Return the expanded value of ``name``, or ``default`` if that is empty or there is none."""
        return self._expanded(name) or default

    @overload
    def get_int(self, name: str) -> int | None: ...
    @overload
    def get_int(self, name: str, default: T) -> int | T: ...
    def get_int(self, name: str, default: object = None) -> object:
        """Return the value of ``name`` as an integer, whatever its declared type; see :meth:`get_str`.

        Raises
        ------
        SourceError
            The value is not an integer, or is out of the declared range.
        """
        text = self._expanded(name)
        return as_integer(name, text, defaults().declaration(name), self._environment) if text else default

    @overload
    def get_float(self, name: str) -> float | None: ...
    @overload
    def get_float(self, name: str, default: T) -> float | T: ...
    def get_float(self, name: str, default: object = None) -> object:
        """Return the value of ``name`` as a real number, whatever its declared type; see :meth:`get_int`."""
        text = self._expanded(name)
        return as_real(name, text, defaults().declaration(name), self._environment) if text else default

    @overload
    def get_bool(self, name: str) -> bool | None: ...
    @overload
    def get_bool(self, name: str, default: T) -> bool | T: ...
    def get_bool(self, name: str, default: object = None) -> object:
        """Return the value of ``name`` as a truth value, whatever its declared type; see :meth:`get_int`."""
        text = self._expanded(name)
        return as_boolean(name, text, defaults().declaration(name), self._environment) if text else default


class Config(_BaseConfig):
    """A configuration that never changes.

    A mapping from names, which ignore case, to values in their declared types, over HTCondor's own defaults::

        config = Config({"COLLECTOR_HOST": "cm.example.org", "QUERY_TIMEOUT": 30})
        config["QUERY_TIMEOUT"]                 # 30
        config.get_int("QUERY_TIMEOUT", 60)     # typed access, for names that may be unset
        config.replace(QUERY_TIMEOUT=10)        # another Config

    It reads no file; :meth:`load` is for that.

    Parameters
    ----------
    values
        Names and values: str, as they would stand in a file, int, float or bool.
    subsystem, local_name
        For whom: ``SCHEDD.X`` is found as ``X`` with the subsystem ``SCHEDD``.
    environment
        The world, for the macros that look at it (``$ENV``, ``$RANDOM_CHOICE`` ...); they raise without one.
    """

    __slots__ = ()

    @classmethod
    def load(
        cls,
        environment: Environment,
        *,
        path: str | None = None,
        subsystem: str = "TOOL",
        local_name: str | None = None,
        allow_commands: bool = False,
        detected: Mapping[str, str] | None = None,
    ) -> Config:
        """Read the configuration of this machine, as HTCondor's tools do.

        Parameters
        ----------
        environment
            The world to read from.
        path
            The main file; by default the one that CONDOR_CONFIG names (``ONLY_ENV`` for none), else the first that can
            be read of ``/etc/condor/condor_config``, ``/usr/local/etc/condor_config`` and ``condor_config`` in the home
            of the user condor.
        subsystem, local_name
            For whom to read.
        allow_commands
            Whether files may have commands run; if not, a configuration that wants it is an error.
        detected
            Values found out about this machine, such as ARCH, OPSYS and PID, beside those the environment knows.

        Raises
        ------
        SourceError
            A file is missing, cannot be read, or is wrong; ``source`` and ``line`` say where.
        """
        from .loader import load_table

        table, warnings = load_table(environment, path, subsystem, local_name, allow_commands, detected or {})
        return cls._of(table, environment, warnings)

    def replace(self, changes: Mapping[str, object] | None = None, /, **more: object) -> Config:
        """Return a copy with other values; a value may refer to the one it replaces, as ``"$(X), more"``."""
        other = Config._of(self._table.copy(), self._environment, self.warnings)
        for name, value in {**(changes or {}), **more}.items():
            other._insert(name, value)
        return other

    def mutable(self) -> MutableConfig:
        """Return an independent copy that can be changed."""
        return MutableConfig._of(self._table.copy(), self._environment, self.warnings)


class MutableConfig(_BaseConfig):
    """A configuration whose values can be set, in memory only: what ``htcondor.param`` is."""

    __slots__ = ()

    def __setitem__(self, name: str, value: str) -> None:
        """Set ``name``; the value's references to ``name`` itself are expanded now."""
        if not isinstance(value, str):
            raise HTCondorTypeError(f"the value of {name} must be a str, not {type(value).__name__}")
        self._insert(name, value)

    def setdefault(self, name: str, default: str) -> str:
        """Return the expanded value of ``name`` as a str; if it is empty, set it to ``default`` first."""
        present = self._expanded(name)
        if present:
            return present
        self[name] = default
        return default

    def update(self, source: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        """Set every name of a mapping or of an iterable of pairs."""
        pairs: object = source.items() if isinstance(source, Mapping) else source
        if not isinstance(pairs, Iterable):
            raise HTCondorTypeError("update() takes a mapping or an iterable of pairs")
        for pair in pairs:
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise HTCondorTypeError("update() takes pairs of a name and a value")
            self[pair[0]] = pair[1]

    def set_subsystem(self, subsystem: str) -> None:
        """Look names up for another subsystem from now on; the values stay as they were read for the one before."""
        self._table.subsystem = subsystem

    def snapshot(self) -> Config:
        """Return a :class:`Config` with the present content."""
        return Config._of(self._table.copy(), self._environment, self.warnings)
