"""Requests that are made in bulk are those that are made one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async import HTCondorTypeError, HTCondorValueError
from htcondor_async._cedar.values import Writer
from htcondor_async._dialogues.expressions import value_text
from htcondor_async._dialogues.jobids import job_numbers
from htcondor_async._dialogues.queue import NO_ACK, Op, set_attribute
from htcondor_async._dialogues.set_requests import EditRequests, Edits, SetRequests
from htcondor_async.classad import ExprTree

IDS = st.integers(1, 2**31 - 1)
PROCS = st.integers(0, 2**31 - 1)
ONE = st.tuples(IDS, PROCS)
JOBS = st.one_of(
    ONE,
    ONE.map(lambda job: [job]),
    ONE.map(lambda job: "{}.{}".format(*job)),
    st.lists(st.one_of(ONE, ONE.map(lambda job: "{}.{}".format(*job)), IDS.map(str)), max_size=4),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["1 + 2", '"text"', '"ä€"', "undefined", "{1,2}", ExprTree("A && B")]),
)
EDITS = st.lists(st.tuples(JOBS, st.dictionaries(st.sampled_from(["Foo", "Bar", "Args"]), VALUES, max_size=3)))


def one_by_one(edits, crypto):
    for spec, changes in edits:
        for name, value in changes.items():
            numbers = iter(job_numbers(spec))
            for cluster, proc in zip(numbers, numbers, strict=True):
                writer = Writer(crypto)
                if value is None:
                    yield writer.int(Op.DeleteAttribute).int(cluster).int(proc).str(name).getvalue()
                else:
                    yield set_attribute(writer, cluster, proc, name, value_text(value), NO_ACK)


@given(edits=EDITS, crypto=st.booleans(), size=st.integers(1, 5))
def test_edits(edits, crypto, size):
    prepared, requests = Edits(), EditRequests(crypto, NO_ACK)
    prepared.add_each(edits)
    made = []
    for start in range(0, len(prepared), size):
        made += requests.of(prepared.part(start, start + size))
    wanted = list(one_by_one(edits, crypto))
    assert made == wanted
    assert len(prepared) == len(wanted)
    assert prepared.jobs == sum(len(job_numbers(spec)) // 2 for spec, _ in edits)
    assert prepared.deletes == any(value is None and job_numbers(spec) for spec, c in edits for value in c.values())


@given(values=st.lists(st.tuples(st.sampled_from(["Foo", "Bar"]), st.text(min_size=1).map(repr))), crypto=st.booleans())
def test_attributes_of_a_new_job(values, crypto):
    made = SetRequests(7, crypto).of(3, values)
    assert made == [set_attribute(Writer(crypto), 7, 3, name, value, NO_ACK) for name, value in values]


@pytest.mark.parametrize(
    "edit",
    [
        ("Owner == 1", {"Foo": 1}), (None, {"Foo": 1}), ([(0, 1)], {"Foo": 1}), ([(True, 1)], {"Foo": 1}),
        ((5, 0), {"": 1}), ((5, 0), {"a b": 1}), ((5, 0), {"Foo": 2**63}), ((5, 0), {"Foo": "1 +"}),
        ((5, 0), {"Foo": object()}),
    ],
)  # fmt: skip
def test_what_is_no_edit(edit):
    with pytest.raises((HTCondorValueError, HTCondorTypeError)):
        Edits().add_each([((5, 0), {"Bar": 1}), edit])


@pytest.mark.parametrize(
    ("value", "problem"), [("", "is empty"), ("1\n2", "line break"), ("1\0", "NUL"), ("9" * 10_000_000, "too long")]
)
@pytest.mark.parametrize("crypto", [True, False])
def test_values_that_no_schedd_takes(value, problem, crypto):
    with pytest.raises(HTCondorValueError, match=problem):
        EditRequests(crypto, NO_ACK).of([(1, 2, "Foo", value)])
    with pytest.raises(HTCondorValueError, match=problem):
        SetRequests(1, crypto).of(-1, [("Foo", value)])
