"""Transactions against a model: whatever is done in whatever order, the queue is what a few lines of Python say.

Operations, and ends by commit, by an error and by a broken connection, are drawn at random; nothing of a transaction
that did not commit may ever be seen.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from htcondor_async import Client, DaemonError, HTCondorIOError, Schedd
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async.testing import embedded_pool

NAMES = st.sampled_from(["Alpha", "beta", "GAMMA", "delta"])
VALUES = st.one_of(
    st.integers(-(2**62), 2**62).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.text("abc \u00e9%$", max_size=8).map(lambda text: f'"{text}"'),
)


class Transactions(RuleBasedStateMachine):
    """One schedd, its queue as a dict, and at most one open transaction."""

    def __init__(self):
        super().__init__()
        self.entered = embedded_pool()
        self.running = self.entered.__enter__()
        self.daemon = daemon = next(iter(self.running.pool.schedd_daemons.values()))
        config = {"COLLECTOR_HOST": self.running.address, "SEC_CLIENT_AUTHENTICATION": "REQUIRED"}
        self.schedd = Schedd(daemon.ad(), client=Client(config, runtime=BlockingRuntime()))
        self.committed: dict[tuple[int, int], dict[str, str]] = {}
        self.pending: dict[tuple[int, int], dict[str, str | None]] = {}
        self.txn = None
        self.cluster = 0
        self.procs = 0
        self.poisoned = False

    def teardown(self):
        if self.txn is not None:
            self.txn.abort()
        self.entered.__exit__(None, None, None)

    @initialize(count=st.integers(1, 3))
    def some_jobs(self, count):
        result = drive(self.schedd.submit({"Cmd": "/bin/true"}, count=count))
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
        shared = {"ClusterId": self.cluster, "Cmd": '"/bin/true"', "JobUniverse": 5}
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
        drive(self.txn.delete_attribute(*job, name))
        self.pending.setdefault(job, {})[name.lower()] = None

    @precondition(lambda self: self.txn is not None)
    @rule(pick=st.integers(0, 99), name=NAMES)
    def look(self, pick, name):
        job = self.some_job(pick)
        if self.poisoned:
            return
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
            self.poisoned = True
            with pytest.raises(DaemonError, match="Owner"):
                drive(self.txn.get_job(*job))
            self.poisoned = False  # it has been told, and is not remembered by this schedd

    @precondition(lambda self: self.txn is not None)
    @rule()
    def commit(self):
        drive(self.txn.commit())
        self.txn = None
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
            self.running.call(self.cut)
            with pytest.raises(HTCondorIOError):
                drive(self.txn.commit())
        self.txn = None

    def cut(self):
        for connection in list(self.running.pool._shared_port._connections):
            connection.abort()

    @precondition(lambda self: self.txn is None)
    @invariant()
    def the_queue_is_what_was_committed(self):
        found = {
            (ad["ClusterId"], ad["ProcId"]): {
                name: ad.lookup(name).old() for name in ("alpha", "beta", "gamma", "delta") if name in ad
            }
            for ad in self.running.call(lambda: list(self.daemon.queue.jobs()))
        }
        assert found == self.committed


Transactions.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTransactions = Transactions.TestCase
