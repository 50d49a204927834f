"""Delegating an X.509 proxy: the receiver makes a key and asks, the sender signs.

Receiver: ``int n, n bytes`` of a certificate request (PKCS#10, DER); sender: ``int n, n bytes`` of the new proxy
certificate, the certificate it was signed with, and the chain behind that, each in DER. The length 0 stands for "no".
No private key travels (``condor_io/reli_sock.cpp``, put_x509_delegation and get_x509_delegation).
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._dialogues.codec import Codec
from htcondor_async.errors import DaemonError, ProtocolError

__all__ = ["KeepDelegation", "NewRequest", "SignRequest", "accept_delegation", "delegate"]

_MAX_REQUEST = 64 * 1024
_MAX_CHAIN = 1 << 20


@attrs.frozen
class SignRequest:
    """Sender: sign this request with the proxy. Result: the certificates, in DER, one after another."""

    request: bytes


@attrs.frozen
class NewRequest:
    """Receiver: make a key. Result: a certificate request in DER."""


@attrs.frozen
class KeepDelegation:
    """Receiver: these certificates belong to the key just made. Result: None."""

    certificates: bytes


def delegate(codec: Codec) -> Generator[Any, Any, None]:
    """Delegate to the peer."""
    request = _bytes(codec, (yield Receive(_MAX_REQUEST)), _MAX_REQUEST)
    if not request:
        raise DaemonError(
            "the daemon did not ask for a delegated proxy",
            hint="some builds before 24 cannot; DELEGATE_JOB_GSI_CREDENTIALS = false sends a copy instead",
        )
    try:
        certificates: bytes = yield SignRequest(request)
    except Exception:
        yield Send(codec.writer().int(0).getvalue())
        raise
    yield Send(codec.writer().int(len(certificates)).raw(certificates).getvalue())


def accept_delegation(codec: Codec) -> Generator[Any, Any, None]:
    """Accept what the peer delegates."""
    request: bytes = yield NewRequest()
    yield Send(codec.writer().int(len(request)).raw(request).getvalue())
    certificates = _bytes(codec, (yield Receive(_MAX_CHAIN)), _MAX_CHAIN)
    if not certificates:
        raise ProtocolError("the peer could not delegate its proxy")
    yield KeepDelegation(certificates)


def _bytes(codec: Codec, message: bytes, limit: int) -> bytes:
    reader = codec.reader(message)
    size = reader.int()
    if not 0 <= size <= limit:
        raise ProtocolError(f"a length of {size} was announced for certificates")
    data = reader.raw(size)
    reader.expect_end()
    return data
