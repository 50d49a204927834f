"""Security sessions and the table that finds them.

Times are arguments, seconds of one clock that the caller chooses (the wall clock, as expiries of claim sessions are
given in it). A table is safe to share between threads if it is given a lock; without one it relies on its caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.ads import Literal

__all__ = ["Session", "SessionTable"]


@attrs.frozen
class Session:
    """What two sides remember of a handshake, to do without the next one.

    Parameters
    ----------
    sid
        Its name; whoever knows name and key has the session, so it is cut short in :func:`repr`.
    key
        Session key, None for a session in clear.
    method
        Cipher of the key, as ``"AES"``.
    user
        Who the server says the client is.
    authenticated_by
        Authentication method that succeeded, None without one.
    authentication_attempts
        What the methods that failed before said: (name, reason).
    server_identity
        Who the server proved to be to the client, where the method tells.
    valid_commands
        Numbers of the commands it may be resumed for.
    limits
        Authorisation levels the client's credential is limited to; empty for no limit.
    made, expires
        Times at which it was made and ends; None for never.
    lease
        Seconds it lives without use, 0 for no limit.
    peer_version
        Version string of the other side, None if it did not say.
    attributes
        The agreed policy, as an ad: the attributes of decision and verdict.
    negotiated
        False for a session made from a claim id or inherited, which is never dropped on the peer's word.
    """

    sid: str = attrs.field(repr=lambda sid: repr(f"{sid[:24]}..." if len(sid) > 24 else sid))
    key: Secret[bytes] | None
    method: str | None
    user: str | None = None
    authenticated_by: str | None = None
    authentication_attempts: tuple[tuple[str, str], ...] = ()
    server_identity: str | None = None
    valid_commands: frozenset[int] = frozenset()
    limits: tuple[str, ...] = ()
    made: float = 0.0
    expires: float | None = None
    lease: float = 0.0
    peer_version: str | None = None
    attributes: Mapping[str, Literal] = attrs.field(factory=dict, repr=False, eq=False)
    negotiated: bool = True

    @property
    def reusable(self) -> bool:
        """Whether another command can be opened with it at all; some daemons give sessions for one command."""
        return self.expires is None or self.expires > self.made


@attrs.define
class _Entry:
    session: Session
    used: float
    keys: set[tuple[str | None, str, int]] = attrs.field(factory=set)


class SessionTable:
    """Sessions by name, and by (tag, address, command).

    Parameters
    ----------
    slop
        Seconds a session is kept beyond its expiry and lease: 0 for a client, 20 for a server, so that the side which
        names sessions lets go of them first.
    lock
        Held during each call, never across a wait; None if the table stays in one thread.
    capacity
        Sessions kept at most; the one unused for longest makes room.
    """

    def __init__(
        self, *, slop: float = 0.0, lock: AbstractContextManager[object] | None = None, capacity: int = 10_000
    ) -> None:
        self._slop = slop
        self._lock: AbstractContextManager[object] = nullcontext() if lock is None else lock
        self._capacity = capacity
        self._sessions: dict[str, _Entry] = {}
        self._index: dict[tuple[str | None, str, int], str] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __repr__(self) -> str:
        return f"SessionTable({len(self._sessions)} sessions)"

    def _forget(self, sid: str) -> bool:
        entry = self._sessions.pop(sid, None)
        if entry is None:
            return False
        for key in entry.keys:
            if self._index.get(key) == sid:
                del self._index[key]
        return True

    def _ended(self, entry: _Entry, now: float) -> bool:
        session = entry.session
        if session.expires is not None and session.expires + self._slop <= now:
            return True
        return session.lease > 0 and entry.used + session.lease + self._slop <= now

    def _live(self, sid: str, now: float) -> _Entry | None:
        entry = self._sessions.get(sid)
        if entry is not None and self._ended(entry, now):
            self._forget(sid)
            return None
        return entry

    def _use(self, entry: _Entry, now: float) -> Session:
        entry.used = now
        # Re-inserting keeps the dictionary in order of last use.
        self._sessions[entry.session.sid] = self._sessions.pop(entry.session.sid)
        return entry.session

    def add(
        self,
        session: Session,
        *,
        now: float,
        tag: str | None = None,
        address: str | None = None,
        commands: Iterable[int] | None = None,
    ) -> None:
        """Keep a session.

        Parameters
        ----------
        session
            Replaces the one of the same name.
        now
            Counts as its first use.
        tag
            Separates identities: two users, tokens or method lists of one process must not share sessions.
        address
            The address it was made at; None (a server) makes no entry in the index.
        commands
            Commands it is found for, its valid commands if None.
        """
        with self._lock:
            self._forget(session.sid)
            while len(self._sessions) >= self._capacity:
                self._make_room(now)
            entry = _Entry(session, now)
            self._sessions[session.sid] = entry
            if address is not None:
                for command in session.valid_commands if commands is None else commands:
                    key = (tag, address, command)
                    replaced = self._sessions.get(self._index.get(key, ""))
                    if replaced is not None:
                        replaced.keys.discard(key)
                    entry.keys.add(key)
                    self._index[key] = session.sid

    def _make_room(self, now: float) -> None:
        ended = [sid for sid, entry in self._sessions.items() if self._ended(entry, now)]
        for sid in ended or [next(iter(self._sessions))]:
            self._forget(sid)

    def find(self, tag: str | None, address: str, command: int, now: float) -> Session | None:
        """Return the live session for a command, None without one; renews its lease."""
        with self._lock:
            sid = self._index.get((tag, address, command))
            entry = None if sid is None else self._live(sid, now)
            return None if entry is None else self._use(entry, now)

    def get(self, sid: str, now: float) -> Session | None:
        """Return a live session by its name; renews its lease."""
        with self._lock:
            entry = self._live(sid, now)
            return None if entry is None else self._use(entry, now)

    def drop(self, sid: str) -> bool:
        """Forget one session and all its index entries; returns whether there was one.

        A session that was not negotiated stays: its peer may learn of it later.
        """
        with self._lock:
            entry = self._sessions.get(sid)
            return entry is not None and entry.session.negotiated and self._forget(sid)

    def remove(self, sid: str) -> bool:
        """Forget one session even if it was not negotiated, because its owner gives it up."""
        with self._lock:
            return self._forget(sid)

    def drop_tag(self, tag: str | None) -> int:
        """Forget all sessions of one identity; returns how many."""
        with self._lock:
            doomed = {sid for (owner, _, _), sid in self._index.items() if owner == tag}
            return sum(self._forget(sid) for sid in doomed)

    def drop_address(self, address: str) -> int:
        """Forget all negotiated sessions with one daemon; returns how many."""
        with self._lock:
            named = {sid for (_, where, _), sid in self._index.items() if where == address}
            return sum(self._forget(sid) for sid in named if self._sessions[sid].session.negotiated)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._sessions.clear()
            self._index.clear()

    def expire(self, now: float) -> int:
        """Forget what has ended; returns how many."""
        with self._lock:
            ended = [sid for sid, entry in self._sessions.items() if self._ended(entry, now)]
            return sum(self._forget(sid) for sid in ended)
