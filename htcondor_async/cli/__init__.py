"""The command line: ``python -m htcondor_async COMMAND``.

Each command is a module here with ``HELP``, ``add_arguments(parser)`` and ``run(arguments) -> int``; :data:`COMMANDS`
lists them. Exit codes are those of :mod:`htcondor_async.cli.codes`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol

from htcondor_async._version import __version__
from htcondor_async.cli.codes import Exit, code_of
from htcondor_async.cli.common import common_options
from htcondor_async.errors import HTCondorException

__all__ = ["COMMANDS", "Command", "main", "make_parser"]

COMMANDS = {
    "status": "status",
    "q": "queue",
    "history": "history",
    "watch": "watch",
    "ping": "ping",
    "token": "token",
    "config": "config",
}
"""Name of each command to its module here."""


class Command(Protocol):
    """What the module of a command has."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; return the exit code."""
        ...


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m htcondor_async", description="Ask and command an HTCondor pool.")
    parser.add_argument("--version", action="version", version=f"htcondor-async {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in COMMANDS.items():
        module: Command = importlib.import_module(f"{__name__}.{module_name}")
        sub = commands.add_parser(name, help=module.HELP, description=module.HELP)
        common_options(sub)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors are printed as one line, interrupts end it without noise."""
    parsed = make_parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # whoever read the output has gone: nothing more can be said there, not even at the interpreter's end
        sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - it lives as long as the process
        return Exit.NO_READER
    except (HTCondorException, ValueError, TypeError, OSError) as error:
        print(f"{parsed.command}: {error}", file=sys.stderr)
        return code_of(error)
    return code
