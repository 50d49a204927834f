"""AES-256-GCM framing of one connection.

Each direction has a random 16-byte IV chosen by the sender and a counter of frames from 0. The nonce is the IV with the
counter added to its first four bytes; the IV itself travels in the first frame. Every frame authenticates its header;
the first of a direction also the digests of everything that went in clear before (``condor_crypt_aesgcm.cpp``).
"""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from htcondor_async._cedar.limits import exceeded
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, ProtocolError, SecurityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["AesGcmOpener", "AesGcmSealer", "NonceRecorder", "Transcript"]

HEADER_SIZE = 5
IV_SIZE = 16
TAG_SIZE = 16
#: A reader of HTCondor takes the end flag as a signed char and accepts these.
MAX_END_FLAG = 10

_HEADER = struct.Struct(">BI")
_NONCE = struct.Struct(">I12s")
_LAST_COUNTER = 0xFFFFFFFF
_NO_DIGEST = bytes(32)
_MAX_CLEAR = 1 << 20

NonceRecorder = Callable[[str, bytes, int], None]
"""Called with (fingerprint of the key, IV, counter) before each frame is sealed; a test can prove that none repeats."""


class TamperedError(ProtocolError, SecurityError):
    """A frame does not carry the tag it must: it was changed on the way, or the keys differ."""


class Transcript:
    """Digests of the clear frames of both directions, since the connection began or was last reset."""

    __slots__ = ("_received", "_sent", "_size")

    def __init__(self) -> None:
        self._sent: Any = None
        self._received: Any = None
        self._size = 0

    def sent(self, frame: bytes) -> None:
        """Take note of one whole frame that was sent in clear."""
        if self._size <= _MAX_CLEAR:
            self._size += len(frame)
            if self._sent is None:
                self._sent = hashlib.sha256()
            self._sent.update(frame)

    def received(self, *parts: bytes) -> None:
        """Take note of one whole frame, in pieces, that was received in clear."""
        if self._size <= _MAX_CLEAR:
            if self._received is None:
                self._received = hashlib.sha256()
            for part in parts:
                self._size += len(part)
                self._received.update(part)

    def digests(self) -> tuple[bytes, bytes]:
        """Return the digests of (sent, received); 32 zero bytes stand for nothing.

        Raises
        ------
        ProtocolError
            More than 1 MiB went in clear, beyond which HTCondor's two sides no longer agree.
        """
        if self._size > _MAX_CLEAR:
            raise ProtocolError("encryption was to start after more than 1 MiB of clear messages")
        return tuple(_NO_DIGEST if digest is None else digest.digest() for digest in (self._sent, self._received))  # type: ignore[return-value]


def _aes(key: Secret[bytes]) -> AESGCM:
    if len(key.reveal()) != 32:
        raise HTCondorInternalError("an AES session key has 32 bytes")
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a program that never shakes hands does without

    return AESGCM(key.reveal())


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


