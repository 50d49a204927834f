"""The configuration of a running daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, overload

from htcondor_async._cedar.commands import Command
from htcondor_async._core import locate as _locate
from htcondor_async._core.tell import ask, change
from htcondor_async._dialogues.remote_config import (
    ParameterInfo,
    assignment,
    check_name,
    names_request,
    read_info,
    read_names,
    read_stored,
    value_request,
)
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.errors import DaemonError

__all__ = ["ParameterInfo", "RemoteParam"]

T = TypeVar("T")


class RemoteParam:
    """A daemon's configuration, read and changed from afar.

    Names and values that were read are kept until :meth:`refresh`. What is set holds from the daemon's next reconfig
    on (``DaemonCommands.Reconfig``); here it is seen at once, unexpanded.

    Parameters
    ----------
    location
        The daemon's ad, or its address in angle brackets.
    client
        Who asks; by default the client of the current context.
    """

    def __init__(self, location: ClassAd | Mapping[str, object] | str, *, client: Client | None = None) -> None:
        self._client = client if client is not None else default_client()
        if isinstance(location, str):
            location = {"MyAddress": location}
        self._target = _locate.target_of_ad(location, "daemon")
        self._names: list[str] | None = None
        self._values: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"<configuration of {self._target}>"

    def refresh(self) -> None:
        """Forget what was read: it is asked for anew."""
        self._names = None
        self._values = {}

    async def names(self, pattern: str = "", *, timeout: float | None = None) -> list[str]:
        """Return the names of all parameters that the daemon knows, also of those that have no value.

        Parameters
        ----------
        pattern
            Only those that match this regular expression (PCRE, somewhere in the name, whatever its case).
        timeout
            Seconds for all of it.

        Raises
        ------
        DaemonError
            The pattern is not a regular expression.
        AuthorizationError
            This client may not read from the daemon.
        """
        if not pattern and self._names is not None:
            return list(self._names)
        context = self._client._context()
        request = names_request(pattern)
        found = await ask(context, self._target, Command.DC_CONFIG_VAL, request, read_names, context.deadline(timeout))
        if not pattern:
            self._names = list(found)
        return found

    async def keys(self, *, timeout: float | None = None) -> list[str]:
        """Return :meth:`names`."""
        return await self.names(timeout=timeout)

    @overload
    async def get(self, name: str, *, timeout: float | None = None) -> str | None: ...
    @overload
    async def get(self, name: str, default: T, *, timeout: float | None = None) -> str | T: ...
    async def get(self, name: str, default: object = None, *, timeout: float | None = None) -> object:
        """Return the expanded value of a parameter, or ``default`` where the daemon has none.

        Parameters
        ----------
        name
            The parameter; its case is ignored.
        default
            What to return where there is no value.
        timeout
            Seconds for all of it.

        Raises
        ------
        HTCondorValueError
            ``name`` cannot be the name of a parameter.
        """
        key = check_name(name).upper()
        if key not in self._values:
            found = await self.info(name, timeout=timeout)
            self._values[key] = found.value if found is not None and found.value else None
        value = self._values[key]
        return default if value is None else value

    async def info(self, name: str, *, timeout: float | None = None) -> ParameterInfo | None:
        """Ask for all that the daemon knows of a parameter: value, raw value, where it was set, default; or None."""
        check_name(name)
        context = self._client._context()
        request = value_request(name)
        return await ask(context, self._target, Command.DC_CONFIG_VAL, request, read_info, context.deadline(timeout))

    async def set(self, name: str, value: str, *, persist: bool = False, timeout: float | None = None) -> None:
        """Set a parameter of the daemon, from its next reconfig on.

        Parameters
        ----------
        name, value
            The setting; the value may refer to other parameters.
        persist
            Keep it beyond the daemon's next restart; else it holds until then.
        timeout
            Seconds for all of it.

        Raises
        ------
        DaemonError
            The daemon refused: ENABLE_RUNTIME_CONFIG (ENABLE_PERSISTENT_CONFIG) is off there, or the parameter is not
            among SETTABLE_ATTRS of a level that this client has.
        OutcomeUnknownError
            The connection broke before the answer.
        """
        await self._store(name, value, persist, timeout)
        self._values[name.upper()] = value or None

    async def delete(self, name: str, *, persist: bool = False, timeout: float | None = None) -> None:
        """Take away what :meth:`set` has set: from the next reconfig on the daemon's own value holds again."""
        await self._store(name, None, persist, timeout)
        self._values.pop(name.upper(), None)

    async def _store(self, name: str, value: str | None, persist: bool, timeout: float | None) -> None:
        context = self._client._context()
        command = Command.DC_CONFIG_PERSIST if persist else Command.DC_CONFIG_RUNTIME
        request = assignment(name, value)
        code = await change(context, self._target, command, request, read_stored, context.deadline(timeout))
        if code < 0:
            knob = "ENABLE_PERSISTENT_CONFIG" if persist else "ENABLE_RUNTIME_CONFIG"
            raise DaemonError(
                f"the daemon did not take the parameter {name}",
                code=code,
                daemon=self._target.daemon,
                address=str(self._target.address),
                command=command.name,
                hint=f"it needs {knob} there, and SETTABLE_ATTRS_<level> that covers the name",
            )
