"""Jobs by their ids: the short way that edits take says what the long one says."""

from __future__ import annotations

import pytest

from htcondor_async import HTCondorTypeError, HTCondorValueError
from htcondor_async._dialogues.jobids import job_numbers, select_jobs


@pytest.mark.parametrize(
    "spec",
    [
        "5.0", "5", (5, 0), [(5, 0), "5.1", "7", 9], ["5.0"], (1, 2), ["1.2", (3, 4)], {"6.1": 0}, [" 5.3"], [],
        ["05.07"], [(2147483647, 2147483647)],
    ],
)  # fmt: skip
def test_ids(spec):
    numbers = job_numbers(spec)
    assert numbers is not None
    jobs = zip(numbers[::2], numbers[1::2], strict=True)
    texts = [str(cluster) if proc < 0 else f"{cluster}.{proc}" for cluster, proc in jobs]
    wanted = [".".join(str(int(part)) for part in text.split(".")) for text in select_jobs(spec).ids or ()]
    assert texts == wanted


@pytest.mark.parametrize("spec", [None, True, "Owner == 1"])
def test_constraints(spec):
    assert select_jobs(spec).ids is None
    assert job_numbers(spec) is None


@pytest.mark.parametrize(
    "spec",
    [["x.0"], ["5.x"], ["5.0.1"], [(0, 1)], ["5.99999999999"], ["0.1"], ["²5.1"], [(1, 2, 3)], [(True, 1)],
     ["-5.1"], [""], [None], 7],
)  # fmt: skip
def test_what_is_no_id(spec):
    with pytest.raises((HTCondorValueError, HTCondorTypeError)):
        job_numbers(spec)
    with pytest.raises((HTCondorValueError, HTCondorTypeError)):
        select_jobs(spec)
