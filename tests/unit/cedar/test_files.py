"""Files over a connection: both ways of sending them, and what a receiver refuses."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.effects import ReadChunk, Receive, ReceiveRaw, Send, SendRaw, StartCrypto, WriteChunk
from htcondor_async._cedar.files import (
    CHUNK_SIZE,
    get_file,
    get_file_with_permissions,
    put_file,
    put_file_with_permissions,
)
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorIOError, LimitExceededError, ProtocolError

MODES: dict[str, tuple[str, bytes, dict[str, bool]] | None] = {
    "clear": None,
    "aes": ("AES", bytes(range(32)), {}),
    "blowfish": ("BLOWFISH", bytes(range(24)), {}),
    "blowfish+mac": ("BLOWFISH", bytes(range(24)), {"mac": True}),
}


def run(
    connection: CedarConnection,
    steps: Generator[Any, Any, Any],
    wire: bytes = b"",
    content: bytes = b"",
    read: int = 999,
) -> tuple[bytes, bytes, Any]:
    """Carry out the effects; return what was sent, what was written, and the result."""
    sent, written = [], []
    source = content
    connection.feed(wire)
    answer: Any = None
    while True:
        try:
            effect = steps.send(answer)
        except StopIteration as stop:
            return b"".join(sent), b"".join(written), stop.value
        answer = None
        if isinstance(effect, Send):
            sent.append(connection.send_message(effect.message))
        elif isinstance(effect, SendRaw):
            sent.append(connection.send_raw(effect.data))
        elif isinstance(effect, ReadChunk):
            answer, source = source[: min(read, effect.max_size)], source[min(read, effect.max_size) :]
        elif isinstance(effect, WriteChunk):
            written.append(effect.data)
        elif isinstance(effect, Receive):
            answer = connection.next_message(effect.max_size)
            assert answer is not None
        elif isinstance(effect, ReceiveRaw):
            answer = connection.take_raw(effect.max_size)
            assert answer is not None
        else:
            raise AssertionError(effect)


def pair(mode: str) -> tuple[CedarConnection, CedarConnection]:
    both = CedarConnection(), CedarConnection()
    settings = MODES[mode]
    if settings is not None:
        for connection in both:
            connection.start_crypto(settings[0], Secret(settings[1]), **settings[2])
    return both


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(MODES)), st.binary(max_size=3000), st.integers(1, 4000), st.booleans())
def test_round_trip(mode: str, content: bytes, chunk: int, permissions: bool) -> None:
    sender, receiver = pair(mode)
    aes = mode == "aes"
    if permissions:
        put = put_file_with_permissions(len(content), 0o100644, aes=aes, chunk=chunk)
        wire, _, _ = run(sender, put, content=content)
        get: Generator[Any, Any, Any] = get_file_with_permissions(aes=aes, max_size=3000)
        result: Any = (len(content), 0o644)
    else:
        wire, _, _ = run(sender, put_file(len(content), aes=aes, chunk=chunk), content=content)
        get, result = get_file(aes=aes, max_size=3000), len(content)
    # The connection goes on after the file.
    wire += sender.send_message(b"next")
    assert run(receiver, get, wire) == (b"", content, result)
    assert receiver.next_message() == b"next"


def test_on_the_wire() -> None:
    clear = CedarConnection()
    assert (
        run(clear, put_file(3, aes=False), content=b"abc")[0]
        == clear.send_message(Writer(False).int(3).getvalue()) + b"abc"
    )
    empty = run(clear, put_file(0, aes=False, lead=b"\7"))[0]
    assert empty == clear.send_message(b"\7" + bytes(8)) + clear.send_message(Writer(False).int(666).getvalue())
    big = CHUNK_SIZE + 5
    messages = []
    steps = put_file(big, aes=True)
    answer = None
    while True:
        try:
            effect = steps.send(answer)
        except StopIteration:
            break
        if isinstance(effect, Send):
            messages.append(effect.message)
            answer = None
        else:
            assert isinstance(effect, ReadChunk)
            answer = bytes(min(effect.max_size, 1000))
    assert messages[0] == Writer(True).int(big).int(CHUNK_SIZE).getvalue()
    assert [len(message) for message in messages[1:]] == [CHUNK_SIZE, 5]


def test_values_before_the_size() -> None:
    sender, receiver = pair("clear")
    wire = run(sender, put_file(2, aes=False, lead=Writer(False).int(1).getvalue()), content=b"ab")[0]
    receiver.feed(wire)
    header = Reader(receiver.next_message() or b"", False)
    assert header.int() == 1
    assert run(receiver, get_file(aes=False, max_size=10, header=header))[1:] == (b"ab", 2)


def test_a_missing_file() -> None:
    sender, receiver = pair("aes")
    wire = run(sender, put_file_with_permissions(99, None, aes=True))[0]
    assert run(receiver, get_file_with_permissions(aes=True, max_size=10), wire) == (b"", b"", (0, None))


def test_a_file_that_changes_while_it_is_sent() -> None:
    with pytest.raises(HTCondorIOError, match="shorter"):
        run(CedarConnection(), put_file(4, aes=False), content=b"abc")
    steps = put_file(4, aes=False)
    next(steps)
    steps.send(None)
    with pytest.raises(HTCondorIOError, match="more"):
        steps.send(b"12345")


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((-1, 10), ProtocolError),
        ((5, 0), ProtocolError),
        ((5, -1), ProtocolError),
        ((101, 10), LimitExceededError),
        ((1 << 62, 10), LimitExceededError),
        ((50, 1 << 40), LimitExceededError),
        ((5, 5, 5), ProtocolError),
        ((5,), ProtocolError),
    ],
)
def test_announcements_that_are_refused(values: tuple[int, ...], error: type[Exception]) -> None:
    writer = Writer(True)
    for value in values:
        writer.int(value)
    steps = get_file(aes=True, max_size=100, limits=Limits(max_file_chunk=1 << 20))
    assert isinstance(next(steps), Receive)
    with pytest.raises(error):
        steps.send(writer.getvalue())


def test_content_that_is_refused() -> None:
    for piece in (b"1234", b""):
        steps = get_file(aes=True, max_size=100)
        next(steps)
        assert steps.send(Writer(True).int(5).int(10).getvalue()) == Receive(5)
        with pytest.raises(ProtocolError, match="piece"):
            steps.send(piece)
    for marker in (Writer(True).int(667), Writer(True).int(666).int(0)):
        steps = get_file(aes=True, max_size=100)
        next(steps)
        steps.send(Writer(True).int(0).int(10).getvalue())
        with pytest.raises(ProtocolError):
            steps.send(marker.getvalue())


def test_effects_do_not_show_what_they_carry() -> None:
    effect = StartCrypto("AES", Secret(b"k" * 32))
    assert "kkk" not in repr(effect) and effect.encrypt and not effect.mac
    assert "data" not in repr(WriteChunk(b"content")) and "content" not in repr(Send(b"content"))
