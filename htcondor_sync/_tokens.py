"""v1's ``Token`` and ``TokenRequest``, ``CredCheck`` and ``CredStatus``."""

from __future__ import annotations

from typing import Any

from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorIOError
from htcondor_sync._arguments import expect, uninstantiable
from htcondor_sync._generated.tokenrequest import TokenRequestMethods
from htcondor_sync._unserved import not_served

__all__ = ["CredCheck", "CredStatus", "Token", "TokenRequest"]


class Token:
    """A token for authentication; its text shows in no representation."""

    def __init__(self, contents: str) -> None:
        expect("Token", ("contents", contents, str))
        self._contents = Secret(contents)

    def __getinitargs__(self) -> tuple[str]:
        return (self._contents.reveal(),)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Token, self.__getinitargs__())

    def write(self, tokenfile: Any = None) -> None:
        """Raise: the client has no such operation yet."""
        raise not_served("Token.write")


class TokenRequest(TokenRequestMethods):
    """A request for a token."""

    def __init__(self, identity: Any = "", bounding_set: Any = None, lifetime: int = -1) -> None:
        expect("TokenRequest", ("lifetime", lifetime, int))
        self._identity = str(identity)
        self._bounding_set = None if bounding_set is None else [str(item) for item in bounding_set]
        self._lifetime = lifetime
        self._request_id = ""

    @property
    def request_id(self) -> str:
        """The number of the request at the daemon; raises HTCondorIOError before it was submitted."""
        if not self._request_id:
            raise HTCondorIOError("Request ID requested prior to submitting request!")
        return self._request_id


class CredCheck(metaclass=uninstantiable):
    """Which credentials there are, and where the missing ones can be had."""

    def __init__(self, services: str, url: str | None, error: str | None) -> None:
        self._services, self._url, self._error = services, url, error

    @property
    def present(self) -> bool:
        """Whether all are there."""
        return not self._url and not self._error

    @property
    def url(self) -> str | None:
        """Where the missing ones can be had."""
        return self._url

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self._error

    @property
    def services(self) -> str:
        """The services that were asked about."""
        return self._services

    def __bool__(self) -> bool:
        return self.present

    __nonzero__ = __bool__

    def __str__(self) -> str:
        return self._url or self._error or self._services


class CredStatus(metaclass=uninstantiable):
    """When a credential was stored."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text
