"""Single flight: one computes, the others wait; a cancelled one hands over."""

from __future__ import annotations

import math

import anyio
import pytest

from htcondor_async.errors import AuthenticationError, DaemonTimeoutError
from tests.helpers.runtimes import ALL, LATE, SOON, TASKS, World, run

CONCURRENT = [each for each in ALL if each != "memory-blocking"]
concurrent = pytest.mark.parametrize("backend", CONCURRENT)


class Flight:
    """Counts how often it is computed, and takes a while."""

    def __init__(self, world, *, seconds=0.1, error=None):
        self.world = world
        self.seconds = seconds
        self.error = error
        self.count = 0

    async def compute(self):
        self.count += 1
        mine = self.count
        await self.world.runtime.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return mine

    async def run(self, seconds=LATE):
        return await self.world.runtime.once("key").run(self.compute, self.world.runtime.clock() + seconds)


@pytest.mark.parametrize("backend", ALL)
def test_one_after_the_other_computes_each_time(backend):
    async def case(world: World):
        flight = Flight(world, seconds=0)
        assert [await flight.run(), await flight.run()] == [1, 2]
        assert len(world.runtime.once_table()) == 0

    run(backend, case)


@concurrent
def test_one_computes_for_all(backend):
    async def case(world: World):
        flight = Flight(world)
        assert await world.gather(*[flight.run] * 8) == [1] * 8
        assert flight.count == 1
        assert len(world.runtime.once_table()) == 0

    run(backend, case)


@concurrent
def test_keys_do_not_wait_for_each_other(backend):
    async def case(world: World):
        both = []

        async def enter(key):
            async def compute():
                both.append(key)
                while len(both) < 2:
                    await world.runtime.sleep(0.005)
                return key

            return await world.runtime.once(("x", key)).run(compute, world.late())

        assert await world.gather(lambda: enter(1), lambda: enter(2)) == [1, 2]

    run(backend, case)


@concurrent
def test_an_error_goes_to_all_each_with_a_copy_of_its_own(backend):
    async def case(world: World):
        flight = Flight(world, error=AuthenticationError("no method", attempts=[("FS", "no")], daemon="schedd"))
        results = await world.gather(*[flight.run] * 5)
        assert flight.count == 1
        assert {type(each) for each in results} == {AuthenticationError}
        assert len({id(each) for each in results}) == 5
        for each in results:
            assert each.attempts == (("FS", "no"),) and each.daemon == "schedd"
            assert each is flight.error or each.__cause__ is flight.error
        assert await Flight(world).run() == 1

    run(backend, case)


@concurrent
def test_waiters_keep_their_own_deadlines(backend):
    async def case(world: World):
        flight = Flight(world, seconds=0.3)
        results = await world.gather(lambda: flight.run(), lambda: flight.run(0.01), lambda: flight.run())
        # whoever came first leads; the impatient one either waits in vain or leads to the end
        patient = [results[0], results[2]]
        assert patient == [1, 1]
        assert isinstance(results[1], DaemonTimeoutError) or results[1] == 1
        assert flight.count == 1

    run(backend, case)


@concurrent
def test_a_leader_whose_deadline_passes_hands_over(backend):
    async def case(world: World):
        runtime = world.runtime
        led = []

        async def attempt(seconds):
            deadline = runtime.clock() + seconds

            async def compute():
                led.append(seconds)
                if len(led) == 1:
                    while len(waiting) < 2:
                        await runtime.sleep(0.005)
                    await runtime.sleep(max(0.0, deadline - runtime.clock()) + 0.001)
                    raise DaemonTimeoutError("there was no answer in time")
                return "done"

            return await runtime.once("key").run(compute, deadline)

        waiting = []

        async def wait():
            while not led:
                await runtime.sleep(0.005)
            waiting.append(1)
            return await attempt(LATE)

        first, *others = await world.gather(lambda: attempt(SOON), wait, wait)
        assert isinstance(first, DaemonTimeoutError)
        assert others == ["done", "done"]
        assert 2 <= len(led) <= 3

    run(backend, case)


@concurrent
def test_a_time_out_that_is_not_the_leaders_own_goes_to_all(backend):
    async def case(world: World):
        flight = Flight(world, error=DaemonTimeoutError("there was no answer in time"))
        results = await world.gather(*[flight.run] * 4)
        assert [type(each) for each in results] == [DaemonTimeoutError] * 4
        assert flight.count == 1

    run(backend, case)


def test_an_interrupted_leader_hands_over():
    async def case(world: World):
        count = 0

        async def compute():
            nonlocal count
            count += 1
            await world.runtime.sleep(0.1)
            if count == 1:
                raise KeyboardInterrupt
            return "done"

        results = await world.gather(*[lambda: world.runtime.once("key").run(compute, math.inf)] * 4)
        assert sum(isinstance(each, KeyboardInterrupt) for each in results) == 1
        assert results.count("done") == 3
        assert count == 2

    run("blocking", case)


@pytest.mark.parametrize("backend", TASKS)
@pytest.mark.parametrize("cancelled", [1, 3, 5])
def test_cancelled_leaders_hand_over(backend, cancelled):
    async def case(world: World):
        scopes = []
        led = []
        results = []

        async def attempt():
            async def compute():
                led.append(mine)
                if len(led) <= cancelled:
                    mine.cancel()
                await world.runtime.sleep(0.05)
                return "done"

            with anyio.CancelScope() as mine:
                scopes.append(mine)
                results.append(await world.runtime.once("key").run(compute, math.inf))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(attempt)
        assert results == ["done"] * (5 - cancelled)
        assert len(led) == min(5, cancelled + 1)
        assert sum(scope.cancelled_caught for scope in scopes) == cancelled
        assert len(world.runtime.once_table()) == 0

    run(backend, case)


@pytest.mark.parametrize("backend", TASKS)
def test_a_waiter_cancelled_just_as_it_is_told_to_lead_passes_it_on(backend):
    async def case(world: World):
        count = 0
        results = []
        scopes = [anyio.CancelScope() for _ in range(3)]

        async def attempt(number):
            async def compute():
                nonlocal count
                count += 1
                if count == 1:
                    while len(begun) < 3:
                        await anyio.lowlevel.checkpoint()
                    for _ in range(10):
                        await anyio.lowlevel.checkpoint()
                    for scope in scopes:
                        if scope is not last:
                            scope.cancel()
                    await anyio.lowlevel.checkpoint()
                return number

            with scopes[number]:
                begun.append(number)
                results.append(await world.runtime.once("key").run(compute, math.inf))

        begun = []
        last = scopes[2]
        async with anyio.create_task_group() as group:
            group.start_soon(attempt, 0)
            while not begun:
                await anyio.lowlevel.checkpoint()
            group.start_soon(attempt, 1)
            while len(begun) < 2:
                await anyio.lowlevel.checkpoint()
            group.start_soon(attempt, 2)
        assert results == [2]
        assert count == 2

    run(backend, case)


def test_event_loops_do_not_share_flights():
    from htcondor_async._runtime.anyio_ import AnyioRuntime

    runtime = AnyioRuntime()

    async def table():
        return runtime.once_table()

    assert anyio.run(table) is not anyio.run(table)
