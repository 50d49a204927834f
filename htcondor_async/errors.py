"""Every error this package raises, beside ``TypeError``/``ValueError`` for misuse and cancellation.

::

    HTCondorException
    ├── HTCondorEnumError (ValueError, NotImplementedError)
    ├── HTCondorInternalError (RuntimeError, TypeError, ValueError)
    ├── HTCondorIOError (OSError, RuntimeError, ValueError)
    │   ├── ConnectError                  no connection to the daemon
    │   ├── DaemonTimeoutError            a deadline passed
    │   ├── ConnectionClosedError         the peer hung up where an answer was due
    │   ├── ProtocolError                 the peer broke the protocol
    │   │   └── LimitExceededError        the peer announced or sent more than a limit allows
    │   ├── SecurityError
    │   │   ├── AuthenticationError       no method worked, or a credential was refused
    │   │   ├── AuthorizationError        authenticated, but not allowed
    │   │   └── SessionInvalidError       the daemon does not know the session any more
    │   ├── EventLogError                 a record of a job event log cannot be read
    │   ├── OutcomeUnknownError           a change was sent and its answer lost
    │   └── TransactionIdleError          the schedd ended a transaction that was idle for too long
    ├── HTCondorLocateError (OSError, RuntimeError, ValueError)
    ├── HTCondorReplyError (RuntimeError, ValueError)
    │   ├── DaemonError                   the daemon answered with an error of its own
    │   └── HistoryGapError               records between two history queries are out of reach
    ├── HTCondorTypeError (TypeError, RuntimeError, ValueError)
    └── HTCondorValueError (ValueError, RuntimeError)
        ├── ConfigError                   a configuration is wrong
        └── ConcurrencyError              an object was used by two tasks at once

The names that begin with ``HTCondor`` and their built-in bases are those of the v1 bindings.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "ConcurrencyError",
    "ConfigError",
    "ConnectError",
    "ConnectionClosedError",
    "DaemonError",
    "DaemonTimeoutError",
    "EventLogError",
    "HTCondorEnumError",
    "HTCondorException",
    "HTCondorIOError",
    "HTCondorInternalError",
    "HTCondorLocateError",
    "HTCondorReplyError",
    "HTCondorTypeError",
    "HTCondorValueError",
    "HistoryGapError",
    "LimitExceededError",
    "OutcomeUnknownError",
    "Phase",
    "ProtocolError",
    "SecurityError",
    "SessionInvalidError",
    "TransactionIdleError",
]


class Phase(enum.Enum):
    """The part of an operation in which it failed."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    NEGOTIATE = "negotiate"
    AUTHENTICATE = "authenticate"
    SEND = "send"
    RECEIVE = "receive"


_WHILE = {
    Phase.RESOLVE: "while resolving its name",
    Phase.CONNECT: "while connecting",
    Phase.NEGOTIATE: "while negotiating security",
    Phase.AUTHENTICATE: "while authenticating",
    Phase.SEND: "while sending the request",
    Phase.RECEIVE: "while receiving the answer",
}

_FIELDS = ("daemon", "address", "command", "phase", "elapsed", "error_stack", "hint")


class HTCondorException(Exception):
    """Root of all errors. The message is one sentence made of the fields.

    Parameters
    ----------
    args
        What went wrong, a clause without a final full stop. Programs that raise one of these themselves may give
        anything that an ``Exception`` takes, or nothing.
    daemon
        Type and name of the daemon, as ``"schedd submit@example.org"``.
    address
        Its address, as ``"<10.0.0.5:9618?sock=collector>"``.
    command
        The HTCondor name of the command, as ``"QUERY_JOB_ADS"``.
    phase
        Where in the operation it failed.
    elapsed
        Seconds since the operation began.
    error_stack
        The daemon's own messages, outermost first.
    hint
        What to do about it.
    """

    def __init__(
        self,
        *args: Any,
        daemon: str | None = None,
        address: str | None = None,
        command: str | None = None,
        phase: Phase | None = None,
        elapsed: float | None = None,
        error_stack: Sequence[str] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(*args)
        self.what: str = args[0] if len(args) == 1 and isinstance(args[0], str) else super().__str__()
        self.daemon = daemon
        self.address = address
        self.command = command
        self.phase = phase
        self.elapsed = elapsed
        self.error_stack = tuple(error_stack)
        self.hint = hint

    def add_context(self, **fields: Any) -> None:
        """Fill in those of the fields that are still empty, on the way up from where the error was found."""
        for name, value in fields.items():
            if name not in _FIELDS:
                raise TypeError(f"{name} is not a field of an error")
            if getattr(self, name) in (None, ()):
                setattr(self, name, value)

    def __str__(self) -> str:
        parts = [self.what]
        where = self.daemon or ""
        if self.address and self.address not in self.what:
            where = f"{where} at {self.address}" if where else self.address
        about = ", ".join(
            part
            for part in (
                where,
                self.command or "",
                _WHILE[self.phase] if self.phase else "",
                f"after {self.elapsed:.1f} s" if self.elapsed is not None else "",
            )
            if part
        )
        if about:
            parts.append(f"({about})")
        text = " ".join(part for part in parts if part)
        if self.error_stack:
            text += ": " + "; ".join(self.error_stack)
        if self.hint:
            text += f". {self.hint[:1].upper()}{self.hint[1:]}"
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__.copy()))


