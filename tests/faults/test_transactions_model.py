"""Transactions against a model: whatever is done in whatever order, the queue is what a few lines of Python say.

Operations, and ends by commit, by an error and by a broken connection, are drawn at random; nothing of a transaction
that did not commit may ever be seen. Somebody else looks: into the embedded schedd, and with condor_q at the real ones.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any

import pytest
from harness import observe, pools
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from htcondor_async import Client, Collector, DaemonError, DaemonTypes, HTCondorIOError, JobAction, Schedd
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._security.versions import parse_version
from htcondor_async.schedd.transaction import Transaction
from htcondor_async.testing import embedded_pool

NAMES = st.sampled_from(["Alpha", "beta", "GAMMA", "delta"])
VALUES = st.one_of(
    st.integers(-(2**62), 2**62).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text("abc \u00e9%$", max_size=8).map(lambda text: f'"{text}"'),
)
Jobs = dict[tuple[int, int], dict[str, Any]]


class EmbeddedWorld:
    """An embedded pool of its own for each run.

    ``remembers``: the schedd fails a commit also for what it has told the client before that it refuses.
    """

    def __init__(self, legacy: bool = False) -> None:
        self.remembers = legacy
        self.entered = embedded_pool(legacy=legacy)
        self.running = self.entered.__enter__()
        self.daemon = next(iter(self.running.pool.schedd_daemons.values()))
        config = {"COLLECTOR_HOST": self.running.address, "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}
        self.schedd = Schedd(self.daemon.ad(), client=Client(config, runtime=BlockingRuntime()))

    def jobs(self) -> Jobs:
        """What is in the queue, seen by the schedd."""
        return {
            (ad["ClusterId"], ad["ProcId"]): {name.lower(): ad[name] for name in ad}
            for ad in self.running.call(lambda: list(self.daemon.queue.jobs()))
        }

    def cut(self, txn: Transaction) -> None:
        """Break the connection, from the other end."""
        self.running.call(lambda: [one.abort() for one in list(self.running.pool._shared_port._connections)])

    def close(self) -> None:
        """End the pool."""
        self.entered.__exit__(None, None, None)


class RealWorld:
    """The open schedd of a real pool; looked at are the clusters of one run."""

    def __init__(self, pool: pools.Pool) -> None:
        self.pool = pool
        self.remembers = (parse_version(pool.version) or (0, 0, 0)) < (24, 7, 0)
        client = Client(
            pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED"), runtime=BlockingRuntime()
        )
        location = drive(Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]))
        self.schedd = Schedd(location, client=client)
        # clusters are numbered upwards: what other tests left, perhaps many thousand jobs, is never asked for
        self.before = drive(self._mark())

    async def _mark(self) -> int:
        cluster = (await self.schedd.submit({"Cmd": "/bin/true", "Iwd": "/tmp", "Requirements": False})).cluster()
        await self.schedd.act(JobAction.Remove, f"ClusterId == {cluster}")
        return cluster

    def jobs(self) -> Jobs:
        """What is in the queue, as condor_q shows it."""
        return {
            (ad["ClusterId"], ad["ProcId"]): {name.lower(): value for name, value in ad.items()}
            for ad in observe.queue(self.pool, f"ClusterId > {self.before} && JobStatus != 3").values()
        }

    def cut(self, txn: Transaction) -> None:
        """Break the connection, as if the network were gone at both ends."""
        channel = txn._connection._channel
        with socket.socket(fileno=os.dup(channel.stream._sock.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Remove the jobs."""
        clusters = {cluster for cluster, _ in self.jobs()}
        if clusters:
            drive(self.schedd.act(JobAction.Remove, " || ".join(f"ClusterId == {cluster}" for cluster in clusters)))


