"""Handshakes of both roles: what they agree on, what they leave behind, what their errors say."""

from __future__ import annotations

import pytest

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.values import Writer
from htcondor_async._secret import Secret
from htcondor_async._security.claims import session_from_capability
from htcondor_async._security.credentials import Credentials, ExplicitTokens
from htcondor_async._security.handshake import client_handshake, receive_query_result
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.tokens import descramble, mint, parse_token, sign
from htcondor_async.errors import (
    AuthenticationError,
    AuthorizationError,
    ConnectionClosedError,
    DaemonTimeoutError,
    Phase,
    ProtocolError,
    SecurityError,
    SessionInvalidError,
)
from tests.harness.fake_kerberos import FakeKerberos
from tests.helpers.security_world import (
    KEY,
    NOW,
    PASSWORD_FILE,
    TOKENS,
    File,
    Rules,
    Side,
    World,
    give_pool_key,
    give_token,
    talk,
)

METHODS = ("FS", "FS_REMOTE", "TOKEN", "PASSWORD", "MUNGE", "KERBEROS", "CLAIMTOBE", "ANONYMOUS")
PROTECTING = ("PASSWORD", "MUNGE", "KERBEROS")
USERS = {
    "FS": "alice@example.org",
    "FS_REMOTE": "alice@example.org",
    "TOKEN": "alice@testpool",
    "PASSWORD": "condor@password",
    "CLAIMTOBE": "alice@example.org",
    "MUNGE": "alice@example.org",
    "KERBEROS": "alice@example.org",
    "ANONYMOUS": "CONDOR_ANONYMOUS_USER",
}


def world_for(*methods: str, **fields: object) -> World:
    world = World(
        client_policy=SecurityPolicy(authentication=Level.REQUIRED, authentication_methods=methods),
        server_policy=SecurityPolicy(authentication_methods=METHODS),
        **fields,  # type: ignore[arg-type]
    )
    world.share_machine()
    give_token(world.client_machine)
    give_pool_key(world.server_machine)
    world.client_machine.munge = world.server_machine.munge = "cluster"
    world.client_machine.kerberos, world.server_machine.kerberos = FakeKerberos(), FakeKerberos()
    for machine, uid in ((world.client_machine, 1000), (world.server_machine, 0)):
        machine.files[PASSWORD_FILE] = File(descramble(Secret(b"sesame\0junk")).reveal(), uid=uid)
    return world


@pytest.mark.parametrize("cipher", ["AES", "BLOWFISH", "3DES"])
@pytest.mark.parametrize("legacy", [False, True], ids=["current", "before-23.10"])
@pytest.mark.parametrize("method", METHODS)
def test_each_method_with_each_cipher(method: str, legacy: bool, cipher: str) -> None:
    world = world_for(method, legacy=legacy)
    world.server_policy = SecurityPolicy(
        authentication_methods=METHODS, crypto_methods=(cipher,), encryption=Level.REQUIRED, integrity=Level.REQUIRED
    )
    client, server = world.run()
    assert client.error is None and server.error is None
    session = client.result
    assert (session.user, session.authenticated_by, session.method) == (USERS[method], method, cipher)
    assert server.result.user == USERS[method]
    assert not server.result.resumed and not server.result.finished
    assert session.valid_commands == {48, 5, 6}
    assert session.expires == NOW + 60
    assert not world.client_machine.directories, "the directory of FS is gone"
    talk(client, server)
    again, other = world.resume(session, 5)
    assert again.error is None and other.error is None
    assert other.result.resumed and other.result.user == USERS[method] and other.result.command == 5
    talk(again, other)


