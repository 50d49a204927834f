"""Messages by UDP: one datagram, or fragments with a header, and the security header in front of the payload.

Format of ``condor_io/SafeMsg.cpp`` and ``safe_sock.cpp``. Nothing is answered, nothing is sent twice.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from collections import OrderedDict

import attrs

from htcondor_async._cedar.legacy import CfbStream
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorValueError, LimitExceededError, ProtocolError

__all__ = ["Assembler", "MessageId", "SecurityHeader", "datagram_key", "fragments", "open_payload", "seal_payload"]

MAGIC = b"MaGic6.0"
HEADER_SIZE = 25
MAX_DATAGRAM = 60_000
NETWORK_FRAGMENT = 1000
"""UDP_NETWORK_FRAGMENT_SIZE: bytes of a datagram, header included."""
LOOPBACK_FRAGMENT = 59_974
"""UDP_LOOPBACK_FRAGMENT_SIZE."""
REASSEMBLY_SECONDS = 10.0
_MAX_FRAGMENTS = 1 << 16
_HEADER = struct.Struct(">8sBHHIHIH")
_SECURITY = struct.Struct(">4sHHH")
_SECURITY_MAGIC = b"CRAP"
_HAS_MAC, _ENCRYPTED = 1, 2
_MAC_SIZE = 16


@attrs.frozen
class MessageId:
    """What tells the fragments of one message from those of others.

    ``address`` is the sender's IPv4 address as a number, ``process`` the low 16 bits of its process id, ``time`` the
    second its socket was made in, ``number`` counts its messages modulo 65536.
    """

    address: int
    process: int
    time: int
    number: int


def fragments(message: bytes, message_id: MessageId, size: int = NETWORK_FRAGMENT) -> list[bytes]:
    """Return the datagrams of one message: itself if it fits into one, else fragments with headers.

    Parameters
    ----------
    message
        Security header, if any, and payload; at least 8 bytes.
    size
        Bytes of a datagram at most, from 64 to 60,000.

    Raises
    ------
    HTCondorValueError
        The message is too long for UDP, or cannot be one.
    """
    if not 64 <= size <= MAX_DATAGRAM:
        raise HTCondorValueError(f"datagrams of {size} bytes are not possible; from 64 to {MAX_DATAGRAM}")
    if len(message) < 8:
        raise HTCondorValueError("a message by UDP has 8 bytes or more")
    room = size - HEADER_SIZE
    if len(message) <= room and not message.startswith(MAGIC):
        return [message]
    count = math.ceil(len(message) / room)
    if count > _MAX_FRAGMENTS:
        raise HTCondorValueError(
            f"a message of {len(message)} bytes is too long for UDP in datagrams of {size}", hint="use TCP"
        )
    found = []
    for number in range(count):
        part = message[number * room : (number + 1) * room]
        header = _HEADER.pack(
            MAGIC,
            number == count - 1,
            number,
            len(part),
            message_id.address & 0xFFFFFFFF,
            message_id.process & 0xFFFF,
            message_id.time & 0xFFFFFFFF,
            message_id.number & 0xFFFF,
        )
        found.append(header + part)
    return found


@attrs.define
class _Partial:
    since: float
    parts: dict[int, bytes] = attrs.field(factory=dict)
    size: int = 0
    last: int | None = None


class Assembler:
    """Puts fragments together, in whatever order they come.

    A message of which no fragment is missing is given out; one that is incomplete for 10 s is forgotten. Both the
    number of messages in pieces and their bytes are bounded: the oldest one makes room.

    Parameters
    ----------
    max_message
        Bytes of one message.
    max_partial
        Incomplete messages kept.
    """

    def __init__(self, max_message: int = 1 << 22, max_partial: int = 64) -> None:
        self._max_message = max_message
        self._max_partial = max_partial
        self._partial: OrderedDict[tuple[object, MessageId], _Partial] = OrderedDict()

    def __len__(self) -> int:
        return len(self._partial)

    def feed(self, datagram: bytes, now: float, sender: object = None) -> bytes | None:
        """Take a datagram; return the message that it completes, or None.

        Raises
        ------
        ProtocolError
            It is no part of a message; what was received before stays.
        """
        self._expire(now)
        if not datagram.startswith(MAGIC):
            if len(datagram) < 8:
                raise ProtocolError(f"a datagram has {len(datagram)} bytes, at least 8 are due")
            return datagram
        if len(datagram) < HEADER_SIZE:
            raise ProtocolError("a datagram ends within its header")
        _, last, number, _, address, process, time, count = _HEADER.unpack_from(datagram)
        if last not in (0, 1):
            raise ProtocolError(f"a datagram's header has {last} where 0 or 1 is due")
        key = (sender, MessageId(address, process, time, count))
        partial = self._partial.get(key)
        if partial is None:
            while len(self._partial) >= self._max_partial:
                self._partial.popitem(last=False)
            partial = self._partial[key] = _Partial(now)
        if number in partial.parts:
            return None  # the network gave it twice
        part = datagram[HEADER_SIZE:]
        partial.size += len(part)
        if partial.size > self._max_message:
            del self._partial[key]
            raise LimitExceededError(f"a message in datagrams has more than {self._max_message} bytes")
        if last:
            if partial.last is not None:
                del self._partial[key]
                raise ProtocolError("a message in datagrams has two ends")
            partial.last = number
        partial.parts[number] = part
        if partial.last is not None and max(partial.parts) > partial.last:
            del self._partial[key]
            raise ProtocolError("a message in datagrams goes on behind its end")
        if partial.last is None or len(partial.parts) != partial.last + 1:
            return None
        del self._partial[key]
        return b"".join(partial.parts[index] for index in range(partial.last + 1))

    def _expire(self, now: float) -> None:
        while self._partial:
            key, oldest = next(iter(self._partial.items()))
            if oldest.since + REASSEMBLY_SECONDS > now:
                return
            del self._partial[key]


@attrs.frozen
class SecurityHeader:
    """What stands in front of a payload that belongs to a session.

    Parameters
    ----------
    encrypted_with
        The session whose key encrypts the payload, None for one in clear.
    checked_with
        The session whose key the checksum is made with, None without a checksum.
    checksum
        MD5 of that key and the payload.
    """

    encrypted_with: str | None = None
    checked_with: str | None = None
    checksum: bytes = b""


def datagram_key(key: Secret[bytes]) -> Secret[bytes]:
    """Return the BLOWFISH key of a session for datagrams: AES is never used on them."""
    return Secret(key.reveal()[:24])


def seal_payload(payload: bytes, sid: str, key: Secret[bytes]) -> bytes:
    """Return an encrypted payload with the header that names its session."""
    name = sid.encode("utf-8", "surrogateescape")
    if not 0 < len(name) < 1 << 16:
        raise HTCondorValueError("the name of the session is too long for a datagram")
    head = _SECURITY.pack(_SECURITY_MAGIC, _ENCRYPTED, 0, len(name)) + name
    return head + CfbStream("BLOWFISH", datagram_key(key)).encrypt(payload)


def open_payload(message: bytes) -> tuple[SecurityHeader, bytes]:
    """Return the security header of a message and what is behind it, still encrypted.

    Raises
    ------
    ProtocolError
        The header does not end within the message.
    """
    if not message.startswith(_SECURITY_MAGIC):
        return SecurityHeader(), message
    if len(message) < _SECURITY.size:
        raise ProtocolError("a message ends within its security header")
    _, flags, mac_length, name_length = _SECURITY.unpack_from(message)
    at = _SECURITY.size
    checked = encrypted = None
    checksum = b""
    if flags & _HAS_MAC and mac_length:
        checked, at = message[at : at + mac_length], at + mac_length
        checksum, at = message[at : at + _MAC_SIZE], at + _MAC_SIZE
    if flags & _ENCRYPTED and name_length:
        encrypted, at = message[at : at + name_length], at + name_length
    if at > len(message):
        raise ProtocolError("a message ends within its security header")
    return (
        SecurityHeader(
            None if encrypted is None else _sid(encrypted), None if checked is None else _sid(checked), checksum
        ),
        message[at:],
    )


def decrypt_payload(payload: bytes, key: Secret[bytes]) -> bytes:
    """Return an encrypted payload in clear."""
    return CfbStream("BLOWFISH", datagram_key(key)).decrypt(payload)


def check_payload(payload: bytes, checksum: bytes, key: Secret[bytes]) -> bool:
    """Return whether the checksum of a payload, as it travels, is right."""
    digest = hashlib.md5(datagram_key(key).reveal() + payload, usedforsecurity=False).digest()
    return hmac.compare_digest(digest, checksum)


def _sid(name: bytes) -> str:
    """The name may have the sender's address behind a comma."""
    return name.decode("utf-8", "surrogateescape").partition(",")[0]
