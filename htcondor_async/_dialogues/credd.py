"""Credentials that a credd, a schedd or a master keeps for users: STORE_CRED, STORE_POOL_CRED, CREDD_CHECK_CREDS.

Layouts and numbers of ``condor_utils/store_cred.cpp`` and ``store_cred.h``, ``condor_credd/credd.cpp``.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

import attrs

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._dialogues.expressions import string_literal
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.enums import CredTypes
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError, ProtocolError

__all__ = [
    "MAX_CREDENTIAL",
    "Operation",
    "ServiceRequest",
    "StoreRequest",
    "Stored",
    "check_request",
    "checked_name",
    "checked_user",
    "is_pool_password",
    "pool_password_request",
]

MAX_CREDENTIAL = 1 << 20
"""Bytes of a credential that are sent."""
MAX_SERVICES = 1000
_LEGACY, _WAIT = 0x40, 0x80
_NAME = re.compile(r"[A-Za-z0-9+=_.-]{1,255}\Z")
_USER = re.compile(r"[^\x00-\x20\x7f]{2,512}\Z")
_POOL_USER = "condor_pool"
_NOT_FOUND, _PENDING = 5, 6

RESULTS = {
    0: "the operation failed",
    2: "a credential is stored, but it is invalid",
    3: "the daemon does not run as a user that may do that",
    4: "the connection was not secure",
    5: "no credential is stored",
    7: "it is not allowed",
    8: "arguments are missing or bad",
    9: "arguments are missing; client and daemon may be of different ages",
    10: "the credential monitor did not process the credential in time",
    11: "the daemon's configuration is wrong",
    12: "the credential is not JSON",
    13: "there is a credential, but not with the scopes or audience that were asked for",
    14: "the credential would have to be sent to a host that is not trusted",
}


class Operation(enum.IntEnum):
    """What to do with a credential."""

    ADD = 0
    DELETE = 1
    QUERY = 2


def checked_user(user: str) -> str:
    """Return a user's name that can be sent; the empty one is whoever asks.

    Raises
    ------
    HTCondorValueError
        It is none.
    """
    if not isinstance(user, str):
        raise HTCondorTypeError(f"a user is text, not {type(user).__name__}")
    if user and not _USER.match(user):
        raise HTCondorValueError("invalid user argument", hint="write user@domain")
    return user


def is_pool_password(user: str) -> bool:
    """Return whether a name is that under which the pool's password is kept."""
    return user.partition("@")[0] == _POOL_USER


def checked_name(name: str, what: str) -> str:
    """Return the name of a service or a handle.

    Raises
    ------
    HTCondorValueError
        It has other characters than letters, digits and ``-+=_.``: it becomes the name of a file at the daemon.
    """
    if not isinstance(name, str):
        raise HTCondorTypeError(f"a {what} is text, not {type(name).__name__}")
    if not _NAME.match(name) or name in (".", ".."):
        raise HTCondorValueError(f"invalid {what} arg {name!r}", hint="letters, digits and -+=_. are allowed")
    return name


@attrs.frozen
class Stored:
    """The answer to a request: a result or a time, and what there is."""

    result: int
    ad: ClassAd

    @property
    def found(self) -> bool:
        """Whether there is a credential."""
        return self.result != _NOT_FOUND

    @property
    def pending(self) -> bool:
        """Whether there is one that the credential monitor has not processed yet."""
        return self.result == _PENDING


