"""v1's ``RemoteParam``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from htcondor_async.errors import HTCondorReplyError
from htcondor_async.remote_param import RemoteParam as CoreParam
from htcondor_sync import _ads
from htcondor_sync._arguments import expect
from htcondor_sync._calls import call
from htcondor_sync._state import STATE

__all__ = ["RemoteParam"]


class RemoteParam:
    """The configuration of a daemon as a mapping; what was read is kept until it is refreshed.

    Parameters
    ----------
    ad
        The daemon's ad.
    """

    def __init__(self, ad: Any) -> None:
        if not isinstance(ad, dict):
            expect("RemoteParam", ("ad", ad, _ads.ClassAd))
        self._core = CoreParam(_ads.ad_in(ad), client=STATE.client)

    def __getitem__(self, arg2: str, /) -> Any:
        """Return a value; raises KeyError."""
        expect("RemoteParam.__getitem__", ("name", arg2, str))
        value = call(self._core.get(arg2))
        if value is None:
            raise KeyError(arg2)
        return value

    def __setitem__(self, arg2: str, arg3: str, /) -> None:
        """Set a value, from the daemon's next reconfig on."""
        expect("RemoteParam.__setitem__", ("name", arg2, str), ("value", arg3, str))
        call(self._core.set(arg2, arg3), refused=HTCondorReplyError)

    def __delitem__(self, arg2: str, /) -> None:
        """Take back what was set."""
        expect("RemoteParam.__delitem__", ("name", arg2, str))
        call(self._core.delete(arg2), refused=HTCondorReplyError)

    def __contains__(self, arg2: object, /) -> bool:
        """Return whether there is a value."""
        expect("RemoteParam.__contains__", ("name", arg2, str))
        return call(self._core.get(str(arg2))) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.keys())

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self.keys())

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or ``default`` where there is none."""
        expect("RemoteParam.get", ("key", key, str))
        return call(self._core.get(key, default))

    def setdefault(self, arg2: str, arg3: str, /) -> Any:
        """Return the value, setting it first if there is none."""
        expect("RemoteParam.setdefault", ("name", arg2, str), ("value", arg3, str))
        found = call(self._core.get(arg2))
        if found is not None:
            return found
        self[arg2] = arg3
        return arg3

    def keys(self) -> list[str]:
        """Return the names."""
        return call(self._core.keys())

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of names and values, of those names that have one."""
        pairs = ((name, call(self._core.get(name))) for name in self.keys())
        return [(name, value) for name, value in pairs if value is not None]

    def update(self, arg2: Any, /) -> None:
        """Set the values of a mapping, or of an iterable of pairs."""
        pairs: Iterable[tuple[str, str]] = arg2.items() if isinstance(arg2, Mapping) else arg2
        for name, value in pairs:
            self[name] = value

    def refresh(self) -> None:
        """Forget what was read."""
        self._core.refresh()
