"""Errors and warnings about a submit description.

::

    SubmitError (HTCondorValueError)     a description, or one of its values, cannot be used
    SubmitWarning (UserWarning)          it can be used, but probably does not say what was meant
    └── SubmitTypoWarning                a key that no command has, and that looks like one

A warning can be silenced or turned into an error by its class, with :mod:`warnings`.
"""

from __future__ import annotations

from typing import Any

from htcondor_async.errors import HTCondorValueError

__all__ = ["SubmitError", "SubmitTypoWarning", "SubmitWarning"]


class SubmitWarning(UserWarning):
    """A description says something that probably was not meant."""


class SubmitTypoWarning(SubmitWarning):
    """A key is used by nothing and looks like a command."""


class SubmitError(HTCondorValueError):
    """A submit description, or one of its values, cannot be used.

    Parameters
    ----------
    what
        What is wrong, without a final full stop.
    key
        The command at fault as it was written, or "".
    value
        Its value after macro expansion, or None.
    source
        Where the description came from, or "".
    line
        The line of the description, from 1; 0 if unknown.
    expected
        What would have been right, or "".
    """

    def __init__(
        self,
        what: str = "",
        *,
        key: str = "",
        value: str | None = None,
        source: str = "",
        line: int = 0,
        expected: str = "",
        **fields: Any,
    ) -> None:
        super().__init__(what, **fields)
        self.key = key
        self.value = value
        self.source = source
        self.line = line
        self.expected = expected

    def at(self, *, key: str = "", value: str | None = None, source: str = "", line: int = 0) -> SubmitError:
        """Fill in what is not known yet; returns the error itself."""
        self.key = self.key or key
        self.value = self.value if self.value is not None else value
        if not self.line:
            self.source, self.line = self.source or source, line
        return self

    def __str__(self) -> str:
        text = super().__str__()
        if self.expected:
            text += f"; expected {self.expected}"
        if self.line:
            where = f"{self.source}, line {self.line}" if self.source else f"line {self.line}"
            text = f"{where}: {text}"
        return text
