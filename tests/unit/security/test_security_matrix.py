"""Every combination of levels, methods and server versions, judged by the tables as they are documented.

The judge below is written from the tables alone and shares no code with the handshakes.
"""

from __future__ import annotations

import itertools

import attrs
import pytest

from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async.errors import AuthenticationError, ConfigError, ConnectionClosedError, SecurityError
from tests.helpers.security_world import KEY, World, give_pool_key, give_token, talk

REQ, PRE, OPT, NEV = "REQUIRED", "PREFERRED", "OPTIONAL", "NEVER"
LEVELS = (REQ, PRE, OPT, NEV)
COLUMNS = {REQ: 0, PRE: 1, OPT: 2, NEV: 3}
RESULT = {
    REQ: ("YES", "YES", "YES", "FAIL"),
    PRE: ("YES", "YES", "YES", "NO"),
    OPT: ("YES", "YES", "NO", "NO"),
    NEV: ("FAIL", "NO", "NO", "NO"),
}
BAD_KEY = KEY.__class__(b"X" * 64)


@attrs.frozen
class Side:
    """One policy, made consistent by the old rule; None is a policy that contradicts itself."""

    new: str
    old: str
    encryption: str
    integrity: str


def strongest(*levels: str) -> str:
    return min(levels, key=lambda level: COLUMNS[level])


def consistent(authentication: str, encryption: str, integrity: str) -> Side | None:
    if authentication == NEV:
        if REQ in (encryption, integrity):
            return None
        return Side(NEV, NEV, NEV, NEV)
    return Side(authentication, strongest(authentication, encryption, integrity), encryption, integrity)


def judge(client: Side, server: Side, *, legacy: bool, offered: bool, works: bool) -> str:
    """Return what must happen: "refused here", "closed", "no method", "failed", "no key", "open", "open sealed".

    ``offered``: both sides have a method; ``works``: it succeeds.
    """
    client_new = client.new
    if not offered:
        if client.new == REQ:
            return "refused here"
        client_new = NEV
        if client.old != REQ and strongest(client.encryption, client.integrity) in (OPT, NEV):
            client = attrs.evolve(client, old=NEV)
    pair = (client.old, server.old) if legacy else (client_new, server.new)
    actions = {
        "authentication": RESULT[pair[0]][COLUMNS[pair[1]]],
        "encryption": RESULT[client.encryption][COLUMNS[server.encryption]],
        "integrity": RESULT[client.integrity][COLUMNS[server.integrity]],
    }
    if "FAIL" in actions.values():
        return "closed"
    protected = "YES" in (actions["encryption"], actions["integrity"])
    if actions["authentication"] == "NO":
        if not legacy:
            return "open sealed"
        return "no key" if protected else "open"
    if not offered:
        return "no method"
    if works:
        return "open sealed"
    if REQ in pair or client.new == REQ:
        return "failed"
    return "closed late" if legacy else "open sealed"


def build(levels: tuple[str, str, str], methods: tuple[str, ...]) -> SecurityPolicy:
    return SecurityPolicy(*(Level[name] for name in levels), authentication_methods=methods)


def check(
    world: World, client: tuple[str, str, str], server: tuple[str, str, str], *, offered: bool, works: bool
) -> str | None:
    """Run one combination; returns what is wrong with it."""
    sides = consistent(*client), consistent(*server)
    methods = ("TOKEN",) if offered else ("KERBEROS",)
    if sides[0] is None or sides[1] is None:
        for levels, side in zip((client, server), sides, strict=True):
            if side is None:
                with pytest.raises(ConfigError):
                    build(levels, methods)
        return None
    world.client_policy, world.server_policy = build(client, methods), build(server, ("TOKEN", "FS"))
    expected = judge(sides[0], sides[1], legacy=world.legacy, offered=offered, works=works)
    one, other = world.run()
    error = one.error
    if expected.startswith("open"):
        if error is not None or other.error is not None:
            return f"{expected} expected, but {error!r} {other.error!r}"
        session = one.result
        if (session.method == "AES") != (expected == "open sealed"):
            return f"{expected} expected, but the cipher is {session.method}"
        authenticated = session.authenticated_by is not None
        if authenticated != (session.user == "alice@testpool") or session.user != other.result.user:
            return f"the two sides see {session.user} and {other.result.user}"
        talk(one, other)
        return None
    kinds = {
        "refused here": AuthenticationError,
        "closed": ConnectionClosedError,
        "no method": AuthenticationError,
        "failed": AuthenticationError,
        "no key": SecurityError,
        "closed late": ConnectionClosedError,
    }
    if type(error) is not kinds[expected]:
        return f"{expected} expected, but {error!r}"
    return None


CASES = [
    pytest.param(True, True, id="method-works"),
    pytest.param(True, False, id="method-fails"),
    pytest.param(False, False, id="no-method"),
]


def run_all(
    combinations: list[tuple[tuple[str, str, str], tuple[str, str, str]]], *, legacy: bool, offered: bool, works: bool
) -> None:
    world = World(legacy=legacy)
    give_token(world.client_machine)
    give_pool_key(world.server_machine, KEY if works else BAD_KEY)
    wrong = {
        f"{client} with {server}": problem
        for client, server in combinations
        if (problem := check(world, client, server, offered=offered, works=works)) is not None
    }
    assert not wrong
    assert not world.client_machine.directories


@pytest.mark.parametrize("legacy", [False, True], ids=["current", "before-23.10"])
@pytest.mark.parametrize(("offered", "works"), CASES)
@pytest.mark.parametrize("other", ["encryption", "integrity"])
def test_pairs_of_levels(other: str, legacy: bool, offered: bool, works: bool) -> None:
    """Authentication with one more protection, all 256 combinations; the third follows at OPTIONAL."""

    def levels(authentication: str, protection: str) -> tuple[str, str, str]:
        return (authentication, protection, OPT) if other == "encryption" else (authentication, OPT, protection)

    pairs = list(itertools.product(LEVELS, LEVELS))
    run_all(
        [(levels(*one), levels(*two)) for one, two in itertools.product(pairs, pairs)],
        legacy=legacy,
        offered=offered,
        works=works,
    )


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("legacy", [False, True], ids=["current", "before-23.10"])
@pytest.mark.parametrize(("offered", "works"), CASES)
def test_all_levels(legacy: bool, offered: bool, works: bool) -> None:
    """All 4096 combinations of three protections at two ends."""
    triples = list(itertools.product(LEVELS, LEVELS, LEVELS))
    run_all(list(itertools.product(triples, triples)), legacy=legacy, offered=offered, works=works)
