"""What a daemon gives its children in CONDOR_INHERIT and CONDOR_PRIVATE_INHERIT.

The first begins with the parent's process id and address; the second holds the sessions that parent and child share,
``SessionKey:CAPABILITY`` for this child and ``FamilySessionKey:CAPABILITY`` for the whole family, each without blanks
(``condor_daemon_core.V6/daemon_core.cpp``, ``Create_Process`` and ``Inherit``).
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from htcondor_async._cedar.sinful import Sinful
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorValueError

__all__ = ["Inheritance"]

_MAX_LENGTH = 1 << 16


@attrs.frozen
class Inheritance:
    """A parent daemon, and the sessions shared with it.

    Parameters
    ----------
    parent_pid
        The parent's process id.
    parent
        Its address.
    session
        The capability of the session that only parent and child share.
    family
        That of the session of all daemons under one master.
    """

    parent_pid: int
    parent: Sinful
    session: Secret[str] | None = None
    family: Secret[str] | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Inheritance | None:
        """Return what the environment says, or None for a process that no daemon has started.

        Raises
        ------
        HTCondorValueError
            CONDOR_INHERIT is malformed; the message holds no secret.
        """
        text = environ.get("CONDOR_INHERIT", "")
        words = text[:_MAX_LENGTH].split()
        if not words:
            return None
        number, address = words[0], words[1] if len(words) > 1 else ""
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and address.startswith(("<", "{"))):
            raise HTCondorValueError("CONDOR_INHERIT does not begin with a process id and an address")
        try:
            parent = Sinful.parse(address)
        except HTCondorValueError as error:
            raise HTCondorValueError(f"CONDOR_INHERIT has a malformed address: {error.what}") from error
        sessions: dict[str, Secret[str]] = {}
        for word in environ.get("CONDOR_PRIVATE_INHERIT", "")[:_MAX_LENGTH].split():
            kind, colon, capability = word.partition(":")
            if colon and capability:
                sessions[kind] = Secret(capability)
        return cls(int(number), parent, sessions.get("SessionKey"), sessions.get("FamilySessionKey"))
