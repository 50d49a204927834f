"""Functions of v1.

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from htcondor_sync._ads import ClassAd
from htcondor_sync._arguments import UNSET, Unset
from htcondor_sync._generated.enums import DaemonCommands
from htcondor_sync._unserved import not_served

__all__ = ["send_alive", "send_command", "set_ready_state"]


def send_command(ad: ClassAd, dc: DaemonCommands, target: str | Unset = UNSET) -> Any:
    """Raise: the client has no such operation yet."""
    raise not_served("send_command")


def send_alive(ad: Any = None, pid: Any = None, timeout: Any = None) -> Any:
    """Raise: the client has no such operation yet."""
    raise not_served("send_alive")


def set_ready_state(state: str = "Ready") -> Any:
    """Raise: the client has no such operation yet."""
    raise not_served("set_ready_state")
