"""What all parts of the schedd's handle share."""

from __future__ import annotations

from collections.abc import Mapping

from htcondor_async._core import locate as _locate
from htcondor_async._core.context import Context, Target
from htcondor_async.classad import ClassAd
from htcondor_async.client import Client, default_client
from htcondor_async.enums import DaemonTypes

__all__ = ["ScheddBase"]


class ScheddBase:
    """A handle on one schedd. It holds no connection and may be shared.

    Parameters
    ----------
    location
        The schedd's ad (as :meth:`Collector.locate <htcondor_async.Collector.locate>` returns it), or its address in
        angle brackets; None means this machine's own, looked up at the first use.
    client
        Who asks; by default the client of the current context.
    """

    def __init__(
        self, location: ClassAd | Mapping[str, object] | str | None = None, *, client: Client | None = None
    ) -> None:
        self._client = client if client is not None else default_client()
        self._target: Target | None = None
        if isinstance(location, str):
            location = {"MyAddress": location}
        if location is not None:
            self._target = _locate.target_of_ad(location, "schedd")

    def __repr__(self) -> str:
        return f"<{self._target or 'local schedd'}>"

    async def _where(self, context: Context, deadline: float) -> Target:
        if self._target is None:
            ad = await _locate.locate_local(context, DaemonTypes.Schedd, deadline)
            self._target = _locate.target_of_ad(ad, "schedd")
        return self._target
