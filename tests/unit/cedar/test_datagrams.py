"""Messages by UDP: fragments in any order, security headers, bounds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._cedar.datagrams import (
    HEADER_SIZE,
    MAGIC,
    Assembler,
    MessageId,
    check_payload,
    datagram_key,
    decrypt_payload,
    fragments,
    open_payload,
    seal_payload,
)
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorValueError, LimitExceededError, ProtocolError

NAME = MessageId(0x7F000001, 4711, 0x6B04F9F0, 7)
KEY = Secret(bytes(range(32)))


def test_the_header_byte_by_byte():
    first, last = fragments(b"x" * 100, NAME, 100)
    assert first == bytes.fromhex("4d61476963362e30 00 0000 004b 7f000001 1267 6b04f9f0 0007") + b"x" * 75
    assert last == bytes.fromhex("4d61476963362e30 01 0001 0019 7f000001 1267 6b04f9f0 0007") + b"x" * 25


def test_a_short_message_has_no_header():
    assert fragments(b"12345678", NAME) == [b"12345678"]
    assert Assembler().feed(b"12345678", 0.0) == b"12345678"


def test_a_message_that_looks_like_a_fragment_gets_a_header():
    (datagram,) = fragments(MAGIC + b"rest of it", NAME)
    assert len(datagram) == HEADER_SIZE + len(MAGIC) + 10
    assert Assembler().feed(datagram, 0.0) == MAGIC + b"rest of it"


@given(st.binary(min_size=8, max_size=5000), st.integers(64, 2000), st.randoms())
def test_fragments_in_any_order_make_the_message(message: bytes, size: int, chance: random.Random):
    parts = fragments(message, NAME, size)
    assert all(len(part) <= size for part in parts)
    chance.shuffle(parts)
    twice = [part for part in parts for _ in range(2)] if len(parts) > 1 else parts
    assembler = Assembler()
    got = [found for part in twice if (found := assembler.feed(part, 0.0)) is not None]
    assert got[0] == message


@given(st.binary(max_size=200))
def test_any_datagram_is_a_message_a_part_or_an_error(datagram: bytes):
    assembler = Assembler()
    for data in (datagram, MAGIC + datagram):
        try:
            found = assembler.feed(data, 0.0)
        except ProtocolError:
            continue
        assert found is None or isinstance(found, bytes)
        if found is not None:
            try:
                open_payload(found)
            except ProtocolError:
                continue


def test_messages_of_several_senders_do_not_mix():
    one, two = fragments(b"a" * 200, NAME, 100), fragments(b"b" * 200, NAME, 100)
    assembler = Assembler()
    found = []
    for part, other in zip(one, two, strict=True):
        found += [assembler.feed(part, 0.0, "first"), assembler.feed(other, 0.0, "second")]
    assert [message for message in found if message] == [b"a" * 200, b"b" * 200]


def test_an_incomplete_message_is_forgotten():
    one = fragments(b"a" * 200, NAME, 100)
    assembler = Assembler()
    assert assembler.feed(one[0], 0.0) is None
    assert len(assembler) == 1
    assert assembler.feed(b"12345678", 10.0) == b"12345678"
    assert len(assembler) == 0


def test_memory_is_bounded():
    assembler = Assembler(max_message=1000, max_partial=4)
    for number in range(100):
        assembler.feed(fragments(b"a" * 200, MessageId(1, 2, 3, number), 100)[0], 0.0)
    assert len(assembler) == 4
    with pytest.raises(LimitExceededError):
        for part in fragments(b"b" * 2000, NAME, 100):
            assembler.feed(part, 0.0)


def test_two_ends_and_parts_behind_the_end_are_errors():
    parts = fragments(b"a" * 300, NAME, 100)
    assembler = Assembler()
    assembler.feed(parts[-1], 0.0)
    beyond = bytearray(parts[0])
    beyond[9:11] = (99).to_bytes(2, "big")
    with pytest.raises(ProtocolError, match="behind its end"):
        assembler.feed(bytes(beyond), 0.0)
    assembler.feed(parts[-1], 0.0)
    second_end = bytearray(parts[0])
    second_end[8] = 1
    with pytest.raises(ProtocolError, match="two ends"):
        assembler.feed(bytes(second_end), 0.0)


@given(st.binary(min_size=1, max_size=500))
def test_sealed_payloads(payload: bytes):
    message = seal_payload(payload, "host:1:2:3", KEY)
    header, sealed = open_payload(message)
    assert (header.encrypted_with, header.checked_with) == ("host:1:2:3", None)
    assert decrypt_payload(sealed, KEY) == payload


def test_a_checksum_and_a_sender_in_the_name():
    import hashlib

    payload = b"payload of it"
    name = b"sid,<127.0.0.1:5>"
    digest = hashlib.md5(datagram_key(KEY).reveal() + payload).digest()
    message = b"CRAP" + b"\0\1" + len(name).to_bytes(2, "big") + b"\0\0" + name + digest + payload
    header, rest = open_payload(message)
    assert (header.checked_with, header.encrypted_with, rest) == ("sid", None, payload)
    assert check_payload(rest, header.checksum, KEY)
    assert not check_payload(rest + b"x", header.checksum, KEY)


def test_what_cannot_be_sent():
    for message, size in ((b"short", 1000), (b"x" * 100, 10), (b"x" * 100, 70_000), (b"x" * 10**7, 64)):
        with pytest.raises(HTCondorValueError):
            fragments(message, NAME, size)