@pytest.mark.parametrize("method", METHODS)
def test_a_key_is_transported_to_a_client_without_key_exchange(method: str) -> None:
    """An attacker who strips the key exchange gets nowhere with a client that requires encryption, unless the method
    protects the key."""
    world = world_for(method)

    def strip(sender: str, data: bytes) -> bytes:
        return data.replace(b"ECDHPublicKey", b"XCDHPublicKey") if sender == "client" else data

    client, _ = world.run(tamper=strip)
    # Both sides have a key, but the first sealed frame binds what was sent, and the server's verdict does not open.
    assert isinstance(client.error, ProtocolError)
    world.client_policy = SecurityPolicy(
        authentication=Level.REQUIRED, encryption=Level.REQUIRED, authentication_methods=(method,)
    )
    client, _ = world.run(tamper=strip)
    assert isinstance(client.error, ProtocolError if method in PROTECTING else SecurityError)
    if method not in PROTECTING:
        assert "does not protect" in str(client.error)


def test_methods_are_tried_one_after_the_other() -> None:
    world = world_for("FS", "TOKEN", "CLAIMTOBE")
    world.client_machine.directories = {}  # FS fails: two machines
    give_pool_key(world.server_machine, Secret(b"other"))  # TOKEN fails: another key
    client, server = world.run()
    assert client.error is None
    assert client.result.authenticated_by == "CLAIMTOBE"
    tried = dict(client.result.authentication_attempts)
    assert "another machine" in tried["FS"]
    assert "refused" in tried["TOKEN"] or "could not prove" in tried["TOKEN"]
    assert {name for name, _ in server.result.session.authentication_attempts} >= {"FS", "TOKEN"}
    talk(client, server)


def test_session_only() -> None:
    client, server = world_for("TOKEN").run(60010, auth_command=48)
    assert client.error is None
    assert server.result.finished and server.result.command == 60010
    assert 48 in client.result.valid_commands


def test_query_of_an_authorisation() -> None:
    world = world_for("TOKEN")
    client, server = world.run(60040, auth_command=48)
    assert server.result.finished
    assert world.rules is not None and world.rules.seen == [(48, "alice@testpool", ())]
    request = world.request(60040, auth_command=48)
    query = Side(receive_query_result(request, client.result), world.client_machine)
    query.connection = client.connection
    query.step()
    assert query.result["AuthorizationSucceeded"] is True
    assert query.result["AuthTokenSubject"] == "alice@testpool"


def test_query_over_a_resumed_session_that_is_refused() -> None:
    world = world_for("TOKEN")
    first, _ = world.run()
    assert world.rules is not None
    world.rules.denied.add("alice@testpool")
    client, server = world.resume(first.result, 60040, auth_command=48)
    assert client.error is None and isinstance(server.error, AuthorizationError)
    query = Side(receive_query_result(world.request(60040), client.result), world.client_machine)
    query.connection = client.connection
    query.connection.feed_eof()
    query.step()
    assert isinstance(query.error, AuthorizationError)


def test_denied() -> None:
    world = world_for("TOKEN")
    world.rules = Rules(world.server_policy, denied={"alice@testpool"})
    client, server = world.run()
    assert isinstance(client.error, AuthorizationError) and isinstance(server.error, AuthorizationError)
    assert "alice@testpool" in str(client.error)
    assert "QUERY_ANY_ADS" in str(client.error)
    assert len(world.sessions) == 0, "a refused session is not kept"


def test_denied_without_authentication_says_what_to_do() -> None:
    world = World()
    world.rules = Rules(world.server_policy, denied={"unauthenticated@unmapped"})
    client, _ = world.run()
    assert isinstance(client.error, AuthorizationError)
    assert "SEC_CLIENT_AUTHENTICATION" in str(client.error)


def test_scope_of_a_token_limits() -> None:
    world = world_for("TOKEN")
    give_token(world.client_machine, scopes=("WRITE",))
    client, _ = world.run()
    assert isinstance(client.error, AuthorizationError)
    assert "scope" in str(client.error)
    give_token(world.client_machine, scopes=("READ", "WRITE"))
    client, server = world.run()
    assert client.error is None
    assert world.rules is not None and world.rules.seen[-1] == (48, "alice@testpool", ("READ", "WRITE"))
    assert server.result.session.limits == ("READ", "WRITE")


