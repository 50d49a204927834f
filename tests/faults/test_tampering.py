"""Somebody on the way changes what passes: what arrives is what was sent, or a security error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from htcondor_async import HTCondorException, HTCondorIOError, ProtocolError, Schedd, SecurityError
from htcondor_async.testing import EmbeddedPool
from tests.harness.proxy import Direction, Faults, Frames, Proxy

JOBS = 8
IN_CLEAR = 4
"""Frames before the first encrypted one, in either direction: negotiation and authentication, and to the server the
request for one of the daemons behind the shared port."""


async def read(proxy: Proxy, pool: EmbeddedPool, **config: str) -> list[int]:
    """Query with everything required and return the numbers of the jobs."""
    required = {f"SEC_CLIENT_{what}": "REQUIRED" for what in ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
    client = pool.client(SEC_CLIENT_AUTHENTICATION_METHODS="CLAIMTOBE", **{**required, **config})
    numbers = []
    try:
        async with Schedd(f"<127.0.0.1:{proxy.port}?sock=schedd_0>", client=client).xquery(timeout=5) as stream:
            async for ad in stream:
                numbers.append(ad["Number"])
    except HTCondorException as error:
        error.numbers = numbers  # type: ignore[attr-defined]  # what was delivered before
        raise
    return numbers


def jobs() -> list[dict[str, int]]:
    return [{"ClusterId": number + 1, "ProcId": 0, "Number": number} for number in range(JOBS)]


class Recorder:
    """Passes frames on and keeps them."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def __call__(self, number: int, frame: bytes) -> list[bytes]:
        self.frames.append(frame)
        return [frame]


async def frames_of(pool: EmbeddedPool, direction: Direction) -> list[bytes]:
    """Return the frames of one undisturbed conversation."""
    recorder = Recorder()
    async with Proxy(int(pool.address.rpartition(":")[2]), Faults(direction=direction, frames=recorder)) as proxy:
        assert await read(proxy, pool) == list(range(JOBS))
    return recorder.frames


def flip(at: int, position: int, bit: int = 0) -> Frames:
    """Flip one bit of one frame; position counts from its payload, or from its end."""

    def change(number: int, frame: bytes) -> list[bytes]:
        if number != at or len(frame) == 5:
            return [frame]
        index = 5 + position if position >= 0 else len(frame) + position
        return [frame[:index] + bytes([frame[index] ^ 1 << bit]) + frame[index + 1 :]]

    return change


def replay(at: int) -> Frames:
    """Send one frame twice."""
    return lambda number, frame: [frame, frame] if number == at else [frame]


def swap(at: int) -> Frames:
    """Exchange one frame and the next."""
    held: list[bytes] = []

    def change(number: int, frame: bytes) -> list[bytes]:
        if number == at:
            held.append(frame)
            return []
        return [frame, held.pop()] if held else [frame]

    return change


def drop(at: int) -> Frames:
    """Leave one frame out."""
    return lambda number, frame: [] if number == at else [frame]


def cut_tag(at: int) -> Frames:
    """Take the last byte of one frame away and say so in its header."""

    def change(number: int, frame: bytes) -> list[bytes]:
        if number != at:
            return [frame]
        return [frame[:1] + (len(frame) - 6).to_bytes(4, "big") + frame[5:-1]]

    return change


async def refused(pool: EmbeddedPool, direction: Direction, change: Frames) -> HTCondorException:
    """Read through a proxy that changes something; the error, which has been checked."""
    async with Proxy(int(pool.address.rpartition(":")[2]), Faults(direction=direction, frames=change)) as proxy:
        with pytest.raises(HTCondorIOError) as caught:
            await read(proxy, pool)
    delivered = caught.value.numbers  # type: ignore[attr-defined]  # see read
    assert delivered == list(range(len(delivered))), "not what was sent"
    return caught.value


