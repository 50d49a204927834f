"""X.509 proxies: reading, signing, taking over."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from htcondor_async._security.proxies import Proxy, new_delegated_key
from htcondor_async.errors import HTCondorValueError, ProtocolError

NOW = 1_800_000_000


def make_proxy(lifetime=3600):
    key = rsa.generate_private_key(65537, 2048)
    parts = ((NameOID.ORGANIZATION_NAME, "Test"), (NameOID.COMMON_NAME, "A"))
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])
    when = datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(when - datetime.timedelta(hours=1))
        .not_valid_after(when + datetime.timedelta(seconds=lifetime))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM) + pem


@pytest.mark.parametrize("limited", [True, False])
def test_a_delegated_proxy_is_signed_by_the_first(limited):
    proxy = Proxy.read(make_proxy(), "p")
    delegated = new_delegated_key()
    data = proxy.sign(delegated.request, now=NOW, limited=limited)
    second = Proxy.read(delegated.proxy_file(data).reveal(), "q")
    assert second.chain == (proxy.certificate,)
    assert second.certificate.issuer == proxy.certificate.subject
    assert list(second.certificate.subject)[:-1] == list(proxy.certificate.subject)
    assert second.expires == proxy.expires == NOW + 3600
    proxy.certificate.public_key().verify(
        second.certificate.signature,
        second.certificate.tbs_certificate_bytes,
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    info = second.certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"))
    assert info.critical
    assert (b"\x9b\x50" in info.value.value) is limited
    assert "PRIVATE" not in repr(second)


def test_the_lifetime_is_bounded_by_both_sides():
    proxy = Proxy.read(make_proxy(), "p")
    request = new_delegated_key()
    short = Proxy.read(request.proxy_file(proxy.sign(request.request, now=NOW, expires=NOW + 60)).reveal(), "q")
    assert short.expires == NOW + 60
    long = Proxy.read(request.proxy_file(proxy.sign(request.request, now=NOW, expires=NOW + 99999)).reveal(), "q")
    assert long.expires == NOW + 3600


@pytest.mark.parametrize("data", [b"", b"nonsense", make_proxy().partition(b"-----BEGIN PRIVATE")[0]])
def test_files_that_are_no_proxy(data):
    with pytest.raises(HTCondorValueError, match="no proxy"):
        Proxy.read(data, "file")


def test_hostile_requests_and_certificates():
    proxy, other = Proxy.read(make_proxy(), "p"), new_delegated_key()
    with pytest.raises(ProtocolError):
        proxy.sign(b"nonsense", now=NOW)
    mine = new_delegated_key()
    good = proxy.sign(other.request, now=NOW)
    for data in (b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", good[:-3], good, b"\x30\x03abc" * 100):
        with pytest.raises(ProtocolError):
            mine.proxy_file(data)
    changed = bytearray(mine.request)
    changed[-5] ^= 1
    with pytest.raises(ProtocolError):
        proxy.sign(bytes(changed), now=NOW)
