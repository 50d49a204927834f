"""The files in which local daemons leave their addresses (``condor_daemon_client/daemon.cpp``)."""

from __future__ import annotations

import re

from htcondor_async._cedar.sinful import Sinful
from htcondor_async.errors import HTCondorLocateError, HTCondorValueError

__all__ = ["parse_address_file", "parse_daemon_ad_file"]

_ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")


def parse_address_file(text: str, path: str) -> dict[str, str]:
    """Return what an address file says: ``MyAddress``, and where given the version, platform and other attributes.

    Line 1 is the address, 2 and 3 are version and platform; newer daemons append ``Name = "value"`` lines, and a file
    may consist of such lines alone. Blank lines and those that begin with ``#`` do not count.

    Raises
    ------
    HTCondorLocateError
        The file is not of this form.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        assignment = _ASSIGNMENT.match(line)
        if line.startswith("<") and not found:
            found["MyAddress"] = _address(line, path)
        elif line.startswith("$CondorVersion:"):
            found["CondorVersion"] = line
        elif line.startswith("$CondorPlatform:"):
            found["CondorPlatform"] = line
        elif assignment:
            found.setdefault(assignment[1], _unquoted(assignment[2]))
        elif not found:
            raise HTCondorLocateError(
                f"{path} is no address file: its first line is neither an address nor Name = value"
            )
    if "MyAddress" not in found:
        raise HTCondorLocateError(f"{path} holds no address", hint="is the daemon running?")
    return found


def parse_daemon_ad_file(text: str, path: str, address_attribute: str) -> dict[str, str]:
    """Return the string attributes of a daemon's ad as it leaves it in a file, with its address as ``MyAddress``.

    ``address_attribute`` (as ``ScheddIpAddr``) goes before ``MyAddress``.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        assignment = _ASSIGNMENT.match(line)
        if assignment and assignment[2].startswith('"'):
            found[assignment[1]] = _unquoted(assignment[2])
    lowered = {name.lower(): value for name, value in found.items()}
    address = lowered.get(address_attribute.lower()) or lowered.get("myaddress")
    if not address:
        raise HTCondorLocateError(f"the daemon ad in {path} holds no address", hint="is the daemon running?")
    found["MyAddress"] = _address(address, path)
    return found


def _address(text: str, path: str) -> str:
    try:
        return str(Sinful.parse(text))
    except HTCondorValueError as error:
        raise HTCondorLocateError(f"the address {text!r} in {path} is malformed: {error.what}") from error


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value
