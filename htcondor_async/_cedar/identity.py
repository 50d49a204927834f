"""Who this package says it is: HTCondor's version and platform strings.

Daemons decide by the version of their peer what they may send (private attributes to 9.9.0 and later, say), so a client
names the version of HTCondor whose protocol it speaks, and itself as the build.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from htcondor_async._version import __version__
from htcondor_async.errors import HTCondorValueError

__all__ = ["OUR_VERSION", "VERSION_STRING", "HTCondorVersion", "platform_string"]

_VERSION = re.compile(r"\s*(?:\$CondorVersion:\s+)?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:(?=[\s$-])\s*([^$]*)\$?)?\s*\Z")
_FIELD = re.compile(r"(BuildID|PackageID|GitSHA|PRE-RELEASE-[^:\s]+):?\s+(\S+)")


@attrs.frozen(order=False)
class HTCondorVersion:
    """A version of HTCondor; versions compare by their three numbers.

    Parameters
    ----------
    major, minor, patch
        The numbers, as in 24.0.8.
    rest
        What follows them: date, build and package.
    """

    major: int
    minor: int
    patch: int
    rest: str = attrs.field(default="", eq=False)

    @classmethod
    def parse(cls, text: str) -> HTCondorVersion:
        """Read ``"$CondorVersion: 24.0.8 2025-05-20 BuildID: 1 $"`` or just ``"24.0.8"``.

        Raises
        ------
        HTCondorValueError
            The text is neither.
        """
        found = _VERSION.match(text) if len(text) <= 1024 else None
        if found is None:
            raise HTCondorValueError(f"{text[:80]!r} is not a version of HTCondor")
        return cls(int(found[1]), int(found[2]), int(found[3]), (found[4] or "").strip())

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    def at_least(self, major: int, minor: int = 0, patch: int = 0) -> bool:
        """Return whether this is the given version or a later one."""
        return self.numbers >= (major, minor, patch)

    def field(self, name: str) -> str | None:
        """Return what follows ``name`` (``BuildID``, ``PackageID``) in the full string, or None."""
        for key, value in _FIELD.findall(self.rest):
            if key == name:
                return str(value)
        return None

    def __lt__(self, other: Any) -> bool:
        return self.numbers < other.numbers if isinstance(other, HTCondorVersion) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return self.numbers <= other.numbers if isinstance(other, HTCondorVersion) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self.numbers > other.numbers if isinstance(other, HTCondorVersion) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return self.numbers >= other.numbers if isinstance(other, HTCondorVersion) else NotImplemented

    def __str__(self) -> str:
        """Return the full form, as it goes over the wire."""
        rest = f"{self.rest} " if self.rest else ""
        return f"$CondorVersion: {self.major}.{self.minor}.{self.patch} {rest}$"


#: The version of the protocol spoken here, and of the v1 interface of ``htcondor_sync``.
OUR_VERSION = HTCondorVersion(24, 0, 24, f"2026-11-24 BuildID: htcondor-async-{__version__}")
#: The same as text: ``RemoteVersion`` of the handshake, ``htcondor.version()``.
VERSION_STRING = str(OUR_VERSION)


def platform_string(machine: str, system: str) -> str:
    """Return ``"$CondorPlatform: <machine>_<system> $"``.

    Parameters
    ----------
    machine
        The processor, as ``"x86_64"``.
    system
        Name and version of the operating system, as ``"Debian13"``.
    """
    name = f"{machine}_{system}"
    if not re.fullmatch(r"[A-Za-z0-9._+-]{3,200}", name):
        raise HTCondorValueError(f"{name!r} cannot be part of a platform string")
    return f"$CondorPlatform: {name} $"
