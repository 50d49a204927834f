"""Whoever asks gets the answer to his own question, whatever becomes of the others."""

from __future__ import annotations

import random

import anyio
import pytest

from htcondor_async import Schedd
from htcondor_async.testing import EmbeddedPool
from tests.harness.proxy import Faults, Proxy

SEEDS = [pytest.param(seed, marks=pytest.mark.full if seed > 1 else ()) for seed in range(50)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_crossed_answers(anyio_backend, clean, seed):
    """Many tasks with questions of their own, half of them cancelled at random points, over one delaying connection."""
    tasks = 60 if seed < 2 else 200
    rng = random.Random(seed)
    jobs = [{"ClusterId": number + 1, "ProcId": 0, "Number": number} for number in range(tasks)]
    answers: dict[int, list[int]] = {}

    async with EmbeddedPool(jobs=jobs) as pool:
        port = int(pool.address.rpartition(":")[2])
        async with Proxy(port, Faults("delay", pause=0.01), seed=seed) as proxy:
            client = pool.client(SEC_CLIENT_ENCRYPTION="REQUIRED")
            schedd = Schedd(f"<127.0.0.1:{proxy.port}?sock=schedd_0>", client=client)

            async def ask(number: int, steps: int | None) -> None:
                async def cancel() -> None:
                    for _ in range(steps or 0):
                        await anyio.lowlevel.checkpoint()
                    group.cancel_scope.cancel()

                async with anyio.create_task_group() as group:
                    if steps is not None:
                        group.start_soon(cancel)
                    found = await schedd.query(f"Number == {number}", ["Number"], timeout=60)
                    answers[number] = [ad["Number"] for ad in found]
                    group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                for number in range(tasks):
                    group.start_soon(ask, number, rng.randrange(400) if number % 2 else None)

            assert len(answers) >= tasks // 2
            assert {number: [number] for number in answers} == answers
            assert [ad["Number"] for ad in await schedd.query("Number == 3")] == [3]
