"""Threads share handles of the v1 API: same results as one after the other, and at the same time (test 21)."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.embedded import EmbeddedContractPool, open_embedded
from harness.v1 import configured
from helpers.sizes import FULL

import htcondor_sync
from htcondor_sync._state import STATE

THREADS = 32
CALLS = 200 if FULL else 8


@pytest.fixture(scope="module")
def pool() -> Iterator[EmbeddedContractPool]:
    with open_embedded() as opened:
        opened.submit(20, schedd="encryption")
        with configured(opened.settings("alice@testpool")):
            yield opened


def in_threads(function: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """The results of a function called with 0, 1, 2 ... in as many threads that begin together."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = function(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def schedd(pool: EmbeddedContractPool) -> Any:
    ad = htcondor_sync.Collector().locate(htcondor_sync.DaemonTypes.Schedd, pool.schedds["encryption"])
    return htcondor_sync.Schedd(ad)


@pytest.mark.timeout(600)
def test_mixed_calls_on_shared_handles(pool: EmbeddedContractPool) -> None:
    shared, collector = schedd(pool), htcondor_sync.Collector()
    calls: list[Callable[[], Any]] = [
        lambda: sorted(ad["ProcId"] for ad in shared.query("true", ["ProcId"])),
        lambda: len(shared.query("ProcId < 5", ["ProcId"], limit=3)),
        lambda: sorted(ad["Name"] for ad in collector.query(htcondor_sync.AdTypes.Schedd, "true", ["Name"])),
        lambda: collector.locate(htcondor_sync.DaemonTypes.Schedd, pool.schedds["open"])["Name"],
        lambda: htcondor_sync.param["QUERY_TIMEOUT"],
        lambda: htcondor_sync.Submit({"executable": "/bin/true"}).expand("executable"),
    ]
    expected = [call() for call in calls]

    def mixed(number: int) -> list[int]:
        return [
            turn
            for turn in range(CALLS)
            if calls[(number + turn) % len(calls)]() != expected[(number + turn) % len(calls)]
        ]

    assert in_threads(mixed) == [[]] * THREADS


def test_transactions_on_one_object_take_turns(pool: EmbeddedContractPool) -> None:
    shared = schedd(pool)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        def quiet(number: int) -> int:
            description = htcondor_sync.Submit({"executable": "/bin/true", "hold": "true", "My.Thread": str(number)})
            with shared.transaction() as txn:
                first = description.queue(txn, 1)
                return first if description.queue(txn, 1) == first else -1

        clusters = in_threads(quiet, 8)
    assert len({int(cluster) for cluster in clusters}) == 8 and -1 not in clusters
    found = shared.query("Thread =!= undefined", ["ClusterId", "ProcId", "Thread"])
    assert sorted((ad["ClusterId"], ad["ProcId"], ad["Thread"]) for ad in found) == sorted(
        (cluster, proc, number) for number, cluster in enumerate(clusters) for proc in range(2)
    )
    shared.act(htcondor_sync.JobAction.Remove, "Thread =!= undefined")


def test_stuck_calls_do_not_wait_for_each_other() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=THREADS) as silent:
        ad = htcondor_sync.classad.ClassAd()
        ad["MyAddress"] = f"<127.0.0.1:{silent.getsockname()[1]}>"
        with configured({"SEC_TCP_SESSION_DEADLINE": "1", "SEC_TCP_SESSION_TIMEOUT": "1"}):
            client = STATE.client
            began = time.monotonic()

            def stuck(number: int) -> str:
                core = htcondor_sync.Schedd(ad)._core
                from htcondor_sync._calls import call

                try:
                    call(core.query(timeout=1.0))
                except htcondor_sync.HTCondorIOError as error:
                    return type(error).__name__
                return "answered"

            assert set(in_threads(stuck)) == {"DaemonTimeoutError"}
            assert time.monotonic() - began < 16, "they waited for each other: one after the other they take 32 s"
            assert client is STATE.client


def test_sessions_are_shared_and_consistent(pool: EmbeddedContractPool) -> None:
    htcondor_sync.SecMan().invalidateAllSessions()
    shared = schedd(pool)
    assert in_threads(lambda number: len(shared.query("true", ["ProcId"]))) == [20] * THREADS
    sessions = STATE.client._sessions
    address = str(shared._core._target.address)
    assert sessions.drop_address(address) == 1, "one handshake was enough for all threads"


def test_security_settings_hold_for_one_thread(pool: EmbeddedContractPool) -> None:
    shared = schedd(pool)

    def tagged(number: int) -> str:
        with htcondor_sync.SecMan() as security:
            if number % 2:
                security.setConfig("SEC_CLIENT_ENCRYPTION", "NEVER")  # which this schedd requires
                security.setTag("broken")
            try:
                return str(len(shared.query("true", ["ProcId"])))
            except htcondor_sync.HTCondorIOError:
                return "refused"

    assert in_threads(tagged, 8) == ["20", "refused"] * 4
    assert len(shared.query("true", ["ProcId"])) == 20
