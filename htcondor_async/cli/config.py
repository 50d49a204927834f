"""``config``: this machine's configuration, or that of a running daemon."""

from __future__ import annotations

import argparse
import re
import sys

from htcondor_async.cli.codes import Exit
from htcondor_async.cli.common import locate, make_client, run_async
from htcondor_async.cli.output import print_json
from htcondor_async.client import Client
from htcondor_async.config import Config
from htcondor_async.enums import DaemonTypes
from htcondor_async.remote_param import ParameterInfo, RemoteParam

__all__ = ["HELP", "add_arguments", "run"]

HELP = "Show the configuration of this machine, or of a daemon."

_DAEMONS = ("master", "schedd", "startd", "collector", "negotiator", "credd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("parameter", nargs="*", help="what to show; with --set: NAME=VALUE")
    parser.add_argument("--dump", metavar="PATTERN", nargs="?", const="", help="show all, or those whose names match")
    parser.add_argument("--verbose", action="store_true", help="also show where a value comes from, and the default")
    parser.add_argument(
        "--daemon", choices=_DAEMONS, help="ask the daemon of this kind, rather than this machine's files"
    )
    parser.add_argument("--name", help="which daemon of that kind")
    parser.add_argument("--address", metavar="<HOST:PORT>", help="ask the daemon at this address")
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--set", action="store_true", help="set parameters of the daemon, from its next reconfig on")
    change.add_argument("--unset", action="store_true", help="take away what was set")


async def _remote(client: Client, arguments: argparse.Namespace) -> RemoteParam | None:
    if arguments.address:
        return RemoteParam(arguments.address, client=client)
    if arguments.daemon is None:
        return None
    kind = DaemonTypes[arguments.daemon.capitalize()]
    where = await locate(client, kind, arguments.name, arguments.timeout)
    return RemoteParam(where, client=client)


def _local(config: Config, name: str) -> ParameterInfo | None:
    raw, where, value = config.raw(name), config.where(name), config.get_str(name)
    if raw is None or where is None or value is None:
        return None
    source = f"{where.source}, line {where.line}" if where.line else where.source
    return ParameterInfo(name, value, raw, source, Config().raw(name), "")


async def _names(config: Config, remote: RemoteParam | None, arguments: argparse.Namespace) -> list[str]:
    if arguments.dump is None:
        return list(arguments.parameter)
    if remote is not None:
        return await remote.names(arguments.dump, timeout=arguments.timeout)
    try:
        pattern = re.compile(arguments.dump, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{arguments.dump!r} is not a regular expression: {error}") from error
    return [name for name in config if pattern.search(name)]


async def _change(remote: RemoteParam, arguments: argparse.Namespace) -> int:
    for item in arguments.parameter:
        name, equals, value = item.partition("=")
        if arguments.unset:
            await remote.delete(item, timeout=arguments.timeout)
        elif not equals:
            raise ValueError(f"{item!r} is not NAME=VALUE")
        else:
            await remote.set(name.strip(), value.strip(), timeout=arguments.timeout)
    return Exit.OK


async def _show(client: Client, arguments: argparse.Namespace) -> int:
    remote = await _remote(client, arguments)
    if not arguments.parameter and arguments.dump is None:
        raise ValueError("name a parameter, or use --dump")
    if arguments.set or arguments.unset:
        if remote is None:
            raise ValueError("only a daemon's parameters can be set: name it by --daemon or --address")
        return await _change(remote, arguments)
    code: int = Exit.OK
    found: dict[str, object] = {}
    for name in await _names(client.config, remote, arguments):
        if remote is not None:
            info = await remote.info(name, timeout=arguments.timeout)
        else:
            info = _local(client.config, name)
        if info is None:
            if arguments.dump is None:
                print(f"config: {name} is not defined", file=sys.stderr)
                code = Exit.NOT_FOUND
            continue
        if arguments.json:
            found[name] = _value(info) if arguments.verbose else info.value
        else:
            _print(info, named=arguments.dump is not None, verbose=arguments.verbose)
    if arguments.json:
        print_json(found)
    return code


def _value(info: ParameterInfo) -> dict[str, object]:
    return {"value": info.value, "raw": info.raw, "source": info.source, "default": info.default}


def _print(info: ParameterInfo, *, named: bool, verbose: bool) -> None:
    print(f"{info.name} = {info.value}" if named or verbose else info.value)
    if verbose:
        print(f"  # raw: {info.raw}\n  # from: {info.source}")
        if info.default is not None:
            print(f"  # default: {info.default}")


def run(arguments: argparse.Namespace) -> int:
    """Show or change parameters."""
    return run_async(_show, make_client(arguments), arguments)
