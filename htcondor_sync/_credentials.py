"""v1's ``CredCheck`` and ``CredStatus``: what a credd says of credentials."""

from __future__ import annotations

from htcondor_async.credd import CredCheck as CoreCheck
from htcondor_async.credd import CredStatus as CoreStatus
from htcondor_sync._arguments import uninstantiable

__all__ = ["CredCheck", "CredStatus"]


class CredCheck(metaclass=uninstantiable):
    """Which credentials there are, and where the missing ones can be had; true if none is missing."""

    def __init__(self, core: CoreCheck) -> None:
        self._core = core

    @property
    def present(self) -> bool:
        """Whether all are there."""
        return self._core.present

    @property
    def url(self) -> str | None:
        """Where the missing ones can be had."""
        return self._core.url

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self._core.error

    @property
    def services(self) -> str:
        """The services that were asked about."""
        return ",".join(self._core.services)

    def __bool__(self) -> bool:
        return self.present

    __nonzero__ = __bool__

    def __str__(self) -> str:
        return str(self._core)


class CredStatus(metaclass=uninstantiable):
    """What a credd knows of a stored credential."""

    def __init__(self, core: CoreStatus) -> None:
        self._core = core

    def __str__(self) -> str:
        return str(self._core)
