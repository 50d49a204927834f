"""What a description needs to know of the world, and of what Python values look like in it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import attrs

from htcondor_async._environment import Environment
from htcondor_async.classad import _registry
from htcondor_async.classad._values import Value

from .job import Identity
from .problems import SubmitWarning
from .versions import LATEST, Version

__all__ = ["DEFAULT_IDENTITY", "SubmitContext", "submit_value"]

DEFAULT_IDENTITY = Identity(
    "$CondorVersion: 24.0.24 2026-07-01 BuildID: htcondor-async $", "$CondorPlatform: X86_64-Linux $"
)
_CLIENT_VERSION = Version(24, 0, 24)


@attrs.frozen
class SubmitContext:
    """What a description needs to know of the world.

    Attributes
    ----------
    environment
        Files, clock, user and so on; None for the one that is set for ClassAds.
    param
        From the name of a configuration parameter to its expanded value, or None where it is not set; see
        :class:`~htcondor_async.submit.settings.Settings`.
    identity
        Version and platform that ads are signed with, and the submit method.
    version
        What ``if version`` compares with.
    schedd_version
        The version of the schedd that ads are made for, unless a method is told otherwise.
    v1
        Behave as the v1 bindings where that differs: an empty list of items makes one job, unusable headings of a table
        are ignored, misspelled keys and empty patterns are not warned of.
    warns_of_unused
        Warn of all lines and variables that a submission did not use, as the v1 bindings do.
    """

    environment: Environment | None = None
    param: Callable[[str], str | None] | None = None
    identity: Identity = DEFAULT_IDENTITY
    version: Version = _CLIENT_VERSION
    schedd_version: Version = LATEST
    v1: bool = False
    warns_of_unused: bool = False

    def world(self) -> Environment:
        """Return the environment."""
        return self.environment if self.environment is not None else _registry.default_environment()

    def setting(self, name: str) -> str | None:
        """Return a configuration parameter, or None."""
        return self.param(name) if self.param is not None else None

    def notice(self, text: str) -> None:
        """Say what should be known and is no error; the v1 bindings print such things."""
        if self.v1:
            self.world().log(text)
        else:
            warnings.warn(text, SubmitWarning, stacklevel=2)


def submit_value(value: object) -> str:
    """Return a Python value as the text of a command."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if value is None:
        return "undefined"
    if isinstance(value, Value):
        return value.name
    return str(value)
