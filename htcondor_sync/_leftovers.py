"""What is left of older interfaces."""

from __future__ import annotations

from typing import Any

from htcondor_sync._unserved import not_served

__all__ = ["Claim", "ResourceRequestIterator", "enable_classad_extensions"]


class Claim:
    """v1's claim on a slot, which this client does not make."""

    def __init__(self, ad: Any = None) -> None:
        raise not_served("Claim")


class ResourceRequestIterator:
    """v1's iterator of a negotiation, which this client does not do."""

    def __init__(self) -> None:
        raise RuntimeError("This class cannot be instantiated from Python")


def enable_classad_extensions() -> None:
    """Do nothing: HTCondor's functions are part of the ClassAd language here."""
