"""Arguments and results between v1's spelling and v2's."""

from __future__ import annotations

import re
from typing import Any

from htcondor_async.classad import ClassAd as CoreAd
from htcondor_sync.classad import ClassAd as V1Ad
from htcondor_sync.v2 import classad2

__all__ = ["ads_in", "is_id", "location_in", "member", "out"]

_ID = re.compile(r"\d+(\.\d+)?")


def out(value: Any) -> Any:
    """Return what v1 returned with v2's ads in it."""
    if isinstance(value, V1Ad):
        return classad2.ClassAd._of(value._unwrap())
    if isinstance(value, list):
        for item in value:  # the ads of an answer are nobody else's yet: they become v2's where they are
            if type(item) is V1Ad:
                item.__class__ = classad2.ClassAd  # type: ignore[assignment]  # the classes have one layout
    return value


def ads_in(value: Any) -> Any:
    """Return an argument with v1's ads in it."""
    if isinstance(value, CoreAd):
        return V1Ad._wrap(value)
    return [ads_in(item) for item in value] if isinstance(value, (list, tuple)) else value


def location_in(location: Any) -> Any:
    """Return the location that a handle is made with; raises TypeError for what is no ad."""
    if location is not None and not isinstance(location, (CoreAd, tuple)):
        raise TypeError(f"a location is a ClassAd, not {type(location).__name__}")
    return ads_in(location) if isinstance(location, CoreAd) else location


def is_id(job_spec: Any) -> bool:
    """Return whether a text or number is the id of a job, or of a cluster, and no constraint."""
    return bool(_ID.fullmatch(str(job_spec)))


def member(kind: Any, value: int) -> Any:
    """Return v1's member for one of v2's."""
    return kind.values.get(int(value), kind(int(value)))
