"""The exchange that IDTOKENS and PASSWORD share: both sides prove that they know one secret.

Three messages: the client sends who it is and a challenge, the server answers it with a challenge of its own, the
client answers that. A side that fails says so in its next message, so that both go on with another method
(``condor_io/condor_auth_passwd.cpp``).
"""

from __future__ import annotations

import hashlib
import hmac

import attrs

from htcondor_async._cedar.values import Reader
from htcondor_async._secret import Secret
from htcondor_async._security.methods.base import MethodContext, MethodFailed, Steps, blob, receive, say
from htcondor_async.errors import ProtocolError

__all__ = ["KA", "KB", "FirstMessage", "peer_name", "run_client", "send_client_failure", "send_server_failure"]

CHALLENGE = 256
PROOF = 20

KA = bytes.fromhex(
    "3e4a502047d5f4e5dc7c69bb5210cbb6167add8084f7dd9ef3ad2cca71d283dd"
    "114a4fbb7b1ee90adfa862c44304de5473a3172f735c2cbb6e775b5d40d39fac"
    "e873182523f9252b623be0d4b167a3a8040cacfee9ee3da02c0abbf4d9d8b11f"
    "89004c943923ce5d9508bb3f04bc66a3fa20a13a416c5e6f4e0d3187d45fc783"
    "35c5e485db2c5a3717970cc26e7b6b9d1965b47a67df77a31f22f08a6c0ba570"
    "97a21a9ca7c60424f72739ab5cb915a4185bd109828e35e42108ab851c08a3df"
    "fde0e3b06f3d3938cdad6df6ef9a6f6dc2cb74f0228512eb7a3d6823010684b0"
    "15c12ac3014c4f9f938e384dad1e3bd745ff8c141fd70b465ba8af5d1b98b4b1"
)
KB = bytes.fromhex(
    "010026ad75dfc6c190a5a266b0d1b5d860f7cfa38467205501cd460d4a88d473"
    "fa52e0b3e9141e33c97d851eee2dd33632f3886768ef010ec8dfdd668ade92d5"
    "c34308bb243895d84ed785e27268cc5ee7560de49828fab766c2ad8c0b2c0afb"
    "435c382db5d2ff36a8aead5820470a9ad45d79856f5e2ece894bd2507929dcf2"
    "6f7d09f0028f1ac4d971f4820c5f54717e9dcdabeb215f61655dead4b72c3d3b"
    "5f66fa4b30b85888d62facd4129c1304919f69ad6d8c2c43d9ce5cdb31d45803"
    "52c7362b8d80b7ef1bba5d676660a944764502f91d1d3c54910c088bccb72b11"
    "948a5e1a1dcd04369c17d298804c216e7a2690b8c0e970363300d092df24fb8c"
)


def hmac_sha1(key: Secret[bytes], message: bytes) -> bytes:
    """Return the HMAC-SHA1, the proof of this exchange."""
    return hmac.new(key.reveal(), message, hashlib.sha1).digest()


def peer_name(version: tuple[int, int, int] | None, domain: str | None) -> str:
    """Return the name a holder of the pool's secret has towards a peer of this version."""
    if version is not None and version >= (23, 9, 0):
        return "condor@password"
    return f"condor_pool@{domain or ''}"


def server_proof(key: Secret[bytes], client: str, server: str, challenge: bytes, counter: bytes) -> bytes:
    """Return hkt, by which the server shows that it has the key."""
    return hmac_sha1(key, encode(f"{client} {server}") + b"\0" + challenge + counter)


def client_proof(key: Secret[bytes], client: str, counter: bytes) -> bytes:
    """Return hk, by which the client shows that it has the key."""
    return hmac_sha1(key, encode(client) + b"\0" + counter)


@attrs.frozen
class FirstMessage:
    """What the client begins with; ``signed`` is the travelling part of a token, None for PASSWORD."""

    client: str
    challenge: bytes = attrs.field(repr=False)
    signed: str | None = attrs.field(repr=False)


@attrs.frozen
class Outcome:
    """What the exchange leaves: the other side's name and the server's challenge, source of the wrapping key."""

    peer: str
    counter: bytes = attrs.field(repr=False)


def encode(text: str) -> bytes:
    """Return a text as it travelled, bytes that are no UTF-8 included."""
    return text.encode("utf-8", "surrogateescape")


