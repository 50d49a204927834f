"""The v1 API against a pool: its configuration set for a while, and handles through a proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import htcondor_sync
from htcondor_async.testing import ThreadedPool
from htcondor_sync._state import STATE

from .proxy import Faults, Proxy


@contextmanager
def configured(settings: Mapping[str, str]) -> Iterator[None]:
    """Let `param` have these values; afterwards it is as before."""
    before = STATE.config.snapshot()
    STATE.config.update(dict(settings))
    STATE.changed()
    try:
        yield
    finally:
        STATE._config = before.mutable()
        STATE.changed()


def schedd_of(running: ThreadedPool) -> Any:
    """The location ad of the pool's first schedd."""
    return htcondor_sync.Collector(running.address).locateAll(htcondor_sync.DaemonTypes.Schedd)[0]


@contextmanager
def behind_proxy(running: ThreadedPool, ad: Any, faults: Faults) -> Iterator[tuple[Any, Proxy]]:
    """A copy of a location ad that leads through a proxy with faults, and the proxy."""
    port = int(re.search(r":(\d+)", ad["MyAddress"])[1])  # type: ignore[index]  # an address has a port
    with running._portal.wrap_async_context_manager(Proxy(port, faults)) as proxy:
        moved = htcondor_sync.classad.ClassAd()
        moved["Name"] = ad["Name"]
        moved["MyAddress"] = re.sub(r":\d+", f":{proxy.port}", re.sub(r"addrs=[^&>]*&?", "", ad["MyAddress"]), count=1)
        yield moved, proxy
