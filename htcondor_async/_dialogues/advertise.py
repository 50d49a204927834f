"""Ads for collectors: updates and invalidations, one ad a message, several messages on one connection.

The first message follows the handshake; later ones have their command in front; DC_NOP ends them. Nothing is
answered: a collector that does not take an ad closes the connection (``condor_collector.V6/collector.cpp``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from htcondor_async._cedar.commands import Command, find_command
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.errors import HTCondorEnumError, HTCondorTypeError, HTCondorValueError

__all__ = ["advertise_command", "checked_ads", "invalidation_of"]

# Hash keys of ads (condor_utils/hashkey.cpp): what an invalidation must name.
_KEYS = (
    "Name",
    "Machine",
    "MyAddress",
    "SlotID",
    "ScheddName",
    "ScheddIpAddr",
    "StartdIpAddr",
    "NegotiatorName",
    "HashName",
    "Owner",
    "GridmanagerSelectionValue",
)


def advertise_command(command: str | int | Command) -> Command:
    """Return a command that a collector takes ads by.

    Raises
    ------
    HTCondorEnumError
        It is none.
    """
    if isinstance(command, bool) or not isinstance(command, (str, int)):
        raise HTCondorTypeError(f"a command is a name, not {type(command).__name__}")
    try:
        found = find_command(command)
    except HTCondorEnumError as error:
        raise HTCondorEnumError(
            f"Invalid command {command}", hint="for example UPDATE_AD_GENERIC or INVALIDATE_ADS_GENERIC"
        ) from error
    if not found.name.startswith(("UPDATE_", "INVALIDATE_", "MERGE_STARTD_AD")) or found is Command.UPDATE_JOBAD:
        raise HTCondorEnumError(f"Invalid command {command}: it does not carry an ad to a collector")
    return found


def checked_ads(ads: Iterable[ClassAd | Mapping[str, object]]) -> list[ClassAd]:
    """Return ads that can be sent.

    Raises
    ------
    HTCondorTypeError, HTCondorValueError
        One is no ad, or has a value that does not parse: a collector would close the connection for it.
    """
    if isinstance(ads, (ClassAd, Mapping, str)):
        raise HTCondorTypeError("ads are given as a list")
    found = []
    for given in ads:
        if not isinstance(given, Mapping):
            raise HTCondorTypeError(f"an ad is a ClassAd or a mapping, not {type(given).__name__}")
        try:
            ad = given if isinstance(given, ClassAd) else ClassAd(dict(given))
            ad.print_old()  # parses what came as text
        except (ClassAdException, TypeError) as error:
            raise HTCondorValueError(f"an ad cannot be sent: {error}") from error
        found.append(ad)
    return found


def invalidation_of(ad: ClassAd) -> ClassAd:
    """Return the query ad by which a collector removes ``ad``: its type and what the collector knows it by.

    Raises
    ------
    HTCondorValueError
        The ad has no MyType, or neither Name nor Machine.
    """
    kind = ad.get("MyType")
    if not isinstance(kind, str) or not kind:
        raise HTCondorValueError("an ad without MyType cannot be told from others")
    query = ClassAd({"MyType": "Query", "TargetType": kind})
    for name in _KEYS:
        value = ad.get(name)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            query[name] = value
    name = query.get("Name", query.get("Machine"))
    if not isinstance(name, str):
        raise HTCondorValueError("an ad without Name and Machine cannot be told from others")
    attribute = "Name" if "Name" in query else "Machine"
    query["Requirements"] = ExprTree(f"TARGET.{attribute} == {string_literal(name)}")
    return query