def _length(text: str) -> int:
    return len(encode(text))


def _status(reader: Reader) -> int:
    status = reader.int()
    if status not in (0, -1, 1):
        raise ProtocolError(f"the authentication status {status} does not exist")
    return status


def _counted(reader: Reader, what: str) -> str:
    length = reader.int()
    text = reader.str()
    if length != _length(text):
        raise ProtocolError(f"{what} is announced with {length} bytes and has {_length(text)}")
    return text


def run_client(ctx: MethodContext, name: str, signed: str | None, key: Secret[bytes]) -> Steps[Outcome]:
    """Go through the exchange as the client.

    Parameters
    ----------
    name
        Who the client says it is.
    signed
        Travelling part of the token, None for PASSWORD.
    key
        The key both sides know.

    Raises
    ------
    MethodFailed
        The server refused, or did not prove that it knows the key.
    """
    challenge = ctx.entropy(CHALLENGE)
    token = () if signed is None else (signed,)
    yield from say(0, _length(name), name, *token, CHALLENGE, challenge)
    reader = yield from receive(ctx)
    status = _status(reader)
    echoed = _counted(reader, "the echoed name")
    server = _counted(reader, "the server's name")
    ra = blob(reader, "the echoed challenge", 0, CHALLENGE)
    counter = blob(reader, "the server's challenge", 0, CHALLENGE)
    proof = blob(reader, "the server's proof", 0, PROOF)
    reader.expect_end()
    failure = None
    if status != 0:
        failure = "refused by the daemon"
    elif echoed != name or ra != challenge or len(counter) != CHALLENGE:
        failure = "the daemon's answer belongs to another exchange"
    elif not hmac.compare_digest(proof, server_proof(key, name, server, challenge, counter)):
        failure = "the daemon could not prove that it knows the key"
    if failure is not None:
        yield from say(-1, 0, "", 0, 0)
        raise MethodFailed(failure)
    yield from say(0, _length(name), name, CHALLENGE, counter, PROOF, client_proof(key, name, counter))
    return Outcome(server, counter)


def send_client_failure(ctx: MethodContext, *, token: bool) -> Steps[None]:
    """Tell the server that this client has no credential, and take its answer."""
    yield from say(*((-1, 0, "", "", 0) if token else (-1, 0, "", 0)))
    reader = yield from receive(ctx)
    _status(reader)
    yield from say(-1, 0, "", 0, 0)


def receive_first(ctx: MethodContext, *, token: bool) -> Steps[FirstMessage | None]:
    """Receive the client's first message; gives None if the client has no credential."""
    reader = yield from receive(ctx)
    status = _status(reader)
    client = _counted(reader, "the client's name")
    signed = reader.str() if token else None
    challenge = blob(reader, "the client's challenge", 0, CHALLENGE)
    reader.expect_end()
    if status != 0 or not client or len(challenge) != CHALLENGE:
        return None
    return FirstMessage(client, challenge, signed)


def send_server_failure(ctx: MethodContext) -> Steps[None]:
    """Tell the client that this server refuses, and take its answer."""
    yield from say(-1, 0, "", 0, "", 0, 0, 0)
    yield from receive(ctx)


def run_server(ctx: MethodContext, first: FirstMessage, name: str, key: Secret[bytes]) -> Steps[Outcome]:
    """Go through the rest of the exchange as the server, whose name is ``name``."""
    counter = ctx.entropy(CHALLENGE)
    proof = server_proof(key, first.client, name, first.challenge, counter)
    sizes = (CHALLENGE, first.challenge, CHALLENGE, counter, PROOF, proof)
    yield from say(0, _length(first.client), first.client, _length(name), name, *sizes)
    reader = yield from receive(ctx)
    status = _status(reader)
    client = _counted(reader, "the client's name")
    echoed = blob(reader, "the echoed challenge", 0, CHALLENGE)
    answer = blob(reader, "the client's proof", 0, PROOF)
    reader.expect_end()
    if status != 0:
        raise MethodFailed("the client gave up")
    if client != first.client or not hmac.compare_digest(echoed, counter):
        raise MethodFailed("the client's answer belongs to another exchange")
    if not hmac.compare_digest(answer, client_proof(key, client, counter)):
        raise MethodFailed("the client could not prove that it knows the key")
    return Outcome(client, counter)