@attrs.frozen
class StoreRequest:
    """One STORE_CRED.

    Parameters
    ----------
    kind
        The kind of credential.
    operation
        What to do.
    user
        Whose, as ``user@domain``; empty for whoever asks, which the old layout does not know.
    credential
        With ADD.
    service, handle
        Of OAuth credentials; empty for none.
    legacy
        Use the old layout, for passwords.
    wait
        Let the daemon wait for the credential monitor.
    refresh
        Whether the credential is to be refreshed; None to leave it to the daemon.
    """

    kind: CredTypes
    operation: Operation
    user: str = ""
    credential: Secret[bytes] | None = None
    service: str = ""
    handle: str = ""
    legacy: bool = False
    wait: bool = False
    refresh: bool | None = None

    @property
    def mode(self) -> int:
        """The number that says all this."""
        return int(self.kind) | int(self.operation) | (_LEGACY if self.legacy else 0) | (_WAIT if self.wait else 0)

    def write(self, writer: Writer) -> Writer:
        """Write the request. The connection must be encrypted."""
        content = b"" if self.credential is None else self.credential.reveal()
        writer.str(self.user)
        if self.legacy:
            return writer.str(content).int(self.mode)
        writer.str("").int(self.mode).int(len(content)).raw(content)
        pairs = []
        if self.service:
            pairs.append(("service", string_literal(self.service)))
            if self.handle:
                pairs.append(("handle", string_literal(self.handle)))
        if self.refresh is not None:
            pairs.append(("NeedRefresh", "true" if self.refresh else "false"))
        return writer.ad(pairs)

    def read(self, reader: Reader) -> Stored:
        """Read the answer.

        Raises
        ------
        DaemonError
            It is a failure; that there is no credential is none.
        """
        result = reader.int()
        ad = ClassAd() if self.legacy else reader.ad()
        return check_result(Stored(result, ad), self.operation)


def check_result(stored: Stored, operation: Operation) -> Stored:
    """Return the answer, or raise ``DaemonError`` for a failure; that there is no credential is none."""
    code = stored.result
    if code in (1, _PENDING, _NOT_FOUND) or (code > 100 and operation is not Operation.DELETE):
        return stored
    text = RESULTS.get(code)
    if text is None:
        raise ProtocolError(f"the daemon answered with the result {code}, which means nothing")
    verb = {Operation.ADD: "store", Operation.DELETE: "delete", Operation.QUERY: "look for"}[operation]
    raise DaemonError(f"the daemon did not {verb} the credential: {text}", code=code)


def not_found() -> DaemonError:
    """Return the error for a credential that is not there."""
    return DaemonError(RESULTS[_NOT_FOUND], code=_NOT_FOUND)


def pool_password_request(writer: Writer, user: str, password: Secret[bytes] | None) -> Writer:
    """Write STORE_POOL_CRED; without a password it is deleted."""
    domain = user.partition("@")[2]
    return writer.str(domain).str(b"" if password is None else password.reveal())


@attrs.frozen
class ServiceRequest:
    """An OAuth credential that jobs will need."""

    service: str
    handle: str = ""
    scopes: str = ""
    audience: str = ""
    user: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object] | str, user: str) -> ServiceRequest:
        """Return the request in an ad with ``Service``, ``Handle``, ``Scopes``, ``Audience``; text is a service.

        Raises
        ------
        HTCondorTypeError, HTCondorValueError
            It is none.
        """
        ad = ClassAd({"Service": given}) if isinstance(given, str) else given
        if not isinstance(ad, Mapping):
            raise HTCondorTypeError(f"a service is named by an ad or a text, not by {type(given).__name__}")
        ad = ad if isinstance(ad, ClassAd) else ClassAd(dict(ad))
        found: dict[str, str] = {}
        for name in ("Service", "Handle", "Scopes", "Audience", "Username"):
            value = ad.get(name)
            found[name] = value if isinstance(value, str) else ""
        if not found["Service"]:
            raise HTCondorValueError("request has no 'Service' attribute")
        checked_name(found["Service"], "service")
        if found["Handle"]:
            checked_name(found["Handle"], "handle")
        name = user.partition("@")[0] or found["Username"]
        return cls(found["Service"], found["Handle"], found["Scopes"], found["Audience"], name)

    @property
    def name(self) -> str:
        """Service and handle as HTCondor writes them."""
        return f"{self.service}*{self.handle}" if self.handle else self.service

    def ad(self) -> list[tuple[str, str]]:
        """Return the ad; the daemon wants the empty attributes too."""
        pairs = [
            ("Service", string_literal(self.service)),
            ("Handle", string_literal(self.handle)),
            ("Scopes", string_literal(self.scopes)),
            ("Audience", string_literal(self.audience)),
        ]
        if self.user:
            pairs.append(("Username", string_literal(self.user)))
        return pairs


def check_request(writer: Writer, requests: Sequence[ServiceRequest]) -> Writer:
    """Write CREDD_CHECK_CREDS."""
    if len(requests) > MAX_SERVICES:
        raise HTCondorValueError(f"{len(requests)} services are too many; at most {MAX_SERVICES}")
    writer.int(len(requests))
    for request in requests:
        writer.ad(request.ad())
    return writer
