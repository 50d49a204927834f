"""Authentication methods by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from htcondor_async._security.methods.base import Method, MethodContext, MethodFailed, MethodResult
from htcondor_async._security.methods.certificate import SciTokens, Ssl
from htcondor_async._security.methods.fs import FileSystem, RemoteFileSystem
from htcondor_async._security.methods.idtokens import IdTokens
from htcondor_async._security.methods.kerberos import Kerberos
from htcondor_async._security.methods.munge import Munge
from htcondor_async._security.methods.password import Password
from htcondor_async._security.methods.simple import Anonymous, ClaimToBe

__all__ = ["METHODS", "Method", "MethodContext", "MethodFailed", "MethodResult"]

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            FileSystem(),
            IdTokens(),
            Ssl(),
            SciTokens(),
            RemoteFileSystem(),
            Password(),
            Munge(),
            Kerberos(),
            ClaimToBe(),
            Anonymous(),
        )
    }
)
"""Every method this package has, by its name in a negotiation."""
