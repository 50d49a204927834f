"""How much a peer may announce or send before the connection is given up.

Everything that arrives is untrusted. Each limit is checked before memory is set aside for what it bounds, and a breach
raises :class:`~htcondor_async.errors.LimitExceededError`, whose ``limit`` is the name of the field here. There is
deliberately no limit on a whole stream of ads: a collector's answer is one message without end.
"""

from __future__ import annotations

from typing import NoReturn

import attrs

from htcondor_async.errors import LimitExceededError, ProtocolError

__all__ = ["DEFAULT_LIMITS", "Limits", "exceeded"]

_MIB = 1 << 20


def _positive(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{attribute.name} must be a positive integer, not {value!r}")


@attrs.frozen(kw_only=True)
class Limits:
    """Bounds on what is accepted from a peer, in bytes where nothing else is said.

    Parameters
    ----------
    max_frame
        Payload of one frame, IV and tag included. HTCondor itself drops a connection above 1 MiB.
    max_message
        One whole message that is collected in memory before it is read.
    max_handshake_message
        One message of the security handshake.
    max_string
        One string. HTCondor refuses encrypted strings above 10,000,000.
    max_ad_size
        One ad as it travels.
    max_ad_attributes
        Attributes of one ad. HTCondor refuses more than 1,000,000.
    max_unread
        Received bytes that nobody has asked for yet.
    max_file_chunk
        One message of a file's content, as announced by the sender (HTCondor announces 262,144).
    """

    max_frame: int = attrs.field(default=_MIB, validator=_positive)
    max_message: int = attrs.field(default=16 * _MIB, validator=_positive)
    max_handshake_message: int = attrs.field(default=_MIB, validator=_positive)
    max_string: int = attrs.field(default=10_000_000, validator=_positive)
    max_ad_size: int = attrs.field(default=16 * _MIB, validator=_positive)
    max_ad_attributes: int = attrs.field(default=1_000_000, validator=_positive)
    max_unread: int = attrs.field(default=16 * _MIB, validator=_positive)
    max_file_chunk: int = attrs.field(default=4 * _MIB, validator=_positive)


DEFAULT_LIMITS = Limits()


def exceeded(limit: str, what: str, size: int, allowed: int) -> NoReturn:
    """Raise the error of a broken limit: ``what`` has ``size``, and ``allowed`` is the most."""
    raise LimitExceededError(f"{what}: {size} is over the limit {limit} = {allowed}", limit=limit)


def check_string_length(size: int, limits: Limits) -> None:
    """Refuse a length, NUL included, that no string has: below 1 (``ProtocolError``), or over ``max_string``."""
    if size < 1:
        raise ProtocolError(f"a string announces a length of {size}")
    if size > limits.max_string:
        exceeded("max_string", "a string announces a length", size, limits.max_string)
