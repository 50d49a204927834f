"""What depends on the version of the schedd, and late materialization."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from htcondor_async.submit import JobOptions, Submit, SubmitError
from htcondor_async.submit.versions import Version
from tests.helpers.submit_world import submit_context


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "job.sh").write_bytes(b"x" * 3000)
    (tmp_path / "image.sif").write_bytes(b"x" * 3000)
    return tmp_path


def test_version_texts() -> None:
    assert Version.parse("$CondorVersion: 24.0.24 2026-01-01 $") == Version(24, 0, 24)
    assert Version(9, 8) < Version.parse("10.0")
    with pytest.raises(ValueError, match="no version number"):
        Version.parse("new")


def test_defaults(tree: Path) -> None:
    submit = Submit({"executable": "job.sh"}, submit_context(tree))
    old, new = (next(submit.jobs(schedd_version=version)) for version in ("24.0.24", "25.14.1"))
    assert new["RequestMemory"] == 128
    assert str(old["RequestMemory"]).startswith("ifthenelse(")
    assert (old["TransferInputSizeMB"], new["TransferInputSizeMB"]) == (0, 1)
    assert "SubmitVersion" in new and "SubmitVersion" not in old
    assert 'versionGE(split(TARGET.CondorVersion)[1],"25.12.0") || (TARGET.Disk >= RequestDisk)' in str(
        new["Requirements"]
    )
    assert "versionGE" not in str(old["Requirements"])
    middle = next(submit.jobs(schedd_version="25.3.0"))
    assert "versionGE" not in str(middle["Requirements"]) and middle["RequestMemory"] == 128


def test_configured_values_win_over_defaults_of_the_version(tree: Path) -> None:
    submit = Submit({"executable": "job.sh"}, submit_context(tree, JOB_DEFAULT_REQUESTMEMORY="64"))
    assert {next(submit.jobs(schedd_version=version))["RequestMemory"] for version in ("24.0.1", "25.1.1")} == {64}


def test_quotes_around_files(tree: Path) -> None:
    submit = Submit(
        {"executable": "job.sh", "transfer_input_files": '"a,b"', "transfer_output_remaps": "a=b"}, submit_context(tree)
    )
    ad = next(submit.jobs(schedd_version="25.14.1"))
    assert (ad["TransferInput"], ad["TransferOutputRemaps"]) == ("a,b", "a=b")
    with pytest.raises(SubmitError, match="quoted string"):
        next(submit.jobs(schedd_version="24.0.24"))
    del submit["transfer_output_remaps"]
    assert next(submit.jobs(schedd_version="24.0.24"))["TransferInput"] == '"a,b"'


def test_container_paths_and_mpi(tree: Path) -> None:
    container = Submit({"executable": "job.sh", "container_image": "image.sif"}, submit_context(tree))
    assert next(container.jobs())["ContainerImageFullPath"] == "image.sif"
    assert "ContainerImageFullPath" not in next(container.jobs(schedd_version="24.0.24"))
    mpi = Submit({"executable": "job.sh", "universe": "mpi", "machine_count": "2"}, submit_context(tree))
    assert "HasMPI" not in str(next(mpi.jobs())["Requirements"])
    assert "HasMPI" in str(next(mpi.jobs(schedd_version="24.0.24"))["Requirements"])


def test_commands_of_version_25(tree: Path) -> None:
    submit = Submit({"executable": "job.sh", "project_name": "p"}, submit_context(tree))
    assert next(submit.jobs())["ProjectName"] == "p"
    assert "ProjectName" not in next(submit.jobs(schedd_version="24.0.24"))


def test_extended_commands(tree: Path) -> None:
    submit = Submit({"executable": "job.sh", "LongJob": "true", "Tags": "a, b", "Level": "-1"}, submit_context(tree))
    commands = {"LongJob": False, "Tags": "x,y", "Level": 3}
    builder = submit.cluster_builder(options=JobOptions(extended_commands=commands))
    with pytest.raises(SubmitError, match="non-negative"):
        next(iter(builder))
    del submit["Level"]
    builder = submit.cluster_builder(options=JobOptions(extended_commands=commands))
    ad = builder.job_ad(next(iter(builder)))
    assert (ad["LongJob"], ad["Tags"]) == (True, "a,b")


def test_no_factory_unless_asked_for(tree: Path) -> None:
    assert Submit({"executable": "job.sh"}, submit_context(tree)).factory() is None


def test_factory(tree: Path) -> None:
    text = (
        "executable = job.sh\nmax_materialize = 2\narguments = $(x) $(Process)\nqueue 2 x,y from (\na 1\nb 2\nc 3\n)\n"
    )
    factory = Submit(text, submit_context(tree)).factory(options=JobOptions(5))
    assert factory is not None
    assert b"".join(factory.rows()) == b"a\x1f1\nb\x1f2\nc\x1f3\n"
    assert (factory.job_count, factory.limit) == (6, 2)
    assert factory.digest("/spool/items").splitlines() == [
        "FACTORY.Requirements=MY.Requirements",
        "arguments=$(x) $(Process)",
        f"FACTORY.Iwd={tree}",
        "max_materialize=2",
        "",
        "Queue 2 x,y from /spool/items",
    ]
    assert factory.cluster_ad["ClusterId"] == 5 and factory.cluster_ad["Args"] == "a 0"


def test_bad_limits(tree: Path) -> None:
    submit = Submit("executable = job.sh\nmax_materialize = many\n", submit_context(tree))
    with pytest.raises(SubmitError, match="line 2: max_materialize=many"):
        submit.factory()


def _at_25(tree: Path, text: str) -> list[dict[str, object]]:
    jobs = Submit(text, submit_context(tree)).jobs(schedd_version="25.14.1")
    return [dict(job) for job in jobs]


def test_growing_requests(tree: Path) -> None:
    first, second = _at_25(tree, "executable = job.sh\nrequest_memory = 1G, 2G , MemoryUsage * 2\nqueue 2\n")
    assert first["RequestMemory"] == 1024
    sizes = first["RetryRequestMemory"]
    assert isinstance(sizes, list)
    assert [str(size) for size in sizes] == ["2048", "MemoryUsage * 2"]
    assert first["TransformOnEvict"] == "RequestMemory"
    assert first["TransformBody_RequestMemory"] == (
        "REQUIREMENTS (VacateReasonCode==21 || VacateReasonCode == 34) && VacateReasonSubCode == 102\x1e"
        "EVALSET RequestMemory RetryRequestMemory[RetryRequestMemoryIndex?:0]\x1e"
        "EVALSET RetryRequestMemoryIndex MIN({size(RetryRequestMemory)-1, (RetryRequestMemoryIndex?:0)+1})"
    )
    assert second["TransformBody_RequestMemory"] == first["TransformBody_RequestMemory"]


@pytest.mark.parametrize(
    ("commands", "body", "others"),
    [
        ("request_disk = 1G, 3G", "SET RequestDisk 3145728", {}),
        ("request_disk = 1G\nretry_request_disk = 2G", "SET RequestDisk 2097152", {}),
        ("request_memory = 1G\nretry_request_memory_max = 7G", "SET RequestMemory 7168", {}),
        ("request_memory = 1G\nretry_request_memory_increase = RequestMemory * 1.5", "SET RequestMemory 1536", {}),
        (
            "request_memory = 1G\nretry_request_memory_max = 7G\nretry_request_memory_increase = 1G",
            "EVALSET RequestMemory MIN({NextRequestMemory, MaxRequestMemory})",
            {"MaxRequestMemory": "7168", "NextRequestMemory": "RequestMemory + 1024"},
        ),
    ],
)
def test_requests_after_eviction(tree: Path, commands: str, body: str, others: dict[str, str]) -> None:
    (ad,) = _at_25(tree, f"executable = job.sh\n{commands}\nqueue\n")
    name = str(ad["TransformOnEvict"])
    assert str(ad[f"TransformBody_{name}"]).split("\x1e")[1:] == [body]
    assert {key: str(ad[key]) for key in others} == others


@pytest.mark.parametrize(
    ("commands", "match"),
    [
        ("request_memory = 1G, 300M, 200M", "200 is not greater than 300"),
        ("request_memory = 1G, foo(", "request_memory=foo\\( is invalid"),
        ("request_memory = 1G\nretry_request_memory_increase = 0", "not positive"),
        ("request_memory = 1G\nretry_request_memory_increase = foo", "does not depend on RequestMemory"),
        ("output_directory = a\noutput_destination = http://x/", "both output_destination and output_directory"),
    ],
)
def test_mistakes_in_commands_of_version_25(tree: Path, commands: str, match: str) -> None:
    with pytest.raises(SubmitError, match=match):
        _at_25(tree, f"executable = job.sh\n{commands}\nqueue\n")


def test_transforms_of_evicted_jobs(tree: Path) -> None:
    text = (
        "executable = job.sh\ny = 5\non_evict_checks = mine, none\n"
        "transform_body_mine @=end\n  SET A $(y)\n  # note\n  SET B $(MY.C)\n@end\narguments = $(Process)\n"
        "max_materialize = 2\nqueue 2\n"
    )
    (first, _) = _at_25(tree, text)
    assert first["TransformOnEvict"] == "mine"
    assert first["TransformBody_mine"] == "SET A 5\x1eSET B $(MY.C)"
    submit = Submit(text, submit_context(tree))
    new, old = (submit.factory(options=JobOptions(schedd_version=version)) for version in ("25.14.1", "24.0.24"))
    assert new is not None and old is not None
    assert "mine" not in new.digest("")
    assert "transform_body_mine@=end\n" in old.digest("")


def test_shell(tree: Path) -> None:
    first, second = _at_25(tree, "shell = echo 'a b' $(Process)\nqueue 2\n")
    assert (first["Cmd"], first["TransferExecutable"]) == ("/bin/sh", False)
    assert first["Arguments"] == "-c echo' '''a' 'b''' '0"
    assert second["Arguments"] == "-c echo' '''a' 'b''' '1"


def test_places_of_version_25(tree: Path) -> None:
    (ad,) = _at_25(
        tree,
        "executable = job.sh\noutput_directory = out\n"
        'transfer_common_input = "a, b ,c"\nprimary_unix_group = g\nqueue\n',
    )
    assert ad["OutputDirectory"] == f"{tree}/out"
    assert (ad["CommonInputFiles"], ad["PrimaryUnixGroup"]) == ("a,b,c", "g")


def test_common_container(tree: Path) -> None:
    (ad,) = _at_25(tree, "executable = job.sh\ncontainer_image = image.sif\ncontainer_is_common = true\nqueue\n")
    catalog = str(ad["CommonInputCatalogs"])
    assert catalog == "container_" + hashlib.sha256(f"{tree}/image.sif".encode()).hexdigest()[:8]
    assert (ad[f"_x_catalog_{catalog}"], ad["ContainerImage"]) == ("image.sif", "image.sif")
    assert ad["TransferInput"] == ""


def test_docker_credentials(tree: Path) -> None:
    text = "executable = job.sh\ndocker_send_credentials = true\nqueue\n"
    with pytest.raises(SubmitError, match=r"no docker credentials"):
        _at_25(tree, text)
