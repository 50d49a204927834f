"""Forms of descriptions, and arguments of their methods, with what the v1 bindings of 24.0.24 do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from htcondor_async.classad._unparse import unparse_node
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError, HTCondorTypeError, HTCondorValueError
from htcondor_async.submit import Submit as CoreSubmit
from htcondor_sync import Submit as PublicSubmit
from htcondor_sync._arguments import ArgumentError
from htcondor_sync._submit import Submit
from tests.helpers.submit_world import submit_context

START = "executable = job.sh\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "job.sh").write_bytes(b"x" * 3000)
    (tmp_path / "in").mkdir()
    return tmp_path


def _submit(tree: Path, text: str = START, **config: str) -> Submit:
    return Submit._in_context(submit_context(tree, "24.0.24", v1=True, **config), text)


def _job(tree: Path, lines: str, **config: str) -> dict[str, str]:
    jobs = _submit(tree, f"{START}{lines}\nqueue\n", **config).jobs(clusterid=10, qdate=1_700_000_000)
    return {name: unparse_node(node) for name, node in next(jobs)._pairs()}


@pytest.mark.parametrize("end", ["   ", "\t", "\r", "\v", "\n   \n  "])
def test_a_description_may_end_in_blanks(tree: Path, end: str) -> None:
    text = f"\n    executable = job.sh\n    arguments = a\n{end}"
    assert _submit(tree, text).items() == [("executable", "job.sh"), ("arguments", "a")]
    assert len(list(CoreSubmit(text, submit_context(tree)).jobs())) == 1
    queued = f"if true\n{START}endif\nqueue 2\n{end}"
    assert len(list(_submit(tree, queued).jobs())) == 2


def test_blanks_at_the_end_of_queue(tree: Path) -> None:
    text = f"{START}queue x in (a b)  "
    submit = _submit(tree, text)
    assert submit.getQArgs() == "x in (a b)  "
    with pytest.raises(HTCondorValueError, match="no end"):
        submit.jobs()
    assert len(list(CoreSubmit(text, submit_context(tree)).jobs())) == 2
    submit = _submit(tree)
    texts = {" queue 3": " queue 3", "queue  3 ": "3 ", "queue queue 3": "queue 3", "x in ": "x in "}
    for given, kept in texts.items():
        submit.setQArgs(given)
        assert submit.getQArgs() == kept
    assert len(list(submit.jobs())) == 1
    submit.setQArgs("queue queue 3")
    with pytest.raises(HTCondorValueError, match="queue count"):
        submit.itemdata()
    with pytest.raises(HTCondorValueError, match="inline items"):
        submit.itemdata("x from (")


@pytest.mark.parametrize(
    ("queue", "items"),
    [
        ("x in [1:2]", ["[1:2]"]),
        ("x in [1:2](a b c)", ["b"]),
        ("x matching i*/", ["in//"]),
        ("x matching in/", ["in/"]),
        ("x matching i*", ["in/"]),
    ],
)
def test_items(tree: Path, queue: str, items: list[str]) -> None:
    assert [item["x"] for item in _submit(tree, f"{START}queue {queue}\n").itemdata()] == items


def test_a_list_in_two_parentheses_goes_on(tree: Path) -> None:
    with pytest.raises(HTCondorValueError, match="no end"):
        _submit(tree, f"{START}queue x in ((a b))\n").jobs()
    assert len(list(_submit(tree, f"{START}queue x in ((a b))\nc\n)\n").jobs())) == 3


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("1.2.3", True),
        ("0.0.1", False),
        ("-1", True),
        ("+1", None),
        ("version > 8.0", True),
        ("version>8.0", None),
        ("version 24.0.24", None),
        ("version => 24.0", None),
        ("defined use role", True),
        ("defined use ROLE:Submit", True),
        ("! defined use role:submit", False),
        ("defined use TEMPLATE", False),
        ("defined use TEMPLATE:T1", None),
        ("defined use role submit", None),
        ("defined use", False),
        ("defined a-b", None),
    ],
)
def test_conditions(tree: Path, condition: str, result: bool | None) -> None:
    text = f"if {condition}\nr = yes\nelse\nr = no\nendif\n"
    if result is None:
        with pytest.raises(HTCondorValueError, match="not a valid if condition"):
            _submit(tree, text)
    else:
        assert _submit(tree, text)["r"] == ("yes" if result else "no")


def test_include_options_have_one_case(tree: Path) -> None:
    _submit(tree, "include ifexist : nosuch\n")
    with pytest.raises(HTCondorValueError, match="unexpected word 'IFEXIST'"):
        _submit(tree, "include IFEXIST : nosuch\n")


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("kill_sig_timeout = 99999999999", "KillSigTimeout", "1215752191"),
        ("remote_universe = 99999999999", "Remote_JobUniverse", "1215752191"),
        ("job_lease_duration = true", "JobLeaseDuration", "20"),
        ("job_lease_duration = 0.5", "JobLeaseDuration", "5.000000000000000E-01"),
        ("container_image = a\\b", "ContainerImage", '"a\\\\b"'),
    ],
)
@pytest.mark.filterwarnings("ignore:job_lease_duration less than 20:UserWarning")
def test_values(tree: Path, line: str, attribute: str, value: str) -> None:
    assert _job(tree, line)[attribute] == value


def test_the_owner_is_who_runs_the_program(tree: Path) -> None:
    assert _job(tree, "", SUBMIT_SHOULD_SET_LOCAL_OWNER="true")["Owner"] == '"osuser"'
    assert _job(tree, "")["Owner"] == "undefined"


@pytest.mark.parametrize("function", ["$INT(n,%%)", "$REAL(n,100%%)", "$STRING(n,%%)", "$INT(n,x)"])
def test_a_format_has_a_conversion(tree: Path, function: str) -> None:
    with pytest.raises(HTCondorInternalError, match="no conversion"):
        _submit(tree, f"n = 7\nv = {function}\n").expand("v")


@pytest.mark.parametrize("source", [5, 2.5, True, None, [1]])
def test_sources_that_are_none(tree: Path, source: Any) -> None:
    with pytest.raises(TypeError):
        Submit._in_context(submit_context(tree), source)


def test_bytes_are_text(tree: Path) -> None:
    assert Submit._in_context(submit_context(tree), b"a = 1\n", b=b"c").items() == [("a", "1"), ("b", "c")]
    with pytest.raises(HTCondorValueError):
        Submit._in_context(submit_context(tree), ["ab", "c"])


def test_oauth_services(tree: Path) -> None:
    text = f"{START}use_oauth_services = mysvc *h1, box\n"
    assert [{name: unparse_node(node) for name, node in ad._pairs()} for ad in _submit(tree, text).oauth_services] == [
        {"Service": '""', "Handle": '"h1"'},
        {"Service": '"box"'},
        {"Service": '"mysvc"'},
    ]
    demanding = _submit(tree, text, box_USER_DEFINE_SCOPES="REQUIRED")
    with pytest.raises(HTCondorIOError, match="box_OAUTH_PERMISSIONS"):
        list(demanding.oauth_services)


def test_any_key_may_be_set(tree: Path) -> None:
    submit = _submit(tree)
    submit[""] = "x"
    assert submit.items() == [("executable", "job.sh"), ("", "x")]
    submit.setSubmitMethod(-5)
    assert submit.getSubmitMethod() == -5


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("__getitem__", (5,)),
        ("__setitem__", (None, "x")),
        ("setdefault", (5, "x")),
        ("expand", (5,)),
        ("setQArgs", (5,)),
        ("itemdata", (None,)),
        ("jobs", ("x",)),
        ("jobs", (1.5,)),
        ("procs", (1, None, 1.0)),
        ("jobs", (1, None, 1, 0, 0, 5)),
        ("setSubmitMethod", (1.5,)),
        ("setSubmitMethod", (100, "x")),
    ],
)
def test_arguments_have_types(tree: Path, method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentError):
        getattr(_submit(tree), method)(*arguments)


def test_one_source_at_most() -> None:
    with pytest.raises(HTCondorTypeError, match="more than one"):
        PublicSubmit("a = 1", "b = 2")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"dagman": True}, "executable\t= true"),
        ({"maxidle": "5x"}, "-MaxIdle 5 "),
        ({"maxidle": "0x10"}, "-MaxIdle 0 "),
        ({"debug": -3}, "-Debug -3 "),
        ({"usedagdir": "1e3"}, "-UseDagDir "),
        ({"include_env": True}, "-include_env true"),
        ({"AddToEnv": "", "nosuch": None}, "-AutoRescue 1"),
    ],
)
@pytest.mark.filterwarnings("ignore:the DAGMan option:UserWarning")
def test_options_of_a_dag(tree: Path, options: dict[str, Any], line: str) -> None:
    (tree / "d.dag").write_text("JOB A a.sub\n")
    Submit._from_dag("d.dag", {"dagman": "/x", **options}, submit_context(tree))
    assert line.replace("\t", "  ") in (tree / "d.dag.condor.sub").read_text()


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("SET_JOB_ATTR a\n", {}, HTCondorValueError),
        ("", {"maxidle": 2**40}, HTCondorTypeError),
        ("", {"schedd-daemon-ad-file": ""}, HTCondorInternalError),
    ],
)
def test_bad_dags(tree: Path, text: str, options: dict[str, Any], error: type[Exception]) -> None:
    (tree / "d.dag").write_text(text)
    with pytest.raises(error):
        Submit._from_dag("d.dag", {"dagman": "/x", **options}, submit_context(tree))


def test_minus_one_is_no_debug_level(tree: Path) -> None:
    (tree / "d.dag").write_text("")
    assert "-Debug" not in Submit._from_dag("d.dag", {"dagman": "/x", "debug": -1}, submit_context(tree))["arguments"]
