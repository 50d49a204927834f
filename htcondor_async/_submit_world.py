"""The world of submit descriptions, as a client knows it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from htcondor_async._system import SystemEnvironment
from htcondor_async.config import Config
from htcondor_async.submit import LATEST, VERSION_DEFAULTS, Identity, SubmitContext, Version

__all__ = ["configured", "submit_world"]

_DETECTED = frozenset({"ARCH", "OPSYS", "OPSYSANDVER", "OPSYSMAJORVER", "OPSYSVER"})


def submit_world(config: Config, version: str, platform: str, schedd_version: Version = LATEST) -> SubmitContext:
    """Return the world of descriptions: this machine, a client's configuration, and whose ads they are."""
    environment = SystemEnvironment(param=config.get_str)
    return SubmitContext(
        environment=environment,
        param=functools.partial(configured, config, functools.cache(environment.detected)),
        identity=Identity(version, platform),
        schedd_version=schedd_version,
    )


def configured(config: Config, detected: Callable[[], Mapping[str, str]], name: str) -> str | None:
    """Return a parameter; what only HTCondor's defaults say, and versions say differently, is for the language."""
    if name in VERSION_DEFAULTS:
        origin = config.where(name)
        if origin is None or origin.source == "<Default>":
            return None
    value = config.get_str(name)
    # A configuration that no files were read for lacks what HTCondor finds out about a machine.
    return detected().get(name.upper()) if value is None and name.upper() in _DETECTED else value
