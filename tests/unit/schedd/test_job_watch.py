"""Jobs followed over queue, history and logs at once: each change once, in order, at once where a log tells it."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from htcondor_async import DaemonTimeoutError, HTCondorValueError, JobChange, wait_for_jobs, watch
from htcondor_async.classad import ClassAd
from tests.helpers.followed_jobs import World, append, changes, is_part, line

pytestmark = pytest.mark.allow_blocking

RARE = {"interval": 1000.0, "longest": 1000.0, "relaxed": 1000.0}
"""So rarely that what arrives sooner came from the log."""


@pytest.fixture
def world():
    made = World()
    yield made
    made.network.close()


@pytest.fixture
def queries(world, monkeypatch):
    """The constraints that the schedd was asked with."""
    from htcondor_async import Schedd

    asked = []
    plain = Schedd.xquery

    def xquery(self, constraint=True, *args, **kwargs):
        asked.append(constraint)
        return plain(self, constraint, *args, **kwargs)

    monkeypatch.setattr(Schedd, "xquery", xquery)
    return asked


async def to_the_end(following, world, times=None):
    news = []
    while found := await following.next_events(timeout=100_000):
        if times is not None:
            times += [(each, world.network.time) for each in found]
        news += found
    return news


LIFE = [
    (1, "execute"),
    (2, "evict"),
    (5, "execute"),
    (6, "suspend"),
    (7, "resume"),
    (9, "hold"),
    (12, "release"),
    (15, "execute"),
    (20, "terminate"),
]


def test_a_log_tells_each_change_at_once(world, tmp_path, queries):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    for when, kind in LIFE:
        world.network.at(when, lambda kind=kind: world.happen(kind, (1, 0), log))
    times = []

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, **RARE) as following:
            return await to_the_end(following, world, times)

    news = world.run(body)
    assert [each.change for each in news] == world.truth[1, 0]
    assert all(when - at < 1.0 for (_, when), (at, _) in zip(times[1:], LIFE, strict=True))
    held, ended = news[6], news[-1]
    assert (held.reason, held.ad["HoldReasonCode"], held.ad["HoldReasonSubCode"]) == ("disk full", 26, 5)
    assert ended.exit_code == 3
    assert ended.ad["ExitBySignal"] is False
    assert ended.ad["EnteredCurrentStatus"] == int(world.network.started) + 20
    assert len(queries) == 2  # the first round, and what the job was evicted for; all else came from the log


@pytest.mark.parametrize(
    ("kind", "change", "reason"), [("abort", JobChange.REMOVED, "enough"), ("hold", JobChange.HELD, "disk full")]
)
def test_wait_for_jobs_by_the_log(world, tmp_path, queries, kind, change, reason):
    log = tmp_path / "job.log"
    for proc in range(3):
        world.happen("submit", (7, proc), log)
        world.network.at(3 + proc, lambda proc=proc: world.happen(kind, (7, proc), log))
    found = world.run(lambda: wait_for_jobs(world.schedd, "ClusterId == 7", logs=[log], **RARE))
    assert {job: each.change for job, each in found.items()} == {f"7.{proc}": change for proc in range(3)}
    assert {each.reason for each in found.values()} == {reason}
    assert world.network.time < 10
    assert len(queries) == 1


def test_logs_are_found_by_what_the_ads_say(world, tmp_path, queries):
    for proc, ads in enumerate(
        (
            {"UserLog": str(tmp_path / "a.log")},
            {"UserLog": "b.log", "Iwd": str(tmp_path)},
            {"UserLog": str(tmp_path / "gone" / "c.log")},
            {"UserLog": str(tmp_path)},
            {},
        )
    ):
        log = {0: tmp_path / "a.log", 1: tmp_path / "b.log"}.get(proc)
        world.happen("submit", (1, proc), log, ads=ads)
        world.network.at(5, lambda proc=proc, log=log: world.happen("abort", (1, proc), log))
    # a log is believed about the jobs that name it alone
    append(tmp_path / "a.log", line("terminate", (1, 4), world.network.started + 1))

    async def body():
        early = []
        async with watch(world.schedd, "true", find_logs=True, **RARE) as following:
            early += await following.next_events()
            with pytest.raises(DaemonTimeoutError, match="3 of the jobs"):
                while True:
                    early += await following.next_events(timeout=100 - world.network.time)
            return early, await to_the_end(following, world)

    early, late = world.run(body)
    ended = [each.job for each in early if each.change.final]
    assert sorted(ended) == ["1.0", "1.1"]
    assert changes(early + late) == {f"1.{proc}": [JobChange.IDLE, JobChange.REMOVED] for proc in range(5)}


def test_without_a_word_logs_are_not_looked_at(world, tmp_path, queries):
    log = tmp_path / "a.log"
    world.happen("submit", (1, 0), log, ads={"UserLog": str(log)})
    world.network.at(5, lambda: world.happen("abort", (1, 0), log))
    following = watch(world.schedd, ["1.0"], interval=50.0)
    times = []
    world.run(lambda: to_the_end(following, world, times))
    assert [round(when) for _, when in times] == [0, 50]
    assert len(queries) == 2


@pytest.mark.parametrize("lag", [0.5, 3.0, 30.0])
def test_lines_that_come_after_the_queue_said_so_are_not_news(world, tmp_path, lag):
    log = tmp_path / "job.log"
    log.touch()
    world.happen("submit", (1, 0), log, lag=lag)
    for when, kind in LIFE:
        world.network.at(when * 10, lambda kind=kind: world.happen(kind, (1, 0), log, lag=lag))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=0.2, longest=0.4, relaxed=0.4) as following:
            return await to_the_end(following, world)

    assert [each.change for each in world.run(body)] == world.truth[1, 0]


def test_a_second_hold_is_told(world, tmp_path):
    """Held, and held again before anybody looked, by the queue alone, by the log alone, and by both."""
    quiet, log = tmp_path / "quiet.log", tmp_path / "job.log"
    quiet.touch()
    for job, where in (((1, 0), None), ((2, 0), log)):
        world.happen("submit", job, where)
        for when, kind in ((5, "hold"), (43, "release"), (43.5, "hold"), (100, "abort")):
            world.network.at(when, lambda kind=kind, job=job, where=where: world.happen(kind, job, where))

    async def body():
        async with watch(world.schedd, ["1.0", "2.0"], logs=[quiet, log], interval=10, longest=10) as following:
            return await to_the_end(following, world)

    told = changes(world.run(body))
    held = JobChange.HELD
    assert told["1.0"] == [JobChange.IDLE, held, held, JobChange.REMOVED]
    assert told["2.0"] == [JobChange.IDLE, held, JobChange.IDLE, held, JobChange.REMOVED]


def test_polling_backs_off_while_the_logs_are_alive_and_returns_when_they_are_not(world, tmp_path, queries):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: world.happen("execute", (1, 0), log))
    world.network.at(7000, log.unlink)
    world.network.at(7001, lambda: world.happen("terminate", (1, 0)))
    times = []

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=2.0, longest=60.0, relaxed=3600.0) as following:
            return await to_the_end(following, world, times)

    assert [each.change for each in world.run(body)] == [JobChange.IDLE, JobChange.STARTED, JobChange.COMPLETED]
    assert len(queries) < 25  # of over a hundred every minute
    assert times[-1][1] < 7001 + 2 * 60


@pytest.mark.parametrize("damage", ["delete", "truncate", "again", "rotate", "garbage", "denied"])
def test_a_damaged_log_is_a_gap_that_the_queue_closes(world, tmp_path, damage):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: world.happen("execute", (1, 0), log))

    def strike():
        if damage == "rotate":
            log.rename(tmp_path / "job.log.old")
            log.touch()
        elif damage == "truncate":
            log.write_bytes(b"")
        elif damage == "garbage":
            append(log, b"no event\n...\n")
        elif damage == "denied":
            log.unlink()
            log.mkdir()
        else:
            log.unlink()
        if damage == "again":
            append(log, line("submit", (99, 0), world.network.started))

    world.network.at(3000, strike)
    world.network.at(3001, lambda: world.happen("hold", (1, 0)))  # in no log
    after = None if damage in ("delete", "denied") else log
    world.network.at(3500, lambda: world.happen("release", (1, 0), after))
    world.network.at(3600, lambda: world.happen("execute", (1, 0), after))
    world.network.at(3700, lambda: world.happen("terminate", (1, 0), after))
    times = []

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=2.0, longest=60.0, relaxed=300.0) as following:
            return await to_the_end(following, world, times)

    news = world.run(body)
    assert [each.change for each in news] == world.truth[1, 0]
    assert times[2][1] < 3001 + (120 if damage != "rotate" else 400)
    assert times[-1][1] < 3700 + 400


def test_lines_of_another_job_of_that_number_are_not_believed(world, tmp_path, queries):
    log = tmp_path / "job.log"
    long_ago = world.network.started - 100_000
    for number, kind in enumerate(("submit", "execute", "terminate")):
        append(log, line(kind, (1, 0), long_ago + number))
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: world.happen("execute", (1, 0), log))
    world.network.at(20, lambda: world.happen("abort", (1, 0), log))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, **RARE) as following:
            return await to_the_end(following, world)

    assert [each.change for each in world.run(body)] == world.truth[1, 0]
    assert len(queries) == 1


def test_a_job_that_left_before_anybody_looked_has_its_whole_story_in_the_log(world, tmp_path):
    log = tmp_path / "job.log"
    for job in ((1, 0), (2, 0)):
        world.happen("submit", job, log)
        world.happen("execute", job, log)
        world.happen("hold", job, log)
        world.happen("abort", job, log)
    del world.network.schedd.queue.history[1:]  # the second is in the log alone
    world.happen("submit", (3, 0), log)

    async def body():
        async with watch(world.schedd, ["1.0", "2.0", "4.0"], logs=log, interval=1, longest=1) as following:
            return await to_the_end(following, world)

    told = changes(world.run(body))
    assert told.pop("4.0") == [JobChange.GONE]
    assert told["1.0"] == world.truth[1, 0]
    assert told["2.0"] == world.truth[2, 0]


def test_an_answer_older_than_the_log_is_not_news(world, tmp_path):
    """The log says that the job runs; the queue says so a little later."""
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: append(log, line("execute", (1, 0), world.network.started + 10)))
    world.network.at(11.5, lambda: world.happen("execute", (1, 0)))
    world.network.at(30, lambda: world.happen("abort", (1, 0), log))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=1, longest=1) as following:
            return await to_the_end(following, world)

    assert [each.change for each in world.run(body)] == world.truth[1, 0]


def test_the_queue_is_believed_when_it_says_so_again(world, tmp_path):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: append(log, line("execute", (1, 0), world.network.started + 10)))
    world.network.at(100, lambda: world.happen("abort", (1, 0)))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=5, longest=5) as following:
            return await to_the_end(following, world)

    expected = [JobChange.IDLE, JobChange.STARTED, JobChange.IDLE, JobChange.REMOVED]
    assert [each.change for each in world.run(body)] == expected


@pytest.mark.parametrize("kind", ["abort", "hold"])
@pytest.mark.parametrize("first", [True, False])
def test_a_running_job_that_is_held_or_removed_is_not_idle_in_between(world, tmp_path, kind, first):
    """Its log has a line of an eviction too, before or after the other one; here the queue is a little behind."""
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.happen("execute", (1, 0), log)
    evicted = line("evict", (1, 0), world.network.started + 10)

    def end():
        if first:
            append(log, evicted)
        append(log, line(kind, (1, 0), world.network.started + 10))
        if not first:
            append(log, evicted)
        world.network.at(10.5, lambda: world.happen(kind, (1, 0)))

    world.network.at(10, end)
    world.network.at(60, lambda: world.happen("abort", (1, 0), log) if kind == "hold" else None)

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=2, longest=10) as following:
            return await to_the_end(following, world)

    ends = [JobChange.REMOVED] if kind == "abort" else [JobChange.HELD, JobChange.REMOVED]
    assert [each.change for each in world.run(body)] == [JobChange.IDLE, JobChange.STARTED, *ends]


def test_a_line_that_a_run_is_over_is_settled_by_the_queue(world, tmp_path):
    """Alone it tells nothing; the queue, asked at once, may be behind, and is asked again."""
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.happen("execute", (1, 0), log)
    world.network.at(10, lambda: append(log, line("evict", (1, 0), world.network.started + 10)))
    world.network.at(11, lambda: world.happen("evict", (1, 0)))
    world.network.at(40, lambda: world.happen("execute", (1, 0), log))
    world.network.at(50, lambda: world.happen("terminate", (1, 0), log))
    times = []

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=2, longest=500) as following:
            return await to_the_end(following, world, times)

    assert [each.change for each in world.run(body)] == world.truth[1, 0]
    assert times[2][1] < 14


def test_a_job_that_is_queued_on_hold_is_held_at_the_first_look(world, tmp_path, queries):
    """Its log says nothing of the hold."""
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.happen("hold", (1, 0))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, **RARE) as following:
            return await following.next_events()

    assert [each.change for each in world.run(body)] == [JobChange.IDLE, JobChange.HELD]
    assert len(queries) == 1


# -- many, badly, with restarts


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(12, 400))])
def test_every_change_once_and_in_order(world, tmp_path, seed):
    """Lagging logs that are rotated, cut, deleted, and a watch that is stopped and started: nothing twice, all ends."""
    chance = random.Random(seed)
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    jobs = [(cluster, proc) for cluster in (1, 2, 3) for proc in range(5)]
    worst = chance.choice((0.0, 0.0, 2.0, 20.0))
    for number, job in enumerate(jobs):
        log = None if number % 7 == 6 else logs[number % 2]
        world.live(job, log, chance, lambda: chance.uniform(0, worst))
    mild = seed % 3 == 0

    def strike():
        log = chance.choice(logs)
        if log.exists():
            chance.choice((log.unlink, lambda: log.write_bytes(b""), lambda: log.rename(f"{log}.old")))()
        world.later(chance.uniform(1, 60), strike)

    if not mild:
        world.later(5, strike)
    pace = {"interval": 1.0, "longest": 8.0, "relaxed": 100.0}

    async def body():
        news = []
        following = watch(world.schedd, [f"{a}.{b}" for a, b in jobs], logs=logs, **pace)
        while True:
            try:
                if chance.random() < 0.5:
                    found = await following.next_events(timeout=chance.choice((0.1, 1.0, 30.0)))
                else:
                    found = [each async for each in _first(following)]
            except DaemonTimeoutError:
                found = []
            news += found
            if following.done:
                return news
            if chance.random() < 0.3:
                state = json.loads(json.dumps(following.state))
                following.close()
                following = watch(world.schedd, state=state, **pace)

    news = world.run(body)
    told = changes(news)
    for job in jobs:
        found, truth = told[f"{job[0]}.{job[1]}"], world.truth[job]
        assert is_part(found, truth), (job, found, truth)
        assert found[-1] is truth[-1]
        assert Counter(each.final for each in found)[True] == 1
        if mild and worst == 0.0 and job not in [jobs[number] for number in range(6, len(jobs), 7)]:
            assert found == truth


async def _first(following):
    try:
        yield await following.__anext__()
    except StopAsyncIteration:
        return


def test_five_thousand_jobs_by_one_reader(world, tmp_path, queries):
    log = tmp_path / "job.log"
    for proc in range(5000):
        world.happen("submit", (1, proc), log)

    def all_of(kind):
        for proc in range(5000):
            world.happen(kind, (1, proc), log)

    world.network.at(10, lambda: all_of("execute"))
    world.network.at(20, lambda: all_of("terminate"))

    async def body():
        async with watch(world.schedd, "ClusterId == 1", logs=log, **RARE) as following:
            return await to_the_end(following, world)

    told = changes(world.run(body))
    assert all(found == [JobChange.IDLE, JobChange.STARTED, JobChange.COMPLETED] for found in told.values())
    assert len(told) == 5000
    assert len(queries) == 1


# -- states


def test_untaken_events_are_in_the_state(world, tmp_path):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.happen("hold", (1, 0), log)

    async def body():
        following = watch(world.schedd, ["1.0"], logs=log, **RARE)
        first = await following.__anext__()
        state = json.loads(json.dumps(following.state))
        following.close()
        again = watch(world.schedd, state=state, **RARE)
        world.happen("abort", (1, 0), log)
        return [first, *(await to_the_end(again, world))]

    news = world.run(body)
    assert [each.change for each in news] == world.truth[1, 0]
    assert news[1].reason == "disk full"


def test_a_state_of_a_watch_without_logs_can_go_on_with_one(world, tmp_path):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.happen("execute", (1, 0), log)

    async def body():
        first = await watch(world.schedd, ["1.0"]).next_events()
        state = {"version": 1, "constraint": None, "jobs": {"1.0": ["started", 0]}}
        world.network.at(10, lambda: world.happen("terminate", (1, 0), log))
        async with watch(world.schedd, state=state, logs=str(log), **RARE) as following:
            return first + await to_the_end(following, world)

    assert [each.change for each in world.run(body)] == [JobChange.STARTED, JobChange.COMPLETED]


def test_a_closed_watch_goes_on_by_the_queue(world, tmp_path, queries):
    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(10, lambda: world.happen("abort", (1, 0), log))

    async def body():
        following = watch(world.schedd, ["1.0"], logs=log, interval=4, longest=4)
        news = await following.next_events()
        following.close()
        return news + await following.next_events()

    assert [each.change for each in world.run(body)] == [JobChange.IDLE, JobChange.REMOVED]
    assert world.network.time >= 12


def test_the_schedd_may_be_away_while_the_log_tells(world, tmp_path):
    from tests.harness.memory_pool import SCHEDD

    log = tmp_path / "job.log"
    world.happen("submit", (1, 0), log)
    world.network.at(5, lambda: world.network.stop(world.network.address(*SCHEDD)))
    world.network.at(50, lambda: append(log, line("abort", (1, 0), world.network.started + 50)))

    async def body():
        async with watch(world.schedd, ["1.0"], logs=log, interval=1, longest=5, patience=1000) as following:
            return await to_the_end(following, world)

    assert [each.change for each in world.run(body)] == [JobChange.IDLE, JobChange.REMOVED]
    assert world.network.time < 60


@pytest.mark.parametrize(
    "spoilt",
    [
        {"logs": 3, "given": [], "find_logs": False, "early": []},
        {"logs": {"/a": {"file": [1, 2]}}, "given": [], "find_logs": False, "early": []},
        {"logs": {}},
        {"events": [["1.0", "nonsense", "[]"]]},
        {"events": [["1.0", "held", "[["]]},
        {"jobs": {"1.0": ["held", "x"]}},
    ],
)
def test_what_is_no_state(world, spoilt):
    state = {"version": 1, "constraint": None, "jobs": {"1.0": None}} | spoilt
    with pytest.raises(HTCondorValueError, match="not the state"):
        watch(world.schedd, state=state)


def test_seconds_that_make_no_sense(world):
    with pytest.raises(HTCondorValueError, match="interval"):
        watch(world.schedd, ["1.0"], interval=0)
    assert ClassAd(watch(world.schedd, ["1.0"]).state) is not None