@pytest.mark.parametrize("direction", ["to client", "to server"])
async def test_one_bit_of_any_frame(anyio_backend, clean, direction):
    """In each encrypted frame, and in each in clear before them, which the first encrypted ones vouch for."""
    async with EmbeddedPool(jobs=jobs()) as pool:
        frames = await frames_of(pool, direction)
        start = 1 if direction == "to server" else 0  # the shared-port request is for the server of that port
        for number in range(start, len(frames)):
            for position in (0, (len(frames[number]) - 5) // 2, -1):
                error = await refused(pool, direction, flip(number, position, bit=position % 8))
                if direction == "to client" and number >= IN_CLEAR:
                    assert isinstance(error, SecurityError), error
                    assert number == len(frames) - 1 or len(error.numbers) < JOBS  # type: ignore[attr-defined]


@pytest.mark.parametrize("attack", [replay, swap, drop, cut_tag])
async def test_whole_frames_of_an_answer(anyio_backend, clean, attack: Callable[[int], Frames]):
    async with EmbeddedPool(jobs=jobs()) as pool:
        frames = await frames_of(pool, "to client")
        assert len(frames) > IN_CLEAR + JOBS
        first = IN_CLEAR + (attack in (swap, drop))  # without the first one the conversation stands still
        for number in range(first, len(frames) - 1):  # behind the last frame nobody listens
            error = await refused(pool, "to client", attack(number))
            assert isinstance(error, SecurityError), error


@pytest.mark.parametrize("attack", [replay, swap, drop, cut_tag])
async def test_whole_frames_of_a_transaction(anyio_backend, clean, attack: Callable[[int], Frames]):
    """What the daemon gets of it is damaged, so nothing takes effect; the client learns that it failed."""
    requests = 6
    async with EmbeddedPool(jobs=jobs()) as pool:
        queue = pool.schedd_daemons["schedd@localhost"].queue
        for number in range(IN_CLEAR, IN_CLEAR + requests - 1):
            change = attack(number)
            port = int(pool.address.rpartition(":")[2])
            async with Proxy(port, Faults(direction="to server", frames=change)) as proxy:
                client = pool.client(SEC_CLIENT_AUTHENTICATION_METHODS="CLAIMTOBE", SEC_CLIENT_ENCRYPTION="REQUIRED")
                schedd = Schedd(f"<127.0.0.1:{proxy.port}?sock=schedd_0>", client=client)
                with pytest.raises(HTCondorIOError):
                    async with schedd.transaction(timeout=0.5 if attack in (swap, drop) else 5) as txn:
                        for value in range(requests):
                            await txn.set_attribute_by_constraint("true", "Value", value, only_my_jobs=False)
            assert not any("Value" in job for job in queue.jobs())


METHODS = (
    (b'AuthMethodsList = "CLAIMTOBE"', b'AuthMethodsList = "ANONYMOUS"'),
    (b'CryptoMethods = "AES', b'CryptoMethods = "3DE'),
    (b'Encryption = "REQUIRED"', b'Encryption = "OPTIONAL"'),
    (b'Authentication = "REQUIRED"', b'Authentication = "OPTIONAL"'),
    (b'Encryption = "YES"', b'Encryption = "NO" '),
    (b'Authentication = "YES"', b'Authentication = "NO" '),
    (b'Integrity = "YES"', b'Integrity = "NO" '),
)


@pytest.mark.parametrize(("old", "new"), METHODS)
async def test_stripped_from_the_negotiation(anyio_backend, clean, old, new):
    """What makes the session weaker on its way is noticed by the client, before a request leaves it."""
    changed = []

    def change(number: int, frame: bytes) -> list[bytes]:
        if old in frame:
            changed.append(number)
        return [frame.replace(old, new)]

    async with EmbeddedPool(jobs=jobs()) as pool:
        for direction in ("to server", "to client"):
            seen = len(changed)
            port = int(pool.address.rpartition(":")[2])
            async with Proxy(port, Faults(direction=direction, frames=change)) as proxy:
                if not any(old in frame for frame in await frames_of(pool, direction)):
                    continue
                with pytest.raises(HTCondorIOError) as caught:
                    await read(proxy, pool)
            assert len(changed) > seen
            assert isinstance(caught.value, (SecurityError, ProtocolError)) or "polic" in str(caught.value)
            assert caught.value.numbers == []  # type: ignore[attr-defined]  # see read
    assert changed
