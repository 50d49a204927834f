"""``history``: jobs that have left the queue."""

from __future__ import annotations

import argparse

from htcondor_async.classad import ClassAd
from htcondor_async.cli.codes import Exit
from htcondor_async.cli.common import attributes_of, count, make_client, number, run_async, schedd_of, text
from htcondor_async.cli.output import print_json_ads, print_table
from htcondor_async.cli.queue import PROJECTION, day, duration, job_row, jobs_constraint
from htcondor_async.client import Client

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Show jobs that have left the queue, newest first."

COLUMNS = ("ID", "OWNER", "SUBMITTED", "RUN_TIME", "ST", "COMPLETED", "CMD")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("job", nargs="*", help="clusters, jobs (5.0) or owners")
    parser.add_argument("--name", metavar="SCHEDD", help="the schedd to ask; by default this machine's")
    parser.add_argument("--match", type=count, default=50, metavar="N", help="at most so many; 0 for all (default: 50)")
    parser.add_argument(
        "--since", metavar="JOB", help="stop at this job, or at the first for which an expression is true"
    )
    parser.add_argument("--constraint", metavar="EXPRESSION", help="only jobs for which this is true")
    parser.add_argument("--attributes", metavar="NAME,...", help="show these attributes")


def _row(ad: ClassAd) -> list[str]:
    job, owner, submitted, _, status, *_, command = job_row(ad)
    ran = duration(number(ad, "RemoteWallClockTime"))
    return [job, owner, submitted, ran, status, day(number(ad, "CompletionDate")), command]


async def _show(client: Client, arguments: argparse.Namespace) -> int:
    schedd = await schedd_of(client, arguments.name, arguments.timeout)
    wanted = attributes_of(arguments.attributes)
    projection = wanted or (None if arguments.json else list(PROJECTION))
    stream = schedd.history(
        jobs_constraint(arguments.job, arguments.constraint),
        projection,
        match=arguments.match or -1,
        since=arguments.since,
        timeout=arguments.timeout,
    )
    async with stream:
        if arguments.json:
            await print_json_ads(stream)
            return Exit.OK
        ads = [ad async for ad in stream]
    if wanted:
        print_table([name.upper() for name in wanted], [[text(ad, name) for name in wanted] for ad in ads])
    else:
        print_table(COLUMNS, [_row(ad) for ad in ads])
    return Exit.OK


def run(arguments: argparse.Namespace) -> int:
    """Show the jobs."""
    return run_async(_show, make_client(arguments), arguments)
