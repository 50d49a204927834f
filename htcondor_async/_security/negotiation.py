"""The steps of a handshake, as one table for both roles.

Theory of operation. A connection is opened in one of two ways: a *proposal* (message 1) that the server answers with
a *decision* (message 2), or the *resumption* of a session. If the decision says so, the client offers methods until
one succeeds, none is left, or the server picks none; after a success a key message passes even if it carries no
key. Then both sides switch their cipher on, and the server says whether the command is authorised. Both ends of one
connection go through the same states, because every event but four is a message that one of them sends and the other
receives; the four are made by a side on its own: that a method failed or succeeded, that the cipher is on, and that
this side gives up. A step that is not in the table is the peer's fault when it was received, and a defect of
this package when it was made: both raise :class:`~htcondor_async.errors.ProtocolError`.
"""

from __future__ import annotations

import enum

from htcondor_async.errors import ProtocolError

__all__ = ["TERMINAL", "TRANSITIONS", "Event", "Machine", "Role", "State", "render_diagram"]


class Role(enum.Enum):
    """Which end of a connection: the one that asked for it, or the one that serves it."""

    CLIENT = "client"
    SERVER = "server"


class State(enum.Enum):
    """Where a handshake stands; the value describes it."""

    START = "nothing has passed"
    PROPOSED = "the proposal has passed, the decision is due"
    AUTHENTICATING = "authentication was decided, an offer of methods is due"
    OFFERED = "methods were offered, the choice is due"
    IN_METHOD = "a method runs"
    KEY_DUE = "a method succeeded, the key message is due"
    UNAUTHENTICATED = "no method is left"
    AGREED = "the key is known, the cipher is off"
    SECURED = "the cipher is on if there is one, the verdict is due"
    RESUMING = "a session was named, the answer is due"
    RESUMED = "the session is known, the cipher is off"
    OPEN = "the command may go on"
    REFUSED = "the server said no"
    FAILED = "a side gave up"


class Event(enum.Enum):
    """What moves a handshake; the value describes it."""

    PROPOSE = "proposal"
    DECIDE_AUTHENTICATION = "decision: authenticate"
    DECIDE_WITHOUT = "decision: do not authenticate"
    OFFER = "offer of methods"
    CHOOSE = "choice of a method"
    CHOOSE_NONE = "choice: none"
    METHOD_SUCCEEDED = "the method succeeded"
    METHOD_FAILED = "the method failed"
    KEY = "key message"
    GO_ON = "going on unauthenticated"
    SECURE = "cipher switched on, or known to stay off"
    AUTHORIZE = "verdict: authorised"
    DENY = "verdict: denied"
    RESUME = "name of a session"
    SESSION_KNOWN = "answer: session known"
    SESSION_UNKNOWN = "answer: session unknown"
    GIVE_UP = "giving up"


TERMINAL = frozenset({State.OPEN, State.REFUSED, State.FAILED})
"""States in which a handshake ends."""

_STEPS: dict[tuple[State, Event], State] = {
    (State.START, Event.PROPOSE): State.PROPOSED,
    (State.START, Event.RESUME): State.RESUMING,
    (State.PROPOSED, Event.DECIDE_AUTHENTICATION): State.AUTHENTICATING,
    (State.PROPOSED, Event.DECIDE_WITHOUT): State.AGREED,
    (State.AUTHENTICATING, Event.OFFER): State.OFFERED,
    (State.OFFERED, Event.CHOOSE): State.IN_METHOD,
    (State.OFFERED, Event.CHOOSE_NONE): State.UNAUTHENTICATED,
    (State.IN_METHOD, Event.METHOD_SUCCEEDED): State.KEY_DUE,
    (State.IN_METHOD, Event.METHOD_FAILED): State.AUTHENTICATING,
    (State.KEY_DUE, Event.KEY): State.AGREED,
    (State.UNAUTHENTICATED, Event.GO_ON): State.AGREED,
    (State.AGREED, Event.SECURE): State.SECURED,
    (State.SECURED, Event.AUTHORIZE): State.OPEN,
    (State.SECURED, Event.DENY): State.REFUSED,
    (State.RESUMING, Event.SESSION_KNOWN): State.RESUMED,
    (State.RESUMING, Event.SESSION_UNKNOWN): State.REFUSED,
    (State.RESUMED, Event.SECURE): State.OPEN,
    **{(state, Event.GIVE_UP): State.FAILED for state in State if state not in TERMINAL},
}

TRANSITIONS: dict[tuple[Role, State, Event], State] = {
    (role, state, event): target for role in Role for (state, event), target in _STEPS.items()
}
"""Every legal step: (role, state, event) to the next state."""

SENDERS: dict[Event, Role | None] = {
    Event.PROPOSE: Role.CLIENT,
    Event.DECIDE_AUTHENTICATION: Role.SERVER,
    Event.DECIDE_WITHOUT: Role.SERVER,
    Event.OFFER: Role.CLIENT,
    Event.CHOOSE: Role.SERVER,
    Event.CHOOSE_NONE: Role.SERVER,
    Event.METHOD_SUCCEEDED: None,
    Event.METHOD_FAILED: None,
    Event.KEY: Role.SERVER,
    Event.GO_ON: None,
    Event.SECURE: None,
    Event.AUTHORIZE: Role.SERVER,
    Event.DENY: Role.SERVER,
    Event.RESUME: Role.CLIENT,
    Event.SESSION_KNOWN: Role.SERVER,
    Event.SESSION_UNKNOWN: Role.SERVER,
    Event.GIVE_UP: None,
}
"""Who sends the message of an event; None where a side makes the event on its own."""


class Machine:
    """The state of one side of one handshake."""

    __slots__ = ("role", "state")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.state = State.START

    def __repr__(self) -> str:
        return f"Machine({self.role.value}, {self.state.name})"

    def step(self, event: Event) -> None:
        """Move on.

        Raises
        ------
        ProtocolError
            The event is not legal here; names the role, the state and the event.
        """
        target = TRANSITIONS.get((self.role, self.state, event))
        if target is None:
            raise ProtocolError(
                f"illegal step of a security handshake: the {self.role.value} is in state {self.state.name} "
                f"({self.state.value}) and cannot take {event.name} ({event.value})"
            )
        self.state = target


def render_diagram() -> str:
    """Return the table as a page for the documentation: a Mermaid diagram and the list of states and events."""
    lines = [
        "# The security handshake",
        "",
        "Generated from `htcondor_async/_security/negotiation.py`; both ends of a connection follow the same table.",
        "An arrow is labelled with its event and who sends it; `own` is an event that a side makes by itself.",
        "Every state but the last three may also go to `FAILED` when a side gives up.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> START",
    ]
    for (state, event), target in _STEPS.items():
        if event is not Event.GIVE_UP:
            sender = SENDERS[event]
            lines.append(f"    {state.name} --> {target.name}: {event.name} ({sender.value if sender else 'own'})")
    lines += [f"    {state.name} --> [*]" for state in State if state in TERMINAL]
    lines += ["```", "", "| state | meaning |", "|---|---|"]
    lines += [f"| `{state.name}` | {state.value} |" for state in State]
    lines += ["", "| event | meaning |", "|---|---|"]
    lines += [f"| `{event.name}` | {event.value} |" for event in Event]
    return "\n".join(lines) + "\n"
