"""Ads whose private attributes alone are encrypted: what one side writes the other reads, in any split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.ads import AdDecoder, Framing
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.limits import Limits
from htcondor_async._cedar.private_ads import PrivateAdDecoder, ad_decoder
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectionClosedError, HTCondorException, HTCondorInternalError, LimitExceededError

KEY = Secret(b"0123456789abcdef01234567")
METHODS = ["BLOWFISH", "3DES"]
ADS = [
    ClassAd({"Name": "a", "ClaimId": "<1.2.3.4:5>#one", "Number": 1}),
    ClassAd({"Name": "b"}),
    ClassAd({"_condor_PrivKey": "two", "Capability": "three", "Last": 'x"y'}),
    ClassAd(),
]


def connection(method: str = "BLOWFISH", *, encrypt: bool = False) -> CedarConnection:
    cedar = CedarConnection()
    cedar.start_crypto(method, KEY, encrypt=encrypt, mac=True)
    return cedar


def message(cedar: CedarConnection, framing: Framing, ads: list[ClassAd]) -> list[bytes]:
    """Return the plaintext of the messages that carry the ads."""
    if framing is Framing.MESSAGE:
        return [Writer(False, secrets=cedar.secret_cipher()).ad(ad).getvalue() for ad in ads]
    writer = Writer(False, secrets=cedar.secret_cipher())
    for ad in ads:
        if framing is Framing.COUNTED:
            writer.int(1)
        writer.ad(ad)
    if framing is Framing.COUNTED:
        writer.int(0)
    return [writer.getvalue()]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("framing", list(Framing))
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(1, 400), max_size=12))
def test_any_split(method: str, framing: Framing, cuts: list[int]) -> None:
    cedar = connection(method)
    decoder = ad_decoder(cedar, Limits(), framing)
    assert isinstance(decoder, PrivateAdDecoder)
    found: list[ClassAd] = []
    for payload in message(cedar, framing, ADS):
        assert b"#one" not in payload and b"two" not in payload and b"three" not in payload
        borders = sorted({0, len(payload), *(cut for cut in cuts if cut < len(payload))})
        for begin, end in itertools.pairwise(borders):
            found += decoder.feed([(payload[begin:end], end == len(payload))])
    assert [dict(ad) for ad in found] == [dict(ad) for ad in ADS]
    assert decoder.finished is (framing is not Framing.MESSAGE)
    assert not decoder.mid_ad


def test_the_fast_decoder_serves_everything_else() -> None:
    assert isinstance(ad_decoder(CedarConnection(), Limits(), Framing.MESSAGE), AdDecoder)
    assert isinstance(ad_decoder(connection(encrypt=True), Limits(), Framing.MESSAGE), AdDecoder)
    with pytest.raises(HTCondorInternalError):
        PrivateAdDecoder(CedarConnection(), Limits(), Framing.MESSAGE)


@pytest.mark.parametrize("method", METHODS)
def test_one_message_with_secrets_and_ads(method: str) -> None:
    cedar = connection(method)
    writer = Writer(False, secrets=cedar.secret_cipher()).secret(Secret("first")).int(7).ad(ADS[0])
    payload = writer.secret(Secret("last")).getvalue()
    assert b"first" not in payload and b"last" not in payload and b"#one" not in payload
    reader = Reader(payload, False, secrets=cedar.secret_cipher())
    assert (reader.secret().reveal(), reader.int(), dict(reader.ad()), reader.secret().reveal()) == (
        "first",
        7,
        dict(ADS[0]),
        "last",
    )
    reader.expect_end()


@pytest.mark.parametrize("framing", list(Framing))
def test_a_stream_that_ends_too_early_or_too_late(framing: Framing) -> None:
    cedar = connection()
    payload = message(cedar, framing, ADS[:1])[0]
    for cut in range(1, len(payload)):
        decoder = PrivateAdDecoder(cedar, Limits(), framing)
        with pytest.raises(HTCondorException, match="ends in the middle"):
            decoder.feed([(payload[:cut], True)])
    decoder = PrivateAdDecoder(cedar, Limits(), framing)
    with pytest.raises(HTCondorException, match=r"follows the end|middle"):
        decoder.feed([(payload + b"\0", True)])
        decoder.feed([(payload, True)])
    decoder = PrivateAdDecoder(cedar, Limits(), framing)
    decoder.feed([(payload[:-1], False)])
    assert decoder.mid_ad
    with pytest.raises(ConnectionClosedError):
        decoder.feed_eof()


@pytest.mark.parametrize("limits", [Limits(max_string=20), Limits(max_ad_attributes=1), Limits(max_ad_size=40)])
def test_limits(limits: Limits) -> None:
    cedar = connection()
    decoder = PrivateAdDecoder(cedar, limits, Framing.MESSAGE)
    payload = message(cedar, Framing.MESSAGE, ADS[:1])[0]
    with pytest.raises(LimitExceededError):
        for index in range(len(payload)):
            decoder.feed([(payload[index : index + 1], index == len(payload) - 1)])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(Framing)), st.lists(st.tuples(st.binary(max_size=60), st.booleans()), max_size=6))
def test_hostile_bytes(framing: Framing, frames: list[tuple[bytes, bool]]) -> None:
    decoder = PrivateAdDecoder(connection(), Limits(max_ad_size=1000, max_string=500), framing)
    try:
        for ad in decoder.feed(frames):
            assert isinstance(ad, ClassAd)
    except HTCondorException as error:
        assert not isinstance(error, HTCondorInternalError)
