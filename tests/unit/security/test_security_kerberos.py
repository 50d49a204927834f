"""KERBEROS without a realm: what both sides do with what the library and the other side say."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
import pytest

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._cedar.limits import DEFAULT_LIMITS
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async._security import effects as fx
from htcondor_async._security.handshake import client_handshake
from htcondor_async._security.kerberos import kerberos_user, read_realm_map
from htcondor_async._security.methods import METHODS, MethodContext, MethodFailed, MethodResult
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.errors import AuthenticationError, ConfigError, ProtocolError, SecurityError
from tests.harness.fake_kerberos import FakeKerberos
from tests.helpers.security_world import NOW, File, Side, World, join, make_credentials

KERBEROS = METHODS["KERBEROS"]
MAP = "/etc/condor/realms"


def make_world(methods: tuple[str, ...] = ("KERBEROS",), **settings: Any) -> World:
    world = World(
        client_policy=SecurityPolicy(authentication=Level.REQUIRED, authentication_methods=methods),
        server_policy=SecurityPolicy(authentication_methods=("KERBEROS", "CLAIMTOBE")),
    )
    world.settings = attrs.evolve(world.settings, **settings)
    world.client_machine.kerberos, world.server_machine.kerberos = FakeKerberos(), FakeKerberos()
    return world


def said(world: World) -> str:
    """Run a handshake that falls back on CLAIMTOBE; return what KERBEROS said."""
    world.client_policy = attrs.evolve(world.client_policy, authentication_methods=("KERBEROS", "CLAIMTOBE"))
    client, server = world.run()
    assert client.error is None and server.error is None
    assert client.result.authenticated_by == "CLAIMTOBE"
    return dict(client.result.authentication_attempts)["KERBEROS"]


def kerberos_of(world: World) -> tuple[FakeKerberos, FakeKerberos]:
    client, server = world.client_machine.kerberos, world.server_machine.kerberos
    assert client is not None and server is not None
    return client, server


def test_success() -> None:
    client, server = make_world().run()
    assert client.result.user == server.result.user == "alice@example.org"
    assert client.result.server_identity == "condor@example.org"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"principal": None}, "No credentials cache found"),
        (
            {"ends": NOW - 1},
            "the ticket of alice@example.org in FILE:/tmp/krb5cc ended at 2027-01-15 07:59:59 UTC; kinit",
        ),
        ({"ends": 0.0}, "the ticket of alice@example.org in FILE:/tmp/krb5cc is missing; kinit gets a new one"),
        ({"services": ("other",)}, "Server host/127.0.0.1@example.org not found in Kerberos database"),
    ],
)
def test_the_client_cannot(change: dict[str, Any], reason: str) -> None:
    world = make_world()
    world.client_machine.kerberos = FakeKerberos(**change)
    assert said(world).startswith(reason)


def test_a_client_without_the_library() -> None:
    world = make_world()
    world.client_machine.kerberos = None
    assert said(world) == "this machine has no Kerberos library"


def test_a_server_without_a_keytab_does_not_offer_it() -> None:
    world = make_world()
    kerberos_of(world)[1].keys = ()
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "the daemon answered none" in str(client.error)


def test_a_server_without_the_key() -> None:
    world = make_world(kerberos_service="other")
    assert "refused the ticket for other/127.0.0.1@example.org" in said(world)


def test_a_server_that_proves_nothing_is_the_end() -> None:
    world = make_world(("KERBEROS", "CLAIMTOBE"))
    kerberos_of(world)[1].honest = False
    client, server = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "did not prove that it is host/127.0.0.1@example.org" in str(client.error)
    assert server.error is not None


def test_a_ticket_for_another_address() -> None:
    world = make_world()
    kerberos_of(world)[0].addresses = ("10.1.1.1",)
    world.server_fields["client_address"] = ("10.2.2.2", 5)
    assert "no name" in said(world)
    world.server_fields["client_address"] = ("10.1.1.1", 5)
    world.client_policy = attrs.evolve(world.client_policy, authentication_methods=("KERBEROS",))
    assert world.run()[0].result.authenticated_by == "KERBEROS"
    world.server_fields["client_address"] = ("10.2.2.2", 5)
    world.server_settings = attrs.evolve(world.settings, authentication_ip_check=False)
    assert world.run()[0].result.authenticated_by == "KERBEROS"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("EXAMPLE.COM = example.com\n", "does not name the realm"), ("example.org\n", "line 1"), (None, "No such file")],
)
@pytest.mark.parametrize("here", ["client", "server"])
def test_a_map_that_lets_nobody_in(text: str | None, reason: str, here: str) -> None:
    world = make_world()
    own = attrs.evolve(world.settings, kerberos_map_file=MAP)
    machine = world.client_machine if here == "client" else world.server_machine
    if text is not None:
        machine.files[MAP] = File(text.encode())
    if here == "server":
        world.server_settings = own
        assert "does not know the realm" in said(world)
    else:
        world.server_settings, world.settings = world.settings, own
        assert reason in said(world)


def test_a_map_that_lets_in() -> None:
    world = make_world()
    world.server_machine.files[MAP] = File(b"# ours\n\nexample.org=pool.org\n")
    world.server_settings = attrs.evolve(world.settings, kerberos_map_file=MAP)
    assert world.run()[0].result.user == "alice@pool.org"


def test_maps_are_read_as_they_are_written() -> None:
    assert read_realm_map("A = a\n  B=b # and so on\n#C = c\n\nD\t=\td\n") == {"A": "a", "B": "b", "D": "d"}
    for text in ("A =", "= a", "A"):
        with pytest.raises(ConfigError, match="expected REALM = domain"):
            read_realm_map(text)


@pytest.mark.parametrize(
    ("principal", "user"),
    [
        ("alice@R", "alice@R"),
        ("alice/admin@R", "alice@R"),
        ("host/node.example.org@R", "condor@R"),
        ("host@R", "condor@R"),
        ("pool/node@R", "pool@R"),
        ("alice", None),
        ("@R", None),
        ("alice@", None),
    ],
)
def test_users(principal: str, user: str | None) -> None:
    assert kerberos_user(principal, service="host", server_principal=None, server_user=None, realms=None) == user


def test_the_user_of_daemons_can_be_configured() -> None:
    rules: dict[str, Any] = {"service": "condor", "server_principal": "pool/node@R", "realms": {"R": "pool"}}
    assert kerberos_user("pool/node@R", server_user="daemons", **rules) == "daemons@pool"
    assert kerberos_user("pool/other@R", server_user="daemons", **rules) == "pool@pool"
    assert kerberos_user("condor/other@R", server_user="daemons", **rules) == "daemons@pool"
    assert kerberos_user("pool/node@R", server_user=None, **rules) == "pool@pool"
    assert kerberos_user("alice@S", server_user=None, **rules) is None


def test_settings_are_read() -> None:
    config = {
        "KERBEROS_SERVER_SERVICE": "pool",
        "KERBEROS_SERVER_PRINCIPAL": "pool/node@R",
        "KERBEROS_SERVER_USER": "daemons",
        "KERBEROS_SERVER_KEYTAB": "/s",
        "KERBEROS_CLIENT_KEYTAB": "/c",
        "KERBEROS_MAP_FILE": "/m",
        "DISABLE_AUTHENTICATION_IP_CHECK": "true",
    }
    found = SecuritySettings.from_config(config)
    assert (found.kerberos_service, found.kerberos_server_principal) == ("pool", "pool/node@R")
    assert (found.kerberos_server_user, found.kerberos_map_file) == ("daemons", "/m")
    assert (found.kerberos_server_keytab, found.kerberos_client_keytab) == ("/s", "/c")
    assert not found.authentication_ip_check
    assert SecuritySettings.from_config({}).kerberos_service == "host"


# -- the other side does not keep to it


def play(steps: Generator[Any, Any, MethodResult], library: FakeKerberos, *incoming: bytes) -> tuple[Any, list[bytes]]:
    """Run one role with the messages of the other; return result or error, and what was sent."""
    messages, sent = list(incoming), []
    answer: Any = None
    try:
        while True:
            effect = steps.send(answer)
            answer = None
            if isinstance(effect, Send):
                sent.append(effect.message)
            elif isinstance(effect, Receive):
                answer = messages.pop(0)
            elif isinstance(effect, fx.CurrentUser):
                answer = fx.UserIdentity("alice", 1000, "/home/alice")
            else:
                try:
                    answer = effect.run(library)
                except OSError as error:
                    effect = steps.throw(error)
                    assert isinstance(effect, Send)
                    sent.append(effect.message)
    except StopIteration as done:
        return done.value, sent
    except (MethodFailed, ProtocolError, AuthenticationError) as error:
        return error, sent


def message(*values: int | bytes) -> bytes:
    writer = Writer(crypto=False)
    for value in values:
        if isinstance(value, int):
            writer.int(value)
        else:
            writer.raw(value)
    return writer.getvalue()


def context() -> MethodContext:
    return MethodContext(("127.0.0.1", 1), SecuritySettings(), make_credentials(), bytes, NOW)


LONG = message(4, 1 << 20, b"x")
BAD = [
    message(4, -1),
    message(4, 0),
    message(4, 1 << 40, b"x"),
    LONG,
    message(4, 5, b"abc"),
    message(4, 1, b"xyz"),
    b"",
]


@pytest.mark.parametrize("bad", [*BAD, message(0, 3, b"abc"), message(4)])
def test_messages_that_are_none(bad: bytes) -> None:
    error, sent = play(KERBEROS.client(context()), FakeKerberos(), message(3), bad)
    assert isinstance(error, ProtocolError)
    error, sent = play(KERBEROS.server(context()), FakeKerberos(), message(4), bad)
    assert isinstance(error, ProtocolError)
    assert sent == []


def test_what_the_client_sends_on_a_failure_of_its_own() -> None:
    error, sent = play(KERBEROS.client(context()), FakeKerberos(services=()))
    assert isinstance(error, MethodFailed)
    assert sent == [message(-1)]


@pytest.mark.parametrize("code", [0, 1, 2, 4, -1, 77])
def test_an_answer_that_is_not_the_mutual_one(code: int) -> None:
    error, _ = play(KERBEROS.client(context()), FakeKerberos(), message(code))
    assert isinstance(error, MethodFailed) and "refused the ticket" in str(error)


def _reply(sent_request: bytes, library: FakeKerberos) -> bytes:
    reader = Reader(sent_request, False, DEFAULT_LIMITS)
    reader.int()
    reply = library.accept(reader.raw(reader.int()), None).reply
    return message(4, len(reply), reply)


@pytest.mark.parametrize(("code", "works"), [(1, True), (2, True), (0, False), (-1, False), (9, False)])
def test_the_last_word_of_the_server(code: int, works: bool) -> None:
    library = FakeKerberos()
    steps = KERBEROS.client(context())
    sent: list[bytes] = []
    answer: Any = None
    outcome: Any = None
    answers = [message(3), None, message(code)]
    try:
        while True:
            effect = steps.send(answer)
            answer = None
            if isinstance(effect, Send):
                sent.append(effect.message)
            elif isinstance(effect, Receive):
                given = answers.pop(0)
                answer = _reply(sent[1], library) if given is None else given
            elif isinstance(effect, fx.CurrentUser):
                answer = fx.UserIdentity("alice", 1000, "/home/alice")
            else:
                answer = effect.run(library)
    except StopIteration as done:
        outcome = done.value
    except MethodFailed as error:
        outcome = error
    assert isinstance(outcome, MethodResult) == works
    assert sent[2] == message(1)


@pytest.mark.parametrize("code", [0, -1, 4, 77])
def test_a_client_that_does_not_accept_the_proof(code: int) -> None:
    library = FakeKerberos()
    request = library.request("127.0.0.1", "host", None, NOW).request
    incoming = (message(4), message(4, len(request), request), message(code))
    error, sent = play(KERBEROS.server(context()), library, *incoming)
    assert isinstance(error, MethodFailed)
    assert sent[-1] == message(0)


def test_a_key_that_another_key_wrapped() -> None:
    """The transported key of an older daemon: changed on its way, the connection ends."""
    world = make_world()
    world.legacy = True
    world.client_policy = attrs.evolve(world.client_policy, crypto_methods=("BLOWFISH",), encryption=Level.REQUIRED)
    world.server_policy = attrs.evolve(world.server_policy, crypto_methods=("BLOWFISH",))
    original = b"KRB0"

    def strip(name: str, data: bytes) -> bytes:
        return data.replace(original, b"KRB7") if name == "server" else data

    client = Side(_without_exchange(client_handshake(world.request())), world.client_machine)
    server = world.server_side()
    join(client, server, tamper=strip)
    assert isinstance(client.error, (ProtocolError, SecurityError))
    assert "another key wrapped it" in str(client.error)


def _without_exchange(steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Leave the public value out of what a client proposes, as clients before 9.0 have none."""
    answer = None
    try:
        while True:
            effect = steps.send(answer)
            if isinstance(effect, Send) and b"ECDHPublicKey" in effect.message:
                effect = Send(effect.message.replace(b"ECDHPublicKey", b"XXXXPublicKey"))
            answer = yield effect
    except StopIteration as done:
        return done.value


def test_nothing_of_the_exchange_is_shown() -> None:
    library = FakeKerberos()
    exchange = library.request("127.0.0.1", "host", None, NOW)
    client = library.accept(exchange.request, None)
    shown = repr(exchange) + repr(client) + repr(fx.KerberosStep()) + repr(MethodResult(wrapping=client.key))
    assert "alice" in shown and "FakeKey" not in shown
    assert exchange.request.decode() not in shown
    assert Secret(b"x") == client.key.unwrap(client.key.wrap(Secret(b"x")))
