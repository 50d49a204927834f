"""Bytes to messages and back, for one TCP connection in both directions.

A message is one or more frames ``end flag || u32 length || payload``; the variants of a frame (clear, AES-GCM, an old
cipher with or without a checksum) follow from the security handshake and are never visible in the header
(``reli_sock.cpp``). Bytes are decoded only when somebody asks, since encryption may start with the very next frame.

Cost: each received byte is copied at most twice before it is decrypted, whatever the sizes of the pieces it arrives in.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from htcondor_async._cedar.cipher import (
    HEADER_SIZE,
    IV_SIZE,
    TAG_SIZE,
    AesGcmOpener,
    AesGcmSealer,
    NonceRecorder,
    Transcript,
    check_header,
)
from htcondor_async._cedar.legacy import CfbStream, LegacyOpener, LegacySealer
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, exceeded
from htcondor_async._secret import Secret
from htcondor_async.errors import ConnectionClosedError, HTCondorInternalError

__all__ = ["CedarConnection"]

_HEADER = struct.Struct(">BI")
#: Frames of one message that are kept apart before they are joined to a block: a peer may send one byte a frame.
_BLOCK = 1024
#: The most plaintext put into one frame, so that IV, tag and checksum never lift it over HTCondor's 1 MiB.
_MAX_PLAINTEXT = (1 << 20) - IV_SIZE - TAG_SIZE


class CedarConnection:
    """The CEDAR state of one connection. It does no I/O: bytes go in, messages come out, and the reverse.

    Parameters
    ----------
    limits
        What is accepted from the peer.
    record_nonce
        Called with (key fingerprint, IV, counter) for each sealed frame; for tests.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, record_nonce: NonceRecorder | None = None) -> None:
        self.limits = limits
        self._record_nonce = record_nonce
        # Received bytes in order: the part of a frame that is not whole yet, the piece being read, pieces behind it.
        self._partial = bytearray()
        self._data = b""
        self._position = 0
        self._behind = bytearray()
        self._eof = False
        # The message being collected by next_message.
        self._frames: list[bytes] = []
        self._blocks: list[bytes] = []
        self._message_size = 0
        self._reset_crypto()

    def _reset_crypto(self) -> None:
        self._transcript = Transcript()
        self._sealer: AesGcmSealer | LegacySealer | None = None
        self._opener: AesGcmOpener | LegacyOpener | None = None
        self._crypto = False
        self._method = ""
        self._key: Secret[bytes] | None = None

    # -- state

    @property
    def crypto(self) -> bool:
        """Whether messages are encrypted as a whole; strings in them then carry their length."""
        return self._crypto

    @property
    def method(self) -> str:
        """The cipher in use: ``"AES"``, ``"BLOWFISH"``, ``"3DES"``, or empty."""
        return self._method

    @property
    def unread(self) -> int:
        """Received bytes that are part of no message handed out so far."""
        return len(self._partial) + len(self._data) - self._position + len(self._behind)

    @property
    def mid_message(self) -> bool:
        """Whether a message has begun to arrive and is not whole yet."""
        return bool(self._message_size or self.unread)

    @property
    def at_eof(self) -> bool:
        """Whether the peer has closed and nothing is left to read."""
        return self._eof and not self.unread

    def reset_transcript(self) -> None:
        """Forget the digests of what went in clear: after a shared-port preamble (unless to ``self``), a CCB hello."""
        if self._method:
            raise HTCondorInternalError("the transcript is frozen once encryption is on")
        self._transcript = Transcript()

    def reset(self) -> None:
        """Become a fresh connection that keeps only unread bytes: after the broker of a CCB pipe steps aside."""
        if self._message_size:
            raise HTCondorInternalError("a connection is not reset in the middle of a message")
        self._reset_crypto()

    def start_crypto(
        self,
        method: str,
        key: Secret[bytes],
        *,
        encrypt: bool = True,
        mac: bool = False,
        iv: bytes | None = None,
    ) -> None:
        """Seal and open all frames from here on.

        Parameters
        ----------
        method
            ``"AES"`` (encrypts and authenticates always), ``"BLOWFISH"`` or ``"3DES"``.
        key
            The session key: 32 bytes for AES, 24 for the others (16 in sessions derived from a claim).
        encrypt
            Old ciphers only: encrypt whole messages, not just secrets.
        mac
            Old ciphers only: put an MD5 checksum on every frame.
        iv
            AES only, for tests: the IV of the sending direction.
        """
        if self._method:
            raise HTCondorInternalError("encryption is on already")
        if self._message_size:
            raise HTCondorInternalError("encryption cannot start in the middle of a message")
        if method == "AES":
            sent, received = self._transcript.digests()
            self._sealer = AesGcmSealer(key, sent + received, iv=iv, record=self._record_nonce)
            self._opener = AesGcmOpener(key, received + sent)
            self._crypto = True
        else:
            self._sealer = LegacySealer(method, key, encrypt=encrypt, mac=mac)
            self._opener = LegacyOpener(method, key, encrypt=encrypt, mac=mac)
            self._crypto = encrypt
        self._method = method
        self._key = key

    def secret_cipher(self) -> CfbStream | None:
        """Return a fresh cipher for the secrets of one message where only those are encrypted, else None."""
        if self._key is None or self._crypto:
            return None
        return CfbStream(self._method, self._key)

    # -- sending

    def send_message(self, payload: bytes, *, frame_size: int = _MAX_PLAINTEXT) -> bytes:
        """Return the frames to put on the wire for one message.

        Parameters
        ----------
        payload
            The message in plaintext, not empty: CEDAR has no empty messages.
        frame_size
            The most plaintext bytes in one frame.
        """
        if not payload:
            raise HTCondorInternalError("CEDAR has no empty messages")
        if not 0 < frame_size <= _MAX_PLAINTEXT:
            raise HTCondorInternalError(f"a frame holds 1 to {_MAX_PLAINTEXT} bytes of plaintext")
        size = len(payload)
        if size <= frame_size:
            return self._frame(payload, True)
        return b"".join(
            self._frame(payload[start : start + frame_size], start + frame_size >= size)
            for start in range(0, size, frame_size)
        )

    def send_messages(self, payloads: Sequence[bytes]) -> bytes:
        """Return the frames of many small messages, one a payload, none of them empty."""
        if isinstance(self._sealer, AesGcmSealer) and max(map(len, payloads), default=0) <= _MAX_PLAINTEXT:
            if not all(payloads):
                raise HTCondorInternalError("CEDAR has no empty messages")
            return b"".join(self._sealer.seal_all(payloads))
        return b"".join(map(self.send_message, payloads))

    def send_part(self, payload: bytes, *, end: bool) -> bytes:
        """Return the frames of a part of one message, which may have any length in all.

        Parameters
        ----------
        payload
            The part in plaintext, not empty.
        end
            Whether it is the last of its message.
        """
        if not payload:
            raise HTCondorInternalError("CEDAR has no empty frames")
        size = len(payload)
        return b"".join(
            self._frame(payload[start : start + _MAX_PLAINTEXT], end and start + _MAX_PLAINTEXT >= size)
            for start in range(0, size, _MAX_PLAINTEXT)
        )

    def _frame(self, plaintext: bytes, end: bool) -> bytes:
        if self._sealer is not None:
            return self._sealer.seal(plaintext, end)
        frame = _HEADER.pack(end, len(plaintext)) + plaintext
        self._transcript.sent(frame)
        return frame

    def send_raw(self, data: bytes) -> bytes:
        """Return the bytes of a file's content as they travel outside of messages (AES must be off)."""
        if isinstance(self._sealer, LegacySealer):
            return self._sealer.raw(data)
        if self._sealer is not None:
            raise HTCondorInternalError("with AES everything travels in messages")
        return data

    # -- receiving

    def feed(self, data: bytes) -> None:
        """Take bytes received from the peer, in any split.

        Raises
        ------
        LimitExceededError
            More is unread than ``max_unread`` allows.
        """
        if self._eof:
            raise HTCondorInternalError("bytes were fed after the end of the connection")
        if self._position < len(self._data) or self._behind:
            # Without len(data): how much one read brings is no fault of the peer.
            if self.unread > self.limits.max_unread:
                exceeded("max_unread", "bytes received and not read", self.unread, self.limits.max_unread)
            self._behind += data
        else:
            self._data = data
            self._position = 0

    def feed_eof(self) -> None:
        """Take note that the peer has closed its side."""
        self._eof = True

    def next_message(self, max_size: int | None = None) -> bytes | None:
        """Return the next whole message in plaintext, or None while more bytes are needed.

        Parameters
        ----------
        max_size
            The most bytes it may have; ``limits.max_message`` if not given.

        Raises
        ------
        ConnectionClosedError
            The peer closed before or inside the message.
        LimitExceededError
            A frame or the message is too large.
        ProtocolError
            A frame is malformed, or damaged.
        """
        if max_size is None:
            max_size = self.limits.max_message
        while True:
            frame = self._next_frame(max_size - self._message_size)
            if frame is None:
                if self._eof:
                    raise self._closed()
                return None
            plaintext, end = frame
            if end:
                if not self._message_size:
                    return plaintext
                message = b"".join((*self._blocks, *self._frames, plaintext))
                self._frames, self._blocks, self._message_size = [], [], 0
                return message
            # An empty plaintext is counted too, so that endless empty frames meet the limit.
            self._message_size += len(plaintext) or 1
            self._frames.append(plaintext)
            if len(self._frames) >= _BLOCK:
                self._blocks.append(b"".join(self._frames))
                self._frames = []

    def drain(self) -> list[tuple[bytes, bool]]:
        """Return all frames that have arrived whole, each as (plaintext, last of its message).

        For streams without a size limit of their own; the list may be empty. At the end of the connection the
        remaining frames come first.

        Raises
        ------
        ConnectionClosedError
            The peer closed, and no whole frame is left.
        ProtocolError
            A frame is malformed, damaged, or too large. Whole frames before it are lost, as the connection is.
        """
        if self._message_size:
            raise HTCondorInternalError("a message begun by next_message must be finished by it")
        out: list[tuple[bytes, bool]] = []
        opener = self._opener
        while True:
            if not self._partial and isinstance(opener, AesGcmOpener):
                self._position = opener.open_frames(self._data, self._position, self.limits.max_frame, out)
            frame = self._next_frame(None)
            if frame is None:
                break
            out.append(frame)
        if not out and self._eof:
            raise self._closed()
        return out

    def take_raw(self, max_size: int) -> bytes | None:
        """Return up to ``max_size`` bytes that travel outside of messages, or None while there are none.

        Raises
        ------
        ConnectionClosedError
            The peer closed, and nothing is left.
        """
        if max_size < 1 or self._message_size:
            raise HTCondorInternalError("raw bytes are taken between messages, one at least")
        if isinstance(self._opener, AesGcmOpener):
            raise HTCondorInternalError("with AES everything travels in messages")
        if self._partial:
            # A header may have been begun by an earlier look for a message.
            data = bytes(self._partial[:max_size])
            del self._partial[:max_size]
        else:
            self._advance()
            data = self._data[self._position : self._position + max_size]
            self._position += len(data)
        if not data:
            if self._eof:
                raise self._closed()
            return None
        return self._opener.raw(data) if isinstance(self._opener, LegacyOpener) else data

    def take_unread(self) -> bytes:
        """Return and forget all unread bytes as they came, for whoever takes the stream over."""
        self._advance()
        data = bytes(self._partial) + self._data[self._position :] + bytes(self._behind)
        self._partial, self._data, self._position, self._behind = bytearray(), b"", 0, bytearray()
        return data

    def _advance(self) -> None:
        """Make the pieces behind the current one current, once that is used up."""
        if self._position >= len(self._data):
            self._data = bytes(self._behind)
            self._position = 0
            if self._behind:
                self._behind = bytearray()

    def _next_frame(self, allowed: int | None) -> tuple[bytes, bool] | None:
        """Return the next whole frame, if it has arrived; ``allowed`` is what is left to the message."""
        self._advance()
        extra = self._opener.mac_size if isinstance(self._opener, LegacyOpener) else 0
        partial, data, position = self._partial, self._data, self._position
        while True:
            have = len(partial) + len(data) - position
            if have < HEADER_SIZE:
                break
            header = bytes(partial[:HEADER_SIZE])
            if len(header) < HEADER_SIZE:
                header += data[position : position + HEADER_SIZE - len(header)]
            flag, length = _HEADER.unpack(header)
            if flag > 10 or not 0 < length <= self.limits.max_frame:
                check_header(flag, length, self.limits.max_frame)
            if allowed is not None and length - IV_SIZE - TAG_SIZE > allowed:
                exceeded("max_message", "a message that goes on with a frame of", length, max(allowed, 0))
            size = HEADER_SIZE + extra + length
            if have < size:
                break
            if partial:
                taken = size - len(partial)
                frame = bytes(partial) + data[position : position + taken] if taken >= 0 else bytes(partial[:size])
                del partial[:size]
                self._position = position + max(taken, 0)
            else:
                frame = data[position : position + size]
                self._position = position + size
            plaintext, end = self._open(frame, flag != 0)
            if allowed is not None and len(plaintext) > allowed:
                exceeded("max_message", "a message that goes on with a frame of", len(plaintext), max(allowed, 0))
            return plaintext, end
        # Not whole: move what there is of it aside, so that the piece can be let go of.
        if position < len(data):
            partial += data[position:]
            self._position = len(data)
            if self._behind:
                return self._next_frame(allowed)
        return None

    def _open(self, frame: bytes, end: bool) -> tuple[bytes, bool]:
        opener = self._opener
        if opener is None:
            self._transcript.received(frame)
            return frame[HEADER_SIZE:], end
        if isinstance(opener, AesGcmOpener):
            return opener.open(frame[:HEADER_SIZE], frame[HEADER_SIZE:]), end
        body = HEADER_SIZE + opener.mac_size
        return opener.open(frame[HEADER_SIZE:body], frame[body:], end), end

    def _closed(self) -> ConnectionClosedError:
        if self._message_size or self.unread:
            return ConnectionClosedError("the connection was closed in the middle of a message")
        return ConnectionClosedError("the connection was closed where a message was due")
