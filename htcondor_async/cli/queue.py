"""``q``: the jobs in a schedd's queue, or in all queues of the pool."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter

from htcondor_async.classad import ClassAd
from htcondor_async.cli.codes import Exit, code_of
from htcondor_async.cli.common import attributes_of, make_client, number, pool_of, run_async, schedd_of, text
from htcondor_async.cli.output import print_json_ads, print_table
from htcondor_async.client import Client
from htcondor_async.enums import DaemonTypes, JobStatus, QueryOpts
from htcondor_async.fanout import query_all
from htcondor_async.schedd import Schedd

__all__ = ["HELP", "PROJECTION", "add_arguments", "job_row", "jobs_constraint", "run", "totals_line"]

HELP = "Show jobs in the queue."

COLUMNS = ("ID", "OWNER", "SUBMITTED", "RUN_TIME", "ST", "PRI", "SIZE", "CMD")
PROJECTION = (
    "ClusterId",
    "ProcId",
    "Owner",
    "QDate",
    "JobStatus",
    "JobPrio",
    "ImageSize",
    "Cmd",
    "Arguments",
    "Args",
    "RemoteWallClockTime",
    "ShadowBday",
    "ServerTime",
    "CompletionDate",
    "EnteredCurrentStatus",
)
_LETTERS = {1: "I", 2: "R", 3: "X", 4: "C", 5: "H", 6: ">", 7: "S"}
_ID = re.compile(r"(\d+)(?:\.(\d+))?\Z")
_OWNER = re.compile(r"[^\s\"\\]+\Z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("job", nargs="*", help="clusters, jobs (5.0) or owners")
    parser.add_argument("--name", metavar="SCHEDD", help="the schedd to ask; by default this machine's")
    parser.add_argument("--global", dest="everywhere", action="store_true", help="ask all schedds of the pool")
    parser.add_argument("--allusers", action="store_true", help="also jobs of others")
    parser.add_argument("--constraint", metavar="EXPRESSION", help="only jobs for which this is true")
    parser.add_argument("--attributes", metavar="NAME,...", help="show these attributes")


def jobs_constraint(jobs: list[str], constraint: str | None) -> str | None:
    """Return the constraint for clusters, jobs and owners, and an expression."""
    choices = []
    for job in jobs:
        found = _ID.match(job)
        if found:
            choices.append(f"ClusterId == {found[1]}" + (f" && ProcId == {found[2]}" if found[2] else ""))
        elif _OWNER.match(job):
            choices.append(f'(Owner == "{job}" || User == "{job}")')
        else:
            raise ValueError(f"{job!r} is neither a job nor an owner")
    parts = ["(" + " || ".join(choices) + ")"] if choices else []
    if constraint:
        parts.append(f"({constraint})")
    return " && ".join(parts) or None


def job_row(ad: ClassAd) -> list[str]:
    """Return one row of the table."""
    status = int(number(ad, "JobStatus"))
    ran = number(ad, "RemoteWallClockTime")
    if status == JobStatus.RUNNING and number(ad, "ShadowBday"):
        ran += max(number(ad, "ServerTime", time.time()) - number(ad, "ShadowBday"), 0)
    command = text(ad, "Cmd").rpartition("/")[2]
    arguments = text(ad, "Arguments") or text(ad, "Args")
    return [
        f"{int(number(ad, 'ClusterId'))}.{int(number(ad, 'ProcId'))}",
        text(ad, "Owner"),
        day(number(ad, "QDate")),
        duration(ran),
        _LETTERS.get(status, "?"),
        str(int(number(ad, "JobPrio"))),
        f"{number(ad, 'ImageSize') / 1024:.1f}",
        f"{command} {arguments}".strip()[:60],
    ]


def day(seconds: float) -> str:
    """Return a time as month, day, hour and minute."""
    return time.strftime("%m/%d %H:%M", time.localtime(seconds)) if seconds > 0 else "-"


def duration(seconds: float) -> str:
    """Return a duration as days, hours, minutes and seconds."""
    whole = int(seconds)
    return f"{whole // 86400}+{whole // 3600 % 24:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def totals_line(ads: list[ClassAd]) -> str:
    """Return how many jobs there are, by status."""
    counts = Counter(int(number(ad, "JobStatus")) for ad in ads)
    words = {4: "completed", 3: "removed", 1: "idle", 2: "running", 5: "held", 7: "suspended"}
    return f"{len(ads)} jobs; " + ", ".join(f"{counts[status]} {word}" for status, word in words.items())


async def _show(client: Client, arguments: argparse.Namespace) -> int:
    constraint = jobs_constraint(arguments.job, arguments.constraint)
    mine = not (arguments.allusers or arguments.job or arguments.everywhere)
    opts = QueryOpts.DefaultMyJobsOnly if mine else QueryOpts.Default
    wanted = attributes_of(arguments.attributes)
    projection = wanted or (None if arguments.json else list(PROJECTION))
    code: int = Exit.OK
    if arguments.everywhere:
        places = await pool_of(client).locate_all(DaemonTypes.Schedd, timeout=arguments.timeout)
        schedds = [Schedd(place, client=client) for place in places]
        ads: list[ClassAd] = []
        for result in await query_all(schedds, constraint, projection, opts=opts, timeout=arguments.timeout):
            ads += result.ads
            if result.error is not None:
                print(f"q: {result.error}", file=sys.stderr)
                code = code_of(result.error)
    else:
        schedd = await schedd_of(client, arguments.name, arguments.timeout)
        async with schedd.xquery(constraint, projection, opts=opts, timeout=arguments.timeout) as stream:
            if arguments.json:
                await print_json_ads(stream)
                return code
            ads = [ad async for ad in stream]
    if arguments.json:
        await print_json_ads(ads)
    elif wanted:
        print_table([name.upper() for name in wanted], [[text(ad, name) for name in wanted] for ad in ads])
    else:
        print_table(COLUMNS, [job_row(ad) for ad in ads])
        print(f"\n{totals_line(ads)}")
    return code


def run(arguments: argparse.Namespace) -> int:
    """Show the jobs."""
    return run_async(_show, make_client(arguments), arguments)
