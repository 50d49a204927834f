"""A world for the tests of the ClassAd language in which it is always the same time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo

import pytest

from htcondor_async.classad import set_default_environment


class StillWorld:
    """An environment where the time is fixed and the zone is UTC; what is logged is kept."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.environ: dict[str, str] = {}
        self.logged: list[str] = []

    def now(self) -> float:
        return 1700000000.0

    def local_zone(self) -> tzinfo:
        return timezone.utc

    def utc_offset(self, when: datetime) -> timedelta:
        return timedelta(0)

    def log(self, message: str) -> None:
        self.logged.append(message)

    def user(self, name: str) -> None:
        return None

    def current_user(self) -> None:
        return None


@pytest.fixture(autouse=True)
def still_world() -> Iterator[StillWorld]:
    """Set the environment for one test."""
    world = StillWorld()
    set_default_environment(world)  # type: ignore[arg-type]  # the parts that expressions ask for
    yield world
    set_default_environment(None)
