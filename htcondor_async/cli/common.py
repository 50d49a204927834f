"""What all commands share: options, the client, running a coroutine."""

from __future__ import annotations

import argparse
import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, load_config
from htcondor_async.collector import Collector
from htcondor_async.enums import DaemonTypes
from htcondor_async.schedd import Schedd

__all__ = [
    "attributes_of",
    "common_options",
    "count",
    "locate",
    "make_client",
    "number",
    "pool_of",
    "run_async",
    "schedd_of",
    "seconds",
    "text",
]

T = TypeVar("T")


def seconds(text: str) -> float:
    """Read a number of seconds above 0."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return value


def count(text: str) -> int:
    """Read a number from 0 up."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 up")
    return value


def common_options(parser: argparse.ArgumentParser, *, nested: bool = False) -> None:
    """Add the options of all commands; ``nested`` for a part of a command, which has them already."""
    unset = argparse.SUPPRESS if nested else None
    off = argparse.SUPPRESS if nested else False
    where = "the collector to ask; by default the configuration's"
    parser.add_argument("--pool", metavar="HOST[:PORT]", default=unset, help=where)
    parser.add_argument("--json", action="store_true", default=off, help="print JSON, for programs")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", default=unset, help="give up after so long")
    parser.add_argument("--debug", action="store_true", default=off, help="print what is going on, as TOOL_DEBUG says")


def make_client(arguments: argparse.Namespace) -> Client:
    """Return the client of this machine's configuration, of another pool where one is named."""
    config = load_config()
    if arguments.pool:
        config = config.replace(COLLECTOR_HOST=arguments.pool)
    client = Client(config)
    if arguments.debug:
        from htcondor_async.logs import enable_debug

        enable_debug(client=client)
    return client


def pool_of(client: Client) -> Collector:
    """Return the collector of the client's pool."""
    return Collector(client=client)


async def locate(client: Client, kind: DaemonTypes, name: str | None, timeout: float | None) -> ClassAd:
    """Return the location of a daemon: by its name, else this machine's; for a negotiator the pool's."""
    collector = pool_of(client)
    if kind is DaemonTypes.Negotiator:
        collector = Collector(client.config.get_str("COLLECTOR_HOST"), client=client)
    return await collector.locate(kind, name, timeout=timeout)


async def schedd_of(client: Client, name: str | None, timeout: float | None) -> Schedd:
    """Return the schedd with this name; without one this machine's own."""
    if name is None:
        return Schedd(client=client)
    return Schedd(await pool_of(client).locate(DaemonTypes.Schedd, name, timeout=timeout), client=client)


def attributes_of(text: str | None) -> list[str]:
    """Return the names of a list such as ``"Owner,Cmd"``."""
    return [] if text is None else [name for name in text.replace(",", " ").split() if name]


def run_async(body: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run a coroutine function to its end. Ctrl-C cancels it, so that connections close; then it is raised."""
    try:
        return anyio.run(functools.partial(body, *arguments), backend="asyncio")
    except asyncio.CancelledError as error:  # on Python 3.10 nobody turns it back into the interrupt it was
        raise KeyboardInterrupt from error


def number(ad: ClassAd, name: str, default: float = 0) -> float:
    """Return the value of an attribute that should be a number."""
    value = ad.eval(name) if name in ad else default
    return value if type(value) in (int, float) else default


def text(ad: ClassAd, name: str, default: str = "") -> str:
    """Return the value of an attribute as text, without what a terminal would obey."""
    value = ad.eval(name) if name in ad else default
    shown = value if isinstance(value, str) else str(value)
    return "".join(character if character.isprintable() else "?" for character in shown)