def _rebuild(cls: type[HTCondorException], args: tuple[Any, ...], state: dict[str, Any]) -> HTCondorException:
    error = cls.__new__(cls, *args)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class HTCondorEnumError(HTCondorException, ValueError, NotImplementedError):
    """A value is not a member of the enumeration asked for."""


class HTCondorInternalError(HTCondorException, RuntimeError, TypeError, ValueError):
    """This package broke one of its own rules: a defect to report."""


class HTCondorIOError(HTCondorException, OSError, RuntimeError, ValueError):
    """Talking to a daemon failed."""


class ConnectError(HTCondorIOError):
    """No connection to the daemon could be made."""


class DaemonTimeoutError(HTCondorIOError, TimeoutError):
    """A deadline passed before the daemon had answered."""


class ConnectionClosedError(HTCondorIOError):
    """The daemon closed the connection where an answer was due."""


class ProtocolError(HTCondorIOError):
    """The peer sent something that HTCondor's protocol does not allow."""


class LimitExceededError(ProtocolError):
    """The peer announced or sent more than a limit allows; ``limit`` names it."""

    def __init__(self, what: str = "", *, limit: str = "", **fields: Any) -> None:
        super().__init__(what, **fields)
        self.limit = limit


class SecurityError(HTCondorIOError):
    """The two security policies do not meet, or a message was tampered with."""


class AuthenticationError(SecurityError):
    """No authentication method succeeded; ``attempts`` tells what each said."""

    def __init__(self, what: str = "", *, attempts: Sequence[tuple[str, str]] = (), **fields: Any) -> None:
        super().__init__(what, **fields)
        self.attempts = tuple(attempts)

    def __str__(self) -> str:
        text = super().__str__()
        if self.attempts:
            text += " [" + "; ".join(f"{method}: {said}" for method, said in self.attempts) + "]"
        return text


class AuthorizationError(SecurityError, PermissionError):
    """The daemon knows who is asking and refuses."""


class SessionInvalidError(SecurityError):
    """The daemon no longer knows the security session, usually because it was restarted."""


class EventLogError(HTCondorIOError):
    """A record of a job event log cannot be read; reading goes on after it.

    ``path`` is the log; the record occupies the bytes from ``offset`` up to ``end`` of it, ``reason`` tells what is
    wrong.
    """

    def __init__(
        self, what: str = "", *, path: str = "", offset: int = 0, end: int = 0, reason: str = "", **fields: Any
    ) -> None:
        super().__init__(what, **fields)
        self.path = path
        self.offset = offset
        self.end = end
        self.reason = reason


class OutcomeUnknownError(HTCondorIOError):
    """A change was sent, and the connection broke before the answer: it may or may not have taken effect."""


class TransactionIdleError(HTCondorIOError):
    """The schedd ended a transaction that was idle for too long; nothing of it took effect."""


class HTCondorLocateError(HTCondorException, OSError, RuntimeError, ValueError):
    """A daemon could not be found."""


class HTCondorReplyError(HTCondorException, RuntimeError, ValueError):
    """The daemon's answer says that the request failed."""


class DaemonError(HTCondorReplyError, HTCondorIOError):
    """The daemon answered with an error; ``code`` is its number."""

    def __init__(self, what: str = "", *, code: int = 0, **fields: Any) -> None:
        super().__init__(what, **fields)
        self.code = code


class HistoryGapError(HTCondorReplyError):
    """Records that lie between two history queries are out of reach; ``newest`` and ``oldest`` bound the gap."""

    def __init__(self, what: str = "", *, oldest: Any = None, newest: Any = None, **fields: Any) -> None:
        super().__init__(what, **fields)
        self.oldest = oldest
        self.newest = newest


class HTCondorTypeError(HTCondorException, TypeError, RuntimeError, ValueError):
    """An argument has the wrong type."""


class HTCondorValueError(HTCondorException, ValueError, RuntimeError):
    """An argument has a value that HTCondor cannot take."""


class ConfigError(HTCondorValueError):
    """A configuration cannot be read or is contradictory."""


class ConcurrencyError(HTCondorValueError):
    """One object was used by two tasks at once, or in a state that forbids it."""
