"""Finding keys that are used by nothing and look like a command."""

from __future__ import annotations

from difflib import get_close_matches

from .commands.table import KNOWN_KEYS
from .macros import MacroTable

__all__ = ["misspelled_keys", "nearest_command", "nearest_request", "unused_lines"]

_CUTOFF = 0.84
_SHORTEST = 4
_REQUESTS = frozenset({"request_cpus", "request_disk", "request_gpus", "request_memory"})
# What HTCondor's own tools put into descriptions without any command using it.
_IGNORED = frozenset({"dag_status", "failed_count", "job", "retry", "dag_parent_names", "node"})


def nearest_command(key: str) -> str | None:
    """Return the command whose name is closest to ``key``, or None if none is close."""
    lower = key.lower()
    if lower in KNOWN_KEYS or len(lower) < _SHORTEST:
        return None
    found = get_close_matches(lower, KNOWN_KEYS, n=1, cutoff=_CUTOFF)
    return found[0] if found else None


def nearest_request(key: str) -> str | None:
    """Return the usual resource whose command is closest to ``key``, a custom one, or None if none is close."""
    found = get_close_matches(key.lower(), _REQUESTS, n=1, cutoff=0.9)
    return found[0] if found else None


def misspelled_keys(macros: MacroTable) -> list[tuple[str, str]]:
    """Return the keys that nothing used and that look like a command, each with that command, by line.

    Custom resources (``request_...``) are used by their nature; only those are named that look like a usual one.
    """
    found = []
    for lower, name in macros.names.items():
        if lower in KNOWN_KEYS or lower in _IGNORED or "." in lower or lower.startswith("+"):
            continue
        if lower.startswith("request_"):
            close = nearest_request(lower)
            if close is not None and lower not in ("request_cpu", "request_gpu"):
                found.append((name, close))
        elif lower not in macros.used:
            close_command = nearest_command(name)
            if close_command is not None:
                found.append((name, close_command))
    return sorted(found, key=lambda pair: macros.lines.get(pair[0].lower(), 0))


def unused_lines(macros: MacroTable, written: MacroTable, looped: bool) -> list[str]:
    """Return what neither is a command nor was used for the first job, last first: lines, and variables of QUEUE.

    Parameters
    ----------
    macros
        What the job was made of.
    written
        The same as it was written, whose order counts.
    looped
        Whether QUEUE has items.
    """
    found = []
    for lower in macros.loop_keys if looped else ():
        if lower not in KNOWN_KEYS and lower not in macros.used and lower not in _IGNORED:
            found.append(f"the Queue variable {macros.loop_name(lower)!r}")
    lines = []
    for lower, name in written.names.items():
        known = lower in KNOWN_KEYS or lower in _IGNORED or lower.startswith("request_")
        if not known and "." not in lower and lower not in macros.used and lower not in macros.loop:
            lines.append(f"the line '{name} = {written.values[lower]}'")
    return [*reversed(found), *reversed(lines)]
