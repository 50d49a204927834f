"""v1's Credd.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle
from htcondor_sync._unserved import not_served

__all__ = ["Credd"]


class Credd(Handle[Any]):
    """v1's Credd; the client has no operation of it yet."""

    _kinds = (
        DaemonTypes.Credd,
        DaemonTypes.Schedd,
        DaemonTypes.Master,
    )
    _default = DaemonTypes.Schedd

    def add_password(self, password: str, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.add_password")

    def delete_password(self, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.delete_password")

    def query_password(self, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.query_password")

    def add_user_cred(self, credtype: int, credential: Any, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.add_user_cred")

    def delete_user_cred(self, credtype: int, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.delete_user_cred")

    def query_user_cred(self, credtype: int, user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.query_user_cred")

    def add_user_service_cred(
        self, credtype: int, credential: Any, service: str, handle: str = "", user: str = ""
    ) -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.add_user_service_cred")

    def delete_user_service_cred(self, credtype: int, service: str, handle: str = "", user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.delete_user_service_cred")

    def query_user_service_cred(self, credtype: int, service: str, handle: str = "", user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.query_user_service_cred")

    def check_user_service_creds(self, credtype: int, services: list[Any], user: str = "") -> Any:
        """Raise: the client has no such operation yet."""
        raise not_served("Credd.check_user_service_creds")
