"""Whose certificate it is: names in it, and the host it is for."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from htcondor_async.errors import ProtocolError

__all__ = ["certificate_names", "certificate_subject", "matches_host"]

MAX_HOST = 255
_SHORT_NAMES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.COUNTRY_NAME: "C",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.GIVEN_NAME: "GN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.STREET_ADDRESS: "street",
    NameOID.SURNAME: "SN",
    NameOID.TITLE: "title",
    NameOID.USER_ID: "UID",
}


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise ProtocolError("the peer's certificate cannot be read") from None


def certificate_subject(der: bytes) -> str:
    """Return the subject in OpenSSL's one-line form, ``/C=US/O=Example/CN=host``, as mapping files have it."""
    try:
        parts = [
            f"/{_SHORT_NAMES.get(attribute.oid, attribute.oid.dotted_string)}={attribute.value!s}"
            for attribute in _load(der).subject
        ]
    except ValueError:
        raise ProtocolError("the peer's certificate has a subject that cannot be read") from None
    return "".join(parts)


def certificate_names(der: bytes) -> tuple[list[str], str | None]:
    """Return the DNS names of a certificate and its common name."""
    certificate = _load(der)
    names: list[str] = []
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        if isinstance(extension, x509.SubjectAlternativeName):
            names = [name for name in extension.get_values_for_type(x509.DNSName) if len(name) <= MAX_HOST]
    except x509.ExtensionNotFound:
        names = []
    except ValueError:
        raise ProtocolError("the peer's certificate has extensions that cannot be read") from None
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return names, str(common[0].value) if common else None


def _label_matches(pattern: str, label: str) -> bool:
    if pattern.endswith("*"):
        return "*" not in pattern[:-1] and label.startswith(pattern[:-1])
    return "*" not in pattern and pattern == label


def matches_host(der: bytes, host: str) -> bool:
    """Return whether a certificate is for a host.

    DNS names are compared label by label, ``*`` allowed at the end of a label; if none fits, the common name must be
    the host's name exactly (``condor_io/condor_auth_ssl.cpp``).
    """
    names, common = certificate_names(der)
    wanted = host.lower()
    labels = wanted.split(".")
    for name in names:
        patterns = name.lower().split(".")
        if len(patterns) == len(labels) and all(map(_label_matches, patterns, labels)):
            return True
    return common is not None and common.lower() == wanted
