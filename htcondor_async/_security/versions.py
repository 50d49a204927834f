"""Version strings, as peers tell each other in a handshake."""

from __future__ import annotations

import re

__all__ = ["OWN_VERSION", "parse_version"]

OWN_VERSION = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1-htcondor-async $"
"""What this package says of itself: the version of HTCondor whose protocol it speaks.

A peer decides by it what it sends; without one, daemons of 23.9 do not survive an authentication with a token.
"""

_VERSION = re.compile(r"(?:\$CondorVersion:\s*)?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?![\d.])")


def parse_version(text: str | None) -> tuple[int, int, int] | None:
    """Return (major, minor, sub) of a version string, long or short; None if there is none in it."""
    match = None if text is None else _VERSION.match(text.strip())
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))
