"""The values inside a message: both encodings, round trips, damage."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._cedar.legacy import CfbStream
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.values import Reader, Writer, is_private
from htcondor_async._secret import Secret
from htcondor_async.errors import (
    HTCondorInternalError,
    HTCondorValueError,
    LimitExceededError,
    ProtocolError,
)

I64 = st.integers(-(1 << 63), (1 << 63) - 1)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
KEY = Secret(bytes(range(24)))

VALUE = st.one_of(
    st.tuples(st.just("int"), I64),
    st.tuples(st.just("byte"), st.integers(0, 255)),
    st.tuples(st.just("str"), TEXT),
    st.tuples(st.just("bool"), st.booleans()),
    st.tuples(st.just("raw"), st.binary(max_size=30)),
    st.tuples(st.just("null_str"), st.none()),
    st.tuples(st.just("proc_id"), st.tuples(I64, I64)),
    st.tuples(st.just("secret"), TEXT.map(Secret)),
)


@given(st.booleans(), st.booleans(), st.lists(VALUE))
def test_round_trip(crypto: bool, old_key: bool, values: list[tuple[str, object]]) -> None:
    def cipher() -> CfbStream | None:
        return CfbStream("3DES", KEY) if old_key and not crypto else None

    writer = Writer(crypto, secrets=cipher())
    for kind, value in values:
        if kind == "null_str":
            writer.null_str()
        elif kind == "proc_id":
            writer.proc_id(*value)  # type: ignore[misc]
        else:
            getattr(writer, kind)(value)
    message = writer.getvalue()
    assert len(writer) == len(message)
    reader = Reader(message, crypto, secrets=cipher())
    for kind, value in values:
        if kind == "null_str":
            assert reader.str_or_none() is None
        elif kind == "raw":
            assert reader.raw(len(value)) == value  # type: ignore[arg-type]
        else:
            assert getattr(reader, kind)() == value
    assert reader.at_end
    reader.expect_end()
    assert reader.rest() == b""


def test_bytes_on_the_wire() -> None:
    assert Writer(False).int(-2).byte(7).str("ab").getvalue() == b"\xff" * 7 + b"\xfe\x07ab\0"
    assert Writer(True).str("ab").getvalue() == b"\0\0\0\0\0\0\0\3ab\0"
    assert Writer(True).str("").getvalue() == b"\0\0\0\0\0\0\0\1\0"
    assert Writer(False).null_str().getvalue() == b"\xad"
    assert Writer(True).null_str().getvalue() == b"\0\0\0\0\0\0\0\1\xad"
    assert Writer(False).str("é").getvalue() == b"\xc3\xa9\0"
    assert Writer(False).ad({"A": "1"}).getvalue() == struct.pack(">q", 1) + b"A = 1\0\0\0"
    assert Writer(False).ad([("A", "1")], types=False).getvalue() == struct.pack(">q", 1) + b"A = 1\0"
    assert Writer(True).ad({}).getvalue() == bytes(8) + b"\0\0\0\0\0\0\0\1\0" * 2


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_reals_keep_31_bits(value: float) -> None:
    got = Reader(Writer(False).double(value).getvalue(), False).double()
    assert math.isclose(got, value, rel_tol=2**-29)


def test_reals_on_the_wire() -> None:
    assert Writer(False).double(0.5).getvalue() == struct.pack(">qq", int(0.5 * 0x7FFFFFFF), 0)
    assert Writer(False).double(-3.0).getvalue() == struct.pack(">qq", int(-0.75 * 0x7FFFFFFF), 2)
    assert Reader(bytes(16), False).double() == 0.0
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(HTCondorValueError):
            Writer(False).double(value)
    with pytest.raises(ProtocolError, match="out of range"):
        Reader(struct.pack(">qq", 1, 1 << 40), False).double()


def test_bytes_that_are_not_utf8_pass_through() -> None:
    for crypto in (False, True):
        text = Reader(Writer(crypto).str(b"\xff\xfe").getvalue(), crypto).str()
        assert Writer(crypto).str(text).getvalue() == Writer(crypto).str(b"\xff\xfe").getvalue()


def test_what_cannot_be_sent() -> None:
    for call in (
        lambda: Writer(False).int(1 << 63),
        lambda: Writer(False).byte(256),
        lambda: Writer(False).str("a\0b"),
        lambda: Writer(False).str(b"\xadx"),
    ):
        with pytest.raises(HTCondorValueError):
            call()
    with pytest.raises(HTCondorInternalError):
        Writer(False).ad({"A": ""})


@pytest.mark.parametrize("crypto", [False, True])
def test_a_message_that_ends_too_early(crypto: bool) -> None:
    whole = Writer(crypto).int(1).str("text").byte(1).ad({"A": "1", "B": '"x"'}).getvalue()

    def read(data: bytes) -> None:
        reader = Reader(data, crypto)
        reader.int()
        reader.str()
        reader.byte()
        reader.ad()
        reader.expect_end()

    read(whole)
    for size in range(len(whole)):
        with pytest.raises(ProtocolError):
            read(whole[:size])
    with pytest.raises(ProtocolError, match="left over"):
        read(whole + b"x")


def test_damaged_strings() -> None:
    for length in (0, -1, -(1 << 63)):
        with pytest.raises(ProtocolError, match="length"):
            Reader(struct.pack(">q", length) + b"abc\0", True).str()
    with pytest.raises(ProtocolError, match="NUL"):
        Reader(struct.pack(">q", 3) + b"abc", True).str()
    with pytest.raises(ProtocolError, match="inside"):
        Reader(b"abc", False).str()
    with pytest.raises(ProtocolError, match="NULL"):
        Reader(b"\xad", False).str()
    with pytest.raises(ProtocolError, match="NULL"):
        Reader(struct.pack(">q", 1) + b"\xad", True).bytes_()
    with pytest.raises(ProtocolError, match="length"):
        Reader(b"abc", True).raw(-1)
    assert Reader(struct.pack(">q", 4) + b"a\0b\0", True).bytes_() == b"a"


def test_limits_of_strings() -> None:
    limits = Limits(max_string=5)
    for crypto in (False, True):
        assert Reader(Writer(crypto).str("abcd").getvalue(), crypto, limits).str() == "abcd"
        with pytest.raises(LimitExceededError) as caught:
            Reader(Writer(crypto).str("abcde").getvalue(), crypto, limits).str()
        assert caught.value.limit == "max_string"
    with pytest.raises(LimitExceededError) as caught:
        Reader(struct.pack(">q", 1 << 62), True).str()
    assert caught.value.limit == "max_string"
    with pytest.raises(LimitExceededError):
        Reader(struct.pack(">q", 10_000_001), True).str()


@pytest.mark.parametrize("method", ["BLOWFISH", "3DES"])
def test_secrets_of_old_ciphers(method: str) -> None:
    ad = {"Name": '"n"', "ClaimId": '"secret#1"', "ChildClaimIds": '"secret#2"'}

    def message(cipher: CfbStream | None) -> bytes:
        writer = Writer(False, secrets=cipher)
        return writer.secret(Secret("first")).ad(ad, secret={"CLAIMID", "childclaimids"}).int(5).getvalue()

    sealed = message(CfbStream(method, KEY))
    assert b"secret" not in sealed and b"first" not in sealed and sealed.count(b"ZKM\0") == 2
    reader = Reader(sealed, False, secrets=CfbStream(method, KEY))
    assert reader.secret() == Secret("first")
    assert sorted(reader.ad().wire_items()) == sorted(f"{name} = {value}".encode() for name, value in ad.items())
    assert reader.int() == 5 and reader.at_end
    # Without a key they travel in clear, marked all the same.
    clear = message(None)
    assert clear.count(b"secret#") == 2
    reader = Reader(clear, False)
    assert reader.secret().reveal() == "first"
    assert sorted(reader.ad().wire_items()) == sorted(f"{name} = {value}".encode() for name, value in ad.items())
    with pytest.raises(ProtocolError):
        wrong = Reader(sealed, False, secrets=CfbStream(method, Secret(bytes(range(1, 25)))))
        wrong.secret()
        wrong.ad()
    limits = Limits(max_ad_size=10)
    reader = Reader(sealed, False, limits, secrets=CfbStream(method, KEY))
    reader.secret()
    with pytest.raises(LimitExceededError):
        reader.ad()


def test_private_names() -> None:
    assert all(map(is_private, ("ClaimId", "CAPABILITY", "_condor_privX", "_Condor_Priv", "TransferKey")))
    assert not any(map(is_private, ("Name", "ClaimIdX", "condor_priv")))
