"""Messages with a CCB broker, and the hello of a daemon that connects back (``ccb_client.cpp``, ``ccb_server.cpp``)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.values import Reader
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.errors import ConnectError, ProtocolError

__all__ = ["MAX_MESSAGE", "STREAMING_SINCE", "check_accepted", "check_hello", "request_ad"]

MAX_MESSAGE = 1 << 16
STREAMING_SINCE = (25, 12, 0)
"""Brokers of this version can turn the request's own connection into the one to the daemon."""
_MAX_HOPS = 8


def request_ad(ids: Sequence[str], connect_id: Secret[str], name: str, address: str | None) -> list[tuple[str, str]]:
    """Return the ad of CCB_REQUEST.

    Parameters
    ----------
    ids
        What the broker, and those behind it, know the daemon by.
    connect_id
        What the daemon has to say to show that it is the one that was asked for.
    name
        Who asks, for logs.
    address
        Where this client listens; None for a connection through the broker.
    """
    pairs = [
        ("CCBID", string_literal(ids[0])),
        ("ClaimId", string_literal(connect_id.reveal())),
        ("Name", string_literal(name)),
        ("MyAddress", string_literal(address or "")),
    ]
    if address is None:
        pairs.append(("CCBStreamingRequired", "true"))
    if len(ids) > 1:
        pairs.append(("CCBRoute", string_literal(" ".join(ids[:_MAX_HOPS]))))
    return pairs


def check_accepted(ad: ClassAd, *, streaming: bool) -> None:
    """Raise ``ConnectError`` if a broker's answer is a refusal."""
    if ad.get("Result") is not True:
        text = ad.get("ErrorString")
        reason = text if isinstance(text, str) and text else "it did not say why"
        raise ConnectError(f"the CCB broker could not reach the daemon: {reason[:500]}")
    if streaming and ad.get("ProxyMode") is not True:
        raise ProtocolError("the CCB broker does not pass the connection on, as it was asked to")


def check_hello(reader: Reader, connect_id: Secret[str]) -> bool:
    """Return whether a message is the hello of the daemon that was asked for."""
    if reader.remaining < 8 or reader.int() != Command.CCB_REVERSE_CONNECT:
        return False
    ad = reader.ad()
    reader.expect_end()
    claimed = ad.get("ClaimId")
    return isinstance(claimed, str) and hmac.compare_digest(
        claimed.encode("utf-8", "surrogateescape"), connect_id.reveal().encode()
    )