def test_unknown_command_closes_the_connection_and_the_hint_says_so() -> None:
    world = World()
    world.rules = Rules(world.server_policy, special={48: None})
    client, server = world.run()
    assert isinstance(server.error, ProtocolError)
    assert isinstance(client.error, ConnectionClosedError)
    assert client.error.phase is Phase.NEGOTIATE
    assert "does not know this command" in str(client.error)
    assert "policies do not meet" in str(client.error)


def test_no_common_method_names_both_lists() -> None:
    world = world_for("CLAIMTOBE")
    world.server_policy = SecurityPolicy(authentication_methods=("FS", "TOKEN"))
    client, server = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "this client offered CLAIMTOBE; the daemon answered none" in str(client.error)
    assert server.error is not None


def test_no_usable_method_is_refused_before_anything_is_sent() -> None:
    world = world_for("TOKEN", "KERBEROS", "NTSSPI", "GSI")
    world.client_machine.kerberos = None
    del world.client_machine.files[f"{TOKENS}/pool"]
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert client.sent == []
    assert "does not exist" in str(client.error) and TOKENS in str(client.error)
    said = dict(client.error.attempts)
    assert said.keys() == {"TOKEN", "KERBEROS", "NTSSPI", "GSI"}
    assert said["KERBEROS"] == "this machine has no Kerberos library"
    assert said["NTSSPI"] == "not supported by this package; it exists on Windows only"
    assert f"NTSSPI: {said['NTSSPI']}" in str(client.error)
    assert "GSI: not supported by this package" in str(client.error)


def test_an_expired_token_is_named_with_file_and_time() -> None:
    world = world_for("TOKEN")
    give_token(world.client_machine, now=NOW - 10_000, lifetime=100)
    client, server = world.run()
    assert isinstance(client.error, AuthenticationError) and isinstance(server.error, AuthenticationError)
    assert f"{TOKENS}/pool" in str(client.error)
    assert "expired at 2027-01-15 05:15:00 UTC" in str(client.error)
    assert client.error.attempts[0][0] == "TOKEN"


def test_a_token_of_another_pool_is_not_sent() -> None:
    world = world_for("TOKEN")
    give_token(world.client_machine, issuer="elsewhere")
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "'elsewhere'" in str(client.error) and "'testpool'" in str(client.error)
    assert not any(b"eyJ" in message for message in client.sent)


def test_a_token_of_another_key_is_not_sent() -> None:
    world = world_for("TOKEN")
    give_token(world.client_machine, key_id="OTHER", key=KEY)
    client, _ = world.run()
    assert "signed with the key 'OTHER'; the daemon has POOL" in str(client.error)


def test_a_valid_token_goes_before_an_expired_one() -> None:
    world = world_for("TOKEN")
    give_token(world.client_machine, "a", now=NOW - 10_000, lifetime=100, token_id="cc" * 16)
    client, server = world.run()
    assert client.error is None
    assert server.result.session.attributes["AuthTokenId"] == "ab" * 16


def test_a_client_with_the_signing_key_makes_its_own_token() -> None:
    world = world_for("TOKEN")
    del world.client_machine.files[f"{TOKENS}/pool"]
    give_pool_key(world.client_machine)
    client, _ = world.run()
    assert client.error is None
    assert client.result.user == "condor@password"


@pytest.mark.parametrize("claims", [{"exp": NOW - 1}, {"jti": ""}, {"iss": ""}, {"sub": "bob@testpool"}])
def test_server_refuses_bad_tokens(claims: dict[str, object]) -> None:
    """A client that lies about its token: the travelling part is changed after it was signed."""
    world = world_for("TOKEN")
    token = parse_token(Secret(give_token(world.client_machine)))
    forged = sign({**token.claims, **claims}, Secret(b"guess"))
    world.credentials = Credentials((ExplicitTokens((forged.text(),)),))
    world.settings = SecuritySettings(uid_domain="example.org")
    world.server_settings = SecuritySettings(uid_domain="example.org")
    client, server = world.run()
    assert isinstance(server.error, AuthenticationError) or isinstance(client.error, AuthenticationError)


