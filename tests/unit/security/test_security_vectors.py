"""Against what a real daemon of 25.14.1 sent and computed."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.values import Reader
from htcondor_async._secret import Secret
from htcondor_async._security.ads import decode_ad, read_ad
from htcondor_async._security.credentials import Credentials, ExplicitTokens
from htcondor_async._security.handshake import client_handshake
from htcondor_async._security.keys import KeyExchange, hkdf, unwrap_key, wrap_key
from htcondor_async._security.methods import METHODS, akep2
from htcondor_async._security.methods.idtokens import shared_key
from htcondor_async._security.tokens import parse_token, sign, verify
from htcondor_async.errors import ProtocolError
from tests.helpers.security_world import Machine, Rules, Side, World, give_pool_key, join

DATA = json.loads(
    (Path(__file__).parents[2] / "data" / "security" / "handshake_25.14.json").read_text(encoding="utf-8")
)
ECDH, MESSAGES, TOKEN = DATA["ecdh"], DATA["messages"], DATA["idtokens"]
FRAME_HEADER = 5


def _exchange() -> KeyExchange:
    return KeyExchange(lambda n: bytes(n), Secret(bytes.fromhex(ECDH["private"])))


def _body(name: str) -> bytes:
    return bytes.fromhex(MESSAGES[name])[FRAME_HEADER:]


def test_key_exchange() -> None:
    exchange = _exchange()
    assert exchange.public == ECDH["client_public"]
    assert exchange.shared(ECDH["server_public"]).reveal().hex() == ECDH["shared"]
    assert exchange.derive(ECDH["server_public"], "AES").reveal().hex() == ECDH["key"]
    assert len(exchange.derive(ECDH["server_public"], "BLOWFISH").reveal()) == 24


@pytest.mark.parametrize("public", ["", "AAAA", "!!!!", ECDH["server_public"][:-4], "BA" + "A" * 86, "x" * 10_000])
def test_a_point_off_the_curve_is_refused(public: str) -> None:
    with pytest.raises(ProtocolError, match="P-256"):
        _exchange().derive(public, "AES")


def test_recorded_proposal_is_read() -> None:
    reader = Reader(_body("proposal"), False)
    assert reader.int() == 60010
    ad = decode_ad(reader, tolerant=False)
    reader.expect_end()
    assert ad.integer("command") == 60011
    assert ad.integer("SessionDuration") == 60
    assert ad.names("AuthMethods") == ("FS", "TOKEN")
    assert ad.truth("NegotiatedSession") is True
    assert ad.text("ECDHPublicKey") == ECDH["client_public"]


def test_recorded_session_opens_with_the_derived_key() -> None:
    connection = CedarConnection()
    connection.send_message(_body("proposal"))
    connection.feed(bytes.fromhex(MESSAGES["decision"]))
    decision = connection.next_message()
    assert decision == _body("decision")
    ad = read_ad(decision, crypto=False, limits=connection.limits, tolerant=False)
    assert ad.text("CryptoMethods") == "AES"
    public = ad.text("ECDHPublicKey")
    assert public is not None
    connection.start_crypto("AES", _exchange().derive(public, "AES"))
    connection.feed(bytes.fromhex(MESSAGES["verdict"]))
    verdict = connection.next_message()
    assert verdict is not None
    ad = read_ad(verdict, crypto=True, limits=connection.limits, tolerant=False)
    assert ad.text("Sid") == "vm:20261:1795331736:68"
    assert ad.text("User") == "unauthenticated@unmapped"
    assert ad.names("ValidCommands") == ("60002", "60003", "60011", "60045", "60046", "60047", "60048", "69", "80")


def test_client_follows_the_recorded_decision() -> None:
    """The whole client over the recorded decision: it derives the recorded key and switches AES on."""
    world = World()
    client = Side(client_handshake(world.request(60011, key_exchange=_exchange)), Machine())
    client.step()
    client.connection.feed(bytes.fromhex(MESSAGES["decision"]))
    client.step()
    assert client.error is None
    assert client.connection.method == "AES"
    # The verdict was sealed for another proposal: it must not open.
    client.connection.feed(bytes.fromhex(MESSAGES["verdict"]))
    client.step()
    assert isinstance(client.error, ProtocolError)


def test_server_takes_the_recorded_proposal() -> None:
    world = World()
    world.rules = Rules(world.server_policy)
    server = world.server_side()
    server.step()
    server.connection.feed(bytes.fromhex(MESSAGES["proposal"]))
    server.step()
    assert server.error is None
    assert server.result.command == 60011
    assert server.result.session.method == "AES"


def test_token_signature() -> None:
    key = Secret(bytes.fromhex(TOKEN["signing_key"]) * 2)
    token = parse_token(Secret(TOKEN["token"]))
    assert token.signature.reveal().hex() == TOKEN["signature"]
    assert hkdf(key, salt=b"htcondor", info=b"master jwt", length=32).reveal().hex() == TOKEN["J"]
    assert verify(token, key)
    assert not verify(token, Secret(bytes.fromhex(TOKEN["signing_key"])))
    assert (token.subject, token.issuer, token.key_id) == ("alice@testpool", "testpool", "POOL")
    assert sign(token.claims, key).text().reveal() == TOKEN["token"]


def test_token_proofs() -> None:
    token = parse_token(Secret(TOKEN["token"]))
    key = shared_key(token.signed, token.signature)
    assert key.reveal().hex() == TOKEN["K"]
    ra, rb = bytes.fromhex(TOKEN["ra"]), bytes.fromhex(TOKEN["rb"])
    assert akep2.server_proof(key, TOKEN["client"], TOKEN["server"], ra, rb).hex() == TOKEN["hkt"]
    assert akep2.client_proof(key, TOKEN["client"], rb).hex() == TOKEN["hk"]


def test_token_exchange_is_framed_as_recorded() -> None:
    """Lengths of the five clear messages of the method, and the values in them."""
    world = World()
    give_pool_key(world.server_machine)
    credentials = Credentials((ExplicitTokens((Secret(TOKEN["token"]),)),))
    context = world.request().context()
    client = Side(
        METHODS["TOKEN"].client(
            attrs.evolve(context, credentials=credentials, entropy=lambda n: bytes(range(256))[:n])
        ),
        world.client_machine,
    )
    server = Side(
        METHODS["TOKEN"].server(
            attrs.evolve(
                context,
                credentials=world.server_credentials,
                entropy=lambda n: bytes.fromhex(TOKEN["rb"])[:n],
                peer_version=(25, 14, 1),
            )
        ),
        world.server_machine,
    )
    join(client, server)
    assert client.error is None and server.error is None
    assert [len(m) for m in client.sent] == [467, 323]
    assert [len(m) for m in server.sent] == [611]
    assert server.sent[0].hex().endswith(TOKEN["hkt"])
    assert client.sent[1].hex().endswith(TOKEN["hk"])
    assert client.result.identity == "condor@password"
    assert server.result.identity == "alice@testpool"
    assert client.result.wrapping == server.result.wrapping


@pytest.mark.parametrize("size", [1, 20, 24, 32, 256])
def test_wrapped_keys_come_back(size: int) -> None:
    wrapping = Secret(bytes(range(7, 7 + size)) if size < 249 else bytes(size - 1) + b"\x01")
    key = Secret(bytes(range(32)))
    wrapped = wrap_key(key, wrapping)
    assert wrapped != key.reveal()
    assert unwrap_key(wrapped, 32, wrapping) == key
    assert unwrap_key(wrap_key(key, None), 24, None).reveal() == key.reveal()[:24]
