"""v1's ``SecMan``: what this client keeps of its security."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal

from htcondor_async._cedar.commands import Command
from htcondor_async.client import Client
from htcondor_async.errors import HTCondorValueError
from htcondor_async.secman import SecMan as CoreSecMan
from htcondor_sync import _ads
from htcondor_sync._arguments import expect
from htcondor_sync._calls import call
from htcondor_sync._state import STATE
from htcondor_sync._tokens import Token

__all__ = ["SecMan"]


class _ProcessSecMan(CoreSecMan):
    """The security of the client of this process, whichever that is when it is used."""

    @property
    def _client(self) -> Client:
        return STATE.client


class SecMan:
    """Security sessions and, as a context manager, settings that hold for this thread only."""

    def __init__(self) -> None:
        self._core = _ProcessSecMan()

    def invalidateAllSessions(self) -> None:
        """Drop all security sessions: each daemon is negotiated with anew."""
        self._core.invalidate_all_sessions()

    def ping(self, ad: Any, command: Any = "DC_NOP") -> _ads.ClassAd:
        """Ask a daemon, by its ad or address, whether it would let this client give a command."""
        location: Any = ad
        if not isinstance(ad, str):
            if not isinstance(ad, _ads.ClassAd):
                raise TypeError(f"a daemon is given by its ad or address, not as {type(ad).__name__}")
            location = _ads.ad_in(ad)
            if not isinstance(location.get("MyAddress"), str):
                raise HTCondorValueError("Daemon address not specified.")
        wanted = int(command) if isinstance(command, int) else command
        return _ads.ad_out(call(self._core.ping(location, wanted)))

    def getCommandString(self, command_int: int) -> str:
        """Return the name of a command's number; raises RuntimeError where it has none."""
        expect("SecMan.getCommandString", ("command_int", command_int, int))
        try:
            return Command(command_int).name
        except ValueError:
            raise RuntimeError(f"there is no command {command_int}") from None

    def setConfig(self, key: str, value: str) -> None:
        """Let a parameter have a value inside the block."""
        expect("SecMan.setConfig", ("key", key, str), ("value", value, str))
        self._core.set_config(key, value)

    def setTag(self, tag: str) -> None:
        """Keep the sessions inside the block apart from those under other tags."""
        expect("SecMan.setTag", ("tag", tag, str))
        self._core.set_tag(tag)

    def setToken(self, token: Token) -> None:
        """Use this token inside the block."""
        expect("SecMan.setToken", ("token", token, Token))
        self._core.set_token(token._core)

    def setPoolPassword(self, new_pass: str) -> None:
        """Use this pool password inside the block."""
        expect("SecMan.setPoolPassword", ("new_pass", new_pass, str))
        self._core.set_pool_password(new_pass)

    def setGSICredential(self, filename: str) -> None:
        """Use this proxy inside the block."""
        expect("SecMan.setGSICredential", ("filename", filename, str))
        self._core.set_gsi_credential(filename)

    def __enter__(self) -> SecMan:
        self._core.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        self._core.__exit__(kind, error, traceback)
        return False