def test_server_is_not_believed_without_the_key() -> None:
    """A false server that accepts every token cannot prove that it knows the signature."""
    world = world_for("TOKEN")
    give_pool_key(world.server_machine, Secret(b"false"))
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "could not prove that it knows the key" in str(client.error)


def test_wrong_password() -> None:
    world = world_for("PASSWORD")
    world.server_machine.files[PASSWORD_FILE] = File(descramble(Secret(b"other")).reveal(), uid=0)
    client, server = world.run()
    assert isinstance(client.error, AuthenticationError) and isinstance(server.error, AuthenticationError)


@pytest.mark.parametrize(
    ("client_realm", "server_realm", "reason"),
    [("a", "b", "same munge key"), (None, "b", "munge: Failed to access"), ("a", None, "no common")],
)
def test_munge_between_strangers(client_realm: str | None, server_realm: str | None, reason: str) -> None:
    world = world_for("MUNGE")
    world.client_machine.munge, world.server_machine.munge = client_realm, server_realm
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert reason in str(client.error)


@pytest.mark.parametrize(("uid", "mode"), [(1001, 0o600), (1000, 0o640)])
def test_a_password_file_that_others_can_read_is_not_used(uid: int, mode: int) -> None:
    world = world_for("PASSWORD")
    world.client_machine.files[PASSWORD_FILE].uid = uid
    world.client_machine.files[PASSWORD_FILE].mode = mode
    client, _ = world.run()
    assert "private file" in str(client.error)


def test_optional_authentication_that_fails_goes_on_unauthenticated() -> None:
    world = world_for("TOKEN")
    world.client_policy = SecurityPolicy(authentication=Level.PREFERRED, authentication_methods=("TOKEN",))
    give_pool_key(world.server_machine, Secret(b"other"))
    client, server = world.run()
    assert client.error is None and server.error is None
    assert client.result.user == server.result.user == "unauthenticated@unmapped"
    assert client.result.authenticated_by is None
    talk(client, server)


def test_optional_authentication_that_fails_is_explained_where_a_server_does_not_go_on() -> None:
    world = world_for("TOKEN", legacy=True)
    world.client_policy = SecurityPolicy(authentication=Level.PREFERRED, authentication_methods=("TOKEN",))
    give_pool_key(world.server_machine, Secret(b"other"))
    client, _ = world.run()
    assert isinstance(client.error, ConnectionClosedError)
    assert "Authentication failed" in str(client.error) and "TOKEN" in str(client.error)


def test_a_proof_refused_in_silence_ends_by_the_timeout_with_a_hint() -> None:
    """The server refuses the client's last message and waits for another offer; the client waits for the key."""
    world = world_for("TOKEN")
    damaged = False

    def damage(sender: str, data: bytes) -> bytes:
        nonlocal damaged
        if sender == "client" and len(data) == 323 + 5:
            damaged = True
            return data[:-1] + bytes((data[-1] ^ 1,))
        return data

    client, _ = world.run(tamper=damage, timeouts=True)
    assert damaged
    assert isinstance(client.error, DaemonTimeoutError)
    assert "may have refused the proof of TOKEN" in str(client.error)


def test_unknown_session() -> None:
    world = world_for("TOKEN")
    first, _ = world.run()
    world.sessions.clear()
    client, server = world.resume(first.result)
    assert isinstance(client.error, SessionInvalidError) and isinstance(server.error, SessionInvalidError)
    assert "restarted" in str(client.error)


def test_resumption_is_not_sent_for_more_than_the_session_gives() -> None:
    world = World(legacy=True)
    first, _ = world.run()
    assert first.result.method is None, "a session in clear"
    client, server = world.resume(first.result)
    assert client.error is None
    talk(client, server)
    world.client_policy = SecurityPolicy(encryption=Level.REQUIRED)
    client, _ = world.resume(first.result)
    assert isinstance(client.error, SecurityError) and client.sent == []


def test_resumed_for_a_command_that_needs_authentication() -> None:
    world = World()
    first, _ = world.run()
    assert world.rules is not None
    world.rules.special[1112] = SecurityPolicy(authentication=Level.REQUIRED)
    client, server = world.resume(first.result, 1112)
    assert client.error is None, "the reply only says that the session is known"
    assert isinstance(server.error, AuthorizationError)


