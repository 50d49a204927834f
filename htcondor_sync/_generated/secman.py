"""v1's SecMan.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._tokens import Token
from htcondor_sync._unserved import not_served

__all__ = ["SecManMethods"]


class SecManMethods:
    """v1's SecMan; the client has no operation of it yet."""

    def ping(self, ad: Any, command: Any = "DC_NOP") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.ping")

    def setTag(self, tag: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.setTag")

    def setPoolPassword(self, new_pass: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.setPoolPassword")

    def setGSICredential(self, filename: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.setGSICredential")

    def setToken(self, token: Token) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.setToken")

    def setConfig(self, key: str, value: str) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("SecMan.setConfig")
