"""BLOWFISH and 3DES streams and MD5 checksums, for peers without AES.

Both ciphers run in CFB64 mode from an IV of zeros, restarted at each end of message; within a message only encrypted
bytes advance them. The checksum of a frame is MD5 over key and payload (``condor_crypt.cpp``, ``condor_md.cpp``).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import TYPE_CHECKING, Any

from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorInternalError, ProtocolError, SecurityError

if TYPE_CHECKING:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
    from cryptography.hazmat.primitives.ciphers import Cipher

__all__ = ["CfbStream", "LegacyOpener", "LegacySealer", "fold_key"]

MAC_SIZE = 16
_HEADER = struct.Struct(">BI")
_KEY_SIZE = 24


def fold_key(key: bytes, size: int = _KEY_SIZE) -> bytes:
    """Return ``key`` brought to ``size`` bytes: repeated if shorter, the excess XORed on if longer."""
    if not key:
        raise HTCondorInternalError("a cipher key cannot be empty")
    if len(key) <= size:
        return (key * (size // len(key) + 1))[:size]
    folded = bytearray(key[:size])
    for index in range(size, len(key)):
        folded[index % size] ^= key[index]
    return bytes(folded)


def _cipher(method: str, key: Secret[bytes]) -> Cipher[CFB]:
    # here, as it takes long to load and few connections need it
    from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish, TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher

    try:  # cryptography moved the mode in version 47
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
    except ImportError:
        from cryptography.hazmat.primitives.ciphers.modes import CFB

    if method == "BLOWFISH":
        return Cipher(Blowfish(key.reveal()), CFB(bytes(8)))
    if method == "3DES":
        return Cipher(TripleDES(fold_key(key.reveal())), CFB(bytes(8)))
    raise HTCondorInternalError(f"there is no cipher {method!r}")


class CfbStream:
    """One run of an old cipher: the encrypted bytes of one message, in one direction.

    Parameters
    ----------
    method
        ``"BLOWFISH"`` or ``"3DES"``.
    key
        The session key.
    """

    __slots__ = ("_cipher", "_decryptor", "_encryptor")

    def __init__(self, method: str, key: Secret[bytes]) -> None:
        self._cipher = _cipher(method, key)
        self._encryptor: Any = None
        self._decryptor: Any = None

    def encrypt(self, data: bytes) -> bytes:
        """Return the next bytes encrypted."""
        if self._encryptor is None:
            self._encryptor = self._cipher.encryptor()
        return bytes(self._encryptor.update(data))

    def decrypt(self, data: bytes) -> bytes:
        """Return the next bytes decrypted."""
        if self._decryptor is None:
            self._decryptor = self._cipher.decryptor()
        return bytes(self._decryptor.update(data))


class ChecksumError(ProtocolError, SecurityError):
    """A frame does not carry the checksum it must."""


class _Legacy:
    def __init__(self, method: str, key: Secret[bytes], *, encrypt: bool, mac: bool) -> None:
        self._method = method
        self._key = key
        self._encrypt = encrypt
        self._mac = mac
        self._stream = CfbStream(method, key)
        self._in_raw = False

    @property
    def mac_size(self) -> int:
        """Bytes of checksum behind the header of a frame."""
        return MAC_SIZE if self._mac else 0

    def _checksum(self, payload: bytes) -> bytes:
        return hashlib.md5(self._key.reveal() + payload, usedforsecurity=False).digest()

    def _restart(self) -> None:
        self._stream = CfbStream(self._method, self._key)
        self._in_raw = False


class LegacySealer(_Legacy):
    """Seals the frames that are sent with an old cipher."""

    def seal(self, plaintext: bytes, end: bool) -> bytes:
        """Return the whole frame for ``plaintext``, header included; the last one restarts the cipher."""
        if self._in_raw:
            self._restart()
        payload = self._stream.encrypt(plaintext) if self._encrypt else plaintext
        if end:
            self._restart()
        header = _HEADER.pack(end, len(payload))
        return header + self._checksum(payload) + payload if self._mac else header + payload

    def raw(self, data: bytes) -> bytes:
        """Return bytes that travel outside of messages; they are one stream until the next message begins."""
        self._in_raw = True
        return self._stream.encrypt(data) if self._encrypt else data


class LegacyOpener(_Legacy):
    """Opens the frames that are received with an old cipher."""

    def open(self, checksum: bytes, payload: bytes, end: bool) -> bytes:
        """Return the plaintext of one frame.

        Raises
        ------
        ProtocolError
            The checksum is wrong.
        """
        if self._mac and not hmac.compare_digest(checksum, self._checksum(payload)):
            raise ChecksumError("the checksum of a frame is wrong: it was tampered with, or the keys differ")
        if self._in_raw:
            self._restart()
        plaintext = self._stream.decrypt(payload) if self._encrypt else payload
        if end:
            self._restart()
        return plaintext

    def raw(self, data: bytes) -> bytes:
        """Return the plaintext of bytes that travel outside of messages."""
        self._in_raw = True
        return self._stream.decrypt(data) if self._encrypt else data