def test_session_of_a_claim() -> None:
    world = World()
    claim = Secret(
        '<127.0.0.1:9618?sock=startd_1>#1795330240#20#[Integrity="NO";Encryption="NO";CryptoMethods="BLOWFISH";'
        'CryptoMethodsList="AES.BLOWFISH.3DES";]0123456789abcdef'
    )
    session = session_from_capability(claim)
    world.sessions.add(session, now=NOW)
    client, server = world.resume(session, 442)
    assert client.error is None and server.error is None
    assert client.connection.method == "AES"
    talk(client, server)


def test_raw_command() -> None:
    world = World()
    server = world.server_side()
    server.step()
    server.connection.feed(CedarConnection().send_message(Writer(False).int(48).str("query").getvalue()))
    server.step()
    assert server.result.command == 48 and server.result.arguments == b"query\0"
    world.server_policy = SecurityPolicy(encryption=Level.REQUIRED)
    server = world.server_side()
    server.step()
    server.connection.feed(CedarConnection().send_message(Writer(False).int(48).str("query").getvalue()))
    server.step()
    assert isinstance(server.error, SecurityError)


def test_forced_authentication_of_one_command() -> None:
    world = world_for("TOKEN")
    world.client_policy = SecurityPolicy(authentication_methods=("TOKEN",))
    world.rules = Rules(world.server_policy)
    world.rules.special[1112] = SecurityPolicy.from_config({}, "WRITE", authentication=Level.REQUIRED)
    client, _ = world.run(48)
    assert client.result.authenticated_by is None
    client, _ = world.run(1112)
    assert client.result.authenticated_by == "TOKEN"
    world.client_policy = SecurityPolicy(authentication=Level.NEVER)
    client, _ = world.run(1112)
    assert isinstance(client.error, ConnectionClosedError)


def test_session_times_are_the_smaller_of_both_sides() -> None:
    world = World(
        client_policy=SecurityPolicy(session_duration=50, session_lease=0),
        server_policy=SecurityPolicy(session_duration=100, session_lease=9),
    )
    client, server = world.run()
    assert client.result.expires == server.result.session.expires == NOW + 50
    assert client.result.lease == server.result.session.lease == 9.0
    assert client.result.reusable
    world.client_policy = SecurityPolicy(session_duration=0)
    client, _ = world.run()
    assert not client.result.reusable


def test_the_proposal_is_complete() -> None:
    """What servers need in the first message; without RemoteVersion a daemon of 23.9 dies of a token."""
    client, _ = world_for("TOKEN").run()
    for name in (
        b"Command = 48",
        b'Enact = "NO"',
        b'NewSession = "YES"',
        b'RemoteVersion = "$CondorVersion: ',
        b"ECDHPublicKey",
    ):
        assert name in client.sent[0]
    assert b'AuthMethods = "TOKEN"' in client.sent[0]
    assert b'SessionDuration = "60"' in client.sent[0], "a string"


def test_a_token_without_subject_is_never_sent() -> None:
    world = world_for("TOKEN")
    token = mint(KEY, issuer="testpool", subject="", now=NOW, token_id="ab" * 16)
    world.credentials = Credentials((ExplicitTokens((token.text(),)),))
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "no subject" in str(client.error)


def test_a_server_that_goes_away_during_a_method() -> None:
    world = world_for("FS")
    client = Side(client_handshake(world.request()), world.client_machine)
    server = world.server_side()
    for _ in range(10):
        data = client.step()
        if world.client_machine.directories:
            break
        server.connection.feed(data)
        client.connection.feed(server.step())
    assert world.client_machine.directories, "made, and the verdict is due"
    client.connection.feed_eof()
    client.step()
    assert isinstance(client.error, AuthenticationError)
    assert "hung up during FS" in str(client.error)
    assert world.client_machine.made and not world.client_machine.directories, "the directory is removed all the same"
