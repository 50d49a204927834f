"""What the first command of a handle would load, loaded when the handle's class is: not inside a running event loop.

An import inside a loop stops everything else in it for tens of milliseconds. The blocking package does without this:
it loads the same modules when they are first needed.
"""

from __future__ import annotations

import importlib
import importlib.util

__all__ = ["preload"]

_MODULES = (
    "htcondor_async._runtime.anyio_",
    "htcondor_async._security.handshake",
    "htcondor_async._cedar.cipher",
    "cryptography.hazmat.decrepit.ciphers.algorithms",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.serialization",
)
_IF_THERE = ("anyio._backends._asyncio",)  # loaded by anyio at the first call inside a loop; its name is not promised


def preload() -> None:
    """Load them, and the table of HTCondor's parameters; does nothing the second time."""
    for name in _MODULES:
        importlib.import_module(name)
    for name in _IF_THERE:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    config = importlib.import_module("htcondor_async.config")
    config.load_defaults()