class _OneWay:
    """The state of one direction; it cannot be duplicated, so no nonce can be used twice."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("the state of a cipher is never copied: a nonce could repeat")

    def __copy__(self) -> NoReturn:
        self.__reduce__()

    def __deepcopy__(self, memo: object) -> NoReturn:
        self.__reduce__()


class AesGcmSealer(_OneWay):
    """Seals the frames that are sent.

    Parameters
    ----------
    key
        The session key, 32 bytes.
    transcript
        The digest of what this side sent in clear followed by that of what it received, 64 bytes.
    iv
        The 16-byte IV; random where none is given. Only tests give one.
    record
        See :data:`NonceRecorder`.
    """

    __slots__ = ("_aes", "_base", "_counter", "_fingerprint", "_iv", "_record", "_tail", "_transcript")

    def __init__(
        self,
        key: Secret[bytes],
        transcript: bytes,
        *,
        iv: bytes | None = None,
        record: NonceRecorder | None = None,
    ) -> None:
        if iv is None:
            iv = secrets.token_bytes(IV_SIZE)
        if len(iv) != IV_SIZE or len(transcript) != 64:
            raise HTCondorInternalError("an AES-GCM sealer needs 16 bytes of IV and 64 of transcript")
        self._aes = _aes(key)
        self._iv = iv
        self._base = int.from_bytes(iv[:4], "big")
        self._tail = iv[4:]
        self._counter = 0
        self._transcript = transcript
        self._record = record
        self._fingerprint = hashlib.sha256(key.reveal()).hexdigest() if record is not None else ""

    @property
    def overhead(self) -> int:
        """Bytes that the next frame's payload has more than its plaintext."""
        return TAG_SIZE if self._counter else IV_SIZE + TAG_SIZE

    def seal(self, plaintext: bytes, end: bool) -> bytes:
        """Return the whole frame for ``plaintext``, header included."""
        counter = self._counter
        if counter >= _LAST_COUNTER:
            raise HTCondorIOError("the connection has used up its nonces and must end")
        # Counted before sealing: should anything fail from here on, this nonce is spent all the same.
        self._counter = counter + 1
        if self._record is not None:
            self._record(self._fingerprint, self._iv, counter)
        nonce = ((self._base + counter) & 0xFFFFFFFF).to_bytes(4, "big") + self._tail
        if counter:
            header = _HEADER.pack(end, len(plaintext) + TAG_SIZE)
            return header + self._aes.encrypt(nonce, plaintext, header)
        header = _HEADER.pack(end, len(plaintext) + IV_SIZE + TAG_SIZE)
        return header + self._iv + self._aes.encrypt(nonce, plaintext, self._transcript + header)

    def seal_all(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        """Return the pieces of whole frames, one a plaintext, each the last of its message.

        The same as :meth:`seal` for each, in one loop: where a bulk upload of small messages spends its time.
        """
        if not plaintexts:
            return []
        if not self._counter:  # the first frame carries the IV
            return [self.seal(plaintexts[0], True), *self.seal_all(plaintexts[1:])]
        # a recorder wants each nonce, the last nonces want a check
        if self._counter >= _LAST_COUNTER - len(plaintexts) or self._record is not None:
            return [self.seal(plaintext, True) for plaintext in plaintexts]
        pieces: list[bytes] = []
        add, encrypt, tail, nonce = pieces.append, self._aes.encrypt, self._tail, _NONCE.pack
        headers: dict[int, bytes] = {}
        begin = self._base + self._counter
        # Counted before sealing: should anything fail from here on, these nonces are spent all the same.
        self._counter += len(plaintexts)
        for number, plaintext in enumerate(plaintexts, begin):
            size = len(plaintext)
            header = headers.get(size)
            if header is None:
                header = headers[size] = _HEADER.pack(True, size + TAG_SIZE)
            add(header)
            add(encrypt(nonce(number & 0xFFFFFFFF, tail), plaintext, header))
        return pieces


class AesGcmOpener(_OneWay):
    """Opens the frames that are received; the peer's IV comes with its first one.

    Parameters
    ----------
    key
        The session key, 32 bytes.
    transcript
        The digest of what the *peer* sent in clear followed by that of what it received, 64 bytes.
    """

    __slots__ = ("_aes", "_base", "_counter", "_tail", "_transcript")

    def __init__(self, key: Secret[bytes], transcript: bytes) -> None:
        if len(transcript) != 64:
            raise HTCondorInternalError("an AES-GCM opener needs 64 bytes of transcript")
        self._aes = _aes(key)
        self._base = 0
        self._tail = b""
        self._counter = 0
        self._transcript = transcript

    def open(self, header: bytes, payload: bytes | memoryview) -> bytes:
        """Return the plaintext of one frame.

        Raises
        ------
        ProtocolError
            The frame is too short to be sealed, the tag is wrong, or the counter is used up.
        """
        counter = self._counter
        aad = header
        if not counter:
            if len(payload) < IV_SIZE + TAG_SIZE:
                raise ProtocolError("the first encrypted frame is too short to hold an IV and a tag")
            iv = bytes(payload[:IV_SIZE])
            payload = payload[IV_SIZE:]
            self._base = int.from_bytes(iv[:4], "big")
            self._tail = iv[4:]
            aad = self._transcript + header
        elif len(payload) < TAG_SIZE:
            raise ProtocolError("an encrypted frame is too short to hold a tag")
        if counter >= _LAST_COUNTER:
            raise ProtocolError("the peer has used up its nonces")
        self._counter = counter + 1
        nonce = ((self._base + counter) & 0xFFFFFFFF).to_bytes(4, "big") + self._tail
        try:
            return self._aes.decrypt(nonce, payload, aad)
        except _invalid_tag():
            raise TamperedError(f"encrypted frame {counter} was tampered with, or sealed with another key") from None

    def open_frames(self, data: bytes, position: int, max_frame: int, out: list[tuple[bytes, bool]]) -> int:
        """Open all frames that lie whole in ``data`` from ``position`` on; return where the first other one begins.

        The plaintexts and end flags are appended to ``out``. This loop is where a bulk stream spends its time.
        """
        size = len(data)
        unpack = _HEADER.unpack_from
        decrypt, base, tail, nonce = self._aes.decrypt, self._base, self._tail, _NONCE.pack
        counter = self._counter
        start = position + HEADER_SIZE
        try:
            while start <= size:
                flag, length = unpack(data, position)
                if flag > MAX_END_FLAG or not 0 < length <= max_frame:
                    check_header(flag, length, max_frame)
                stop = start + length
                if stop > size:
                    break
                if 0 < counter < _LAST_COUNTER and length >= TAG_SIZE:
                    unique = nonce((base + counter) & 0xFFFFFFFF, tail)
                    counter += 1
                    out.append((decrypt(unique, data[start:stop], data[position:start]), flag != 0))
                else:
                    # The first frame, and those that are refused.
                    self._counter = counter
                    out.append((self.open(data[position:start], data[start:stop]), flag != 0))
                    counter, base, tail = self._counter, self._base, self._tail
                position = stop
                start = position + HEADER_SIZE
        except _invalid_tag():
            raise TamperedError(
                f"encrypted frame {counter - 1} was tampered with, or sealed with another key"
            ) from None
        finally:
            self._counter = counter
        return position


def check_header(flag: int, length: int, max_frame: int) -> None:
    """Refuse a frame header that no HTCondor would accept.

    Raises
    ------
    LimitExceededError
        The announced payload is larger than ``max_frame``.
    ProtocolError
        The end flag is not one, or the frame is empty.
    """
    if flag > MAX_END_FLAG:
        hint = "the peer does not seem to speak CEDAR" if 0x20 <= flag < 0x7F or flag in (0x15, 0x16) else None
        raise ProtocolError(f"a frame begins with {flag:#04x}, which is no end flag", hint=hint)
    if length == 0:
        raise ProtocolError("a frame announces an empty payload")
    if length > max_frame:
        exceeded("max_frame", "the payload that a frame announces", length, max_frame)
