"""The table of steps: every pair is legal or an error, and the page in the documentation is drawn from it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from htcondor_async._security.negotiation import (
    SENDERS,
    TERMINAL,
    TRANSITIONS,
    Event,
    Machine,
    Role,
    State,
    render_diagram,
)
from htcondor_async.errors import ProtocolError

PAGE = Path(__file__).parents[3] / "docs" / "handshake.md"


@pytest.mark.parametrize(("role", "state", "event"), list(itertools.product(Role, State, Event)))
def test_each_pair_is_legal_or_a_named_error(role: Role, state: State, event: Event) -> None:
    machine = Machine(role)
    machine.state = state
    target = TRANSITIONS.get((role, state, event))
    if target is not None:
        machine.step(event)
        assert machine.state is target
        return
    with pytest.raises(ProtocolError) as caught:
        machine.step(event)
    assert machine.state is state
    for word in (role.value, state.name, event.name):
        assert word in str(caught.value)


@pytest.mark.parametrize("role", Role)
def test_every_state_is_reached_and_left(role: Role) -> None:
    reached = {State.START}
    for _ in State:
        reached |= {target for (who, state, _), target in TRANSITIONS.items() if who is role and state in reached}
    assert reached == set(State)
    for state in State:
        exits = [event for who, source, event in TRANSITIONS if who is role and source is state]
        assert bool(exits) == (state not in TERMINAL)


@pytest.mark.parametrize("role", Role)
def test_every_event_is_used(role: Role) -> None:
    assert {event for who, _, event in TRANSITIONS if who is role} == set(Event)
    assert set(SENDERS) == set(Event)


def test_both_roles_follow_one_table() -> None:
    steps = [{(s, e): t for (r, s, e), t in TRANSITIONS.items() if r is role} for role in Role]
    assert steps[0] == steps[1]


def test_page_in_the_documentation_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_diagram()
