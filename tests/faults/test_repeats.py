"""What may be repeated is; what changes something is sent once, and who is told that it failed is told the truth."""

from __future__ import annotations

import random

import pytest

from htcondor_async import (
    AdTypes,
    AuthenticationError,
    AuthorizationError,
    ConnectError,
    ConnectionClosedError,
    DaemonError,
    DaemonTimeoutError,
    HTCondorException,
    HTCondorIOError,
    JobAction,
    OutcomeUnknownError,
    Phase,
    ProtocolError,
    RetryPolicy,
    Schedd,
    SessionInvalidError,
)
from htcondor_async._core.retry import may_pass
from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import Faults, Link, MemoryRuntime
from htcondor_async._runtime.sweep import fault_sweep
from htcondor_async.testing import EmbeddedPool
from htcondor_async.testing._server import Handler
from tests.harness.memory_pool import JOBS, Handles, PoolNetwork
from tests.harness.operations import OPERATIONS

pytestmark = pytest.mark.allow_blocking  # the daemons in memory run inside the client's task

FEW = RetryPolicy(attempts=3)
REFUSED = Faults(connect="refuse")


def cut(after: int) -> Faults:
    """A connection that ends once some bytes have come to the client."""
    return Faults(to_client=Link(stop_after=after, then="eof"))


def run(network: PoolNetwork, body):
    runtime = MemoryRuntime(network, blocking=True)
    try:
        return drive(body(Handles(runtime)))
    finally:
        assert runtime.open_sockets == []
        network.close()


# -- queries


@pytest.mark.parametrize("first", [REFUSED, cut(0), cut(300)], ids=["refused", "eof", "negotiation"])
def test_queries_are_repeated(first):
    """Before any ad was handed out: all of them are there once, and the pauses are those of the policy."""
    network = PoolNetwork(faults=[first, first, Faults()], retries=FEW)
    assert len(run(network, lambda h: h.schedd.query())) == JOBS
    assert network.connections(network.address("10.0.0.2", 9618)) == 3
    assert 0.25 + 0.5 <= network.time <= 0.5 + 1.0


def test_queries_are_repeated_when_the_daemon_breaks_off_behind_the_request():
    network = PoolNetwork(retries=FEW)
    handler = network.schedd.commands[516]
    requests = []

    async def flaky(connection):
        if len(requests) < 2:
            requests.append(await connection.request(connection.runtime.clock() + 20))
            connection.abort()
        else:
            await handler.serve(connection)

    network.schedd.commands[516] = Handler("READ", flaky)
    assert len(run(network, lambda h: h.schedd.query())) == JOBS
    assert len(requests) == 2


def test_queries_of_collectors_are_repeated():
    network = PoolNetwork(faults=[REFUSED, REFUSED, Faults()], retries=FEW)
    assert len(run(network, lambda h: h.collector.query(AdTypes.Schedd))) == 1


def test_the_last_attempt_tells_what_went_wrong():
    network = PoolNetwork(faults=[REFUSED], retries=FEW)
    with pytest.raises(ConnectError):
        run(network, lambda h: h.schedd.query())


def test_nothing_is_repeated_by_default():
    network = PoolNetwork(faults=[REFUSED, Faults()])
    with pytest.raises(ConnectError):
        run(network, lambda h: h.schedd.query())
    assert network.time == 0


def test_pauses_end_before_the_deadline():
    network = PoolNetwork(faults=[REFUSED], retries=RetryPolicy(attempts=1000, initial=1))
    with pytest.raises(ConnectError):
        run(network, lambda h: h.schedd.query(timeout=5))
    assert network.time <= 5


def test_an_answer_that_breaks_off_is_not_begun_again():
    """Ads that were handed out would come twice."""
    network = PoolNetwork(faults=[cut(30_000), Faults()], retries=FEW, jobs=1000)
    read = []

    async def body(h):
        async for ad in h.schedd.xquery():
            read.append(ad["Number"])

    with pytest.raises(ConnectionClosedError):
        run(network, body)
    assert 0 < len(read) < 1000
    assert read == list(range(len(read)))


# -- changes


def _held(network):
    return sum(job.get("JobStatus") == 5 for job in network.schedd.queue.jobs())


def _coloured(network):
    return sum("Colour" in job for job in network.schedd.queue.jobs())


def _new(network):
    return sum(job.get("ClusterId", 0) > JOBS for job in network.schedd.queue.jobs())


CHANGES = {
    "Schedd.act": (_held, 1),
    "Schedd.edit": (_coloured, 2),
    "Schedd.submit": (_new, 2),
    "Transaction": (_new, 1),
}


