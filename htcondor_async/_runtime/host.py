"""What the core asks of this machine beside connections and files: who and where this process is, TLS contexts."""

from __future__ import annotations

import os
import pwd
import re
import socket
from typing import TYPE_CHECKING

from htcondor_async._environment import UserRecord
from htcondor_async._runtime.variables import environ
from htcondor_async.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from htcondor_async._security.effects import TlsSettings

__all__ = ["environ", "hostname", "os_name", "tls_context", "user", "user_name_of"]


def user() -> UserRecord:
    """Return the user this process runs as; a number without a name stands for itself."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return UserRecord(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))
    # as HTCondor: the home of the user database, not $HOME
    return UserRecord(entry.pw_name, uid, entry.pw_gid, entry.pw_dir)


def user_name_of(uid: int) -> str | None:
    """Return the name of a user number, or None."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def hostname() -> str:
    """Return the full name of this machine as far as it is known without asking a name server."""
    return socket.gethostname()


def os_name() -> tuple[str, str]:
    """Return the processor and the operating system with its version, as ``("x86_64", "Linux6")``; reads no file."""
    names = os.uname()
    system = re.sub(r"[^A-Za-z0-9._+-]", "", names.sysname + names.release.split(".")[0])
    return re.sub(r"[^A-Za-z0-9._+-]", "", names.machine) or "unknown", system


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Build the TLS context that an authentication method asks for; raises ``ConfigError`` for unusable files."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if settings.server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file, password=_no_pass_phrase)
        if settings.ca_file or settings.ca_directory:
            context.load_verify_locations(settings.ca_file, settings.ca_directory)
        if settings.trusted_certificate is not None:
            context.load_verify_locations(cadata=settings.trusted_certificate)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if settings.default_authorities:
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH if settings.server else ssl.Purpose.SERVER_AUTH)
    except OSError as error:
        raise ConfigError(
            f"the TLS files cannot be used ({settings.certificate_file or ''} {settings.ca_file or ''}): {error}"
        ) from error
    if settings.verify and settings.request_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    elif settings.server and settings.request_certificate:
        context.verify_mode = ssl.CERT_OPTIONAL
    else:
        # for a client "optional" means "required": every server has a certificate
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_pass_phrase() -> str:
    # without this, OpenSSL asks at the terminal
    raise ConfigError("the private key of the TLS certificate needs a pass phrase", hint="use a key without one")
