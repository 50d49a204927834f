"""Keys of a session: ECDH on P-256, HKDF, and the wrapping of a key that travels.

Curve, encoding and derivation are those of HTCondor since 9.0 (``condor_io/condor_secman.cpp``); nothing but the
shared X coordinate enters the derivation, the transcript is bound by the first encrypted frames.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from htcondor_async._secret import Secret
from htcondor_async.errors import ProtocolError

if TYPE_CHECKING:  # loaded where it is used: a program that never shakes hands does without
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
    from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext

__all__ = [
    "CRYPTO_PROTOCOLS",
    "KEY_LENGTHS",
    "KeyExchange",
    "KeyWrap",
    "claim_key",
    "hkdf",
    "unwrap_key",
    "wrap_key",
]

Entropy = Callable[[int], bytes]
"""Gives that many random bytes."""

KEY_LENGTHS = {"AES": 32, "BLOWFISH": 24, "3DES": 24}
"""Bytes of a session key by cipher."""

CRYPTO_PROTOCOLS = {"BLOWFISH": 1, "3DES": 2, "AES": 3}
"""Numbers of the ciphers in the message that transports a key."""

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class KeyWrap(Protocol):
    """A method's own way to protect a session key that travels, instead of a key for 3DES."""

    def wrap(self, key: Secret[bytes]) -> bytes:
        """Return the key as it travels."""
        ...

    def unwrap(self, wrapped: bytes) -> Secret[bytes]:
        """Return the key that came; raises :class:`ProtocolError`."""
        ...


def hkdf(secret: Secret[bytes], *, salt: bytes, info: bytes, length: int) -> Secret[bytes]:
    """Derive a key with HKDF-SHA256."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return Secret(HKDF(hashes.SHA256(), length, salt, info).derive(secret.reveal()))


class KeyExchange:
    """One side's key pair of one connection.

    Parameters
    ----------
    entropy
        Source of the private number.
    private
        The private number itself, for tests against recorded exchanges.
    """

    __slots__ = ("_private", "public")

    def __init__(self, entropy: Entropy, private: Secret[bytes] | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        if private is None:
            # 48 bytes make the bias of the reduction negligible.
            number = int.from_bytes(entropy(48), "big") % (_ORDER - 1) + 1
        else:
            number = int.from_bytes(private.reveal(), "big")
        self._private = ec.derive_private_key(number, ec.SECP256R1())
        numbers = self._private.public_key().public_numbers()
        point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.public: str = base64.b64encode(point).decode("ascii")

    def __repr__(self) -> str:
        return f"KeyExchange(public={self.public!r})"

    def derive(self, peer_public: str, method: str) -> Secret[bytes]:
        """Return the session key for a cipher.

        Parameters
        ----------
        peer_public
            The peer's point, base64 as it came.
        method
            A name of :data:`KEY_LENGTHS`.

        Raises
        ------
        ProtocolError
            The peer's value is not a point of the curve.
        """
        return hkdf(self.shared(peer_public), salt=b"htcondor", info=b"keygen", length=KEY_LENGTHS[method])

    def shared(self, peer_public: str) -> Secret[bytes]:
        """Return the shared X coordinate, 32 bytes."""
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            point = base64.b64decode(peer_public, validate=True)
            if len(point) != 65:
                raise ValueError("length")
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            return Secret(self._private.exchange(ec.ECDH(), peer))
        except (ValueError, binascii.Error):
            raise ProtocolError("the peer's key exchange value is not a point of the curve P-256") from None


def _fold(key: bytes, length: int = 24) -> bytes:
    """Stretch or fold a key to 24 bytes (``condor_io/CryptKey.cpp``)."""
    if len(key) <= length:
        return (key * (length // max(len(key), 1) + 1))[:length]
    folded = bytearray(key[:length])
    for index in range(length, len(key)):
        folded[index % length] ^= key[index]
    return bytes(folded)


def _cipher(key: Secret[bytes]) -> Cipher[CFB]:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher

    try:
        from cryptography.hazmat.decrepit.ciphers.modes import CFB
    except ImportError:  # before version 47 the mode has its old home
        from cryptography.hazmat.primitives.ciphers.modes import CFB

    if not key:
        raise ProtocolError("there is no key to wrap the session key with")
    return Cipher(TripleDES(_fold(key.reveal())), CFB(bytes(8)))


def _run(context: CipherContext, data: bytes) -> bytes:
    return context.update(data) + context.finalize()


def wrap_key(key: Secret[bytes], wrapping: Secret[bytes] | KeyWrap | None) -> bytes:
    """Return a session key as it travels after an authentication.

    With a key for wrapping by 3DES-CFB64, with a method's own wrap by that, without either as it is.
    """
    if wrapping is None:
        return key.reveal()
    if isinstance(wrapping, Secret):
        return _run(_cipher(wrapping).encryptor(), key.reveal())
    return wrapping.wrap(key)


def unwrap_key(wrapped: bytes, length: int, wrapping: Secret[bytes] | KeyWrap | None) -> Secret[bytes]:
    """Return the session key that came wrapped, its first ``length`` bytes."""
    if wrapping is None:
        key = wrapped
    elif isinstance(wrapping, Secret):
        key = _run(_cipher(wrapping).decryptor(), wrapped)
    else:
        key = wrapping.unwrap(wrapped).reveal()
    if not 0 < length <= len(key):
        raise ProtocolError(f"a transported session key of {len(key)} bytes is announced with {length}")
    return Secret(key[:length])


def claim_key(text: Secret[str], method: str) -> Secret[bytes]:
    """Return the key of a session made from a claim id; the text of its key part is the secret, not its hex value."""
    data = Secret(text.reveal().encode("utf-8"))
    if method == "AES":
        return hkdf(data, salt=b"htcondor", info=b"keygen", length=KEY_LENGTHS[method])
    digest = hashlib.md5(data.reveal(), usedforsecurity=False).digest()
    return Secret(_fold(digest) if method == "3DES" else digest)
