"""Files over a connection: sending and receiving their content, with or without permissions.

With AES the content travels in messages of a size that the sender announces; without it, as bare bytes between two
messages. An empty file is followed by the number 666 in either case (``reli_sock.cpp``, put_file and get_file).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from htcondor_async._cedar.effects import Effect, ReadChunk, Receive, ReceiveRaw, Send, SendRaw, WriteChunk
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, exceeded
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async.errors import HTCondorIOError, ProtocolError

__all__ = [
    "CHUNK_SIZE",
    "MODE_MISSING",
    "get_file",
    "get_file_with_permissions",
    "put_file",
    "put_file_with_permissions",
]

#: What HTCondor announces as the size of a message of content.
CHUNK_SIZE = 262144
#: The mode that stands for "there is no such file"; an empty file follows it.
MODE_MISSING = 1 << 24
_EMPTY_FILE = 666

Step = Generator[Effect, Any, None]


def put_file(size: int, *, aes: bool, lead: bytes = b"", chunk: int = CHUNK_SIZE) -> Step:
    """Send one file of ``size`` bytes; its content is asked for with :class:`~.effects.ReadChunk`.

    Parameters
    ----------
    size
        Bytes in the file, counted before the first is read.
    aes
        Whether the connection is sealed with AES.
    lead
        Values that share the first message with the size.
    chunk
        Bytes in each message of content, with AES.

    Raises
    ------
    HTCondorIOError
        The file became shorter while it was sent; the connection is of no more use.
    """
    header = Writer(aes).raw(lead).int(size)
    if aes:
        header.int(chunk)
    yield Send(header.getvalue())
    if not size:
        yield Send(Writer(aes).int(_EMPTY_FILE).getvalue())
        return
    left = size
    while left:
        data = yield from _read(min(left, chunk))
        left -= len(data)
        yield Send(data) if aes else SendRaw(data)


def _read(size: int) -> Generator[Effect, Any, bytes]:
    """Collect exactly ``size`` bytes: with AES every message but the last must have the announced size."""
    parts = []
    while size:
        data: bytes = yield ReadChunk(size)
        if not data:
            raise HTCondorIOError("a file became shorter while it was sent")
        if len(data) > size:
            raise HTCondorIOError("more of a file was read than asked for")
        parts.append(data)
        size -= len(data)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def get_file(
    *,
    aes: bool,
    max_size: int,
    limits: Limits = DEFAULT_LIMITS,
    header: Reader | None = None,
) -> Generator[Effect, Any, int]:
    """Receive one file; its content is handed over with :class:`~.effects.WriteChunk`. Returns its size in bytes.

    Parameters
    ----------
    aes
        Whether the connection is sealed with AES.
    max_size
        The most bytes that are accepted.
    limits
        Bounds the messages.
    header
        The message that ends with the size, if values stand before it; a message of its own if not given.

    Raises
    ------
    LimitExceededError
        The announced size is over ``max_size``; nothing has been written.
    ProtocolError
        The sizes announced and sent do not agree.
    """
    if header is None:
        header = Reader((yield Receive(limits.max_handshake_message)), aes, limits)
    size = header.int()
    chunk = header.int() if aes else 0
    header.expect_end()
    if size < 0 or (aes and chunk < 1):
        raise ProtocolError(f"a file of {size} bytes in pieces of {chunk} was announced")
    if size > max_size:
        exceeded("max_size", "a file was announced", size, max_size)
    if not size:
        marker = Reader((yield Receive(limits.max_handshake_message)), aes, limits)
        if marker.int() != _EMPTY_FILE:
            raise ProtocolError("an empty file is not followed by its mark")
        marker.expect_end()
        return 0
    if chunk > limits.max_file_chunk:
        exceeded("max_file_chunk", "pieces of a file were announced", chunk, limits.max_file_chunk)
    left = size
    while left:
        data: bytes
        if aes:
            due = min(left, chunk)
            data = yield Receive(due)
            if len(data) != due:
                raise ProtocolError(f"a piece of a file has {len(data)} bytes where {due} are due")
        else:
            data = yield ReceiveRaw(min(left, CHUNK_SIZE))
        left -= len(data)
        yield WriteChunk(data)
    return size


def put_file_with_permissions(size: int, mode: int | None, *, aes: bool, chunk: int = CHUNK_SIZE) -> Step:
    """Send one file with its permission bits; ``mode`` 0 means that none are known, None that the file is missing."""
    yield Send(Writer(aes).int(MODE_MISSING if mode is None else mode & 0o777).getvalue())
    yield from put_file(0 if mode is None else size, aes=aes, chunk=chunk)


def get_file_with_permissions(
    *, aes: bool, max_size: int, limits: Limits = DEFAULT_LIMITS
) -> Generator[Effect, Any, tuple[int, int | None]]:
    """Receive one file with its permission bits. Returns (size, mode), mode as for the sender."""
    reader = Reader((yield Receive(limits.max_handshake_message)), aes, limits)
    mode = reader.int()
    reader.expect_end()
    size = yield from get_file(aes=aes, max_size=max_size, limits=limits)
    return size, None if mode == MODE_MISSING else mode & 0o777
