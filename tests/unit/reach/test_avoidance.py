"""Collectors that failed are asked last, for a while."""

from __future__ import annotations

import threading

from htcondor_async._cedar.sinful import Sinful
from htcondor_async._core.avoidance import Avoidance
from htcondor_async._core.context import Target

ONE, TWO, THREE = (Target(Sinful("10.0.0.1", port), "collector") for port in (1, 2, 3))


def test_order():
    avoidance = Avoidance(threading.Lock())
    avoidance.failed(ONE, began=100.0, now=100.5, longest=3600.0)
    assert avoidance.order([ONE, TWO, THREE], 101.0) == [TWO, THREE, ONE]
    assert avoidance.order([ONE, TWO, THREE], 150.4) == [TWO, THREE, ONE]
    assert avoidance.order([ONE, TWO, THREE], 150.5) == [ONE, TWO, THREE]


def test_all_that_failed_are_still_asked():
    avoidance = Avoidance(threading.Lock())
    for target in (TWO, ONE):
        avoidance.failed(target, began=0.0, now=1.0, longest=3600.0)
    assert avoidance.order([ONE, TWO], 2.0) == [ONE, TWO]


def test_a_bound_on_the_time():
    avoidance = Avoidance(threading.Lock())
    avoidance.failed(ONE, began=0.0, now=100.0, longest=50.0)
    assert avoidance.avoided(ONE, 149.9)
    assert not avoidance.avoided(ONE, 150.0)


def test_success_ends_it():
    avoidance = Avoidance(threading.Lock())
    avoidance.failed(ONE, began=0.0, now=100.0, longest=3600.0)
    avoidance.succeeded(ONE)
    assert not avoidance.avoided(ONE, 101.0)


def test_memory_is_bounded():
    avoidance = Avoidance(threading.Lock())
    for port in range(1, 3001):
        avoidance.failed(Target(Sinful("10.0.0.1", port), "collector"), began=0.0, now=1.0, longest=3600.0)
    assert len(avoidance._until) == 1000
