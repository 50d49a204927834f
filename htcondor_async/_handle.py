"""What the handles on daemons share: who asks, and where the daemon is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from htcondor_async._core import locate as _locate
from htcondor_async._core.context import Context, Target
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.enums import DaemonTypes

__all__ = ["DaemonHandle"]


class DaemonHandle:
    """A handle on one daemon. It holds no connection and may be shared between tasks and threads.

    Parameters
    ----------
    location
        The daemon's ad (as :meth:`Collector.locate <htcondor_async.Collector.locate>` returns it), or its address in
        angle brackets; None means this machine's own, looked up at the first use.
    client
        Who asks; by default the client of the current context.
    """

    _kind: ClassVar[DaemonTypes]
    _word: ClassVar[str]

    def __init__(
        self, location: ClassAd | Mapping[str, object] | str | None = None, *, client: Client | None = None
    ) -> None:
        self._client = client if client is not None else default_client()
        self._target: Target | None = None
        if isinstance(location, str):
            location = {"MyAddress": location}
        if location is not None:
            self._target = _locate.target_of_ad(location, self._word)

    def __repr__(self) -> str:
        return f"<{self._target or f'local {self._word}'}>"

    async def _where(self, context: Context, deadline: float) -> Target:
        if self._target is None:
            ad = await _locate.locate_local(context, self._kind, deadline)
            self._target = _locate.target_of_ad(ad, self._word)
        return self._target
