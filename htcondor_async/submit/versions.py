"""Versions of HTCondor, as far as the submit language differs between them."""

from __future__ import annotations

import re

import attrs

__all__ = ["LATEST", "Version"]

_NUMBER = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")


@attrs.frozen(order=True)
class Version:
    """A version number, compared part by part."""

    major: int
    minor: int = 0
    sub: int = 0

    @classmethod
    def parse(cls, text: str) -> Version:
        """Return the version in ``text``: ``24.0.24`` or a whole ``$CondorVersion: ... $``.

        Raises
        ------
        ValueError
            There is no version number in it.
        """
        match = _NUMBER.search(text)
        if match is None:
            raise ValueError(f"{text!r} holds no version number; expected one like 24.0.24")
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.sub}"


LATEST = Version(25, 14, 1)
