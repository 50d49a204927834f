"""``status``: the ads of a pool's daemons."""

from __future__ import annotations

import argparse

from htcondor_async.classad import ClassAd
from htcondor_async.cli.codes import Exit
from htcondor_async.cli.common import attributes_of, make_client, number, pool_of, run_async, text
from htcondor_async.cli.output import print_json_ads, print_table
from htcondor_async.client import Client
from htcondor_async.enums import AdTypes

__all__ = ["HELP", "add_arguments", "columns_of", "row_of", "run"]

HELP = "Show the slots of the pool, or its daemons."

KINDS = {
    "slots": AdTypes.Slot,
    "schedds": AdTypes.Schedd,
    "submitters": AdTypes.Submitter,
    "masters": AdTypes.Master,
    "collectors": AdTypes.Collector,
    "negotiators": AdTypes.Negotiator,
    "credds": AdTypes.Credd,
    "any": AdTypes.Any,
}
_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "slots": (
        ("NAME", "Name"),
        ("OPSYS", "OpSys"),
        ("ARCH", "Arch"),
        ("STATE", "State"),
        ("ACTIVITY", "Activity"),
        ("LOAD", "LoadAvg"),
        ("CPUS", "Cpus"),
        ("MEM", "Memory"),
    ),
    "schedds": (
        ("NAME", "Name"),
        ("MACHINE", "Machine"),
        ("RUNNING", "TotalRunningJobs"),
        ("IDLE", "TotalIdleJobs"),
        ("HELD", "TotalHeldJobs"),
    ),
    "submitters": (
        ("NAME", "Name"),
        ("SCHEDD", "ScheddName"),
        ("RUNNING", "RunningJobs"),
        ("IDLE", "IdleJobs"),
        ("HELD", "HeldJobs"),
    ),
}
_OTHERS = (("NAME", "Name"), ("TYPE", "MyType"), ("MACHINE", "Machine"), ("ADDRESS", "MyAddress"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", nargs="*", help="only those with these names, or on these machines")
    parser.add_argument("--type", choices=list(KINDS), default="slots", help="what to show (default: slots)")
    parser.add_argument("--constraint", metavar="EXPRESSION", help="only those for which this is true")
    parser.add_argument("--attributes", metavar="NAME,...", help="show these attributes")


def columns_of(kind: str, wanted: list[str]) -> list[tuple[str, str]]:
    """Return headings and attributes of a table."""
    if wanted:
        return [(name.upper(), name) for name in wanted]
    return list(_COLUMNS.get(kind, _OTHERS))


def row_of(ad: ClassAd, columns: list[tuple[str, str]]) -> list[str]:
    """Return one row."""
    row = []
    for _, name in columns:
        value = ad.eval(name) if name in ad else ""
        row.append(f"{number(ad, name):.3f}" if isinstance(value, float) else text(ad, name))
    return row


def constraint_of(arguments: argparse.Namespace) -> str | None:
    """Return the constraint for the names and the expression given."""
    parts = []
    if arguments.constraint:
        parts.append(f"({arguments.constraint})")
    if arguments.name:
        quoted = [f'"{name}"' for name in arguments.name if not set(name) & set('"\\')]
        if len(quoted) < len(arguments.name):
            raise ValueError("a name holds no quote and no backslash")
        parts.append("(" + " || ".join(f"Name == {name} || Machine == {name}" for name in quoted) + ")")
    return " && ".join(parts) or None


async def _show(client: Client, arguments: argparse.Namespace) -> int:
    collector = pool_of(client)
    wanted = attributes_of(arguments.attributes)
    columns = columns_of(arguments.type, wanted)
    projection = None if arguments.json and not wanted else [name for _, name in columns]
    stream = collector.stream(KINDS[arguments.type], constraint_of(arguments), projection, timeout=arguments.timeout)
    async with stream:
        if arguments.json:
            await print_json_ads(stream)
            return Exit.OK
        ads = [ad async for ad in stream]
    ads.sort(key=lambda ad: text(ad, "Name"))
    print_table([heading for heading, _ in columns], [row_of(ad, columns) for ad in ads])
    return Exit.OK


def run(arguments: argparse.Namespace) -> int:
    """Show the ads."""
    return run_async(_show, make_client(arguments), arguments)
