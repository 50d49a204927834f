"""v1's ``SecMan``: what this client keeps of its security."""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from htcondor_async._cedar.commands import Command
from htcondor_sync._arguments import expect
from htcondor_sync._generated.secman import SecManMethods
from htcondor_sync._state import STATE

__all__ = ["SecMan"]


class SecMan(SecManMethods):
    """Security sessions and, as a context manager, what holds for this thread only."""

    def __init__(self) -> None:
        self._active = False

    def invalidateAllSessions(self) -> None:
        """Drop all security sessions: each daemon is negotiated with anew."""
        STATE.client.forget_sessions()

    def getCommandString(self, command_int: int) -> str:
        """Return the name of a command's number; raises RuntimeError where it has none."""
        expect("SecMan.getCommandString", ("command_int", command_int, int))
        try:
            return Command(command_int).name
        except ValueError:
            raise RuntimeError(f"there is no command {command_int}") from None

    def __enter__(self) -> SecMan:
        self._active = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        self._active = False
        return False
