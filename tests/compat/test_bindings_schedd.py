"""HTCondor's own bindings against the embedded pool's schedd: it speaks the protocol that they do."""

from __future__ import annotations

import json

import pytest
from harness.bindings import V1_AND_V2, V2_ONLY

from htcondor_async.testing import embedded_pool

CONNECT = """
import sys, json
if sys.argv[1] == "v1":
    import htcondor, classad
else:
    import htcondor2 as htcondor, classad2 as classad
ad = classad.ClassAd()
ad["MyAddress"], ad["Name"], ad["CondorVersion"] = json.loads(sys.argv[2])
schedd = htcondor.Schedd(ad)
"""

RAW = """
job = classad.ClassAd({"Cmd": "/bin/sleep", "Args": "1", "Iwd": "/tmp", "Foo": 3})
procs = [(classad.ClassAd({"Args": str(number)}), 1) for number in range(5)]
emit(int(schedd.submitMany(job, procs)))
"""

DESCRIBED = """
submit = htcondor.Submit({"executable": "/bin/sleep", "arguments": "$(Process)", "hold": "true"})
result = schedd.submit(submit, count=4)
emit([result.cluster(), result.num_procs()])
"""

CHANGE = """
cluster = int(sys.argv[3])
ids = [f"{cluster}.{proc}" for proc in range(4)]
schedd.edit(ids[:2], "Mark", '"by ids"')
schedd.edit(f"ClusterId == {cluster} && ProcId >= 2", "Mark", '"by constraint"')
emit(dict(schedd.act(htcondor.JobAction.Hold, f"ClusterId == {cluster}", "hold it")))
emit(dict(schedd.act(htcondor.JobAction.Release, ids[:3], "let go")))
emit(dict(schedd.act(htcondor.JobAction.Remove, ids[:2], "away")))
mine = f"ClusterId == {cluster}"
names = ["ProcId", "JobStatus", "Mark"]
emit(sorted([ad[name] for name in names] for ad in schedd.query(mine, projection=names)))
emit([[ad["ProcId"], ad["JobStatus"]] for ad in schedd.history(mine, names, -1)])
schedd.reschedule()
try:
    schedd.edit([f"{cluster}.3"], "Owner", '"root"')
except BaseException as error:
    emit(type(error).__name__)
else:
    emit("no error")
"""

SPOOL = """
import os
folder = sys.argv[3]
os.chdir(folder)
submit = htcondor.Submit({
    "executable": f"{folder}/run.sh", "transfer_input_files": "input,tree", "output": "out", "error": "err",
    "initialdir": folder, "transfer_output_files": "input,tree",
})
result = schedd.submit(submit, count=2, spool=True)
if sys.argv[1] == "v1":
    schedd.spool(list(submit.jobs(count=2, clusterid=result.cluster())))
else:
    schedd.spool(result)
emit(result.cluster())
"""

RETRIEVE = """
schedd.retrieve(f"ClusterId == {sys.argv[3]}")
emit(True)
"""

BOTH = pytest.mark.parametrize(("version", "api"), [(V1_AND_V2, "v1"), (V2_ONLY, "v2")])


@pytest.fixture
def served(tmp_path, run_bindings):
    """`call(version, api, script, *args)` against a pool, and the pool's schedd."""
    config = tmp_path / "condor_config"
    config.write_text("SEC_CLIENT_AUTHENTICATION = REQUIRED\nSEC_CLIENT_AUTHENTICATION_METHODS = FS\n")
    with embedded_pool(config={"QUEUE_SUPER_USERS": "nobody-here"}) as running:
        daemon = next(iter(running.pool.schedd_daemons.values()))
        location = json.dumps([str(daemon.address), daemon.name, daemon.version])

        def call(version, api, script, *args):
            return run_bindings(version, CONNECT + script, api, location, *args, config=config)

        yield call, daemon


def jobs_of(daemon, cluster):
    return [job for job in daemon.queue.jobs() if job["ClusterId"] == cluster]


def test_raw_ads(served):
    call, daemon = served
    (cluster,) = call(V1_AND_V2, "v1", RAW)
    jobs = jobs_of(daemon, cluster)
    assert [job["Args"] for job in jobs] == ["0", "1", "2", "3", "4"]
    assert {job["Foo"] for job in jobs} == {3}
    assert all("TARGET.HasFileTransfer" in str(job.lookup("Requirements")) for job in jobs)


@BOTH
def test_descriptions_actions_edits_history(served, version, api):
    call, daemon = served
    ((cluster, number),) = call(version, api, DESCRIBED)
    assert number == 4
    assert [job["JobStatus"] for job in jobs_of(daemon, cluster)] == [5] * 4
    hold, release, remove, rest, history, refused = call(version, api, CHANGE, str(cluster))
    assert hold["TotalSuccess"] == 4
    assert release["TotalSuccess"] == 3
    assert remove["TotalSuccess"] == 2
    assert rest == [[2, 1, "by constraint"], [3, 5, "by constraint"]]
    assert sorted(history) == [[0, 3], [1, 3]]
    assert refused != "no error"
    assert daemon.reschedules >= 1


@BOTH
def test_spool_and_retrieve(served, version, api, tmp_path):
    call, daemon = served
    work = tmp_path / "work"
    (work / "tree/inner").mkdir(parents=True)
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "input").write_bytes(b"x" * 300_000)
    (work / "tree/inner/leaf").write_text("leaf")
    (cluster,) = call(version, api, SPOOL, str(work))
    jobs = jobs_of(daemon, cluster)
    assert len(jobs) == 2
    from pathlib import Path

    for job in jobs:
        assert job["JobStatus"] == 1
        spooled = Path(job["Iwd"])
        assert (spooled / "input").read_bytes() == b"x" * 300_000
        assert (spooled / "tree/inner/leaf").read_text() == "leaf"
        for name in ("_condor_stdout", "_condor_stderr", "out", "err"):
            (spooled / name).write_text(f"{name} of {job['ProcId']}")
    (work / "input").unlink()
    (work / "tree/inner/leaf").unlink()
    assert call(version, api, RETRIEVE, str(cluster)) == [True]
    assert (work / "input").read_bytes() == b"x" * 300_000
    assert (work / "tree/inner/leaf").read_text() == "leaf"
    assert (work / "out").read_text().endswith("of 1")
