"""Certificates for tests of TLS: an authority, a host, a user, and a host of another authority."""

from __future__ import annotations

import datetime
import functools
import ssl
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from htcondor_async._security.effects import TlsSettings

EC_KEY = ec.EllipticCurvePrivateKey


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def certificate(
    common: str, issuer: str, key: EC_KEY, signer: EC_KEY, *, names: tuple[str, ...] = (), authority: bool = False
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


def der(value: x509.Certificate) -> bytes:
    return value.public_bytes(serialization.Encoding.DER)


@attrs.frozen
class Certificates:
    """Files in a folder: ca.pem, other-ca.pem; host, user, stranger and own with .pem and .key.

    ``stranger`` is signed by other-ca, ``own`` by itself; chain.pem is ``stranger`` with its authority behind it.
    """

    folder: Path
    host: x509.Certificate

    def client(self, *, user: bool = False, authority: str = "ca") -> TlsSettings:
        return TlsSettings(
            server=False,
            certificate_file=str(self.folder / "user.pem") if user else None,
            key_file=str(self.folder / "user.key") if user else None,
            ca_file=str(self.folder / f"{authority}.pem"),
            default_authorities=False,
        )

    def server(self, *, name: str = "host", verify: bool = False) -> TlsSettings:
        return TlsSettings(
            server=True,
            certificate_file=str(self.folder / f"{name}.pem"),
            key_file=str(self.folder / f"{'stranger' if name == 'chain' else name}.key"),
            ca_file=str(self.folder / "ca.pem"),
            default_authorities=False,
            verify=verify,
        )


def make_certificates(folder: Path) -> Certificates:
    keys = {
        name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "other-ca", "host", "user", "stranger", "own")
    }
    made = {
        "ca": certificate("ca", "ca", keys["ca"], keys["ca"], authority=True),
        "other-ca": certificate("other-ca", "other-ca", keys["other-ca"], keys["other-ca"], authority=True),
        "host": certificate(
            "host.example.org", "ca", keys["host"], keys["ca"], names=("host.example.org", "*.pool.org")
        ),
        "user": certificate("alice", "ca", keys["user"], keys["ca"]),
        "stranger": certificate(
            "host.example.org", "other-ca", keys["stranger"], keys["other-ca"], names=("host.example.org",)
        ),
        "own": certificate(
            "host.example.org", "host.example.org", keys["own"], keys["own"], names=("host.example.org",)
        ),
    }
    for name, value in made.items():
        (folder / f"{name}.pem").write_bytes(value.public_bytes(serialization.Encoding.PEM))
        if name == "stranger":
            (folder / "chain.pem").write_bytes(
                value.public_bytes(serialization.Encoding.PEM) + (folder / "other-ca.pem").read_bytes()
            )
        (folder / f"{name}.key").write_bytes(
            keys[name].private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return Certificates(folder, made["host"])


@functools.lru_cache(maxsize=64)
def build_context(settings: TlsSettings, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Build what the settings ask for, as the runtime does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if settings.server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    if settings.ca_file is not None:
        context.load_verify_locations(settings.ca_file)
    if settings.trusted_certificate is not None:
        context.load_verify_locations(cadata=settings.trusted_certificate)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if settings.server:
        context.verify_mode = ssl.CERT_REQUIRED if settings.verify else ssl.CERT_OPTIONAL
    else:
        context.verify_mode = ssl.CERT_REQUIRED if settings.verify else ssl.CERT_NONE
    return context
