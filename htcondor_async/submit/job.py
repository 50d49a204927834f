"""One job ad in the making: commands are read, attributes are written.

A :class:`JobBuilder` stays the same for all jobs of a cluster. ``cluster`` holds the attributes that the jobs have in
common, once they are known; ``own`` those of the job being made, without what equals the cluster's. Names are kept in
lower case beside their spelling.

While ``reads`` and ``writes`` are sets, the builder records which attributes a step looks at and which it assigns;
:mod:`~htcondor_async.submit.cluster` uses that to do again only what changes from job to job.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from htcondor_async._environment import Environment
from htcondor_async.classad._ad import ClassAd
from htcondor_async.classad._nodes import Node

from . import expressions
from .macros import MacroTable
from .problems import SubmitError, SubmitWarning
from .settings import Settings
from .values import INT_MAX, INT_MIN, parse_bool, parse_int
from .versions import Version
from .words import absolute_path

__all__ = ["Identity", "JobBuilder", "QuietBuilder", "Target", "Universe"]


class Universe:
    """Numbers of the universes."""

    STANDARD = 1
    PVM = 4
    VANILLA = 5
    SCHEDULER = 7
    MPI = 8
    GRID = 9
    JAVA = 10
    PARALLEL = 11
    LOCAL = 12
    VM = 13


@attrs.frozen
class Identity:
    """Who submits: the version and platform strings that go into the ads, and the number of the submit method."""

    version: str
    platform: str
    method: int = 2


@attrs.frozen
class Target:
    """For whom a job is made.

    Attributes
    ----------
    version
        The schedd's version.
    spool
        Input files go through the schedd.
    interactive
        The job is interactive.
    extended_commands
        Further commands that the schedd announces: name to example value.
    check_files
        Look whether files can be read and directories written.
    """

    version: Version
    spool: bool = False
    interactive: bool = False
    extended_commands: Mapping[str, Any] = attrs.field(factory=dict)
    check_files: bool = False


class JobBuilder:
    """Makes job ads out of a description.

    Parameters
    ----------
    macros
        The description; the builder changes it and wants one of its own.
    settings
        The configuration.
    environment
        The world.
    identity
        Who submits.
    target
        For whom.
    owner
        Name of the submitting user, or "".
    qdate
        Time of submission, seconds since 1970.
    """

    def __init__(
        self,
        macros: MacroTable,
        settings: Settings,
        environment: Environment,
        identity: Identity,
        target: Target,
        owner: str,
        qdate: int,
    ) -> None:
        self.macros = macros
        self.settings = settings
        self.environment = environment
        self.identity = identity
        self.target = target
        self.owner = owner
        self.qdate = qdate
        self.cluster_id = 0
        self.proc = 0
        self.cluster: dict[str, Node] | None = None
        self.own: dict[str, Node] = {}
        self.spelling: dict[str, str] = {}
        self.reads: set[str] | None = None
        self.writes: set[str] | None = None
        self.universe = Universe.VANILLA
        self.grid_type = ""
        self.is_docker = False
        self.is_container = False
        self.use_default_resources = True
        self.jobset: dict[str, Any] = {}
        self.fixed_params: dict[tuple[str, str | None], str | None] | None = None
        self._varying: dict[tuple[str, str | None], bool] = {}
        self.pending: list[str] | None = None
        self._warned: set[str] = set()

    # -- attributes

    def get(self, attribute: str) -> Any:
        """Return an attribute of the job, a constant as its value, or None."""
        lower = attribute.lower()
        if self.reads is not None:
            self.reads.add(lower)
        node = self.own.get(lower)
        if node is None and self.cluster is not None:
            node = self.cluster.get(lower)
        return expressions.shown(node)

    def set(self, attribute: str, value: Any) -> None:
        """Give an attribute a constant or an expression; dropped again if the cluster has the same."""
        lower = attribute.lower()
        node = expressions.node_of(value)
        if lower not in self.spelling:
            self.spelling[lower] = attribute
        if self.writes is not None:
            self.writes.add(lower)
        if self.cluster is not None and expressions.same(self.cluster.get(lower), node):
            self.own.pop(lower, None)
        else:
            self.own[lower] = node

    def set_expression(self, attribute: str, text: str, key: str = "") -> None:
        """Give an attribute the expression ``text``.

        Raises
        ------
        SubmitError
            It is no expression.
        """
        if not attribute:
            raise self.error(f"there is no attribute name for the value {text}", key, text, "+Name = value")
        try:
            value = expressions.parse(text)
        except expressions.ExpressionError as error:
            raise self.error(
                f"Parse error in expression: {attribute} = {text} ({error})",
                key or attribute,
                text,
                "a ClassAd expression",
            ) from error
        self.set(attribute, value)

    def has(self, attribute: str) -> bool:
        """Return whether the job has an attribute."""
        return self.get(attribute) is not None

    def names(self, prefix: str) -> list[str]:
        """Return the attributes that begin with ``prefix`` (lower case), spelled as in the ad."""
        found = {lower for lower in self.own if lower.startswith(prefix)}
        if self.cluster is not None:
            found.update(lower for lower in self.cluster if lower.startswith(prefix))
        if self.reads is not None:
            self.reads.update(found)
        return [self.spelling[lower] for lower in sorted(found)]

    def evaluated(self, attribute: str) -> Any:
        """Return what an attribute evaluates to in the job, or None if the job has none."""
        value = self.get(attribute)
        if not expressions.is_expression(value):
            return value
        if self.reads is not None:
            self.reads.add("*")
        return expressions.evaluate_in(value, self.ad())

    def string(self, attribute: str) -> str | None:
        """Return an attribute that is a string, or None."""
        value = self.get(attribute)
        if value is None or isinstance(value, str):
            return value
        value = self.evaluated(attribute)
        return value if isinstance(value, str) else None

    def flag(self, attribute: str, default: bool = False) -> bool:
        """Return an attribute that is a boolean or a number, or ``default``."""
        value = self.get(attribute)
        if value is None:
            return default
        value = self.evaluated(attribute)
        return bool(value) if type(value) in (bool, int, float) else default

    def integer(self, attribute: str, default: int = 0) -> int:
        """Return an attribute that is a number, or ``default``."""
        value = self.evaluated(attribute)
        return int(value) if type(value) in (bool, int, float) else default

    def adopt(self, ad: ClassAd) -> dict[str, Node]:
        """Return what an ad says of all jobs, by lower-case name; it is spelled as there from now on."""
        found = {}
        for name, node in expressions.nodes_of(ad):
            if name.lower() not in ("procid", "jobstatus"):  # which every job has of its own
                found[name.lower()] = node
                self.spelling[name.lower()] = name
        return found

    def ad(self) -> ClassAd:
        """Return the job as it is now, with what it has from the cluster."""
        merged = dict(self.cluster) if self.cluster is not None else {}
        merged.update(self.own)
        return self.make_ad(merged)

    def make_ad(self, values: Mapping[str, Node]) -> ClassAd:
        """Return an ad of values by lower-case name; names that begin with ``#`` are notes, not attributes."""
        spelling = self.spelling
        return expressions.make_ad((spelling[lower], value) for lower, value in values.items() if lower[0] != "#")

    # -- commands

    def param(self, name: str, alias: str | None = None) -> str | None:
        """Return the expanded value of a command, or None if it is absent or empty.

        ``alias`` is tried if the description does not have ``name`` at all.
        """
        fixed = self.fixed_params
        if fixed is not None:
            try:
                return fixed[name, alias]
            except KeyError:
                pass
        given, macros = name, self.macros
        raw = macros.lookup(name)
        if raw is None and alias is not None:
            name = alias
            raw = macros.lookup(name)
        try:
            value = macros.expand(raw) or None if raw else None
        except SubmitError as error:
            error.at(key=name, line=macros.lines.get(name.lower(), 0))
            raise
        if fixed is not None and not self.varies(given, alias):
            fixed[given, alias] = value
        return value

    def varies(self, name: str, alias: str | None) -> bool:
        """Return whether the value of a command may change from job to job."""
        macros = self.macros
        key = (name, alias)
        known = self._varying.get(key)
        if known is None:
            outer, macros.touched = macros.touched, set()
            try:
                raw = macros.lookup(name)
                if raw is None and alias is not None:
                    raw = macros.lookup(alias)
                if raw:
                    macros.cwd_used = False
                    macros.expand(raw)
                known = bool(macros.touched) or macros.cwd_used
            finally:
                macros.touched = outer
            self._varying[key] = known
        return known

    def bool_param(self, name: str, alias: str | None = None) -> bool | None:
        """Return a boolean command, or None if it is not given."""
        text = self.param(name, alias)
        if text is None:
            return None
        value = parse_bool(text)
        if value is None:
            raise self.error(f"{name}={text} is invalid, must eval to a boolean", name, text, "true or false")
        return value

    def int_param(self, name: str, alias: str | None = None, *, narrow: bool = False) -> int | None:
        """Return an integer command, or None if it is not given; ``narrow``: it must fit 32 bits."""
        text = self.param(name, alias)
        if text is None:
            return None
        value = parse_int(text)
        if value is None or (narrow and not INT_MIN <= value < INT_MAX):
            expected = "a whole number of 32 bits" if narrow else "a whole number"
            raise self.error(f"{name}={text} is invalid, must eval to an integer", name, text, expected)
        return value

    def copy_string(self, attribute: str, name: str, alias: str | None = None) -> str | None:
        """Write a command as a string if it is given; returns its value."""
        text = self.param(name, alias)
        if text is not None:
            self.set(attribute, text)
        return text

    def copy_expression(self, attribute: str, name: str, alias: str | None = None) -> str | None:
        """Write a command as an expression if it is given; returns its text."""
        text = self.param(name, alias)
        if text is not None:
            self.set_expression(attribute, text, name)
        return text

    # -- paths

    @property
    def iwd(self) -> str:
        """The job's directory."""
        return str(self.get("#iwd") or "")

    def full_path(self, name: str) -> str:
        """Return ``name`` as seen from the job's directory."""
        return absolute_path(self.iwd, name)

    # -- messages

    def error(self, what: str, key: str = "", value: str | None = None, expected: str = "") -> SubmitError:
        """Return an error about a command, with the line it stands on."""
        line = self.macros.lines.get(key.lower(), 0)
        return SubmitError(what, key=key, value=value, line=line, expected=expected)

    def warn(self, text: str, once: str = "") -> bool:
        """Say that something probably is not meant; returns whether it was said.

        ``once`` names what is said only once a cluster.
        """
        if once:
            if once in self._warned:
                return False
            self._warned.add(once)
        elif self.macros.touched is not None:
            # What is said of each job must be said again of the next.
            self.macros.touched.add("#warning")
        if self.pending is not None:
            self.pending.append(text)
        else:
            warnings.warn(text, SubmitWarning, stacklevel=2)
        return True

    def begin_warnings(self) -> AbstractSet[str]:
        """Keep what is warned of from now on; returns what :meth:`end_warnings` wants."""
        self.pending = []
        return frozenset(self._warned)

    def end_warnings(self, before: AbstractSet[str], good: bool) -> None:
        """Say what was kept, or forget it."""
        kept, self.pending = self.pending or [], None
        if not good:
            self._warned.intersection_update(before)
            return
        for text in kept:
            warnings.warn(text, SubmitWarning, stacklevel=2)


class QuietBuilder(JobBuilder):
    """Makes jobs where nobody is there to be warned."""

    def warn(self, text: str, once: str = "") -> bool:
        """Say nothing."""
        return False


Step = Callable[[JobBuilder], None]
