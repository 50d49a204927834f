"""Sessions in claim ids."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._secret import Secret
from htcondor_async._security.claims import parse_capability, session_from_capability
from htcondor_async._security.keys import claim_key, hkdf
from htcondor_async.errors import HTCondorValueError

SID = "<127.0.0.1:9618?addrs=127.0.0.1-9618&alias=vm&noUDP&sock=startd_1_2>#1795330240#20"
INFO = (
    '[Integrity="NO";Encryption="NO";ShortVersion="25.14.1";CryptoMethods="BLOWFISH";'
    'CryptoMethodsList="AES.BLOWFISH.3DES";]'
)
KEY = "e063d50b8a4e02"


def test_a_claim_id_is_taken_apart() -> None:
    capability = parse_capability(Secret(f"{SID}#{INFO}{KEY}"))
    assert capability.sid == SID
    assert capability.key == Secret(KEY)
    assert capability.info["ShortVersion"] == "25.14.1"
    assert capability.public == f"{SID}#..."
    assert KEY not in repr(capability)


def test_its_session() -> None:
    session = session_from_capability(Secret(f"{SID}#{INFO}{KEY}"), user="submit-side@matchsession")
    assert session.sid == SID and session.method == "AES" and not session.negotiated
    assert session.key == hkdf(Secret(KEY.encode()), salt=b"htcondor", info=b"keygen", length=32)
    assert session.peer_version == "25.14.1" and session.expires is None


def test_old_ciphers_and_limits() -> None:
    text = f'{SID}#[CryptoMethods="3DES";SessionExpires=1800000000;ValidCommands="442,443";]{KEY}'
    session = session_from_capability(Secret(text))
    digest = hashlib.md5(KEY.encode()).digest()
    assert session.method == "3DES" and session.key == Secret(digest + digest[:8])
    assert session.expires == 1800000000.0 and session.valid_commands == {442, 443}
    assert claim_key(Secret(KEY), "BLOWFISH").reveal() == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "sid#",
        "#key",
        "nothing",
        f"{SID}#[a=1;",
        f"{SID}#[a=1;]",
        f"{SID}#[a=b c;]k",
        f"{SID}#[1=2;]k",
        "x" * 20000,
    ],
)
def test_what_is_no_capability(text: str) -> None:
    with pytest.raises(HTCondorValueError, match="claim id"):
        parse_capability(Secret(text))


def test_a_claim_without_session_or_cipher() -> None:
    with pytest.raises(HTCondorValueError, match="no security session"):
        session_from_capability(Secret(f"{SID}#{KEY}"))
    with pytest.raises(HTCondorValueError, match="ROT13"):
        session_from_capability(Secret(f'{SID}#[CryptoMethods="ROT13";]{KEY}'))


@given(st.text(max_size=100))
def test_errors_do_not_show_the_text(text: str) -> None:
    secret = f"MARKER{text}"
    try:
        session_from_capability(Secret(secret))
    except HTCondorValueError as error:
        assert "MARKER" not in str(error)
