"""AES-GCM framing against recorded sessions, and what it refuses."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from htcondor_async._cedar.cipher import AesGcmOpener, AesGcmSealer, Transcript
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._secret import Secret
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, ProtocolError, SecurityError

DATA = Path(__file__).parents[2] / "data" / "cedar"
SESSION = json.loads((DATA / "aes_session.json").read_text())
FRAMES = json.loads((DATA / "aes_frames.json").read_text())
KEY = Secret(bytes(range(32)))


def hexed(name: str) -> bytes:
    return bytes.fromhex(SESSION[name])


def test_the_recorded_key_follows_from_the_recorded_public_keys() -> None:
    private = ec.derive_private_key(int(SESSION["client_private_scalar"], 16), ec.SECP256R1())
    peer = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), base64.b64decode(SESSION["server_public_key"], validate=True)
    )
    assert private.exchange(ec.ECDH(), peer).hex() == SESSION["shared_secret"]


@pytest.mark.parametrize("cut", [1, 3, 100, 1000])
def test_recorded_session_seen_by_the_client(cut: int) -> None:
    client = CedarConnection()
    preamble, first = hexed("preamble"), hexed("message1")
    assert client.send_message(preamble[5:]) == preamble
    client.reset_transcript()
    assert client.send_message(first[5:]) == first
    # The sealed frame may arrive together with the clear one: it is opened only when it is asked for.
    stream = hexed("message2") + hexed("message7")
    got: list[bytes] = []
    for start in range(0, len(stream), cut):
        client.feed(stream[start : start + cut])
        while len(got) < 2 and (message := client.next_message()) is not None:
            got.append(message)
            if len(got) == 1:
                client.start_crypto("AES", Secret(hexed("session_key")))
                assert client.crypto
    assert got == [hexed("message2")[5:], hexed("message7_plaintext")]
    assert client.unread == 0


def test_recorded_session_seen_by_the_server() -> None:
    server = CedarConnection()
    server.feed(hexed("message1"))
    assert server.next_message() == hexed("message1")[5:]
    assert server.send_message(hexed("message2")[5:]) == hexed("message2")
    server.start_crypto("AES", Secret(hexed("session_key")), iv=hexed("message7")[5:21])
    assert server.send_message(hexed("message7_plaintext")) == hexed("message7")


def test_without_the_reset_after_the_preamble_the_first_tag_is_wrong() -> None:
    client = CedarConnection()
    client.send_message(hexed("preamble")[5:])
    client.send_message(hexed("message1")[5:])
    client.feed(hexed("message2") + hexed("message7"))
    client.next_message()
    client.start_crypto("AES", Secret(hexed("session_key")))
    with pytest.raises(SecurityError, match="tampered"):
        client.next_message()


def test_transcript_digests() -> None:
    transcript = Transcript()
    assert transcript.digests() == (bytes(32), bytes(32))
    transcript.sent(hexed("message1"))
    transcript.received(hexed("message2")[:5], hexed("message2")[5:])
    assert transcript.digests() == (hexed("digest_client"), hexed("digest_server"))
    transcript.sent(bytes(1 << 20))
    with pytest.raises(ProtocolError, match="1 MiB"):
        transcript.digests()


@pytest.mark.parametrize("sender", ["C", "S"])
def test_recorded_frames(sender: str) -> None:
    client, server = bytes.fromhex(FRAMES["digest_client"]), bytes.fromhex(FRAMES["digest_server"])
    transcript = client + server if sender == "C" else server + client
    key = Secret(bytes.fromhex(FRAMES["session_key"]))
    frames = [frame for frame in FRAMES["frames"] if frame["direction"][0] == sender]
    seen: list[tuple[str, bytes, int]] = []
    iv = bytes.fromhex(frames[0]["nonce"])
    opener = AesGcmOpener(key, transcript)
    sealer = AesGcmSealer(key, transcript, iv=iv, record=lambda *triple: seen.append(triple))
    for frame in frames:
        raw, plaintext = bytes.fromhex(frame["frame"]), bytes.fromhex(frame["plaintext"])
        assert opener.open(raw[:5], raw[5:]) == plaintext
        assert sealer.overhead == len(raw) - 5 - len(plaintext)
        assert sealer.seal(plaintext, raw[0] == 1) == raw
    assert [(triple[1], triple[2]) for triple in seen] == [(iv, 0), (iv, 1)]
    assert key.reveal().hex() not in seen[0][0]
    # The same in bulk.
    out: list[tuple[bytes, bool]] = []
    joined = b"".join(bytes.fromhex(frame["frame"]) for frame in frames)
    assert AesGcmOpener(key, transcript).open_frames(joined + b"\x01\0", 0, 1 << 20, out) == len(joined)
    assert [plaintext.hex() for plaintext, _ in out] == [frame["plaintext"] for frame in frames]


def test_the_counter_wraps_the_iv_and_stops_at_its_end() -> None:
    iv = b"\xff\xff\xff\xff" + bytes(12)
    sealer = AesGcmSealer(KEY, bytes(64), iv=iv)
    opener = AesGcmOpener(KEY, bytes(64))
    for text in (b"one", b"two", b"three"):
        frame = sealer.seal(text, True)
        assert opener.open(frame[:5], frame[5:]) == text
    sealer._counter = opener._counter = 0xFFFFFFFE
    frame = sealer.seal(b"last", True)
    assert opener.open(frame[:5], frame[5:]) == b"last"
    with pytest.raises(HTCondorIOError, match="nonces"):
        sealer.seal(b"too many", True)
    with pytest.raises(ProtocolError, match="nonces"):
        opener.open(frame[:5], frame[5:])
    with pytest.raises(ProtocolError, match="nonces"):
        opener.open_frames(frame, 0, 1 << 20, [])


def test_a_cipher_cannot_be_copied() -> None:
    for cipher in (AesGcmSealer(KEY, bytes(64)), AesGcmOpener(KEY, bytes(64))):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="never copied"):
                duplicate(cipher)


def test_two_connections_with_one_key_never_share_a_nonce() -> None:
    seen: list[tuple[str, bytes, int]] = []
    for _ in range(20):
        connection = CedarConnection(record_nonce=lambda *triple: seen.append(triple))
        connection.start_crypto("AES", KEY)
        for _ in range(5):
            connection.send_message(b"text", frame_size=2)
    assert len(seen) == len(set(seen)) == 200


def test_misuse_is_refused() -> None:
    with pytest.raises(HTCondorInternalError, match="32 bytes"):
        AesGcmSealer(Secret(b"short"), bytes(64))
    with pytest.raises(HTCondorInternalError, match="64"):
        AesGcmSealer(KEY, bytes(63))
    with pytest.raises(HTCondorInternalError, match="16 bytes"):
        AesGcmSealer(KEY, bytes(64), iv=bytes(12))
    with pytest.raises(HTCondorInternalError, match="64"):
        AesGcmOpener(KEY, b"")


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("frame_number", [0, 1, 2])
def test_every_flipped_bit_is_found(frame_number: int, bulk: bool) -> None:
    sealer = AesGcmSealer(KEY, bytes(64), iv=bytes(range(16)))
    frames = [sealer.seal(b"text %d" % number, number == 2) for number in range(3)]
    for bit in range(len(frames[frame_number]) * 8):
        damaged = bytearray(b"".join(frames))
        offset = sum(map(len, frames[:frame_number]))
        damaged[offset + bit // 8] ^= 1 << bit % 8
        connection = CedarConnection()
        connection.start_crypto("AES", KEY)
        connection.feed(bytes(damaged))
        connection.feed_eof()
        with pytest.raises(HTCondorIOError):
            while bulk:
                connection.drain()
            connection.next_message()
            pytest.fail(f"bit {bit} of frame {frame_number} was changed and not found")


def test_replayed_swapped_and_truncated_frames_are_found() -> None:
    sealer = AesGcmSealer(KEY, bytes(64))
    one, two, three = (sealer.seal(b"text", True) for _ in range(3))
    short = bytes((1, 0, 0, 0, 15)) + two[5:20]
    for stream in (one + one, one + three + two, one + two + two, one + two[:-1] + three, one + short, one[21:]):
        connection = CedarConnection()
        connection.start_crypto("AES", KEY)
        connection.feed(stream)
        with pytest.raises(ProtocolError):
            for _ in range(4):
                connection.next_message()
    with pytest.raises(ProtocolError, match="too short"):
        AesGcmOpener(KEY, bytes(64)).open(b"\1\0\0\0\1", b"x")
