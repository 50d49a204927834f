"""Files of known hosts: what HTCondor's clients remember of the certificates that daemons have shown.

A line is ``HOST METHOD INFO``. For SSL, INFO is the certificate (DER, base64) for which no authority answered, or
``@trusted`` for a host that an authority has answered for; other methods write who the daemon said it is. ``!`` in
front of the host refuses what is behind it. The first line of a host counts, whatever its method; later ones are a
record. Host names are compared as they are written (``condor_io/ca_utils.cpp``, ``condor_io/condor_auth_ssl.cpp``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

import attrs

__all__ = ["TRUSTED", "KnownHost", "ServerCertificate", "encoded", "find_host", "fingerprint", "host_line"]

TRUSTED = "@trusted"
METHOD = "SSL"
_HOST = re.compile(r"[A-Za-z0-9_\[\]:][A-Za-z0-9._:\[\]-]{0,254}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@attrs.frozen
class ServerCertificate:
    """A certificate that no trusted authority answers for, shown by a daemon at the first contact.

    Parameters
    ----------
    host
        Name the daemon is known by; its own certificate is for this host.
    der
        The certificate that is to be trusted: the daemon's own, or the authority's that it was sent with.
    subject
        Its subject, as ``/CN=host.example.org``.
    fingerprint
        SHA-256 of the certificate, as ``condor_ssl_fingerprint`` prints it: ``"1f:a0:..."``.
    authority
        Whether it is another certificate than the daemon's own: one that has signed it.
    """

    host: str
    der: bytes = attrs.field(repr=False)
    subject: str
    fingerprint: str
    authority: bool = False


@attrs.frozen
class KnownHost:
    """One line: is ``host`` trusted (or refused) when ``method`` finds ``info``?"""

    host: str
    permitted: bool
    method: str
    info: str

    @property
    def certificate(self) -> bytes | None:
        """The certificate (DER) that the line trusts; None if it trusts none."""
        if not self.permitted or self.method != METHOD or not _BASE64.fullmatch(self.info):
            return None
        try:
            return base64.b64decode(self.info, validate=True)
        except ValueError:
            return None


def _lines(content: str) -> Iterator[KnownHost]:
    for line in content.split("\n"):
        words = line.split()
        if len(words) < 3 or words[0].startswith("#"):
            continue
        yield KnownHost(words[0].removeprefix("!"), not words[0].startswith("!"), words[1], words[2])


def find_host(content: str, host: str) -> KnownHost | None:
    """Return the line that counts for a host, None without one.

    Parameters
    ----------
    content
        Text of the file; lines that cannot be read are passed over.
    host
        Name as it stands in the daemon's address.
    """
    return next((line for line in _lines(content) if line.host == host), None)


def host_line(content: str, host: str, info: str, *, permitted: bool) -> str | None:
    """Return the line to add for a host, None if the file has it or the name cannot stand in a file.

    Parameters
    ----------
    content
        What the file holds now.
    host
        Name as it stands in the daemon's address; a peer may have chosen it.
    info
        :func:`encoded` certificate, or ``TRUSTED``.
    permitted
        Whether it is trusted.
    """
    if not _HOST.fullmatch(host) or KnownHost(host, permitted, METHOD, info) in _lines(content):
        return None
    return f"{'' if permitted else '!'}{host} {METHOD} {info}\n"


def encoded(der: bytes) -> str:
    """Return a certificate as it stands in the file."""
    return base64.b64encode(der).decode("ascii")


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate in HTCondor's spelling, ``1f:a0:...``."""
    return hashlib.sha256(der).digest().hex(":")
