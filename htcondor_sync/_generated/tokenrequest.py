"""v1's TokenRequest.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._unserved import not_served

__all__ = ["TokenRequestMethods"]


class TokenRequestMethods:
    """v1's TokenRequest; the client has no operation of it yet."""

    def submit(self, ad: Any = None) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("TokenRequest.submit")

    def done(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("TokenRequest.done")

    def result(self, timeout: int = 0) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("TokenRequest.result")
