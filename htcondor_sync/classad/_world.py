"""The world in which expressions of the v1 module are evaluated: this machine, now."""

from __future__ import annotations

from htcondor_async._runtime import host
from htcondor_async.classad import _registry
from htcondor_sync._system import SystemEnvironment

__all__ = ["WORLD"]

WORLD = SystemEnvironment(host.environ())

if _registry._environment is None:
    # What has no argument for the world (flattening, say) asks for the default.
    _registry.set_default_environment(WORLD)
