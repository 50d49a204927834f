"""X.509 proxies: reading a proxy file, and signing the certificate of a delegated proxy (RFC 3820).

The layout of a proxy file is Globus's: certificate, key, chain, each in PEM. What a delegated certificate looks like
is told by ``condor_utils/globus_utils.cpp``.
"""

from __future__ import annotations

import datetime
import re
import secrets
from typing import TYPE_CHECKING, Any

import attrs

from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorValueError, ProtocolError

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["DelegatedKey", "Proxy", "new_delegated_key"]

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\s*", re.DOTALL)
_PROXY_CERT_INFO = "1.3.6.1.5.5.7.1.14"
# DER of ProxyCertInfo with the policy languages "inherit all" (RFC 3820) and "limited" (Globus)
_INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")
_LIMITED = bytes.fromhex("300e300c060a2b060104019b5001010109")
_CLOCK_SLOP = 300  # seconds by which the clocks of two machines may differ
_MAX_CERTIFICATES = 32


@attrs.frozen
class Proxy:
    """A proxy certificate, its key and the chain behind it."""

    certificate: x509.Certificate
    key: Secret[bytes]
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def read(cls, data: bytes, name: str) -> Proxy:
        """Read a proxy file; ``name`` is for messages.

        Raises
        ------
        HTCondorValueError
            It holds no certificate, or no key.
        """
        from cryptography import x509

        certificates: list[x509.Certificate] = []
        key: bytes | None = None
        for block in _PEM.finditer(data):
            if block[1] == b"CERTIFICATE":
                try:
                    certificates.append(x509.load_pem_x509_certificate(block[0]))
                except ValueError as error:
                    raise HTCondorValueError(f"{name} holds a certificate that cannot be read: {error}") from error
            elif block[1].endswith(b"PRIVATE KEY"):
                key = block[0]
        if not certificates or key is None:
            what = "certificate" if not certificates else "key"
            raise HTCondorValueError(f"{name} is no proxy: it holds no {what}")
        return cls(certificates[0], Secret(key), tuple(certificates[1:]))

    @property
    def expires(self) -> float:
        """When the first of the certificates expires, seconds since 1970."""
        return min(_not_after(certificate) for certificate in (self.certificate, *self.chain))

    def sign(self, request: bytes, *, now: float, expires: float | None = None, limited: bool = True) -> bytes:
        """Return the certificate for a request, and those behind it, in DER one after another.

        Parameters
        ----------
        request
            PKCS#10, in DER.
        now
            Seconds since 1970.
        expires
            When the new certificate shall expire; never later than this proxy, as which it expires by default.
        limited
            Whether it may not start jobs.

        Raises
        ------
        ProtocolError
            The request cannot be read, or its signature is wrong.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        try:
            asked = x509.load_der_x509_csr(request)
            genuine = asked.is_signature_valid
        except ValueError as error:
            raise ProtocolError(f"the request for a proxy cannot be read: {error}") from error
        if not genuine:
            raise ProtocolError("the request for a proxy is not signed with its key")
        serial = secrets.randbits(31)
        own_name = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, str(serial))])
        end = min(self.expires, expires) if expires is not None else self.expires
        key: Any = serialization.load_pem_private_key(self.key.reveal(), None)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([*self.certificate.subject.rdns, own_name]))
            .issuer_name(self.certificate.subject)
            .public_key(asked.public_key())
            .serial_number(serial)
            .not_valid_before(_date(now - _CLOCK_SLOP))
            .not_valid_after(_date(end))
            .add_extension(
                x509.UnrecognizedExtension(
                    x509.ObjectIdentifier(_PROXY_CERT_INFO), _LIMITED if limited else _INHERIT_ALL
                ),
                critical=True,
            )
            .add_extension(_proxy_usage(), critical=True)
            .sign(key, hashes.SHA256())
        )
        der = serialization.Encoding.DER
        return b"".join(item.public_bytes(der) for item in (certificate, self.certificate, *self.chain))


@attrs.frozen
class DelegatedKey:
    """The key of a proxy that is being delegated to us, and the request for its certificate, in DER."""

    key: Secret[bytes]
    request: bytes

    def proxy_file(self, certificates: bytes) -> Secret[bytes]:
        """Return the content of a proxy file out of the certificates that came back, in DER one after another.

        Raises
        ------
        ProtocolError
            They cannot be read, or are not for this key.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization

        found = []
        for der in _split_der(certificates):
            try:
                found.append(x509.load_der_x509_certificate(der))
            except ValueError as error:
                raise ProtocolError(f"a delegated certificate cannot be read: {error}") from error
        key = serialization.load_pem_private_key(self.key.reveal(), None)
        if not found or found[0].public_key() != key.public_key():
            raise ProtocolError("the delegated certificate belongs to another key")
        first, *rest = (item.public_bytes(serialization.Encoding.PEM) for item in found)
        return Secret(b"".join((first, self.key.reveal(), *rest)))


def new_delegated_key() -> DelegatedKey:
    """Make a key and the request for its certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return DelegatedKey(Secret(pem), request.public_bytes(serialization.Encoding.DER))


def _split_der(data: bytes) -> list[bytes]:
    """Cut DER sequences that follow one another apart."""
    parts: list[bytes] = []
    while data:
        if len(parts) >= _MAX_CERTIFICATES or len(data) < 2 or data[0] != 0x30:
            raise ProtocolError("the delegated certificates are not a sequence of certificates")
        size, head = data[1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(data[2:head], "big")
        if not 2 <= head <= 6 or head + size > len(data):
            raise ProtocolError("a delegated certificate is cut short")
        parts.append(data[: head + size])
        data = data[head + size :]
    return parts


def _proxy_usage() -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        data_encipherment=True,
        content_commitment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _not_after(certificate: x509.Certificate) -> float:
    # not_valid_after_utc is of cryptography 42; older ones give the same without a zone
    when = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after.replace(
        tzinfo=datetime.timezone.utc
    )
    return float(when.timestamp())


def _date(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
