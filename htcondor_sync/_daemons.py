"""v1's functions that command daemons."""

from __future__ import annotations

from typing import Any

from htcondor_async import daemons as _daemons
from htcondor_async import enums
from htcondor_async.errors import HTCondorEnumError
from htcondor_sync import _ads
from htcondor_sync._arguments import UNSET, Unset, expect
from htcondor_sync._calls import call
from htcondor_sync._generated.enums import DaemonCommands
from htcondor_sync._state import STATE

__all__ = ["send_alive", "send_command", "set_ready_state"]


def send_command(ad: Any, dc: DaemonCommands, target: str | Unset = UNSET) -> None:
    """Send a command to the daemon of an ad.

    Parameters
    ----------
    ad
        The daemon's ad.
    dc
        The command.
    target
        Which daemon of a master's the command is about.
    """
    if not isinstance(ad, dict):
        expect("send_command", ("ad", ad, _ads.ClassAd))
    expect("send_command", ("dc", dc, DaemonCommands), ("target", target, str))
    try:
        command = enums.DaemonCommands(int(dc))
    except ValueError as error:
        raise HTCondorEnumError(f"{dc!r} is not a command") from error
    about = "" if isinstance(target, Unset) else target
    call(_daemons.send_command(_ads.ad_in(ad), command, about, client=STATE.client))


def send_alive(ad: Any = None, pid: Any = None, timeout: Any = None) -> None:
    """Tell the master, or the daemon of an ad, that this process is alive; it runs as a child of a condor_master."""
    location = None if ad is None else _ads.ad_in(ad)
    call(_daemons.send_alive(location, pid, timeout, client=STATE.client))


def set_ready_state(state: str = "Ready") -> None:
    """Tell the master the state of this process, a child of a condor_master."""
    expect("set_ready_state", ("state", state, str))
    call(_daemons.set_ready_state(state, client=STATE.client))