class Transactions(RuleBasedStateMachine):
    """One schedd, its queue as a dict, and at most one open transaction."""

    def __init__(self, make_world=EmbeddedWorld):
        super().__init__()
        self.world = make_world()
        self.schedd = self.world.schedd
        self.committed: dict[tuple[int, int], dict[str, str]] = {}
        self.pending: dict[tuple[int, int], dict[str, str | None]] = {}
        self.txn = None
        self.cluster = 0
        self.procs = 0
        self.poisoned = False

    def teardown(self):
        if self.txn is not None:
            self.txn.abort()
        self.world.close()

    @initialize(count=st.integers(1, 3))
    def some_jobs(self, count):
        result = drive(self.schedd.submit({"Cmd": "/bin/true", "Iwd": "/tmp", "Requirements": False}, count=count))
        for proc in range(count):
            self.committed[result.cluster(), proc] = {}

    @precondition(lambda self: self.txn is None)
    @rule()
    def begin(self):
        self.txn = drive(self.schedd.transaction().__aenter__())
        self.pending, self.cluster, self.procs, self.poisoned = {}, 0, 0, False

    @precondition(lambda self: self.txn is not None and not self.cluster)
    @rule()
    def open_cluster(self):
        self.cluster = drive(self.txn.new_cluster())
        shared = {"ClusterId": self.cluster, "Cmd": '"/bin/true"', "Iwd": '"/tmp"', "JobUniverse": 5}
        shared["Requirements"] = "false"
        drive(self.txn.set_attributes(self.cluster, -1, shared))

    @precondition(lambda self: self.txn is not None and self.cluster)
    @rule()
    def open_proc(self):
        proc = drive(self.txn.new_proc(self.cluster))
        assert proc == self.procs
        self.procs += 1
        drive(self.txn.set_attributes(self.cluster, proc, {"ProcId": proc, "JobStatus": 1}))
        self.pending[self.cluster, proc] = {}

    def some_job(self, pick):
        jobs = sorted({*self.committed, *self.pending})
        return jobs[pick % len(jobs)]

    @precondition(lambda self: self.txn is not None)
    @rule(pick=st.integers(0, 99), name=NAMES, value=VALUES)
    def assign(self, pick, name, value):
        job = self.some_job(pick)
        drive(self.txn.set_attribute(*job, name, value))
        self.pending.setdefault(job, {})[name.lower()] = value

    @precondition(lambda self: self.txn is not None)
    @rule(pick=st.integers(0, 99), name=NAMES)
    def delete(self, pick, name):
        job = self.some_job(pick)
        if job not in self.committed and self.pending[job].get(name.lower()) is None:
            drive(self.txn.delete_attribute(*job, name))
            with pytest.raises(DaemonError, match=f"delete {name}"):
                drive(self.txn.get_job(*job))
            return
        drive(self.txn.delete_attribute(*job, name))
        self.pending.setdefault(job, {})[name.lower()] = None

    @precondition(lambda self: self.txn is not None)
    @rule(pick=st.integers(0, 99), name=NAMES)
    def look(self, pick, name):
        job = self.some_job(pick)
        expected = {**self.committed.get(job, {}), **self.pending.get(job, {})}.get(name.lower())
        if expected is None:
            with pytest.raises(DaemonError):
                drive(self.txn.get_attribute(*job, name))
        else:
            assert drive(self.txn.get_attribute(*job, name)) == expected

    @precondition(lambda self: self.txn is not None)
    @rule(pick=st.integers(0, 99))
    def change_what_may_not_be(self, pick):
        job = self.some_job(pick)
        if job in self.committed:
            drive(self.txn.set_attribute(*job, "Owner", '"somebody"'))
            with pytest.raises(DaemonError, match="Owner"):
                drive(self.txn.get_job(*job))
            self.poisoned |= self.world.remembers

    @precondition(lambda self: self.txn is not None)
    @rule()
    def commit(self):
        txn, self.txn = self.txn, None
        if self.poisoned:
            with pytest.raises(DaemonError, match="Owner"):
                drive(txn.commit())
            return
        drive(txn.commit())
        for job, changes in self.pending.items():
            kept = self.committed.setdefault(job, {})
            for name, value in changes.items():
                if value is None:
                    kept.pop(name, None)
                else:
                    kept[name] = value

    @precondition(lambda self: self.txn is not None)
    @rule(how=st.sampled_from(["abort", "error", "cut"]))
    def end_otherwise(self, how):
        if how == "abort":
            self.txn.abort()
        elif how == "error":
            drive(self.txn.__aexit__(LookupError, LookupError("mine"), None))
        else:
            drive(self.txn.get_job(*min(self.committed)))  # the connection is open from here on
            self.world.cut(self.txn)
            with pytest.raises(HTCondorIOError):
                drive(self.txn.commit())
        self.txn = None

    @precondition(lambda self: self.txn is None)
    @invariant()
    def the_queue_is_what_was_committed(self):
        found = {
            job: {name: ad[name] for name in ("alpha", "beta", "gamma", "delta") if name in ad}
            for job, ad in self.world.jobs().items()
        }
        expected = {
            job: {name: json.loads(text) for name, text in attributes.items()}
            for job, attributes in self.committed.items()
        }
        assert found == expected


Transactions.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTransactions = Transactions.TestCase


def test_transactions_of_an_older_schedd():
    run_state_machine_as_test(
        lambda: Transactions(lambda: EmbeddedWorld(legacy=True)),
        settings=settings(
            max_examples=10, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("examples", [8, pytest.param(120, marks=[pytest.mark.full, pytest.mark.timeout(600)])])
def test_transactions_of_a_real_schedd(real_pool, examples):
    run_state_machine_as_test(
        lambda: Transactions(lambda: RealWorld(real_pool)),
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
