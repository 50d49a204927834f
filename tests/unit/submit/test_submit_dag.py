"""Submit files of DAGs: options, and messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from htcondor_async.errors import HTCondorIOError, HTCondorTypeError, HTCondorValueError
from htcondor_async.submit import Submit, SubmitContext, SubmitWarning
from htcondor_async.submit.dag import DagOptions
from tests.helpers.submit_world import submit_context


@pytest.fixture
def context(tmp_path: Path) -> SubmitContext:
    (tmp_path / "d.dag").write_text("JOB A a.sub\n")
    return submit_context(tmp_path)


def test_the_file_is_written_and_read(context: SubmitContext, tmp_path: Path) -> None:
    submit = Submit.from_dag("d.dag", {"dagman": "/opt/condor_dagman", "MaxIdle": 5, "batch-name": "n"}, context)
    assert submit["universe"] == "scheduler"
    assert "-MaxIdle 5" in submit["arguments"]
    text = (tmp_path / "d.dag.condor.sub").read_text()
    assert Submit(text, context) == submit
    assert text.endswith("queue\n")


def test_existing_files_are_named(context: SubmitContext, tmp_path: Path) -> None:
    (tmp_path / "d.dag.lib.out").write_text("")
    with pytest.raises(HTCondorIOError, match=r"d\.dag\.lib\.out exists.*force"):
        Submit.from_dag("d.dag", {"dagman": "/x"}, context)
    assert not (tmp_path / "d.dag.condor.sub").exists()
    Submit.from_dag("d.dag", {"dagman": "/x", "force": True}, context)
    assert not (tmp_path / "d.dag.lib.out").exists()


def test_nothing_is_written_by_halves(context: SubmitContext, tmp_path: Path) -> None:
    with pytest.raises(HTCondorIOError, match=r"nowhere\.config"):
        Submit.from_dag("d.dag", {"dagman": "/x", "config": "nowhere.config"}, context)
    assert not (tmp_path / "d.dag.condor.sub").exists()


def test_unknown_options_are_warned_of(context: SubmitContext) -> None:
    with pytest.warns(SubmitWarning, match="'max_idle' is not known.*'maxidle'"):
        Submit.from_dag("d.dag", {"dagman": "/x", "max_idle": 4}, context)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"maxidle": "x"}, HTCondorTypeError, "integer"),
        ({"maxidle": True}, HTCondorTypeError, "integer"),
        ({"force": "perhaps"}, HTCondorTypeError, "boolean"),
        ({"force": None}, HTCondorValueError, "no value"),
        ({"config": ""}, HTCondorValueError, "no value"),
        ({1: 2}, HTCondorTypeError, "string"),
    ],
)
def test_bad_options(options: dict[Any, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        DagOptions.parse(options)


def test_the_last_of_two_spellings_counts() -> None:
    assert DagOptions.parse({"MaxIdle": 1, "maxidle": "2"}).integers == {"maxidle": 2}


def test_a_missing_dag(context: SubmitContext) -> None:
    with pytest.raises(HTCondorIOError, match=r"no\.dag"):
        Submit.from_dag("no.dag", {}, context)
