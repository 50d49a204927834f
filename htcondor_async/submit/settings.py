"""What the configuration says about submitting.

A :class:`Settings` answers by name. Values come from a function of the caller (usually a configuration); names it
does not know have the defaults compiled into HTCondor, which depend on the version of the schedd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .values import parse_bool, parse_int
from .versions import Version

__all__ = ["VERSION_DEFAULTS", "Settings"]

_DEFAULTS: Mapping[str, str] = {
    "CONTAINER_SHARED_FS": "/cvmfs",
    "CRED_MIN_TIME_LEFT": "120",
    "DEFAULT_JOB_MAX_RETRIES": "2",
    "ENABLE_DEPRECATION_WARNINGS": "true",
    "JOB_DEFAULT_LEASE_DURATION": "2400",
    "JOB_DEFAULT_REQUESTCPUS": "1",
    "JOB_DEFAULT_REQUESTDISK": "DiskUsage",
    "JOB_DEFAULT_REQUESTMEMORY": "ifthenelse(MemoryUsage =!= undefined,MemoryUsage,( ImageSize + 1023 ) / 1024)",
    "NICE_USER_ACCOUNTING_GROUP_NAME": "nice-user",
    "SIGN_S3_URLS": "true",
    "SUBMIT_GENERATE_CONDOR_C_REQUIREMENTS": "true",
    "SUBMIT_GENERATE_CUSTOM_RESOURCE_REQUIREMENTS": "true",
    "SUBMIT_ALLOW_GETENV": "true",
    "SUBMIT_SKIP_FILECHECKS": "true",
}

_DEFAULTS_25: Mapping[str, str] = {
    "JOB_DEFAULT_REQUESTDISK": "MAX({ 1024, (TransferInputSizeMB+1) * 1.25 }) * 1024",
    "JOB_DEFAULT_REQUESTMEMORY": "128",
}

VERSION_DEFAULTS = frozenset(_DEFAULTS_25)
"""Parameters whose default depends on the version."""


class Settings:
    """Configuration values, by name without case.

    Parameters
    ----------
    param
        From a name to the expanded value, or None where nothing was configured. It should say None too for what has
        only a compiled-in default; otherwise that default wins over the one of the schedd's version.
    version
        The version of the schedd.
    """

    def __init__(self, param: Callable[[str], str | None] | None, version: Version) -> None:
        self._param = param
        self.version = version
        self._known: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        """Return the value of ``name``, or None if there is none or it is empty."""
        try:
            return self._known[name]
        except KeyError:
            pass
        value = self._param(name) if self._param is not None else None
        if value is None:
            value = _DEFAULTS_25.get(name) if self.version.major >= 25 else None
            if value is None:
                value = _DEFAULTS.get(name)
        value = value.strip() if value else None
        self._known[name] = value or None
        return value or None

    def flag(self, name: str, default: bool) -> bool:
        """Return a boolean; ``default`` where it is not set or is not one."""
        value = self.get(name)
        result = None if value is None else parse_bool(value)
        return default if result is None else result

    def integer(self, name: str, default: int) -> int:
        """Return an integer; ``default`` where it is not set or is not one."""
        value = self.get(name)
        result = None if value is None else parse_int(value)
        return default if result is None else result

    def names(self, *settings: str) -> list[str]:
        """Return the names listed in several settings, sorted and unique without case."""
        found: dict[str, str] = {}
        for setting in settings:
            for name in (self.get(setting) or "").replace(",", " ").split():
                found.setdefault(name.lower(), name)
        return [found[lower] for lower in sorted(found)]
