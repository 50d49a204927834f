"""What a conversation without I/O asks of whoever runs it.

A conversation is a generator: it yields one of these, and is sent the result. The end of the connection is thrown into
it as :class:`~htcondor_async.errors.ConnectionClosedError`.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from htcondor_async._secret import Secret

__all__ = ["Effect", "ReadChunk", "Receive", "ReceiveRaw", "Send", "SendRaw", "StartCrypto", "WriteChunk"]


@attrs.frozen
class Send:
    """Send one message, given in plaintext. Result: None."""

    message: bytes = attrs.field(repr=False)


@attrs.frozen
class Receive:
    """Receive the next whole message of at most ``max_size`` bytes. Result: its plaintext, ``bytes``."""

    max_size: int


@attrs.frozen
class StartCrypto:
    """Seal and open every message from here on. Result: None.

    ``method`` is ``"AES"``, ``"BLOWFISH"`` or ``"3DES"``. The last two fields mean nothing with AES, which always
    encrypts and authenticates; with the old ciphers ``encrypt`` covers whole messages (otherwise only secrets) and
    ``mac`` adds a checksum to each frame.
    """

    method: str
    key: Secret[bytes]
    encrypt: bool = True
    mac: bool = False


@attrs.frozen
class SendRaw:
    """Send bytes that are part of no message (a file, where AES is off). Result: None."""

    data: bytes = attrs.field(repr=False)


@attrs.frozen
class ReceiveRaw:
    """Receive at least 1 and at most ``max_size`` bytes that are part of no message. Result: ``bytes``."""

    max_size: int


@attrs.frozen
class ReadChunk:
    """Read the next bytes of the file being sent, at most ``max_size``. Result: ``bytes``, empty at its end."""

    max_size: int


@attrs.frozen
class WriteChunk:
    """Append bytes to the file being received. Result: None."""

    data: bytes = attrs.field(repr=False)


Effect: TypeAlias = Send | Receive | StartCrypto | SendRaw | ReceiveRaw | ReadChunk | WriteChunk
