"""What a handshake asks of the world beside the connection.

A handshake yields these, beside :class:`~htcondor_async._cedar.effects.Send` and its siblings, and is sent their
results. What fails is thrown into it as the ``OSError`` it is, so that a method can report the reason and the next
method can be tried.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import attrs

from htcondor_async._cedar.effects import Effect as ConversationEffect
from htcondor_async._secret import Secret
from htcondor_async._security.kerberos import KerberosStep
from htcondor_async._security.known_hosts import ServerCertificate

__all__ = [
    "AppendLine",
    "AskTrust",
    "BuildTlsContext",
    "CallProvider",
    "CurrentUser",
    "Effect",
    "EnvironmentVariable",
    "FileInfo",
    "FileKind",
    "KerberosStep",
    "ListDirectory",
    "MakeDirectory",
    "ReadFile",
    "RemoveDirectory",
    "RunCommand",
    "StatFile",
    "TlsSettings",
    "TokenExpiryWarning",
    "TrustDecision",
    "UserIdentity",
    "UserNameOf",
    "WarnOfExpiry",
]

MAX_SECRET_FILE = 1 << 20
"""Bytes read at most from a token, key or password file."""


class FileKind(enum.Enum):
    """What a path is, links not followed unless asked."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@attrs.frozen
class FileInfo:
    """Result of :class:`StatFile`.

    Parameters
    ----------
    kind
        What the path is.
    mode
        Permission bits, as ``0o700``.
    uid
        Number of the owner.
    links
        Number of hard links.
    size
        Bytes.
    mtime_ns
        Modification time in nanoseconds since 1970.
    inode
        Number of the file in its file system; with size and time it tells whether a file was replaced.
    """

    kind: FileKind
    mode: int
    uid: int
    links: int = 1
    size: int = 0
    mtime_ns: int = 0
    inode: int = 0


@attrs.frozen
class UserIdentity:
    """Result of :class:`CurrentUser`: who this process is.

    ``switches_ids`` is true for a process of root, which reads the system's tokens instead of a user's.
    """

    name: str
    uid: int
    home: str
    switches_ids: bool = False


@attrs.frozen
class MakeDirectory:
    """Create a directory with exactly this mode, whatever the umask; it must not exist. Result: None."""

    path: str
    mode: int = 0o700


@attrs.frozen
class RemoveDirectory:
    """Remove an empty directory. Result: None."""

    path: str


@attrs.frozen
class ReadFile:
    """Read a file of at most ``max_size`` bytes (a longer one is an ``OSError``). Result: ``Secret[bytes]``."""

    path: str
    max_size: int = MAX_SECRET_FILE


@attrs.frozen
class AppendLine:
    """Add a line to a file that others may add to at the same time; one that is missing is made, with its directory.

    Never through a symbolic link. Result: None.
    """

    path: str
    line: str
    mode: int = 0o644


TrustDecision: TypeAlias = Callable[[ServerCertificate], "bool | Awaitable[bool]"]
"""Decides whether a certificate that no authority answers for is trusted from now on."""


@attrs.frozen
class AskTrust:
    """Ask a function of the application whether a host is trusted. Result: ``bool``, awaited where necessary."""

    decide: TrustDecision = attrs.field(repr=False)
    certificate: ServerCertificate


@attrs.frozen
class ListDirectory:
    """List the names in a directory. Result: ``list[str]``, in any order."""

    path: str


@attrs.frozen
class StatFile:
    """Look at a path. Result: :class:`FileInfo`, or None where there is nothing."""

    path: str
    follow: bool = True


@attrs.frozen
class CurrentUser:
    """Ask who this process is. Result: :class:`UserIdentity`."""


@attrs.frozen
class UserNameOf:
    """Ask for the name of a user number. Result: ``str``, or None for a number without a name."""

    uid: int


@attrs.frozen
class EnvironmentVariable:
    """Ask for a variable of the process's environment. Result: ``Secret[str]``, or None."""

    name: str


@attrs.frozen
class CallProvider:
    """Call a function of the application that gives a token. Result: what it returns, awaited where necessary."""

    provider: Callable[[], Secret[str] | str | Awaitable[Secret[str] | str | None] | None] = attrs.field(repr=False)


class TokenExpiryWarning(UserWarning):
    """A token that is in use ends soon."""


@attrs.frozen
class WarnOfExpiry:
    """Tell the application that a token in use ends soon. Result: None."""

    message: str


@attrs.frozen
class RunCommand:
    """Run a helper command, its input given. Result: its output as ``Secret[bytes]``; a failure is an ``OSError``."""

    arguments: Sequence[str]
    stdin: Secret[bytes]
    timeout: float = 20.0
    max_size: int = 1 << 16


@attrs.frozen
class TlsSettings:
    """What a TLS context is made of.

    Parameters
    ----------
    server
        Whether this side accepts connections.
    certificate_file, key_file
        Paths of this side's certificate chain and key (PEM), or None.
    ca_file, ca_directory
        Where trusted authorities are read from, or None.
    default_authorities
        Whether the system's authorities are trusted too.
    request_certificate
        Whether the peer is asked for a certificate: always by a client, by a server to map clients to users.
    verify
        Whether the chain of the peer must end at a trusted authority.
    trusted_certificate
        One more certificate (DER) that a chain may end at, whoever signed it.
    """

    server: bool
    certificate_file: str | None = None
    key_file: str | None = None
    ca_file: str | None = None
    ca_directory: str | None = None
    default_authorities: bool = True
    request_certificate: bool = True
    verify: bool = True
    trusted_certificate: bytes | None = attrs.field(default=None, repr=False)


@attrs.frozen
class BuildTlsContext:
    """Build an ``ssl.SSLContext`` (it reads files). Result: the context, host name checks off."""

    settings: TlsSettings


Effect: TypeAlias = (
    ConversationEffect
    | MakeDirectory
    | RemoveDirectory
    | ReadFile
    | AppendLine
    | AskTrust
    | ListDirectory
    | StatFile
    | CurrentUser
    | UserNameOf
    | EnvironmentVariable
    | CallProvider
    | RunCommand
    | WarnOfExpiry
    | BuildTlsContext
    | KerberosStep
)
"""Everything a handshake may yield."""
