"""``watch``: a live view of a user's jobs, or of the pool."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from contextlib import nullcontext

import anyio

from htcondor_async.classad import ClassAd
from htcondor_async.cli.codes import Exit
from htcondor_async.cli.common import count, make_client, pool_of, run_async, schedd_of, seconds, text
from htcondor_async.cli.output import have_rich, plain_table, print_json, rich_table
from htcondor_async.cli.queue import COLUMNS, PROJECTION, job_row, jobs_constraint, totals_line
from htcondor_async.client import Client
from htcondor_async.enums import AdTypes, QueryOpts
from htcondor_async.errors import HTCondorException

__all__ = ["HELP", "Snapshot", "add_arguments", "run"]

HELP = "Watch jobs, or the pool, until Ctrl-C."

_MAX_ROWS = 200
_POOL_COLUMNS = ("OPSYS/ARCH", "SLOTS", "CLAIMED", "UNCLAIMED", "OWNER", "DRAINED", "OTHER")


class Snapshot:
    """What is shown at one moment.

    Parameters
    ----------
    title
        Stands above the table.
    columns, rows
        The table.
    footer
        Stands below it.
    """

    def __init__(self, title: str, columns: tuple[str, ...], rows: list[list[str]], footer: str) -> None:
        self.title, self.columns, self.rows, self.footer = title, columns, rows, footer

    def plain(self) -> str:
        """Return it as text."""
        return f"{self.title}\n{plain_table(self.columns, self.rows)}\n{self.footer}\n"

    def value(self) -> dict[str, object]:
        """Return it for JSON."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"time": time.time(), "title": self.title, "rows": rows, "summary": self.footer}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "what", choices=("jobs", "pool"), nargs="?", default="jobs", help="what to watch (default: jobs)"
    )
    parser.add_argument("job", nargs="*", help="clusters, jobs (5.0) or owners; by default one's own jobs")
    parser.add_argument("--name", metavar="SCHEDD", help="the schedd to ask; by default this machine's")
    parser.add_argument("--allusers", action="store_true", help="also jobs of others")
    parser.add_argument(
        "--interval", type=seconds, default=5.0, metavar="SECONDS", help="how often to ask (default: 5)"
    )
    parser.add_argument("--count", type=count, default=0, metavar="N", help="end after so many views; 0: never")


async def _jobs(client: Client, arguments: argparse.Namespace) -> Snapshot:
    schedd = await schedd_of(client, arguments.name, arguments.timeout)
    mine = not (arguments.allusers or arguments.job)
    opts = QueryOpts.DefaultMyJobsOnly if mine else QueryOpts.Default
    ads = await schedd.query(
        jobs_constraint(arguments.job, None), list(PROJECTION), opts=opts, timeout=arguments.timeout
    )
    rows = [job_row(ad) for ad in ads[:_MAX_ROWS]]
    more = f" ({len(ads) - _MAX_ROWS} more not shown)" if len(ads) > _MAX_ROWS else ""
    where = f"the queue of {arguments.name}" if arguments.name else "the queue of this machine"
    return Snapshot(f"Jobs in {where} at {_clock()}", COLUMNS, rows, totals_line(ads) + more)


async def _pool(client: Client, arguments: argparse.Namespace) -> Snapshot:
    names = ["OpSys", "Arch", "State"]
    ads = await pool_of(client).query(AdTypes.Slot, None, names, timeout=arguments.timeout)
    groups: dict[str, Counter[str]] = {}
    for ad in ads:
        groups.setdefault(_platform(ad), Counter())[text(ad, "State")] += 1
    known = ("Claimed", "Unclaimed", "Owner", "Drained")
    rows = []
    for name, states in sorted(groups.items()):
        total = sum(states.values())
        shown = [states[state] for state in known]
        rows.append([name, *(str(number) for number in (total, *shown, total - sum(shown)))])
    return Snapshot(f"Slots of the pool at {_clock()}", _POOL_COLUMNS, rows, f"{len(ads)} slots")


def _platform(ad: ClassAd) -> str:
    return f"{text(ad, 'OpSys')}/{text(ad, 'Arch')}"


def _clock() -> str:
    return time.strftime("%H:%M:%S")


async def _watch(client: Client, arguments: argparse.Namespace) -> int:
    if arguments.what == "pool" and arguments.job:
        raise ValueError("to watch the pool takes no jobs")
    take = _jobs if arguments.what == "jobs" else _pool
    live = None
    if not arguments.json and sys.stdout.isatty() and have_rich():
        from rich.live import Live

        live = Live(auto_refresh=False, screen=not arguments.count)
    shown = 0
    with live if live is not None else nullcontext():
        while True:
            try:
                snapshot = await take(client, arguments)
            except HTCondorException as error:
                if shown == 0:
                    raise  # what never worked is not waited for
                snapshot = Snapshot(f"{_clock()}: no answer", (), [], str(error))
            if live is not None:
                from rich.console import Group
                from rich.text import Text

                table = rich_table(snapshot.columns, snapshot.rows)
                live.update(Group(Text(snapshot.title), "", table, "", Text(snapshot.footer)), refresh=True)
            elif arguments.json:
                print_json(snapshot.value())
            else:
                print(snapshot.plain())
            sys.stdout.flush()
            shown += 1
            if shown == arguments.count:
                return Exit.OK
            await anyio.sleep(arguments.interval)


def run(arguments: argparse.Namespace) -> int:
    """Show one view after another."""
    return run_async(_watch, make_client(arguments), arguments)
