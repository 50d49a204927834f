"""Ninety days of a service, in seconds: renewed tokens, a lapse of them, daemons restarted daily, logs rotated hourly.

The clock is that of the memory runtime; token files and event logs are real files. Nothing is missed, nothing is left.
"""

from __future__ import annotations

import gc
import logging
import os
import tracemalloc
from pathlib import Path

import pytest

from htcondor_async import AuthenticationError, JobEventLog
from htcondor_async._runtime.blocking import drive
from htcondor_async._runtime.memory import MemoryRuntime
from htcondor_async._secret import Secret
from htcondor_async._security.tokens import describe_time, mint
from htcondor_async.classad._cache import clear_cache
from htcondor_async.classad._index import clear_line_cache
from htcondor_async.testing._schedd import ScheddDaemon
from tests.harness.leaks import descriptors
from tests.harness.memory_pool import SCHEDD, Handles, PoolNetwork, Turn

pytestmark = [
    pytest.mark.allow_blocking,  # the daemons in memory run inside the client's task
    pytest.mark.filterwarnings("ignore::htcondor_async.TokenExpiryWarning"),  # in the last hour of each token
]

HOUR = 3600
KEY = b"k" * 64
RENEWED, LIFETIME = 23, 24  # hours
LAPSE = range(967, 967 + 96)  # hours in which nobody renews: the token of hour 966 ends with hour 989
EXPIRED = range(990, 1081)
GROWTH = 1 << 16  # bytes of Python's own objects; far less than 5 % of any process, to see what a query leaves behind
LARGE = 1 << 18  # bytes of one piece of memory; all that a query has is smaller
EVENT = "001 (007.000.000) 2026-03-01 12:00:00 Job executing on host: <10.0.0.9:9618>\n...\n"


def traced() -> int:
    """Bytes of Python's objects, but for the interpreter's table of names.

    In a process that has run for long that is large, and is made anew as a whole when it grows.
    """
    return sum(trace.size for trace in tracemalloc.take_snapshot().traces if trace.size < LARGE)


class Months:
    """The world: a pool whose signing key is in a file, a token file that is replaced, a log that is rotated."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pattern = bytes((0xDE, 0xAD, 0xBE, 0xEF)) * 16
        (folder / "POOL").touch(mode=0o600)
        (folder / "POOL").write_bytes(bytes(a ^ b for a, b in zip(KEY, pattern, strict=True)))
        (folder / "tokens.d").mkdir(mode=0o700)
        self.token_file = folder / "tokens.d/service"
        self.log_file = folder / "job.log"
        self.log_file.touch()
        server = {
            "SEC_DEFAULT_AUTHENTICATION_METHODS": "IDTOKENS",
            "SEC_PASSWORD_DIRECTORY": str(folder),
            "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(folder / "POOL"),
        }
        client = {
            "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "SEC_TOKEN_DIRECTORY": str(self.token_file.parent),
            "SEC_PASSWORD_DIRECTORY": str(folder / "none"),
            "SEC_TOKEN_POOL_SIGNING_KEY_FILE": str(folder / "none/POOL"),
        }
        self.network = PoolNetwork(server=server, client=client)
        self.runtime = MemoryRuntime(self.network, blocking=True)
        self.handles = Handles(self.runtime)
        self.expires = 0.0
        self.token_id = ""
        self.renewals = self.restarts = self.written = self.events = self.refused = self.answered = 0

    def renew(self) -> None:
        """Put a new token in the place of the old one, as a renewing service does."""
        self.renewals += 1
        self.token_id = f"{self.renewals:032x}"
        now = self.runtime.now()
        self.expires = now + LIFETIME * HOUR
        token = mint(
            Secret(KEY * 2),
            issuer="memory.pool",
            subject="alice@memory.pool",
            now=now,
            token_id=self.token_id,
            lifetime=float(LIFETIME * HOUR),
        )
        new = self.folder / "service.new"
        new.touch(mode=0o600)
        new.write_text(token.text().reveal())
        new.replace(self.token_file)

    def restart(self) -> None:
        """Let another schedd serve the address: the jobs are there, the sessions are not."""
        self.restarts += 1
        old = self.network.schedd
        new = ScheddDaemon(old.name, self.network.daemon_config)
        new.turn = Turn()  # type: ignore[assignment]  # all that is used of a lock
        new.queue = old.queue
        self.network.schedd = new
        self.network.put(new, *SCHEDD)

    def rotate(self, hour: int) -> None:
        """Write an event, rotate, write another one into the new file."""
        self.written += 2
        with self.log_file.open("a") as file:
            file.write(EVENT.replace("007", f"{hour + 1:03d}"))
        self.log_file.replace(self.folder / "job.log.old")
        self.log_file.write_text(EVENT.replace("007", f"{hour + 1:03d}"))

    async def ask(self) -> None:
        """Query; what fails fails because the token has expired, and says so."""
        if self.runtime.now() < self.expires:
            async with self.handles.schedd.xquery(projection=["Owner"]) as stream:
                assert len([ad async for ad in stream]) == 5
                sid = stream._source.channel.session.sid
            session = self.network.schedd.sessions.get(sid, self.runtime.now())
            assert session is not None
            assert session.attributes["AuthTokenId"] == self.token_id
            self.answered += 1
            return
        with pytest.raises(AuthenticationError) as caught:
            await self.handles.schedd.query(projection=["Owner"])
        assert str(self.token_file) in str(caught.value)
        assert f"expired at {describe_time(self.expires)}" in str(caught.value)
        self.refused += 1

    async def follow(self, log: JobEventLog, hour: int) -> None:
        async for event in log.events(1.0):
            assert event.cluster == hour + 1
            self.events += 1
            if self.events == self.written:
                break

    async def live(self, days: int, step: int, marks: dict[int, tuple[int, int]]) -> None:
        async with JobEventLog(self.log_file, runtime=self.runtime) as log:
            for hour in range(days * 24):
                self.network.time = max(self.network.time, float(hour * HOUR))
                if hour % RENEWED == 0 and hour not in LAPSE:
                    self.renew()
                if hour % 24 == 5:
                    self.restart()
                if hour % step == 0:
                    self.rotate(hour)
                    await self.follow(log, hour)
                    await self.ask()
                    assert not self.runtime.open_sockets
                self.runtime.points.clear()  # what a test's runtime and daemons write down grows for ever
                self.network.schedd.received.clear()
                if hour % 24 == 23 and hour // 24 + 1 in marks:
                    clear_cache()  # of a bounded size; here they would only just be filling
                    clear_line_cache()
                    gc.collect()
                    marks[hour // 24 + 1] = (traced(), len(descriptors()))


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.full)], ids=lambda step: f"every {step} h")
def test_months_in_seconds(tmp_path, caplog, step):
    caplog.set_level(logging.CRITICAL, logger="htcondor_async")  # the runner keeps each record
    days = 90
    marks = {2: (0, 0), days: (0, 0)}
    tracemalloc.start()
    try:
        world = Months(tmp_path)
        drive(world.live(days, step, marks))
    finally:
        tracemalloc.stop()
    hours = range(0, days * 24, step)
    assert world.renewals == len([hour for hour in range(0, days * 24, RENEWED) if hour not in LAPSE])
    assert world.restarts == days
    assert world.events == 2 * len(hours)
    assert world.refused == len([hour for hour in hours if hour in EXPIRED])
    assert world.answered == len(hours) - world.refused
    (early, descriptors_early), (late, descriptors_late) = marks[2], marks[days]
    assert late < early + GROWTH
    assert descriptors_late == descriptors_early
    assert os.listdir(tmp_path / "tokens.d") == ["service"]
