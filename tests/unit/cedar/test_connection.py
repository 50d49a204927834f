"""Frames to messages: splits, limits, resets, bulk and raw modes."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path

import pytest
from helpers.sizes import FULL
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async.errors import (
    ConnectionClosedError,
    HTCondorInternalError,
    LimitExceededError,
    ProtocolError,
    SecurityError,
)

DATA = Path(__file__).parents[2] / "data" / "cedar"
CAPTURE = {
    key: bytes.fromhex(value)
    for key, value in json.loads((DATA / "clear_query.json").read_text()).items()
    if key != "description"
}
KEY = Secret(bytes(range(32)))
KEY24 = Secret(bytes(range(24)))
MODES = {
    "clear": None,
    "aes": ("AES", KEY, {}),
    "blowfish": ("BLOWFISH", KEY24, {}),
    "3des+mac": ("3DES", KEY24, {"mac": True}),
    "mac": ("BLOWFISH", KEY24, {"encrypt": False, "mac": True}),
}


def pair(mode: str, limits: Limits | None = None) -> tuple[CedarConnection, CedarConnection]:
    both = CedarConnection(), CedarConnection(limits or Limits())
    if MODES[mode] is not None:
        method, key, options = MODES[mode]
        for connection in both:
            connection.start_crypto(method, key, **options)
    return both


def collect(connection: CedarConnection, data: bytes, cuts: list[int], bulk: bool) -> list[bytes]:
    messages, frames = [], []
    start = 0
    for stop in [*sorted(cuts), len(data)]:
        connection.feed(data[start:stop])
        start = stop
        if bulk:
            for payload, end in connection.drain():
                frames.append(payload)
                if end:
                    messages.append(b"".join(frames))
                    frames = []
        else:
            while (message := connection.next_message()) is not None:
                messages.append(message)
    assert not frames and connection.unread == 0
    return messages


@settings(max_examples=2000 if FULL else 500, deadline=None)
@given(st.data())
def test_any_split_gives_the_same_messages(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(sorted(MODES)))
    messages = data.draw(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5))
    frame_size = data.draw(st.integers(1, 70))
    sender, receiver = pair(mode)
    stream = b"".join(sender.send_message(message, frame_size=frame_size) for message in messages)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    assert collect(receiver, stream, cuts, data.draw(st.booleans())) == messages


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("mode", sorted(MODES))
def test_single_bytes(mode: str, bulk: bool) -> None:
    messages = [b"a", b"bc" * 40, b"x" * 5000]
    sender, receiver = pair(mode)
    stream = b"".join(sender.send_message(message, frame_size=777) for message in messages)
    assert collect(receiver, stream, list(range(len(stream))), bulk) == messages


def test_bytes_fed_ahead_of_reading_are_kept_in_order() -> None:
    sender, receiver = pair("aes")
    stream = b"".join(sender.send_message(b"%d" % number * 50) for number in range(100))
    receiver.feed(stream[:3])
    assert receiver.next_message() is None
    for start in range(3, len(stream), 7):
        receiver.feed(stream[start : start + 7])
    assert receiver.unread == len(stream)
    assert [receiver.next_message() for _ in range(100)] == [b"%d" % number * 50 for number in range(100)]
    assert receiver.next_message() is None


def test_annotated_capture() -> None:
    preamble, query, answer = CAPTURE["preamble"], CAPTURE["query"], CAPTURE["answer"]
    client = CedarConnection()
    hello = Writer(False).int(75).str("collector").str("TOOL").int(20).int(0).getvalue()
    assert client.send_message(hello) == preamble
    ad = {
        "MyType": '"Query"',
        "TargetType": '"Collector"',
        "Requirements": 'MyType == "Collector"',
        "Projection": '"MyType"',
    }
    assert client.send_message(Writer(False).ad(ad).getvalue()) == query
    client.feed(answer)
    message = client.next_message()
    assert message is not None
    reader = Reader(message, False)
    assert reader.int() == 1
    assert reader.ad().wire_items() == [b'MyType = "Collector"']
    assert reader.int() == 0
    reader.expect_end()


@pytest.mark.parametrize("flag", range(256))
def test_end_flags(flag: int) -> None:
    for bulk in (False, True):
        connection = CedarConnection()
        connection.feed(bytes((flag,)) + struct.pack(">I", 3) + b"abc")
        if flag > 10:
            with pytest.raises(ProtocolError, match="no end flag"):
                connection.drain() if bulk else connection.next_message()
        elif bulk:
            assert connection.drain() == [(b"abc", flag != 0)]
        else:
            assert connection.next_message() == (b"abc" if flag else None)


@pytest.mark.parametrize("mode", sorted(MODES))
@pytest.mark.parametrize("bulk", [False, True])
def test_lengths_of_frames(mode: str, bulk: bool) -> None:
    for length, error in ((0, ProtocolError), (1048577, LimitExceededError), (0xFFFFFFFF, LimitExceededError)):
        connection = pair(mode)[1]
        connection.feed(b"\1" + struct.pack(">I", length))
        tracemalloc.start()
        with pytest.raises(error) as caught:
            connection.drain() if bulk else connection.next_message()
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
        if error is LimitExceededError:
            assert caught.value.limit == "max_frame"


@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_largest_frame_is_accepted(mode: str) -> None:
    sender, receiver = pair(mode)
    message = bytes(3 << 20)
    stream = sender.send_message(message)
    assert struct.unpack_from(">I", stream, 1)[0] <= 1 << 20
    receiver.feed(stream)
    assert receiver.next_message() == message


@pytest.mark.parametrize("mode", sorted(MODES))
def test_limit_of_a_message(mode: str) -> None:
    limits = Limits(max_message=1000)
    for size, frame_size in ((1000, 1000), (1000, 1), (1000, 333)):
        sender, receiver = pair(mode, limits)
        receiver.feed(sender.send_message(bytes(size), frame_size=frame_size))
        assert receiver.next_message() == bytes(size)
        sender, receiver = pair(mode, limits)
        receiver.feed(sender.send_message(bytes(size + 1), frame_size=frame_size))
        with pytest.raises(LimitExceededError) as caught:
            receiver.next_message()
        assert caught.value.limit == "max_message"
    sender, receiver = pair(mode)
    receiver.feed(sender.send_message(b"123456"))
    with pytest.raises(LimitExceededError):
        receiver.next_message(5)


@pytest.mark.parametrize("frame_size", [1, 4000])
def test_endless_frames_meet_the_limit_in_bounded_memory(frame_size: int) -> None:
    receiver = CedarConnection(Limits(max_message=1 << 17))
    frame = b"\0" + struct.pack(">I", frame_size) + bytes(frame_size)
    chunk = frame * (20000 // len(frame) + 1)
    tracemalloc.start()
    with pytest.raises(LimitExceededError) as caught:
        while True:
            receiver.feed(chunk)
            receiver.next_message()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.limit == "max_message"
    assert peak < 1 << 20


def test_endless_empty_sealed_frames_meet_the_limit() -> None:
    sender, receiver = pair("aes", Limits(max_message=1000))
    assert sender._sealer is not None
    with pytest.raises(LimitExceededError):
        for _ in range(2000):
            receiver.feed(sender._sealer.seal(b"", False))
            receiver.next_message()


def test_limit_of_unread_bytes() -> None:
    connection = CedarConnection(Limits(max_unread=1000))
    connection.feed(bytes((0, 0, 0, 0, 9)) * 300)
    with pytest.raises(LimitExceededError) as caught:
        connection.feed(b"more")
    assert caught.value.limit == "max_unread"


@pytest.mark.parametrize("bulk", [False, True])
def test_end_of_connection(bulk: bool) -> None:
    def take(connection: CedarConnection) -> object:
        return connection.drain() if bulk else connection.next_message()

    connection = CedarConnection()
    connection.feed(b"\1\0\0\0\1x")
    connection.feed_eof()
    assert not connection.at_eof
    assert take(connection) == ([(b"x", True)] if bulk else b"x")
    assert connection.at_eof
    with pytest.raises(ConnectionClosedError, match="was due"):
        take(connection)
    with pytest.raises(HTCondorInternalError):
        connection.feed(b"x")
    connection = CedarConnection()
    connection.feed(b"\1\0\0\0\2x")
    connection.feed_eof()
    with pytest.raises(ConnectionClosedError, match="middle"):
        take(connection)
    if not bulk:
        connection = CedarConnection()
        connection.feed(b"\0\0\0\0\1x")
        connection.feed_eof()
        with pytest.raises(ConnectionClosedError, match="middle"):
            take(connection)


def test_reset_makes_a_fresh_connection_that_keeps_unread_bytes() -> None:
    broker, client = pair("aes")
    client.feed(broker.send_message(b"hello") + b"\1\0\0\0\3abc")
    assert client.next_message() == b"hello"
    client.reset()
    assert not client.crypto and client.method == ""
    assert client.next_message() == b"abc"
    target = CedarConnection()
    target.send_message(b"abc")
    client.start_crypto("AES", KEY)
    target.start_crypto("AES", KEY)
    target.feed(client.send_message(b"sealed"))
    assert target.next_message() == b"sealed"


def test_digests_reset_on_both_sides() -> None:
    client, server = CedarConnection(), CedarConnection()
    client.send_message(b"preamble nobody else sees")
    client.reset_transcript()
    server.feed(client.send_message(b"request"))
    assert server.next_message() == b"request"
    client.feed(server.send_message(b"decision"))
    assert client.next_message() == b"decision"
    for connection in (client, server):
        connection.start_crypto("AES", KEY)
    server.feed(client.send_message(b"one"))
    assert server.next_message() == b"one"
    client.feed(server.send_message(b"two"))
    assert client.next_message() == b"two"


def test_misuse_is_refused() -> None:
    connection = CedarConnection()
    for call in (
        lambda: connection.send_message(b""),
        lambda: connection.send_message(b"x", frame_size=0),
        lambda: connection.send_message(b"x", frame_size=1 << 20),
        lambda: connection.take_raw(0),
        lambda: connection.start_crypto("ROT13", KEY),
    ):
        with pytest.raises(HTCondorInternalError):
            call()
    connection.feed(b"\0\0\0\0\1x")
    connection.next_message()
    assert connection.mid_message
    for call in (
        connection.drain,
        connection.reset,
        lambda: connection.start_crypto("AES", KEY),
        lambda: connection.take_raw(1),
    ):
        with pytest.raises(HTCondorInternalError):
            call()
    connection = pair("aes")[0]
    for call in (
        connection.reset_transcript,
        lambda: connection.start_crypto("AES", KEY),
        lambda: connection.send_raw(b"x"),
        lambda: connection.take_raw(1),
    ):
        with pytest.raises(HTCondorInternalError):
            call()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["clear", "blowfish", "3des+mac", "mac"]), st.binary(max_size=200), st.lists(st.integers(1, 50)))
def test_raw_bytes_between_messages(mode: str, content: bytes, sizes: list[int]) -> None:
    sender, receiver = pair(mode)
    stream = sender.send_message(b"size")
    stream += b"".join(sender.send_raw(content[start : start + 13]) for start in range(0, len(content), 13))
    stream += sender.send_message(b"after")
    receiver.feed(stream)
    assert receiver.next_message() == b"size"
    got = b""
    for size in [*sizes, *[1000] * 100]:
        if len(got) == len(content):
            break
        got += receiver.take_raw(min(size, len(content) - len(got))) or b""
    assert got == content
    assert receiver.next_message() == b"after"


def test_raw_bytes_after_an_early_look_and_at_the_end() -> None:
    connection = CedarConnection()
    connection.feed(b"\1\0\0\0\1xab")
    assert connection.next_message() == b"x"
    assert connection.next_message() is None
    connection.feed(b"cd")
    assert [connection.take_raw(1), connection.take_raw(9), connection.take_raw(9)] == [b"a", b"b", b"cd"]
    assert connection.take_raw(9) is None
    connection.feed(b"rest")
    assert connection.take_unread() == b"rest" and connection.unread == 0
    connection.feed_eof()
    with pytest.raises(ConnectionClosedError):
        connection.take_raw(1)


def test_a_wrong_checksum_is_found() -> None:
    sender, receiver = pair("3des+mac")
    frame = bytearray(sender.send_message(b"text"))
    frame[-1] ^= 1
    receiver.feed(bytes(frame))
    with pytest.raises(SecurityError, match="checksum"):
        receiver.next_message()


def test_a_peer_of_another_protocol_is_named() -> None:
    connection = CedarConnection()
    connection.feed(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(ProtocolError, match="does not seem to speak CEDAR"):
        connection.next_message()
