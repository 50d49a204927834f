"""Threads that are inside a call while the interpreter ends.

The end of the main thread ends daemon threads wherever they next take the interpreter's lock. Where code in Rust is on
their stack at that moment (all of ``cryptography``) the whole process aborts with "exception not rethrown", in Python
up to 3.13. So the last thing that runs waits until each call has come to a place where it can be ended, which a call
does at its next wait, and keeps it there for a while. Not for ever: functions that a program itself has run at its end
may still need that thread.
"""

from __future__ import annotations

import atexit
import os
import threading
import time

__all__ = ["enter", "leave", "pause"]

_PATIENCE = 2.0  # seconds that the end of a program may take for this
_PAUSE = 1.0  # seconds that a thread is kept: far more than what is left to be done then
_inside: set[int] = set()
_ending: list[int] = []  # the thread that ends the interpreter, once it does


def enter() -> bool:
    """Note that this thread is inside a call; return False if it was already."""
    me = threading.get_ident()
    if me in _inside:
        return False
    _inside.add(me)
    if _ending:
        pause()
    return True


def leave() -> None:
    """Note that this thread's code can be ended anywhere: it waits, or its call is over."""
    _inside.discard(threading.get_ident())


def pause() -> None:
    """Keep this thread for a while if the interpreter is ending; at once back otherwise."""
    me = threading.get_ident()
    if _ending and me not in _ending:
        _inside.discard(me)
        time.sleep(_PAUSE)
        _inside.add(me)


def _wait_for_others() -> None:
    me = threading.get_ident()
    _ending.append(me)
    until = time.monotonic() + _PATIENCE
    while _inside - {me} and time.monotonic() < until:
        time.sleep(0.001)


def _forget_parent() -> None:
    _inside.clear()
    _ending.clear()


atexit.register(_wait_for_others)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
