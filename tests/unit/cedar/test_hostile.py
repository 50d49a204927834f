"""Hostile bytes: whatever a peer sends gives values or documented errors, in bounded memory and linear work."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.ad_walk import AdWalk, decode_ad
from htcondor_async._cedar.ads import AdDecoder
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAdParseError
from htcondor_async.errors import ConnectionClosedError, ProtocolError

DOCUMENTED = (ProtocolError, ConnectionClosedError, ClassAdParseError)
MODES = {
    "clear": None,
    "aes": ("AES", bytes(range(32)), {}),
    "3des": ("3DES", bytes(range(24)), {}),
    "mac": ("BLOWFISH", bytes(range(24)), {"mac": True}),
}
FRAMINGS = ["message", "counted", "sequence"]


def connect(mode: str) -> CedarConnection:
    connection = CedarConnection()
    options = MODES[mode]
    if options is not None:
        connection.start_crypto(options[0], Secret(options[1]), **options[2])
    return connection


def messages(mode: str, data: bytes, step: int) -> None:
    connection = connect(mode)
    for start in range(0, len(data), step):
        connection.feed(data[start : start + step])
        while connection.next_message(100_000) is not None:
            pass
    connection.feed_eof()
    while True:
        connection.next_message()


def frames(mode: str, data: bytes, step: int) -> None:
    connection = connect(mode)
    for start in range(0, len(data), step):
        connection.feed(data[start : start + step])
        connection.drain()
    connection.feed_eof()
    connection.drain()
    connection.drain()


def stream(crypto: bool, framing: str, data: bytes, step: int) -> None:
    decoder = AdDecoder(crypto, framing=framing)
    for start in range(0, len(data), step):
        for ad in decoder.feed([(data[start : start + step], start + step >= len(data))]):
            dict(ad)


def one_ad(crypto: bool, data: bytes) -> None:
    dict(decode_ad(data, crypto))


def values(crypto: bool, kinds: list[str], data: bytes) -> None:
    reader = Reader(data, crypto)
    for kind in kinds:
        if kind == "raw":
            reader.raw(reader.int())
        else:
            getattr(reader, kind)()
    reader.expect_end()


def check(entry: Callable[..., None], *arguments: object) -> None:
    size = max((len(argument) for argument in arguments if isinstance(argument, bytes)), default=0)
    tracemalloc.start()
    try:
        entry(*arguments)
    except DOCUMENTED:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= 4 * size + (1 << 20), (peak, size)


LENGTH = st.one_of(
    st.integers(0, 300),
    st.sampled_from([0xFFFF, 0x10000, 10_000_000, 10_000_001, 1 << 31, (1 << 63) - 1, -1, -(1 << 63)]),
).map(lambda value: struct.pack(">q", value))
TEXT = st.sampled_from([b"A = 1\0", b"ZKM\0", b"\0", b"", b'B = "x"\0', b"junk\0", b"\xad", b"x" * 300 + b"\0"])
HEADER = st.builds(
    lambda flag, length: bytes((flag,)) + struct.pack(">I", length),
    st.sampled_from([0, 1, 2, 10, 11, 255]),
    st.sampled_from([0, 1, 5, 8, 16, 32, 300, 1 << 20, (1 << 20) + 1, 0xFFFFFFFF]),
)
SOUP = st.lists(st.one_of(LENGTH, TEXT, HEADER, st.binary(max_size=40)), max_size=30).map(b"".join)
STEP = st.integers(1, 60)
KIND = st.sampled_from(
    ["int", "byte", "double", "str", "str_or_none", "bytes_", "raw", "ad", "rest", "proc_id", "secret"]
)


@settings(max_examples=700, deadline=None)
@given(st.sampled_from(sorted(MODES)), SOUP, STEP)
def test_messages(mode: str, data: bytes, step: int) -> None:
    check(messages, mode, data, step)
    check(frames, mode, data, step)


@settings(max_examples=700, deadline=None)
@given(st.booleans(), st.sampled_from(FRAMINGS), SOUP, STEP)
def test_streams_of_ads(crypto: bool, framing: str, data: bytes, step: int) -> None:
    check(stream, crypto, framing, data, step)
    check(one_ad, crypto, data)


@settings(max_examples=700, deadline=None)
@given(st.booleans(), st.lists(KIND, max_size=10), SOUP)
def test_values(crypto: bool, kinds: list[str], data: bytes) -> None:
    check(values, crypto, kinds, data)


@settings(max_examples=1500, deadline=None)
@given(st.booleans(), st.sampled_from(FRAMINGS), st.data(), STEP)
def test_a_damaged_stream(crypto: bool, framing: str, data: st.DataObject, step: int) -> None:
    ad = Writer(crypto).ad({"A": "1", "Bee": '"x y"', "ClaimId": '"s"'}, secret=["ClaimId"]).getvalue()
    whole = ad if framing == "message" else ad * 3
    if framing == "counted":
        whole = (struct.pack(">q", 1) + ad) * 3 + bytes(8)
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(damaged) - 1))
        kind = data.draw(st.sampled_from(["set", "delete", "insert"]))
        if kind == "set":
            damaged[index] = data.draw(st.integers(0, 255))
        elif kind == "delete" and len(damaged) > 1:
            del damaged[index]
        else:
            damaged.insert(index, data.draw(st.integers(0, 255)))
    check(stream, crypto, framing, bytes(damaged), step)


class Counting(bytearray):
    """A buffer that counts the bytes looked at by searches."""

    looked = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        found = super().find(sub, start, len(self) if end is None else end)
        stop = found + len(sub) if found >= 0 else min(len(self), len(self) if end is None else end)
        Counting.looked += max(stop - start, 1)
        return found

    def count(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        Counting.looked += max((len(self) if end is None else end) - start, 1)
        return super().count(sub, start, len(self) if end is None else end)


@pytest.mark.parametrize("crypto", [False, True])
@pytest.mark.parametrize("shape", ["small ads with types", "one long string", "many strings", "markers", "honest"])
@pytest.mark.parametrize("step", [50, 4096])
def test_work_is_linear(crypto: bool, shape: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def data(size: int) -> bytes:
        if shape == "small ads with types":
            one = Writer(crypto).ad({"A": "1"}, types=False).str("Job").str("").getvalue()
            return one * (size // len(one))
        if shape == "one long string":
            return Writer(crypto).ad({"A": '"' + "x" * size + '"'}).getvalue()
        if shape == "many strings":
            return Writer(crypto).ad({f"A{n}": "1" for n in range(size // 20)}).getvalue()
        if shape == "markers":
            return Writer(crypto).int(1).getvalue() + Writer(crypto).str("ZKM").getvalue() * (size // 12)
        one = Writer(crypto).ad({f"Attr{n}": '"value"' for n in range(20)}).getvalue()
        return one * (size // len(one))

    def work(size: int) -> float:
        stream = data(size)
        steps = 0
        original = AdWalk.attributes

        def counted(walk: AdWalk, buffer: bytearray) -> bool:
            nonlocal steps
            before = walk.left
            done = original(walk, buffer)
            steps += max(before - walk.left, 0) + 1
            return done

        decoder = AdDecoder(crypto, framing="sequence")
        decoder._buffer = Counting()
        Counting.looked = 0
        with monkeypatch.context() as patch:
            patch.setattr(AdWalk, "attributes", counted)
            for start in range(0, len(stream), step):
                decoder.feed([(stream[start : start + step], False)])
        return (Counting.looked + steps) / len(stream)

    small, large = work(20_000), work(160_000)
    assert large < 2 * small + 1


def test_frames_are_looked_at_once() -> None:
    """The bytes a connection moves between its buffers are linear in what it receives."""
    connection = CedarConnection()
    size = 300_000
    stream = b"\1" + struct.pack(">I", size) + bytes(size)
    moved = 0
    for start in range(0, len(stream), 100):
        connection.feed(stream[start : start + 100])
        before = len(connection._partial)
        message = connection.next_message()
        moved += abs(len(connection._partial) - before)
    assert message == bytes(size)
    assert moved <= 2 * len(stream)
