"""The table of sessions, by example and against a model."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from htcondor_async._secret import Secret
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.request import session_meets
from htcondor_async._security.sessions import Session, SessionTable


def make(sid: str = "s1", **fields: object) -> Session:
    values = {"key": Secret(b"k" * 32), "method": "AES", "valid_commands": frozenset({5, 6}), "expires": 100.0}
    return Session(sid, **{**values, **fields})  # type: ignore[arg-type]


def test_a_session_is_found_for_its_commands_at_its_address() -> None:
    table = SessionTable()
    table.add(make(), now=0.0, tag="me", address="<a>")
    found = table.find("me", "<a>", 5, 1.0)
    assert found is not None and found.sid == "s1"
    assert table.find("me", "<a>", 7, 1.0) is None
    assert table.find("me", "<b>", 5, 1.0) is None
    assert table.find("you", "<a>", 5, 1.0) is None
    assert table.find(None, "<a>", 5, 1.0) is None


def test_expiry_and_slop() -> None:
    client, server = SessionTable(), SessionTable(slop=20.0)
    for table in (client, server):
        table.add(make(), now=0.0, address="<a>")
    assert client.get("s1", 99.9) is not None
    assert client.get("s1", 100.0) is None and len(client) == 0
    assert server.get("s1", 119.9) is not None
    assert server.get("s1", 120.0) is None


def test_a_lease_is_renewed_by_use() -> None:
    table = SessionTable()
    table.add(make(expires=None, lease=10.0), now=0.0, address="<a>")
    for now in (9.0, 18.0, 27.0):
        assert table.find(None, "<a>", 5, now) is not None
    assert table.find(None, "<a>", 5, 37.0) is None


def test_one_session_is_dropped_alone() -> None:
    table = SessionTable()
    table.add(make("s1"), now=0.0, address="<a>")
    table.add(make("s2"), now=0.0, address="<b>")
    assert table.drop("s1") and not table.drop("s1")
    assert table.find(None, "<a>", 5, 1.0) is None
    assert table.find(None, "<b>", 5, 1.0) is not None


def test_a_session_that_was_not_negotiated_stays() -> None:
    table = SessionTable()
    table.add(make(negotiated=False), now=0.0, address="<a>")
    assert not table.drop("s1")
    assert table.get("s1", 1.0) is not None
    assert table.remove("s1")
    assert table.get("s1", 1.0) is None


def test_dropping_an_old_session_keeps_the_index_of_its_successor() -> None:
    table = SessionTable()
    table.add(make("old"), now=0.0, address="<a>")
    table.add(make("new"), now=1.0, address="<a>")
    table.drop("old")
    found = table.find(None, "<a>", 5, 2.0)
    assert found is not None and found.sid == "new"


def test_capacity_is_kept_by_letting_go_of_the_least_used() -> None:
    table = SessionTable(capacity=3)
    for number in range(3):
        table.add(make(f"s{number}"), now=0.0)
    assert table.get("s0", 1.0) is not None
    table.add(make("s3"), now=2.0)
    assert len(table) == 3
    assert table.get("s1", 2.0) is None
    assert table.get("s0", 2.0) is not None


def test_identities_are_forgotten_whole() -> None:
    table = SessionTable()
    table.add(make("s1"), now=0.0, tag="me", address="<a>")
    table.add(make("s2"), now=0.0, tag="you", address="<a>")
    assert table.drop_tag("me") == 1
    assert table.get("s2", 1.0) is not None


def test_the_lock_is_held_in_each_call() -> None:
    class Lock:
        entered = 0

        def __enter__(self) -> None:
            self.entered += 1

        def __exit__(self, *exc: object) -> None:
            self.entered += 1

    lock = Lock()
    table = SessionTable(lock=lock)  # type: ignore[arg-type]
    table.add(make(), now=0.0, address="<a>")
    table.find(None, "<a>", 5, 0.0)
    table.get("s1", 0.0)
    table.drop("s1")
    table.expire(0.0)
    table.clear()
    assert lock.entered == 12


def test_a_session_shows_neither_key_nor_whole_name() -> None:
    session = make("host:1:1800000000:1#very#long#session#name", key=Secret(b"marker-key"))
    assert "marker" not in repr(session)
    assert "session#name" not in repr(session)


@pytest.mark.parametrize(
    ("policy", "session", "meets"),
    [
        (SecurityPolicy(), make(key=None, method=None), True),
        (SecurityPolicy(encryption=Level.REQUIRED), make(key=None, method=None), False),
        (SecurityPolicy(integrity=Level.REQUIRED), make(key=None, method=None), False),
        (SecurityPolicy(encryption=Level.REQUIRED), make(), True),
        (SecurityPolicy(encryption=Level.REQUIRED), make(method="3DES", attributes={"Encryption": "NO"}), False),
        (SecurityPolicy(encryption=Level.REQUIRED), make(method="3DES", attributes={"Encryption": "YES"}), True),
        (SecurityPolicy(authentication=Level.REQUIRED), make(), False),
        (SecurityPolicy(authentication=Level.REQUIRED), make(authenticated_by="FS"), True),
    ],
)
def test_what_a_session_gives_is_compared_with_the_policy(
    policy: SecurityPolicy, session: Session, meets: bool
) -> None:
    assert session_meets(session, policy) is meets


@attrs.define
class ModelEntry:
    session: Session
    used: float
    keys: set[tuple[str, str, int]]


class TableMachine(RuleBasedStateMachine):
    """A table of sessions against a list that is searched from its end."""

    SLOP = 2.0

    def __init__(self) -> None:
        super().__init__()
        self.table = SessionTable(slop=self.SLOP)
        self.model: list[ModelEntry] = []
        self.now = 0.0

    def _live(self, entry: ModelEntry) -> bool:
        session = entry.session
        if session.expires is not None and session.expires + self.SLOP <= self.now:
            return False
        return not session.lease or entry.used + session.lease + self.SLOP > self.now

    @rule(seconds=st.integers(0, 8))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        sid=st.sampled_from("abc"),
        tag=st.sampled_from("xy"),
        address=st.sampled_from("12"),
        duration=st.none() | st.integers(0, 20),
        lease=st.sampled_from([0.0, 5.0]),
        negotiated=st.booleans(),
        commands=st.frozensets(st.sampled_from([1, 2, 3]), min_size=1),
    )
    def add(
        self,
        sid: str,
        tag: str,
        address: str,
        duration: int | None,
        lease: float,
        negotiated: bool,
        commands: frozenset[int],
    ) -> None:
        expires = None if duration is None else self.now + duration
        session = make(sid, expires=expires, lease=lease, negotiated=negotiated, valid_commands=commands)
        self.table.add(session, now=self.now, tag=tag, address=address)
        self.model = [entry for entry in self.model if entry.session.sid != sid]
        keys = {(tag, address, command) for command in commands}
        for entry in self.model:
            entry.keys -= keys
        self.model.append(ModelEntry(session, self.now, keys))

    @rule(tag=st.sampled_from("xy"), address=st.sampled_from("12"), command=st.sampled_from([1, 2, 3]))
    def find(self, tag: str, address: str, command: int) -> None:
        self.model = [entry for entry in self.model if self._live(entry)]
        expected = [entry for entry in self.model if (tag, address, command) in entry.keys]
        found = self.table.find(tag, address, command, self.now)
        assert found == (expected[0].session if expected else None)
        for entry in expected:
            entry.used = self.now

    @rule(sid=st.sampled_from("abc"))
    def drop(self, sid: str) -> None:
        doomed = [entry for entry in self.model if entry.session.sid == sid and entry.session.negotiated]
        live = [entry for entry in doomed if self._live(entry)]
        dropped = self.table.drop(sid)
        assert dropped or not live
        self.model = [entry for entry in self.model if entry not in doomed]

    @invariant()
    def index_names_only_what_is_there(self) -> None:
        assert set(self.table._index.values()) <= set(self.table._sessions)


TestTableMachine = TableMachine.TestCase
TestTableMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
