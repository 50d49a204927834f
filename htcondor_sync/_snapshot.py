"""The environment variables of the moment at which the package was imported: v1 reads its configuration then."""

from __future__ import annotations

from htcondor_async._runtime.variables import environ

__all__ = ["VARIABLES"]

VARIABLES = dict(environ())
