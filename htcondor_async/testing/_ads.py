"""Choosing and sending ads, as the daemons of the embedded pool do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from htcondor_async._cedar.values import Writer
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.testing._server import Connection

__all__ = ["PART", "matches", "projected", "projection_of", "requirements_of", "send_each", "send_sequence"]

PART = 64 * 1024
"""Bytes of an endless message, or of many messages, that are sent at once."""

_SEPARATORS = re.compile(r"[\s,]+")


def requirements_of(query: ClassAd) -> ExprTree | None:
    """Return the constraint of a query ad; one that does not parse raises ``ClassAdException``."""
    return query.lookup("Requirements") if "Requirements" in query else None


def matches(ad: ClassAd, requirements: ExprTree | None) -> bool:
    """Return whether the constraint is true of ``ad``: true, or a number other than zero; nothing else."""
    if requirements is None:
        return True
    try:
        value = requirements.eval(ad)
    except ClassAdException:
        return False  # a cycle or the like: no match, as with a daemon
    return value is True or (type(value) in (int, float) and value != 0)


def projection_of(query: ClassAd) -> list[str] | None:
    """Return the names of a query's projection: of a string or a list of strings; None means all attributes.

    Raises
    ------
    ValueError
        It is something else.
    """
    if "Projection" not in query:
        return None
    value = query.eval("Projection")
    if isinstance(value, str):
        names = [name for name in _SEPARATORS.split(value) if name]
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        names = list(value)
    else:
        raise ValueError("the projection is neither a string nor a list of strings")
    return names or None


def projected(ad: ClassAd, names: list[str] | None) -> ClassAd:
    """Return ``ad`` cut down to ``names``, and to what they refer to."""
    if names is None:
        return ad
    wanted = list(names)
    kept = ClassAd()
    seen: set[str] = set()
    while wanted:
        name = wanted.pop(0)
        if name.lower() in seen or name not in ad:
            continue
        seen.add(name.lower())
        expression = ad.lookup(name)
        kept[name] = expression
        if isinstance(ad[name], ExprTree):
            wanted += ad.internal_refs(expression)
    return kept


async def send_sequence(
    connection: Connection,
    ads: Iterable[ClassAd],
    head: Callable[[Writer], Writer],
    tail: Callable[[Writer, int], Writer],
) -> None:
    """Send ads one after another as a single message.

    ``head`` writes what stands in front of each ad, ``tail`` what ends the message, given the number of ads.
    """
    parts: list[bytes] = []
    size = count = 0
    secrets = connection.cedar.secret_cipher()
    for ad in ads:
        piece = head(connection.writer(secrets)).ad(ad).getvalue()
        count += 1
        parts.append(piece)
        size += len(piece)
        if size >= PART:
            await connection.send_part(b"".join(parts), end=False)
            parts, size = [], 0
    parts.append(tail(connection.writer(secrets), count).getvalue())
    await connection.send_part(b"".join(parts), end=True)


async def send_each(connection: Connection, ads: Iterable[ClassAd]) -> None:
    """Send each ad as a message of its own."""
    wire: list[bytes] = []
    size = 0
    for ad in ads:
        piece = connection.cedar.send_message(connection.writer().ad(ad).getvalue())
        wire.append(piece)
        size += len(piece)
        if size >= PART:
            await connection.send_wire(b"".join(wire))
            wire, size = [], 0
    if wire:
        await connection.send_wire(b"".join(wire))


def limited(ads: Iterable[ClassAd], limit: object) -> Iterator[ClassAd]:
    """Give at most ``limit`` ads, all for None or a negative number."""
    left = limit if type(limit) is int and limit >= 0 else -1
    for ad in ads:
        if left == 0:
            return
        left -= 1
        yield ad
