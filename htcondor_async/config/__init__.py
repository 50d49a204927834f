"""HTCondor's configuration: the language, the files, the parameters and their types.

:class:`Config` is a snapshot that never changes, from values given by the program or from files
(:meth:`Config.load`). :mod:`.macros` and :mod:`.stream` hold what the submit language shares: macro expansion, logical
lines and errors with file and line; :mod:`.conditions` has ``if`` ... ``endif``.
"""

from __future__ import annotations

from ._config import Config, MutableConfig
from ._defaults import defaults
from .stream import NO_CONFIGURATION, SourceError
from .table import Origin
from .typed import ParameterValue

__all__ = ["NO_CONFIGURATION", "Config", "MutableConfig", "Origin", "ParameterValue", "SourceError", "load_defaults"]


def load_defaults() -> None:
    """Read the table of HTCondor's parameters now, rather than when the first :class:`Config` is made."""
    defaults()
