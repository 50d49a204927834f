"""What the core asks of this machine beside connections and files: who and where this process is, TLS contexts."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from htcondor_async._environment import UserRecord
from htcondor_async._runtime.variables import environ
from htcondor_async.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from htcondor_async._security.effects import TlsSettings

_users: Any = None
with contextlib.suppress(ModuleNotFoundError):  # there is no user database but on Unix
    import pwd as _users

__all__ = [
    "SystemNames",
    "environ",
    "hostname",
    "os_name",
    "system_names",
    "tls_context",
    "user",
    "user_name_of",
    "user_named",
]

_NO_ID = -1
"""The number of a user where users have none."""


def user() -> UserRecord:
    """Return the user this process runs as; a number without a name stands for itself."""
    if _users is None or not hasattr(os, "geteuid"):
        import getpass

        try:
            return UserRecord(getpass.getuser(), _NO_ID, _NO_ID, str(Path.home()))
        except (ImportError, OSError, RuntimeError) as error:
            raise ConfigError("this system does not tell who runs this process", hint="set USERNAME") from error
    uid = os.geteuid()
    try:
        entry = _users.getpwuid(uid)
    except KeyError:
        return UserRecord(str(uid), uid, os.getegid(), os.environ.get("HOME", "/"))
    # as HTCondor: the home of the user database, not $HOME
    return UserRecord(entry.pw_name, uid, entry.pw_gid, entry.pw_dir)


def user_name_of(uid: int) -> str | None:
    """Return the name of a user number, or None."""
    try:
        return None if _users is None else _users.getpwuid(uid).pw_name
    except KeyError:
        return None


def user_named(name: str) -> UserRecord | None:
    """Return the record of a user, or None; where there is no user database, of the one this process runs as alone."""
    if _users is None:
        own = user()
        return own if own.name == name else None
    try:
        found = _users.getpwnam(name)
    except (KeyError, ValueError):
        return None
    return UserRecord(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


@attrs.frozen
class SystemNames:
    """What uname(2) tells of this machine."""

    sysname: str
    nodename: str
    release: str
    version: str
    machine: str


def system_names() -> SystemNames:
    """Return the names of this machine and its system; reads no file on Unix."""
    uname = getattr(os, "uname", None)
    if uname is not None:
        return SystemNames(*uname())
    import platform

    names = platform.uname()
    return SystemNames(names.system, names.node, names.release, names.version, names.machine)


def hostname() -> str:
    """Return the full name of this machine as far as it is known without asking a name server."""
    return socket.gethostname()


def os_name() -> tuple[str, str]:
    """Return the processor and the operating system with its version, as ``("x86_64", "Linux6")``; reads no file."""
    names = system_names()
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
