"""A daemon's configuration, read and changed from afar (``condor_daemon_core.V6``).

``DC_CONFIG_VAL`` answers a name by its expanded value (NULL and nothing more where there is none),
``NAME = raw value``, where it was set, the default (perhaps NULL), and how often it was used; ``?names:REGEX`` by all
names that match.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError, ProtocolError

__all__ = [
    "ParameterInfo",
    "assignment",
    "check_name",
    "names_request",
    "read_info",
    "read_names",
    "read_stored",
    "value_request",
]

_NAME = re.compile(r"[A-Za-z0-9_./]{1,1000}\Z")
_NOT_DEFINED = "Not defined"
_MAX_NAMES = 100_000


@attrs.frozen
class ParameterInfo:
    """What a daemon knows of one parameter.

    Parameters
    ----------
    name
        As the daemon spells it.
    value
        Expanded.
    raw
        As it was written.
    source
        File and line, ``<Default>``, ``<Environment>`` ...
    default
        HTCondor's own value, None if it has none.
    uses
        How often the daemon looked it up, as it says: ``"n"`` or ``"n / m"``.
    """

    name: str
    value: str
    raw: str
    source: str
    default: str | None
    uses: str


def check_name(name: str) -> str:
    """Return the name of a parameter; raises ``HTCondorValueError`` for what cannot be one."""
    if not isinstance(name, str):
        raise HTCondorTypeError(f"the name of a parameter is text, not {type(name).__name__}")
    if not _NAME.match(name):
        raise HTCondorValueError(f"Invalid parameter name: {name[:80]!r}", hint="letters, digits, '_', '.' and '/'")
    return name


def value_request(name: str) -> Callable[[Writer], Writer]:
    """Return what writes the question for one parameter."""
    return lambda writer: writer.str(name)


def read_info(reader: Reader) -> ParameterInfo | None:
    """Read the answer for one parameter; None where the daemon has no such parameter."""
    value = reader.str_or_none()
    if reader.at_end:
        if value is None or value == _NOT_DEFINED:
            return None
        if value.startswith("!error:"):
            raise DaemonError(f"the daemon does not tell the parameter: {value[1:200]}")
        raise ProtocolError("the answer for a parameter ends behind its value")
    line, source = reader.str(), reader.str_or_none()
    default, uses = reader.str_or_none(), reader.str_or_none()
    name, equals, raw = line.partition("=")
    if not equals:
        raise ProtocolError(f"the answer for a parameter holds {line[:80]!r} in place of NAME = value")
    return ParameterInfo(name.strip(), value or "", raw.strip(), source or "", default, uses or "")


def names_request(pattern: str) -> Callable[[Writer], Writer]:
    """Return what writes the question for all names that match a regular expression, whatever their case."""
    if not isinstance(pattern, str):
        raise HTCondorTypeError(f"a pattern is text, not {type(pattern).__name__}")
    return lambda writer: writer.str(f"?names:{pattern}" if pattern else "?names")


def read_names(reader: Reader) -> list[str]:
    """Read the names."""
    names: list[str] = []
    while not reader.at_end:
        name = reader.str_or_none()
        if not name:
            continue
        if name.startswith("!error:regex:"):
            raise DaemonError(f"the daemon does not take the pattern: {name[13:200]}")
        if name.startswith("!error:"):
            raise DaemonError(f"the daemon does not list its parameters: {name[7:200]}")
        if name == _NOT_DEFINED and not names:
            raise DaemonError("the daemon does not list its parameters", hint="it is older than release 8.1.5")
        if len(names) >= _MAX_NAMES:
            raise ProtocolError(f"the daemon lists more than {_MAX_NAMES} parameters")
        names.append(name)
    return names


def assignment(name: str, value: str | None) -> Callable[[Writer], Writer]:
    """Return what writes a change; None takes away what was set from afar before."""
    key = check_name(name)
    if value is None:
        return lambda writer: writer.str(key).str("")
    if not isinstance(value, str):
        raise HTCondorTypeError(f"the value of a parameter is text, not {type(value).__name__}")
    if re.search(r"[\r\n\0]", value) or value.rstrip().endswith("\\"):
        raise HTCondorValueError(
            "a value that is set from afar is one line", hint="line ends would add further settings to it"
        )
    return lambda writer: writer.str(key).str(f"{key} = {value}")


def read_stored(reader: Reader) -> int:
    """Read whether a change was stored: 0, or a negative number."""
    return reader.int()
