"""Submit: a submit description as a mapping of commands to values."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

from .assignments import plain_queue, take_assignments
from .commands.credentials import OAuthRequest, oauth_requests
from .context import SubmitContext, submit_value
from .dag import write_submit_file
from .macros import MacroTable
from .reader import DescriptionReader, queue_arguments
from .settings import Settings
from .submission import JobSource

__all__ = ["Submit"]

_COPIED = ("ARCH", "OPSYS", "OPSYSANDVER", "OPSYSMAJORVER", "OPSYSVER", "SPOOL")


def _built_in(context: SubmitContext) -> dict[str, str]:
    """Return the built-in names whose values are those of the configuration."""
    return {name.lower(): context.setting(name) or "" for name in _COPIED}


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise HTCondorTypeError(f"a submit command is named by a string, not by {type(name).__name__}")
    return "MY." + name[1:] if name.startswith("+") else name


class Submit(JobSource, MutableMapping[str, str]):
    """A submit description.

    ::

        Submit("executable = /bin/sleep\\narguments = $(Process)\\nqueue 10")
        Submit({"executable": "/bin/sleep", "arguments": "60"})
        Submit(executable="/bin/sleep", arguments="60")

    Keys ignore case and keep their first spelling; ``+Attr`` is the same as ``MY.Attr``. Values are kept as they are
    written and expanded when jobs are made. Reading a key that is not set gives the built-in macro of that name, if
    there is one (``Process``, ``Cluster`` ...); iteration shows only what is set.

    Parameters
    ----------
    source
        The text of a submit file, or a mapping, or pairs.
    context
        What is known of the world.
    **commands
        More commands, set after those of ``source``.

    Raises
    ------
    SubmitError
        The text cannot be understood; the message names the line.
    """

    def __init__(
        self,
        source: str | Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        context: SubmitContext | None = None,
        /,
        **commands: Any,
    ) -> None:
        self._context = context if context is not None else SubmitContext()
        self._macros = MacroTable(functools.partial(_built_in, self._context), self._context.world())
        self._queue: str | None = None
        self._rest = ""
        self._queue_line = 0
        self._method: int | None = None
        if isinstance(source, str):
            self._read(source)
        elif source is not None:
            self.update(source)
        for name, value in commands.items():
            self[name] = value

    def _read(self, text: str) -> None:
        text, before = take_assignments(text, self._macros)
        if not text:
            return
        queue = plain_queue(text)
        if queue is not None:
            (self._queue, self._rest), self._queue_line = queue, before + 1
            self._queue = self._trimmed(self._queue)
            return
        reader = DescriptionReader(
            self._macros, self._context.world(), self._context.version, self._template, self._context.notice
        )
        found = reader.read(text, before)
        self._queue, self._rest, self._queue_line = found.queue, found.rest, found.line
        if self._queue is not None:
            self._queue = self._trimmed(self._queue)

    def _trimmed(self, arguments: str) -> str:
        """Return arguments of QUEUE without blanks at the end, which the v1 bindings keep."""
        return arguments if self._context.v1 else arguments.rstrip()

    def _template(self, name: str) -> str | None:
        listed = (self._context.setting("SUBMIT_TEMPLATE_NAMES") or "").replace(",", " ").split()
        if name.lower() not in (entry.lower() for entry in listed):
            return None
        return self._context.setting(f"SUBMIT_TEMPLATE_{name}") or self._context.setting(
            f"SUBMIT_TEMPLATE_{name.upper()}"
        )

    # -- mapping

    def __getitem__(self, name: str) -> str:
        """Return the value of a command as it was written; raises ``KeyError``."""
        value = self._macros.lookup(_key(name)) if isinstance(name, str) else None
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a command; values that are no strings are written as submit files write them."""
        self._macros.set(_key(name), submit_value(value))

    def __delitem__(self, name: str) -> None:
        """Remove a command; raises ``KeyError``."""
        try:
            self._macros.delete(_key(name))
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        """Return whether a command is set, or is a built-in macro."""
        return isinstance(name, str) and self._macros.lookup(_key(name)) is not None

    def is_set(self, name: str) -> bool:
        """Return whether a command is set; built-in macros do not count."""
        return self._macros.exact(_key(name)) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the commands that are set, in the order they were first written."""
        return iter(self._macros.keys())

    def __len__(self) -> int:
        """Return how many commands are set."""
        return len(self._macros.values)

    def setdefault(self, name: str, default: Any = "") -> str:
        """Return the value of a command, setting it to ``default`` first if it has none."""
        value = self._macros.lookup(_key(name))
        if value is None:
            self[name] = default
            value = self._macros.values[_key(name).lower()]
        return value

    def __str__(self) -> str:
        """Return the description as the text of a submit file; items that follow QUEUE are part of it."""
        text = "".join(f"{name} = {self._macros.values[name.lower()]}\n" for name in self)
        if self._queue is None:
            return text
        text += f"queue {self._queue}".rstrip() + "\n"
        return text + self._inline_items()

    def _inline_items(self) -> str:
        """Return the lines after QUEUE that belong to it."""
        if self._queue is None or not self._rest or not self._queue.rstrip().endswith("("):
            return ""
        lines = []
        for line in self._rest.splitlines():
            lines.append(line + "\n")
            if line.lstrip().startswith(")"):
                break
        return "".join(lines)

    def __repr__(self) -> str:
        """Return ``Submit('...')``."""
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a description with the same commands and the same QUEUE statement."""
        if not isinstance(other, Submit):
            return NotImplemented
        return (
            self._macros.values == other._macros.values
            and (self._queue or "") == (other._queue or "")
            and self._inline_items() == other._inline_items()
        )

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the commands and the QUEUE statement, not the context."""
        items = [(name, self._macros.values[name.lower()]) for name in self]
        return (_unpickle, (type(self), items, self._queue, self._rest, self._queue_line, self._method))

    def copy(self) -> Submit:
        """Return an independent copy, in the same context."""
        return self.in_context(self._context)

    __copy__ = copy

    def in_context(self, context: SubmitContext) -> Submit:
        """Return an independent copy that knows the world by ``context``; text that was read is not read again."""
        other = type(self)(None, context)
        other._macros.take(self._macros)
        other._queue, other._rest, other._queue_line = self._queue, self._rest, self._queue_line
        other._method = self._method
        return other

    @property
    def context(self) -> SubmitContext:
        """What is known of the world."""
        return self._context

    # -- the QUEUE statement

    @property
    def queue_arguments(self) -> str:
        """What follows the word QUEUE; "" for nothing, or without a QUEUE statement.

        May be set; a leading ``queue`` is dropped, and items that followed the old statement are forgotten if the new
        one differs.
        """
        return self._queue or ""

    @queue_arguments.setter
    def queue_arguments(self, text: str) -> None:
        if "\n" in text:
            raise HTCondorValueError("the arguments of QUEUE cannot hold a newline")
        text = text if self._context.v1 else text.strip()
        arguments = queue_arguments(text)
        text = text if arguments is None else arguments
        if text != self._queue:
            self._queue, self._rest = text, ""

    # -- other questions

    @property
    def oauth_requests(self) -> list[OAuthRequest]:
        """The OAuth tokens that the jobs need.

        Raises
        ------
        SubmitError
            The configuration of a service wants a key that is not set.
        """
        return oauth_requests(self._macros, Settings(self._context.param, self._context.schedd_version))

    @property
    def submit_method(self) -> int:
        """The number that tells the schedd how the jobs were submitted; -1 for none. Affects real submissions."""
        return self._context.identity.method if self._method is None else self._method

    def set_submit_method(self, method: int = -1, *, allow_reserved: bool = False) -> None:
        """Set :attr:`submit_method`.

        Parameters
        ----------
        method
            100 or more; a negative number for none.
        allow_reserved
            Allow 0 to 99, which HTCondor keeps for itself.
        """
        if 0 <= method < 100 and not allow_reserved:
            raise HTCondorValueError(
                f"submit method {method} is reserved; use 100 or more, or allow_reserved", hint="use 100 or more"
            )
        self._method = method

    @classmethod
    def from_dag(
        cls, filename: str, options: Mapping[str, Any] | None = None, context: SubmitContext | None = None
    ) -> Submit:
        """Write the submit file of a DAG, and return the description in it.

        Parameters
        ----------
        filename
            The DAG file.
        options
            Options of condor_submit_dag; see :mod:`htcondor_async.submit.dag`.
        context
            What is known of the world.

        Raises
        ------
        HTCondorIOError
            Files are missing, in the way, or cannot be written.
        """
        context = context if context is not None else SubmitContext()
        return cls(write_submit_file(filename, options or {}, context), context)


def _unpickle(
    cls: type[Submit], items: list[tuple[str, str]], queue: str | None, rest: str, line: int, method: int | None
) -> Submit:
    submit = cls(items)
    submit._queue, submit._rest, submit._queue_line, submit._method = queue, rest, line, method
    return submit
