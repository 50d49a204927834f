"""A schedd that was slow to answer a commit is not one that gave an idle transaction up."""

from __future__ import annotations

import pytest
from harness import observe

from htcondor_async import Client, Collector, DaemonTypes, OutcomeUnknownError, Schedd, TransactionIdleError
from htcondor_async._dialogues.queue import Op
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async.testing._server import Handler
from tests.harness.memory_pool import Handles, PoolNetwork

pytestmark = pytest.mark.allow_blocking  # the daemons in memory run inside the client's task


def change(network, pause):
    async def body(h):
        async with h.schedd.transaction(timeout=200) as txn:
            await txn.new_cluster()
            await h.client._context().runtime.sleep(pause)
            await txn.get_job(1, 0)

    runtime = MemoryRuntime(network, blocking=True)
    try:
        drive(body(Handles(runtime)))
    finally:
        assert runtime.open_sockets == []
        network.close()


def test_a_transaction_that_was_idle():
    with pytest.raises(TransactionIdleError, match="for 25 s"):
        change(PoolNetwork(), 25)


@pytest.mark.full
def test_a_transaction_of_a_real_schedd_that_was_idle(real_pool):
    settings = real_pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    client = Client(settings, runtime=BlockingRuntime())

    async def body():
        schedd = Schedd(
            await Collector(client=client).locate(DaemonTypes.Schedd, real_pool.schedds["open"]), client=client
        )
        async with schedd.transaction(timeout=200) as txn:
            cluster = await txn.new_cluster()
            await txn.set_attribute(cluster, -1, "IdleTransaction", 1)
            assert await txn.get_attribute(cluster, -1, "IdleTransaction") == "1"
            await client._context().runtime.sleep(25)
            await txn.new_cluster()

    with pytest.raises(TransactionIdleError, match="because nothing came for 25 s; nothing was changed"):
        drive(body())
    assert observe.queue(real_pool, "IdleTransaction =!= undefined") == {}


def test_a_transaction_that_was_nearly_idle():
    change(PoolNetwork(), 18)


def test_a_commit_whose_answer_is_lost_after_long():
    """It may have taken effect: nothing that this client did not do made it wait."""
    network = PoolNetwork()

    async def slow(connection):
        while True:
            reader = connection.reader(await connection.receive(float("inf")))
            if reader.int() == Op.CommitNoFlags:
                await connection.runtime.sleep(60)
                connection.abort()
                return
            await connection.reply(connection.writer().int(1).ad([("ClusterId", "1")]))

    network.schedd.commands[1112] = Handler("WRITE", slow, force_authentication=True)

    async def body(h):
        async with h.schedd.transaction(timeout=200) as txn:
            await txn.get_job(1, 0)

    runtime = MemoryRuntime(network, blocking=True)
    with pytest.raises(OutcomeUnknownError):
        drive(body(Handles(runtime)))
    assert network.time >= 60
    network.close()
