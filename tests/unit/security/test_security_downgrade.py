"""What an attacker in the middle can change before the cipher is on, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._secret import Secret
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async.errors import (
    AuthenticationError,
    ConnectionClosedError,
    ProtocolError,
    SecurityError,
)
from tests.helpers.security_world import World, give_pool_key, give_token, talk

REQUIRED = SecurityPolicy(
    Level.REQUIRED, Level.REQUIRED, Level.REQUIRED, authentication_methods=("TOKEN", "CLAIMTOBE", "ANONYMOUS")
)


def make_world(policy: SecurityPolicy = REQUIRED, **fields: object) -> World:
    world = World(
        client_policy=policy,
        server_policy=SecurityPolicy(authentication_methods=("TOKEN", "CLAIMTOBE", "ANONYMOUS")),
        **fields,  # type: ignore[arg-type]
    )
    give_token(world.client_machine)
    give_pool_key(world.server_machine)
    return world


def rewrite(sender: str, pattern: bytes, replacement: bytes) -> Callable[[str, bytes], bytes]:
    """Change a clear message of one side; keeps its length, which stands in the frame."""

    def tamper(who: str, data: bytes) -> bytes:
        if who != sender:
            return data
        changed = re.sub(pattern, replacement, data)
        assert len(changed) == len(data), "a test that changes lengths damages the frame instead"
        return changed

    return tamper


def test_nothing_is_wrong_without_an_attacker() -> None:
    client, server = make_world().run()
    assert client.error is None and server.error is None
    assert client.result.authenticated_by == "TOKEN"


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb'Authentication = "YES"', b'Authentication = "NO" '),
        (rb'Encryption = "YES"', b'Encryption = "NO" '),
        (rb'Integrity = "YES"', b'Integrity = "NO" '),
        (rb'CryptoMethods = "AES"', b'CryptoMethods = "XXX"'),
        (rb"CryptoMethods =", b"XryptoMethods ="),
        (rb"ECDHPublicKey =", b"XCDHPublicKey ="),
        (rb'ECDHPublicKey = "B', b'ECDHPublicKey = "C'),
        (rb"Authentication =", b"Xuthentication ="),
        (rb"Encryption =", b"Xncryption ="),
        (rb'AuthMethodsList = "TOKEN,CLAIMTOBE,', b'AuthMethodsList = "CLAIMTOBE,CLAIM,'),
        (rb'TrustDomain = "testpool"', b'TrustDomain = "evilpool"'),
    ],
)
def test_a_changed_decision_ends_the_connection(pattern: bytes, replacement: bytes) -> None:
    client, _ = make_world().run(tamper=rewrite("server", pattern, replacement), timeouts=True)
    assert isinstance(client.error, (SecurityError, ProtocolError))
    assert client.result is None


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb'(?<!New)Authentication = "REQUIRED"', b'Authentication = "NEVER"   '),
        (rb'Encryption = "REQUIRED"', b'Encryption = "OPTIONAL"'),
        (rb'Encryption = "REQUIRED"', b'Encryption = "NEVER"   '),
        (rb'AuthenticationNew = "REQUIRED"', b'AuthenticationNew = "OPTIONAL"'),
        (rb'AuthMethods = "TOKEN,', b'AuthMethods = "NOKEN,'),
        (rb'CryptoMethods = "AES,', b'CryptoMethods = "XES,'),
        (rb"ECDHPublicKey =", b"XCDHPublicKey ="),
        (rb"Command = 48", b"Command = 05"),
        (rb'RemoteVersion = "\$CondorVersion: 25', b'RemoteVersion = "$CondorVersion: 23'),
    ],
)
@pytest.mark.parametrize("legacy", [False, True], ids=["current", "before-23.10"])
def test_a_changed_proposal_ends_the_connection(pattern: bytes, replacement: bytes, legacy: bool) -> None:
    """AES binds the transcript: whatever the server read must be what the client sent."""
    client, _ = make_world(legacy=legacy).run(tamper=rewrite("client", pattern, replacement), timeouts=True)
    assert client.error is not None
    assert isinstance(client.error, (SecurityError, ProtocolError, ConnectionClosedError))
    assert client.result is None


@pytest.mark.parametrize("feature", ["authentication", "encryption", "integrity"])
def test_a_server_that_never_does_what_is_required(feature: str) -> None:
    """An honest refusal, and a server that answers NO where the client said REQUIRED."""
    world = make_world(SecurityPolicy(**{feature: Level.REQUIRED}, authentication_methods=("TOKEN",)))
    world.server_policy = SecurityPolicy(Level.NEVER, Level.NEVER, Level.NEVER, Level.NEVER)
    client, server = world.run()
    assert isinstance(client.error, ConnectionClosedError) and isinstance(server.error, SecurityError)


@pytest.mark.parametrize("feature", ["encryption", "integrity"])
def test_old_server_without_key_is_refused_by_name(feature: str) -> None:
    """Before 23.10 there is no key without authentication; the decision of such a server is forged to say NO."""
    world = make_world(SecurityPolicy(**{feature: Level.REQUIRED}, authentication_methods=("TOKEN",)), legacy=True)

    def forge(who: str, data: bytes) -> bytes:
        data = rewrite("server", rb'Authentication = "YES"', b'Authentication = "NO" ')(who, data)
        return rewrite("server", rb"ECDHPublicKey", b"XCDHPublicKey")(who, data)

    client, _ = world.run(tamper=forge)
    assert isinstance(client.error, SecurityError)
    assert "there is no key" in str(client.error) or f"no {feature}, which this client requires" in str(client.error)
    assert "before 23.10" in str(client.error)


def test_old_cipher_with_a_decision_of_no_is_refused() -> None:
    world = make_world(
        SecurityPolicy(encryption=Level.REQUIRED, authentication_methods=("TOKEN",), crypto_methods=("3DES", "AES"))
    )
    world.server_policy = SecurityPolicy(crypto_methods=("3DES",), authentication_methods=("TOKEN",))
    client, server = world.run()
    assert client.error is None, "an honest 3DES server encrypts"
    talk(client, server)
    client, _ = world.run(tamper=rewrite("server", rb'Encryption = "YES"', b'Encryption = "NO" '))
    assert isinstance(client.error, SecurityError)
    assert "no encryption, which this client requires" in str(client.error)


def test_an_old_cipher_is_taken_only_from_a_client_that_prefers_it() -> None:
    world = make_world()
    world.server_policy = SecurityPolicy(crypto_methods=("BLOWFISH",), authentication_methods=("TOKEN",))
    client, _ = world.run()
    assert isinstance(client.error, SecurityError)
    assert "Put BLOWFISH in front of AES in SEC_CLIENT_CRYPTO_METHODS" in str(client.error)


def test_a_method_that_was_not_offered_is_refused() -> None:
    world = make_world(SecurityPolicy(Level.REQUIRED, authentication_methods=("TOKEN",)))

    def choose(who: str, data: bytes) -> bytes:
        return data.replace((2048).to_bytes(8, "big"), (2).to_bytes(8, "big")) if who == "server" else data

    client, _ = world.run(tamper=choose)
    assert isinstance(client.error, ProtocolError)
    assert "chose the authentication method 2; 2048 was offered" in str(client.error)


def test_failure_of_a_required_method_is_never_optional() -> None:
    """The decision is changed to say that authentication may fail; the client required it."""
    world = make_world(SecurityPolicy(Level.REQUIRED, authentication_methods=("TOKEN",)))
    give_pool_key(world.server_machine, Secret(b"another"))
    client, _ = world.run(
        tamper=rewrite("server", rb"NegotiatedSession = true", b"AuthRequired     = false"), timeouts=True
    )
    assert isinstance(client.error, AuthenticationError)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), legacy=st.booleans())
def test_a_flipped_bit_never_gives_two_different_views(data: st.DataObject, legacy: bool) -> None:
    """One bit changed anywhere on the wire, either way: an error, or both sides agree all the same.

    Some bits do no harm by themselves (a digit of a duration); then the first sealed message must not open.
    """
    world = make_world(legacy=legacy)
    plain_client, plain_server = world.run()
    assert plain_client.error is None
    sender = data.draw(st.sampled_from(["client", "server"]))
    total = sum(len(m) + 5 for m in (plain_client if sender == "client" else plain_server).sent)
    target = data.draw(st.integers(0, total - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    passed = 0

    def flip(who: str, chunk: bytes) -> bytes:
        nonlocal passed
        if who != sender:
            return chunk
        offset = target - passed
        passed += len(chunk)
        if not 0 <= offset < len(chunk):
            return chunk
        return chunk[:offset] + bytes((chunk[offset] ^ bit,)) + chunk[offset + 1 :]

    client, server = world.run(tamper=flip, timeouts=True)
    for side in (client, server):
        assert side.error is None or isinstance(side.error, OSError), repr(side.error)
    assert client.error is not None, "the client never takes a session from a changed handshake"
