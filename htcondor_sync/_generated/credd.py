"""v1's Credd.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_async.client import Client
from htcondor_async.credd import Credd as CoreCredd
from htcondor_async.errors import HTCondorIOError
from htcondor_sync._ads import ad_in
from htcondor_sync._arguments import expect
from htcondor_sync._calls import call
from htcondor_sync._coercions import cred_type_in, credential_in
from htcondor_sync._credentials import CredCheck, CredStatus
from htcondor_sync._generated.enums import DaemonTypes
from htcondor_sync._handles import Handle

__all__ = ["Credd"]


class Credd(Handle[CoreCredd]):
    """A handle on the daemon that keeps credentials: a credd, a schedd or a master. It holds no connection."""

    _kinds = (
        DaemonTypes.Credd,
        DaemonTypes.Schedd,
        DaemonTypes.Master,
    )
    _default = DaemonTypes.Schedd

    def _make(self, client: Client) -> CoreCredd:
        return CoreCredd(self._ad, client=client)

    def add_password(self, password: str, user: str = "") -> None:
        """Store a password. Daemons on Unix keep that of ``condor_pool@DOMAIN`` only, and their master does it."""
        expect("Credd.add_password", ("password", password, str), ("user", user, str))
        call(self._core.add_password(password, user), HTCondorIOError)

    def delete_password(self, user: str = "") -> None:
        """Delete a password; returns True, also if there was none."""
        expect("Credd.delete_password", ("user", user, str))
        call(self._core.delete_password(user), HTCondorIOError)

    def query_password(self, user: str = "") -> bool:
        """Return whether a password is stored."""
        expect("Credd.query_password", ("user", user, str))
        return call(self._core.query_password(user), HTCondorIOError)

    def add_user_cred(self, credtype: int, credential: Any, user: str = "") -> None:
        """Store a password or a Kerberos credential."""
        expect("Credd.add_user_cred", ("credtype", credtype, int), ("user", user, str))
        call(self._core.add_user_cred(cred_type_in(credtype), credential_in(credential), user), HTCondorIOError)

    def delete_user_cred(self, credtype: int, user: str = "") -> None:
        """Delete a user's credential, all tokens of the user for ``CredTypes.OAuth``; none is fine."""
        expect("Credd.delete_user_cred", ("credtype", credtype, int), ("user", user, str))
        call(self._core.delete_user_cred(cred_type_in(credtype), user), HTCondorIOError)

    def query_user_cred(self, credtype: int, user: str = "") -> int:
        """Return the time a user's credential was stored at, in seconds since 1970; 6 while it is being processed."""
        expect("Credd.query_user_cred", ("credtype", credtype, int), ("user", user, str))
        return call(self._core.query_user_cred(cred_type_in(credtype), user), HTCondorIOError)

    def add_user_service_cred(
        self, credtype: int, credential: Any, service: str, handle: str = "", user: str = ""
    ) -> None:
        """Store an OAuth credential."""
        expect(
            "Credd.add_user_service_cred",
            ("credtype", credtype, int),
            ("service", service, str),
            ("handle", handle, str),
            ("user", user, str),
        )
        call(
            self._core.add_user_service_cred(cred_type_in(credtype), credential_in(credential), service, handle, user),
            HTCondorIOError,
        )

    def delete_user_service_cred(self, credtype: int, service: str, handle: str = "", user: str = "") -> None:
        """Delete an OAuth credential; none is fine."""
        expect(
            "Credd.delete_user_service_cred",
            ("credtype", credtype, int),
            ("service", service, str),
            ("handle", handle, str),
            ("user", user, str),
        )
        call(self._core.delete_user_service_cred(cred_type_in(credtype), service, handle, user), HTCondorIOError)

    def query_user_service_cred(self, credtype: int, service: str, handle: str = "", user: str = "") -> CredStatus:
        """Return what is stored of a service's OAuth credentials; of all services for an empty name."""
        expect(
            "Credd.query_user_service_cred",
            ("credtype", credtype, int),
            ("service", service, str),
            ("handle", handle, str),
            ("user", user, str),
        )
        return CredStatus._make(
            call(self._core.query_user_service_cred(cred_type_in(credtype), service, handle, user), HTCondorIOError)
        )

    def check_user_service_creds(self, credtype: int, services: list[Any], user: str = "") -> CredCheck:
        """Ask whether the OAuth credentials of some services are there, and where the missing ones can be had."""
        expect(
            "Credd.check_user_service_creds",
            ("credtype", credtype, int),
            ("services", services, list),
            ("user", user, str),
        )
        return CredCheck._make(
            call(
                self._core.check_user_service_creds(cred_type_in(credtype), [ad_in(ad) for ad in services], user),
                HTCondorIOError,
            )
        )
