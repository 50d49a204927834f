"""X.509 proxy files for tests: a certificate signed by its own key, which is all that a schedd looks at."""

from __future__ import annotations

import datetime
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

__all__ = ["write_proxy"]


def write_proxy(path: Path, lifetime: float = 3600, *, now: float | None = None) -> Path:
    """Write a proxy file that is valid for `lifetime` seconds from `now`, and return its path."""
    key = rsa.generate_private_key(65537, 2048)
    parts = ((NameOID.ORGANIZATION_NAME, "Test"), (NameOID.COMMON_NAME, "Alice"))
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])
    when = datetime.datetime.fromtimestamp(int(time.time() if now is None else now), datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(when - datetime.timedelta(days=1))
        .not_valid_after(when + datetime.timedelta(seconds=lifetime))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + pem)
    path.chmod(0o600)
    return path
