"""v1's RemoteParam.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._unserved import not_served

__all__ = ["RemoteParamMethods"]


class RemoteParamMethods:
    """v1's RemoteParam; the client has no operation of it yet."""

    def __getitem__(self, arg2: str, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__getitem__")

    def __setitem__(self, arg2: str, arg3: str, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__setitem__")

    def __delitem__(self, arg2: str, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__delitem__")

    def __contains__(self, arg2: str, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__contains__")

    def __iter__(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__iter__")

    def __len__(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.__len__")

    def get(self, key: str, default: Any = None) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.get")

    def setdefault(self, arg2: str, arg3: str, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.setdefault")

    def keys(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.keys")

    def items(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.items")

    def update(self, arg2: Any, /) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.update")

    def refresh(self) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("RemoteParam.refresh")
