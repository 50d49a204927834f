"""The SDK at work, for a newcomer: locate the schedd, stream its jobs, print them."""

from __future__ import annotations

import argparse
import time
from contextlib import AsyncExitStack

import anyio

from htcondor_async import Client, Collector, DaemonTypes, HTCondorException, JobStatus, Schedd
from htcondor_async.testing import EmbeddedPool

OWNERS = ("alice", "bob", "carol")


def sample_jobs() -> list[dict[str, object]]:
    """Return some jobs to look at."""
    return [
        {
            "ClusterId": 1 + number // 4,
            "ProcId": number % 4,
            "Owner": OWNERS[number % 3],
            "User": f"{OWNERS[number % 3]}@embedded.pool",
            "JobStatus": (1, 2, 2, 5)[number % 4],
            "Cmd": f"/home/{OWNERS[number % 3]}/analyse.sh",
            "RequestMemory": 2048 * (1 + number % 3),
            "QDate": int(time.time()) - 600 * number,
        }
        for number in range(12)
    ]


async def show(pool: str | None) -> None:
    """Read a pool: the one named, else one made here."""
    async with AsyncExitStack() as stack:
        if pool is None:
            print("Starting an embedded pool: a collector and a schedd in this process, no HTCondor needed.")
            embedded = await stack.enter_async_context(EmbeddedPool(jobs=sample_jobs()))
            pool = embedded.address
        client = Client({"COLLECTOR_HOST": pool})
        collector = Collector(pool, client=client)

        print(f"\n1. Ask the collector at {pool} where the schedd is:\n")
        print("       ad = await collector.locate(DaemonTypes.Schedd)")
        location = await collector.locate(DaemonTypes.Schedd, timeout=20)
        print(f"\n   {location['Name']} at {location['MyAddress']}")

        print("\n2. Stream its jobs, as they arrive:\n")
        print("       async for job in schedd.xquery(projection=[...]): ...\n")
        schedd = Schedd(location, client=client)
        names = ["ClusterId", "ProcId", "Owner", "JobStatus", "RequestMemory", "Cmd"]
        print(f"   {'JOB':>8}  {'OWNER':<10} {'STATUS':<20} {'MEMORY':>8}  COMMAND")
        count, started = 0, time.perf_counter()
        async with schedd.xquery(projection=names, timeout=60) as stream:
            async for job in stream:
                count += 1
                if count <= 20:
                    status = JobStatus(job["JobStatus"]).name
                    memory = job.get("RequestMemory", "")
                    memory = f"{memory} MB" if isinstance(memory, int) else "computed"
                    name = f"{job['ClusterId']}.{job['ProcId']}"
                    print(f"   {name:>8}  {job.get('Owner', ''):<10} {status:<20} {memory:>8}  {job.get('Cmd', '')}")
            summary = stream.summary
        if count > 20:
            print(f"   ... and {count - 20} more")
        print(f"\n   {count} jobs in {(time.perf_counter() - started) * 1000:.0f} ms over an encrypted connection.")
        if summary is not None and "Idle" in summary:
            print(f"   The schedd counts {summary['Idle']} idle, {summary['Running']} running, {summary['Held']} held.")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", metavar="HOST[:PORT]", help="read this pool instead of an embedded one")
    options = parser.parse_args()
    try:
        anyio.run(show, options.pool)
    except HTCondorException as error:
        raise SystemExit(f"\nIt did not work: {error}") from error


if __name__ == "__main__":
    main()
