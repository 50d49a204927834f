"""``ping``: whether a daemon would let this client give a command, and why, phase by phase."""

from __future__ import annotations

import argparse
import re

from htcondor_async.cli.codes import Exit, code_of
from htcondor_async.cli.common import locate, make_client, pool_of, run_async
from htcondor_async.cli.output import print_json
from htcondor_async.client import Client
from htcondor_async.daemons import Location
from htcondor_async.enums import DaemonTypes
from htcondor_async.explain import Explanation, explain_permission

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Ask a daemon for a permission, and show what was offered, chosen and decided."

_TYPES = {
    "collector": DaemonTypes.Collector,
    "schedd": DaemonTypes.Schedd,
    "startd": DaemonTypes.Startd,
    "master": DaemonTypes.Master,
    "negotiator": DaemonTypes.Negotiator,
    "credd": DaemonTypes.Credd,
}
_ADDRESS = re.compile(r"[A-Za-z0-9._-]+:\d{1,5}(\?.*)?\Z|\[[0-9A-Fa-f:.]+\]:\d{1,5}(\?.*)?\Z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "daemon",
        nargs="?",
        default="collector",
        metavar="DAEMON",
        help=f"{', '.join(_TYPES)}, one with a name as schedd:NAME, or an address (default: collector)",
    )
    parser.add_argument(
        "--level", default="READ", metavar="LEVEL", help="READ, WRITE ..., or a command's name (default: READ)"
    )


async def _location(client: Client, daemon: str, timeout: float | None) -> Location:
    if daemon.startswith("<"):
        return daemon
    kind, _, name = daemon.partition(":")
    if kind.lower() in _TYPES:
        wanted = _TYPES[kind.lower()]
        if wanted is DaemonTypes.Collector and not name:
            return str(pool_of(client)._targets()[0].address)
        return await locate(client, wanted, name or None, timeout)
    if _ADDRESS.match(daemon):
        return f"<{daemon}>"
    return await pool_of(client).locate(DaemonTypes.Schedd, daemon, timeout=timeout)


async def _ping(client: Client, arguments: argparse.Namespace) -> Explanation:
    location = await _location(client, arguments.daemon, arguments.timeout)
    level = int(arguments.level) if arguments.level.isdigit() else arguments.level
    return await explain_permission(location, level, client=client, timeout=arguments.timeout)


def run(arguments: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    found = run_async(_ping, make_client(arguments), arguments)
    if arguments.json:
        print_json(found.as_dict())
    else:
        print(found)
    if found.error is not None:
        return code_of(found.error)
    return Exit.OK if found.allowed else Exit.REFUSED
