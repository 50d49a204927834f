"""What a handshake is given to work with, and the small things both roles share."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping

import attrs

from htcondor_async._cedar.commands import command_name
from htcondor_async._cedar.effects import Send, StartCrypto
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits
from htcondor_async._cedar.values import Writer
from htcondor_async._secret import Secret
from htcondor_async._security.ads import MAX_MESSAGE, HandshakeAd, Literal, encode_ad
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.keys import KeyExchange
from htcondor_async._security.methods.base import MethodContext, SocketAddress
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.sessions import Session
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.versions import OWN_VERSION

__all__ = ["HandshakeRequest", "session_meets"]

AUTHENTICATE = 60010
"""DC_AUTHENTICATE: opens a handshake; as the wanted command it asks for a session only."""
SECURITY_QUERY = 60040
"""DC_SEC_QUERY: asks whether another command would be allowed."""
UNAUTHENTICATED = "unauthenticated@unmapped"
MAX_VALID_COMMANDS = 10_000


@attrs.frozen(kw_only=True)
class HandshakeRequest:
    """What a client wants, and who it is.

    Parameters
    ----------
    command
        Number of the command; 60010 for a session only, 60040 to ask whether ``auth_command`` is allowed.
    address
        The sinful string that was connected to, after one of its addresses was chosen.
    server_address
        IP and port of the connection's other end.
    policy
        What this client wants.
    settings, credentials
        Configuration and secrets of the methods.
    now
        Wall clock, seconds since 1970.
    auth_command
        The command whose authorisation is meant, with 60010 and 60040.
    host_alias
        Name that the server's certificate must be for (SSL).
    version, subsystem, pid
        What the client says of itself.
    command_socket
        Sinful string at which this process takes commands, for daemons.
    limits
        Bounds on what is received.
    entropy
        Gives random bytes.
    key_exchange
        Makes the key pair of this connection; for tests.
    """

    command: int
    address: str
    server_address: SocketAddress
    policy: SecurityPolicy
    settings: SecuritySettings
    credentials: Credentials
    now: float
    auth_command: int | None = None
    host_alias: str | None = None
    version: str = OWN_VERSION
    subsystem: str = "TOOL"
    pid: int = 0
    command_socket: str | None = None
    limits: Limits = DEFAULT_LIMITS
    entropy: Callable[[int], bytes] = attrs.field(default=secrets.token_bytes, repr=False)
    key_exchange: Callable[[], KeyExchange] | None = attrs.field(default=None, repr=False)

    def context(self) -> MethodContext:
        """Return what the methods are told, before the server said anything."""
        return MethodContext(
            server_address=self.server_address,
            settings=self.settings,
            credentials=self.credentials,
            entropy=self.entropy,
            now=self.now,
            host_alias=self.host_alias,
            limits=self.limits,
        )

    @property
    def command_text(self) -> str:
        """Name of the command for messages, that of the authorised one where two are given."""
        name = command_name(self.command)
        return name if self.auth_command is None else f"{name} for {command_name(self.auth_command)}"


def opening_message(values: Mapping[str, Literal]) -> Send:
    """Return the message that opens a handshake or a resumption: the command DC_AUTHENTICATE and an ad."""
    writer = Writer(False).int(AUTHENTICATE)
    encode_ad(writer, values)
    return Send(writer.getvalue())


def max_ad(limits: Limits) -> int:
    """Return how long a message with an ad may be."""
    return min(MAX_MESSAGE, limits.max_handshake_message)


def shown(text: str) -> str:
    """Return text of the peer's for a message: short, and without characters that act on a terminal."""
    text = text if len(text) <= 200 else text[:200] + "..."
    return text if text.isprintable() else ascii(text)


def nonce(entropy: Callable[[int], bytes]) -> str:
    """Return what makes the clear part of a resumption unique."""
    return base64.b64encode(entropy(33)).decode("ascii")


def start_crypto(method: str, key: Secret[bytes], *, encryption: bool, integrity: bool) -> StartCrypto:
    """Return the effect that switches a session's cipher on."""
    sealed = method == "AES"
    return StartCrypto(method, key, encrypt=sealed or encryption, mac=integrity and not sealed)


def strings_are_counted(method: str | None, *, encryption: bool) -> bool:
    """Return whether strings have their length in front: where the stream is encrypted."""
    return method == "AES" or (method is not None and encryption)


def agreed(attributes: HandshakeAd, name: str) -> bool:
    """Return whether an agreed policy has a protection on."""
    value = attributes.get(name)
    return isinstance(value, str) and value[:1].upper() == "Y"


def session_meets(session: Session, policy: SecurityPolicy) -> bool:
    """Return whether a session gives everything that a client requires, so that it may be resumed for it."""
    ad = HandshakeAd(session.attributes)
    sealed = session.method == "AES" and session.key is not None
    encrypted = sealed or (session.key is not None and agreed(ad, "Encryption"))
    checked = sealed or (session.key is not None and agreed(ad, "Integrity"))
    return not (
        (policy.authentication is Level.REQUIRED and session.authenticated_by is None)
        or (policy.encryption is Level.REQUIRED and not encrypted)
        or (policy.integrity is Level.REQUIRED and not checked)
    )
