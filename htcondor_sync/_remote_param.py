"""v1's ``RemoteParam``."""

from __future__ import annotations

from typing import Any

from htcondor_sync import _ads
from htcondor_sync._arguments import expect
from htcondor_sync._generated.remoteparam import RemoteParamMethods

__all__ = ["RemoteParam"]


class RemoteParam(RemoteParamMethods):
    """The configuration of a daemon as a mapping."""

    def __init__(self, ad: Any) -> None:
        expect("RemoteParam", ("ad", ad, _ads.ClassAd))
        self._ad = _ads.ad_in(ad)
