"""v2's ``Credd``: users are left out by None, and a status is text."""

from __future__ import annotations

from typing import Any

from htcondor_sync._credentials import CredCheck
from htcondor_sync._generated import credd as _credd
from htcondor_sync._unserved import not_served, unserved
from htcondor_sync.v2._values import ads_in, location_in

__all__ = ["Credd"]


class Credd(_credd.Credd):
    """A handle on a credd."""

    def __init__(self, location: Any = None) -> None:
        super().__init__(location_in(location))

    def add_password(self, password: str, user: str | None = None) -> None:
        """Store a password."""
        super().add_password(password, user or "")

    def delete_password(self, user: str | None = None) -> Any:
        """Delete a password."""
        super().delete_password(user or "")
        return True

    def query_password(self, user: str | None = None) -> bool:
        """Return whether a password is stored."""
        return super().query_password(user or "")

    def add_user_cred(self, credtype: int, credential: Any, user: str | None = None) -> None:
        """Store a password or a Kerberos credential."""
        super().add_user_cred(credtype, credential, user or "")

    def delete_user_cred(self, credtype: int, user: str | None = None) -> None:
        """Delete a user's credential."""
        super().delete_user_cred(credtype, user or "")

    def query_user_cred(self, credtype: int, user: str | None = None) -> Any:
        """Return when a user's credential was stored."""
        return super().query_user_cred(credtype, user or "")

    def add_user_service_cred(
        self,
        credtype: int,
        credential: Any,
        service: str,
        handle: str | None = None,
        user: str | None = None,
        refresh: bool | None = None,
    ) -> None:
        """Store an OAuth credential; ``refresh`` is not served."""
        if refresh is not None:
            raise not_served("the argument refresh of Credd.add_user_service_cred")
        super().add_user_service_cred(credtype, credential, service, handle or "", user or "")

    def delete_user_service_cred(
        self, credtype: int, service: str, handle: str | None = None, user: str | None = None
    ) -> None:
        """Delete an OAuth credential."""
        super().delete_user_service_cred(credtype, service, handle or "", user or "")

    def query_user_service_cred(
        self, credtype: int, service: str, handle: str | None = None, user: str | None = None
    ) -> Any:
        """Return, as text, what is stored of a service's OAuth credentials."""
        return str(super().query_user_service_cred(credtype, service, handle or "", user or ""))

    def check_user_service_creds(self, credtype: int, serviceAds: list[Any], user: str | None = None) -> CredCheck:
        """Ask whether the OAuth credentials of some services are there."""
        return super().check_user_service_creds(credtype, ads_in(serviceAds), user or "")

    get_oauth2_credential = unserved("Credd.get_oauth2_credential")
