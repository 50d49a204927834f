"""No key, token or password in any text: of sessions, requests, effects, errors and their tracebacks."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from htcondor_async._secret import Secret
from htcondor_async._security.credentials import CallableTokens, Credentials, ExplicitTokens
from htcondor_async._security.handshake import client_handshake
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async._security.tokens import descramble, parse_token
from htcondor_async.errors import HTCondorException
from tests.helpers.security_world import PASSWORD_FILE, File, Machine, Side, World, give_pool_key, give_token, join

POOL_KEY = b"POOLKEYMARKER" * 5
PASSWORD = b"PASSWORDMARKER"


def make_world(method: str) -> tuple[World, list[str]]:
    """Return a world and the texts that must not appear anywhere."""
    world = World(
        client_policy=SecurityPolicy(Level.REQUIRED, authentication_methods=(method,)),
        server_policy=SecurityPolicy(authentication_methods=("TOKEN", "PASSWORD", "CLAIMTOBE")),
    )
    token = give_token(world.client_machine, key=Secret(POOL_KEY * 2))
    give_pool_key(world.server_machine, Secret(POOL_KEY))
    for machine, uid in ((world.client_machine, 1000), (world.server_machine, 0)):
        machine.files[PASSWORD_FILE] = File(descramble(Secret(PASSWORD)).reveal(), uid=uid)
    signature = token.rsplit(".", 1)[1]
    world.credentials = Credentials(
        (ExplicitTokens((Secret(token),)), CallableTokens(lambda: token), *world.credentials.sources),
        world.credentials.signing_keys,
        world.credentials.password_file,
    )
    return world, [token, signature, "MARKER"]


def texts_of(value: object) -> list[str]:
    return [repr(value), str(value), f"{value}"]


@pytest.mark.parametrize("method", ["TOKEN", "PASSWORD", "CLAIMTOBE"])
def test_nothing_that_a_handshake_leaves_shows_a_secret(method: str) -> None:
    world, forbidden = make_world(method)
    effects: list[object] = []

    class Recorder(Machine):
        def carry_out(self, effect: object, uid: int) -> object:
            effects.append(effect)
            return super().carry_out(effect, uid)

    machine = Recorder(world.client_machine.files, world.client_machine.directories)
    client = Side(client_handshake(world.request()), machine)
    server = world.server_side()
    join(client, server)
    assert effects and client.error is None and client.result.key is not None
    key = client.result.key.reveal()
    shown = [client.result, server.result, world.request(), world.server_request(), world.credentials, world.sessions]
    shown += [world.request().context(), client.conversation, *effects]
    for value in shown:
        for text in texts_of(value):
            assert not any(word in text for word in forbidden)
            assert key.hex() not in text and repr(key)[2:-1] not in text
    with pytest.raises(TypeError):
        pickle.dumps(client.result)
    assert copy.copy(client.result).key is client.result.key


@pytest.mark.parametrize("method", ["TOKEN", "PASSWORD"])
@pytest.mark.parametrize("wrong", ["server key", "garbage", "refusal"])
def test_no_error_shows_a_secret(method: str, wrong: str) -> None:
    world, forbidden = make_world(method)
    tamper = None
    if wrong == "server key":
        give_pool_key(world.server_machine, Secret(b"other"))
        world.server_machine.files[PASSWORD_FILE] = File(b"xxxx", uid=0)
    elif wrong == "garbage":

        def tamper(sender: str, data: bytes) -> bytes:
            return data[:5] + bytes(len(data) - 5) if len(data) > 600 and sender == "server" else data

    else:
        world.server_machine.files.clear()
    client, server = world.run(tamper=tamper, timeouts=True)
    assert client.error is not None
    for error in (client.error, server.error):
        if error is None:
            continue
        assert isinstance(error, HTCondorException)
        shown = [*texts_of(error), repr(pickle.loads(pickle.dumps(error))), repr(vars(error))]
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += list(trace.format())
        for text in shown:
            # The machine of the test itself holds the files; its own frames are not what is looked at.
            lines = [line for line in text.splitlines() if "machine" not in line]
            assert not any(word in line for line in lines for word in forbidden), text


def test_a_token_in_parts_shows_nothing() -> None:
    _, forbidden = make_world("TOKEN")
    token = parse_token(Secret(forbidden[0]))
    for value in (token, token.text(), token.signature):
        assert not any(word in text for text in texts_of(value) for word in forbidden)
