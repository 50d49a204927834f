"""What one client leaves at the daemons of a real pool and another, not of ours, stumbles over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htcondor_async import Client, Collector, DaemonTypes, Negotiator, Schedd
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async._security.versions import parse_version

if TYPE_CHECKING:
    from .pools import Pool


def _client(pool: Pool) -> Client:
    return Client(pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED"), runtime=BlockingRuntime())


def forget_refusals(pool: Pool, schedd: str = "open") -> None:
    """Let a schedd forget what it refused: before 24.7 it tells the next client of it, whoever that is.

    To be called before a client that is not ours changes the queue: ours begins anew by itself.
    """
    if (parse_version(pool.version) or (0, 0, 0)) >= (24, 7, 0):
        return
    client = _client(pool)
    located = drive(Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds[schedd]))

    async def nothing() -> None:
        async with Schedd(located, client=client).transaction() as transaction:
            await transaction.capabilities()

    drive(nothing())


def forget_accounts(pool: Pool) -> None:
    """Let the negotiator forget all submitters: `getPriorities` of v2 takes some apart wrongly if there are ten."""
    negotiator = Negotiator(client=_client(pool))
    for entry in drive(negotiator.get_priorities()):
        if entry["Name"] != "<none>":
            drive(negotiator.delete_user(entry["Name"]))