@pytest.mark.parametrize("breakage", ["eof", "reset", "pipe", "hang"])
@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_never_sent_twice(name, breakage):
    """Broken at any point, with a client that repeats what it may: done once and known, or not, or not known."""
    effect, whole = CHANGES[name]
    networks: list[PoolNetwork] = []
    ends: list[HTCondorException | None] = []

    def make_network() -> PoolNetwork:
        networks.append(PoolNetwork(retries=RetryPolicy(attempts=5, initial=0.01)))
        ends.append(None)
        return networks[-1]

    def check(error: HTCondorException) -> None:
        ends[-1] = error

    drive(fault_sweep(OPERATIONS[name], make_network, breakage, blocking=True, check=check))
    assert any(isinstance(error, OutcomeUnknownError) for error in ends)
    for network, error in zip(networks, ends, strict=True):
        network.step()
        commands = [entry for entry in network.schedd.received if not entry.startswith("RESCHEDULE")]
        assert len(commands) <= 1
        done = effect(network)
        assert done in (0, whole)
        if error is None:
            assert done == whole
        elif done:
            assert isinstance(error, OutcomeUnknownError), repr(error)
            assert error.phase is not None


# -- the policy itself


def test_pauses():
    policy = RetryPolicy(attempts=10, initial=1, factor=2, longest=10, jitter=0.5)
    assert [policy.pause(number, 0) for number in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    rng = random.Random(1)
    for number in range(1, 100):
        full = min(10, 2 ** (number - 1))
        assert full / 2 <= policy.pause(number, rng.random()) <= full


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"initial": -1}, {"factor": 0.5}, {"longest": -1}, {"jitter": -1}])
def test_policies_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)


def test_what_may_pass():
    assert may_pass(ConnectError("x"))
    assert may_pass(ConnectionClosedError("x"))
    assert may_pass(DaemonTimeoutError("x", phase=Phase.CONNECT))
    assert not may_pass(DaemonTimeoutError("x", phase=Phase.RECEIVE))
    for never in (AuthenticationError, AuthorizationError, DaemonError, ProtocolError, OutcomeUnknownError):
        assert not may_pass(never("x"))


# -- sessions that the daemon has forgotten


async def test_a_restart_between_two_calls(anyio_backend, clean):
    """The second call negotiates once more; sessions with other daemons stay."""
    names = ("one@localhost", "two@localhost")
    async with EmbeddedPool(schedds={name: {} for name in names}) as pool:
        client = pool.client(SEC_CLIENT_ENCRYPTION="REQUIRED")
        handles = [pool.schedd(name, client=client) for name in names]

        async def sid(schedd: Schedd) -> str:
            async with schedd.xquery() as stream:
                return stream._source.channel.session.sid

        before = [await sid(schedd) for schedd in handles]
        assert [await sid(schedd) for schedd in handles] == before
        pool.restart(names[0])
        after = [await sid(schedd) for schedd in handles]
        assert after[0] != before[0]
        assert after[1] == before[1]
        assert pool.schedd_daemons[names[0]].received == [f"QUERY_JOB_ADS {_user(pool, names[0])}"]


def _user(pool: EmbeddedPool, name: str) -> str:
    return pool.schedd_daemons[name].received[0].partition(" ")[2]


async def test_a_restart_with_another_key(anyio_backend, clean, tmp_path):
    """The old session is gone and the token is worth nothing: an error that says so."""
    (tmp_path / "token").touch(mode=0o600)
    async with EmbeddedPool({"SEC_DEFAULT_AUTHENTICATION_METHODS": "IDTOKENS"}) as pool:
        (tmp_path / "token").write_text(pool.token("alice@embedded.pool"))
        client = pool.client(
            SEC_CLIENT_AUTHENTICATION="REQUIRED",
            SEC_CLIENT_AUTHENTICATION_METHODS="IDTOKENS",
            SEC_TOKEN_DIRECTORY=str(tmp_path),
        )
        schedd = pool.schedd(client=client)
        await schedd.query()
        (pool._require_folder() / "POOL").write_bytes(b"another key" * 6)
        pool.restart("schedd@localhost")
        with pytest.raises(AuthenticationError, match="TOKEN") as caught:
            await schedd.query()
        assert not isinstance(caught.value, SessionInvalidError)
        assert caught.value.daemon


async def test_a_restart_in_the_middle_of_a_stream(anyio_backend, clean):
    """An error, and no ad twice."""
    jobs = [{"ClusterId": number + 1, "ProcId": 0, "Number": number, "F": "x" * 1000} for number in range(20_000)]
    async with EmbeddedPool(jobs=jobs) as pool:
        client = pool.client(SEC_CLIENT_ENCRYPTION="REQUIRED")
        client._retries = FEW
        seen = []
        with pytest.raises(HTCondorIOError):
            async for ad in pool.schedd(client=client).xquery():
                seen.append(ad["Number"])
                if len(seen) == 100:
                    pool.restart("schedd@localhost")
        assert seen == list(range(len(seen)))
        assert 100 <= len(seen) < 20_000


def test_acting_on_a_session_that_was_forgotten_acts_once():
    network = PoolNetwork()

    async def body(h):
        await h.schedd.act(JobAction.Hold, ["2.0"])
        network.schedd.sessions.clear()
        return await h.schedd.act(JobAction.Hold, ["1.0"])

    assert run(network, body)["TotalSuccess"] == 1
    assert [entry.split()[0] for entry in network.schedd.received] == ["ACT_ON_JOBS", "ACT_ON_JOBS"]
