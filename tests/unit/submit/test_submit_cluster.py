"""Jobs of one cluster: what is shared, what each has of its own, and that the short way gives the same."""

from __future__ import annotations

import itertools
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from htcondor_async.classad import ClassAd
from htcondor_async.submit import Submit, SubmitContext, SubmitError, SubmitWarning
from htcondor_async.submit.cluster import ClusterBuilder
from htcondor_async.submit.options import JobOptions
from tests.helpers.submit_world import submit_context


@pytest.fixture
def context(tmp_path: Path) -> SubmitContext:
    (tmp_path / "job.sh").write_bytes(b"x" * 3000)
    (tmp_path / "a.dat").write_bytes(b"x" * 2000)
    return submit_context(tmp_path)


def test_proc_ads_hold_what_differs(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\narguments = $(Process)\noutput = same\nqueue 3\n", context)
    procs = submit.procs(cluster_id=7)
    first = next(procs)
    assert first["ClusterId"] == 7 and first["Cmd"].endswith("/job.sh")
    assert [dict(ad) for ad in procs] == [
        {"Args": "1", "ProcId": 1, "JobStatus": 1},
        {"Args": "2", "ProcId": 2, "JobStatus": 1},
    ]
    assert "ProcId" not in procs.cluster_ad()


def test_numbers_may_begin_later(context: SubmitContext) -> None:
    jobs = list(Submit("executable = job.sh\narguments = $(Process)\nqueue 2\n", context).jobs(proc_id=5))
    assert [(ad["ProcId"], ad["Args"]) for ad in jobs] == [(5, "5"), (6, "6")]


def test_there_is_no_cluster_ad_before_the_first_job(context: SubmitContext) -> None:
    with pytest.raises(SubmitError, match="no cluster ad"):
        Submit({"executable": "job.sh"}, context).jobs().cluster_ad()


def test_a_million_items_are_not_kept(context: SubmitContext) -> None:
    taken = 0

    def items() -> Iterator[dict[str, str]]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield {"x": str(number)}

    jobs = Submit({"executable": "job.sh", "arguments": "$(x)"}, context).jobs(1, items())
    assert taken == 0
    next(jobs)
    assert taken == 1
    for _ in itertools.islice(jobs, 1000):
        pass
    tracemalloc.start()
    try:
        for _ in itertools.islice(jobs, 5000):
            pass
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken == 6001
    assert kept < 200_000


def test_an_error_in_a_later_job_comes_with_that_job(context: SubmitContext) -> None:
    jobs = Submit("executable = job.sh\npriority = $(p)\nqueue p in (1 2 x 3)\n", context).jobs()
    assert [next(jobs)["JobPrio"], next(jobs)["JobPrio"]] == [1, 2]
    with pytest.raises(SubmitError, match="priority=x"):
        next(jobs)
    assert next(jobs, None) is None


VALUES = {
    "arguments": ["$(Process)", "$(x)", '"$(x)"', "a"],
    "environment": ["A=$(x)", "B=1"],
    "output": ["$(x)", "/dev/null", "o.$(Process)", "$(nosuch)"],
    "transfer_input_files": ["$(x)", "a.dat", "http://h/$(x)", "$(x)://h/f"],
    "request_memory": ["1G", "$(Process)", "$(x)"],
    "request_gpus": ["$(Process)", "1"],
    "request_foo": ["$(Process)", '"$(x)"'],
    "require_gpus": ["Capability > $(Process)"],
    "requirements": ["Memory > 1", "$(Process) >= 0", 'Machine == "$(x)"'],
    "hold": ["$(Step)", "true"],
    "cuda_version": ["1$(Step)", "12.1"],
    "checkpoint_exit_code": ["$(Process)", "85"],
    "deferral_time": ["$(Process)"],
    "job_lease_duration": ["$(Process)", "30"],
    "should_transfer_files": ["YES", "IF_NEEDED"],
    "output_destination": ["http://$(x)", "$(x)"],
    "+Foo": ["$(Process)", '"$(x)"', "1"],
    "+RequestBar": ["$(Step)", "1"],
    "+TransferInput": ['"s3x://$(x)"'],
    "+ShouldTransferFiles": ['"YES"'],
    "initialdir": [".", "./$(empty)"],
    "universe": ["vanilla", "java", "local", "scheduler"],
    "max_retries": ["$(Process)", "3"],
    "retry_until": ["$(x)", "5"],
    "notify_user": ["never", "$(x)"],
    "nice_user": ["true", "$(Step)"],
    "accounting_group": ["g", "g$(Process)"],
    "transfer_output_remaps": ['"a=$(x)"', '"a=http://$(x)"'],
}
commands = st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 3), max_size=5)
rows = st.lists(st.sampled_from(["a", "b", "1", "http", "osdf", "", "2G", "a", "/dev/null"]), min_size=1, max_size=6)


