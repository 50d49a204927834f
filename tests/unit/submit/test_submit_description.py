"""Submit as a mapping, as text, and its messages."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.classad import _registry
from htcondor_async.submit import Submit, SubmitContext, SubmitError, SubmitTypoWarning, SubmitWarning
from tests.helpers.submit_world import NOW, SubmitWorld, submit_context


@pytest.fixture
def context(tmp_path: Path) -> SubmitContext:
    (tmp_path / "job.sh").write_bytes(b"x" * 3000)
    (tmp_path / "items.txt").write_text("one\ntwo\n")
    return submit_context(tmp_path)


def test_mapping(context: SubmitContext) -> None:
    submit = Submit({"executable": "job.sh", "+Foo": 1}, context, arguments="60")
    assert list(submit) == ["executable", "MY.Foo", "arguments"]
    assert submit["EXECUTABLE"] == "job.sh"
    assert submit["+foo"] == submit["my.Foo"] == "1"
    assert "Process" in submit and "nosuch" not in submit and "" not in submit
    assert submit.get("nosuch") is None
    del submit["+Foo"]
    assert len(submit) == 2
    with pytest.raises(KeyError, match="nosuch"):
        del submit["nosuch"]
    assert submit.pop("arguments") == "60"
    submit.update(error="e", output=None)
    assert submit["output"] == "undefined"


def test_text_with_items_survives(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\narguments = $(x)\nqueue x from (\na\nb c\n)\nignored\n", context)
    again = Submit(str(submit), context)
    assert again == submit
    assert [ad["Args"] for ad in again.jobs()] == ["a", "b c"]
    assert str(again) == str(submit)


def test_pickle_and_copy(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\nqueue 2\n", context)
    other = submit.copy()
    other["executable"] = "other"
    assert submit["executable"] == "job.sh"
    assert copy.copy(submit) == submit
    _registry.set_default_environment(SubmitWorld("/"))
    try:
        assert pickle.loads(pickle.dumps(submit)) == submit
    finally:
        _registry.set_default_environment(None)


def test_queue_arguments(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\nqueue x from (\na\n)\n", context)
    submit.queue_arguments = "QUEUE 3"
    assert submit.queue_arguments == "3"
    assert len(list(submit.jobs())) == 3
    with pytest.raises(ValueError, match="newline"):
        submit.queue_arguments = "1\n"


def test_item_data(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\nqueue from items.txt\n", context)
    assert list(submit.item_data()) == ["one", "two"]
    assert list(submit.item_data("queue a,b in (1 2)")) == [{"a": "1", "b": ""}, {"a": "2", "b": ""}]
    with pytest.raises(SubmitError, match="no lines"):
        submit.item_data("x from (")


@pytest.mark.parametrize(
    ("element", "arguments"),
    [("a", "a"), (b"a\xc3\xa9", "aé"), (["a", "b"], "a"), (("a", "b"), "a"), ({"Item": "a"}, "a")],
)
def test_items_from_python(context: SubmitContext, element: object, arguments: str) -> None:
    submit = Submit({"executable": "job.sh", "arguments": "$(Item)"}, context)
    (job,) = submit.jobs(item_data=[element])
    assert job.get("Args", job.get("Arguments")) == arguments


def test_items_that_are_none(context: SubmitContext) -> None:
    submit = Submit({"executable": "job.sh", "arguments": "$(Item)"}, context)
    with pytest.raises(SubmitError, match="element 1 of the item data is of type int"):
        list(submit.jobs(item_data=["a", 5]))


def test_expand(context: SubmitContext) -> None:
    submit = Submit({"a": "$(b) $(Process)", "b": "x"}, context)
    assert submit.expand("a") == "x 0"
    with pytest.raises(KeyError):
        submit.expand("nosuch")


def test_preview(context: SubmitContext) -> None:
    submit = Submit("executable = job.sh\narguments = $(Process)\nqueue 1000000\n", context)
    assert [ad["Args"] for ad in submit.preview(limit=3)] == ["0", "1", "2"]
    assert len(submit.preview(1, [{"x": "1"}])) == 1


def test_an_empty_list_makes_no_jobs(context: SubmitContext, tmp_path: Path) -> None:
    text = "executable = job.sh\nqueue x matching *.nothing\n"
    with pytest.warns(SubmitWarning, match="nothing matches"):
        assert list(Submit(text, context).jobs()) == []
    assert len(list(Submit(text, submit_context(tmp_path, v1=True)).jobs())) == 1


def test_dates(context: SubmitContext) -> None:
    submit = Submit({"executable": "job.sh", "arguments": "$(Year)-$(Month)-$(Day) $(SUBMIT_TIME)"}, context)
    assert next(submit.jobs())["Args"] == f"2023-11-14 {NOW}"


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("a = 1\nb c = 2\n", 2, ["b c = 2", "name = value"]),
        ("a = 1\n\nqueue5\n", 3, ["blank after the word queue"]),
        ("if a > 1\nendif\n", 1, ["complex conditionals", "defined NAME"]),
        ("if true\na = 1\n", 2, ["endif"]),
        ("endif\n", 1, ["without matching if"]),
        ("a @=end\nx\n", 2, ["begins on line 1", "@end"]),
        ("include : nosuch\n", 1, ["nosuch"]),
        ("use FEATURE : GPUs\n", 1, ["TEMPLATE or STRICT"]),
        ("a-b = 1\n", 1, ["a-b", "letters"]),
        ("JOB A a.sub\n", 1, ["DAG"]),
        ("error : no good\n", 1, ["no good"]),
    ],
)
def test_errors_name_the_line(context: SubmitContext, text: str, line: int, parts: list[str]) -> None:
    with pytest.raises(SubmitError) as caught:
        Submit(text, context)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("priority = high", ["priority=high", "whole number"]),
        ("request_cpus = 2 cpus", ["RequestCpus", "ClassAd expression"]),
        ("log_xml = maybe", ["true or false"]),
        ("universe = vanila", ["vanila", "vanilla"]),
        ("should_transfer_files = perhaps", ["perhaps", "YES, NO, or IF_NEEDED"]),
        ('arguments = "a', ["quote"]),
        ("environment = A", ["'='", "A"]),
        ("notification = often", ["often", "Never"]),
        ("initialdir = nowhere", ["nowhere", "directory"]),
        ("kill_sig = SIGNOPE", ["SIGNOPE"]),
        ("arguments = $INT(nope)", ["nope"]),
        ("request_memmory = 1G", ["Did you mean request_memory?"]),
    ],
)
def test_errors_in_commands_name_the_line_and_what_was_expected(
    context: SubmitContext, line: str, parts: list[str]
) -> None:
    jobs = Submit(f"executable = job.sh\n{line}\nqueue\n", context).jobs()
    with pytest.raises(SubmitError) as caught:
        next(jobs)
    assert caught.value.line == 2
    for part in ["line 2", *parts]:
        assert part in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).line == 2
    assert next(jobs, None) is None


def test_misspelled_keys(context: SubmitContext) -> None:
    text = "executable = job.sh\ntransfer_inputfiles = a\nrequest_memmory = 1024\nmyvariable = 3\n"
    text += "arguments = $(used)\nused = 1\n"
    with pytest.warns(SubmitTypoWarning) as caught:
        list(Submit(text, context).jobs())
    said = [str(entry.message) for entry in caught]
    assert len(said) == 2
    assert "line 2" in said[0] and "'transfer_input_files'" in said[0]
    assert "'request_memory'" in said[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SubmitTypoWarning)
        assert len(list(Submit(text, context).jobs())) == 1


def test_reserved_submit_methods(context: SubmitContext) -> None:
    submit = Submit({}, context)
    with pytest.raises(ValueError, match="reserved"):
        submit.set_submit_method(3)
    submit.set_submit_method(3, allow_reserved=True)
    assert submit.submit_method == 3


STATEMENTS = """
executable = job.sh|if|else|endif|if $(a)|a = $(a)$(b)|b = $(a)|queue|queue 2 x in (a b)|x @=|@
|include : items.txt|+A = 1|-A = 1|MY. = 2|request_ = 1|arguments = \\|# c|= 3|a : b|use x : y
"""
lines = st.lists(
    st.sampled_from([entry.strip() for entry in STATEMENTS.split("|")])
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=15),
    max_size=8,
)


@given(lines)
def test_any_text_gives_jobs_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, text: list[str]) -> None:
    context = submit_context(tmp_path_factory.getbasetemp())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SubmitWarning)
        try:
            for _, ad in zip(range(5), Submit("\n".join(text), context).jobs(), strict=False):
                assert ad["JobStatus"] in (1, 5)
        except SubmitError as error:
            assert str(error)