def _ads(submit: Submit, items: list[str], count: int) -> list[str]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SubmitWarning)
        try:
            for ad in submit.jobs(count, [{"x": item} for item in items]):
                found.append(str(ad))
        except SubmitError as error:
            found.append(f"error: {error}")
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands, rows, st.integers(1, 3))
def test_the_short_way_gives_the_same_jobs(
    context: SubmitContext, chosen: dict[str, int], items: list[str], count: int
) -> None:
    submit = Submit({"executable": "job.sh", "empty": ""}, context)
    for key, index in chosen.items():
        submit[key] = VALUES[key][index % len(VALUES[key])]
    short = _ads(submit, items, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClusterBuilder, "_again", lambda self, proc: False)
        assert _ads(submit, items, count) == short


# -- digests: what a schedd makes jobs of

LATE = """
executable = job.sh
arguments = $(x) $(Process) same
environment = "A=$(x)"
transfer_input_files = a.dat, $(x).in
output = out.$(Process)
request_memory = 77
requirements = KeyboardIdle > 5
hold = true
+Mark = "m $(x)"
max_materialize = 3
queue 2 x in (a b c)
"""


@pytest.mark.parametrize("version", ["23.9.6", "25.14.1"])
def test_jobs_of_a_digest_are_those_of_its_description(context: SubmitContext, version: str) -> None:
    described = Submit(LATE, context)
    (Path(context.world().cwd()) / "a.in").touch()
    made = described.factory(options=JobOptions(cluster_id=7, schedd_version=version, qdate=1))
    assert made is not None
    rows = [row.decode().rstrip("\n") for row in made.rows()]
    digest = Submit(made.digest("/spool/items"), context)
    assert (rows, digest.job_count(len(rows)), made.job_count) == (["a", "b", "c"], 6, 6)
    builder = digest.from_digest(rows, made.cluster_ad, 7, 1)
    late = [ClassAd({**made.cluster_ad, **builder.proc_ad(delta)}) for delta in builder]
    at_once = list(described.jobs(cluster_id=7, schedd_version=version, qdate=1))
    varying = ["Args", "Environment", "TransferInput", "Out", "Mark", "ProcId", "JobStatus", "Requirements", "Cmd"]
    for name in varying:
        assert [str(ad.lookup(name)) for ad in late] == [str(ad.lookup(name)) for ad in at_once], name
    assert {ad["RequestMemory"] for ad in late} == {77}


def test_the_cluster_ad_is_that_of_the_first_row_whenever_it_is_made(context: SubmitContext) -> None:
    made = Submit("executable = job.sh\narguments = $(x)\nmax_idle = 1\nqueue x in (a b c)\n", context).factory()
    assert made is not None
    assert len(list(made.rows())) == 3
    made.number(9)
    assert (made.cluster_ad["ClusterId"], made.cluster_ad["Args"]) == (9, "a")


def test_what_a_digest_lacks_is_not_in_its_jobs(context: SubmitContext) -> None:
    made = Submit("executable = job.sh\narguments = $(Process)\nmax_idle = 1\nqueue 3\n", context).factory(
        options=JobOptions(qdate=1)
    )
    assert made is not None
    digest = Submit(made.digest(""), context)
    builder = digest.from_digest([], made.cluster_ad, 1, 1)
    assert [dict(builder.proc_ad(delta)) for delta in builder] == [
        {"ProcId": 0, "JobStatus": 1},
        {"ProcId": 1, "JobStatus": 1, "Args": "1"},
        {"ProcId": 2, "JobStatus": 1, "Args": "2"},
    ]


@pytest.mark.parametrize(
    ("queue", "rows", "jobs"),
    [("", 0, 1), ("7", 0, 7), ("x from f", 4, 4), ("3 x from f", 0, 3), ("x from [1:3] f", 4, 2)],
)
def test_how_many_jobs_a_digest_makes(context: SubmitContext, queue: str, rows: int, jobs: int) -> None:
    assert Submit(f"executable = job.sh\nqueue {queue}\n", context).job_count(rows) == jobs
