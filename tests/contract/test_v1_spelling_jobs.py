"""Jobs, by the names and coercions of v1: called, and the effects seen by somebody else."""

from __future__ import annotations

import os
import select
import stat
import tempfile
from pathlib import Path

import pytest
from harness import observe, roots
from harness.proxies import write_proxy

from htcondor_sync import classad


@pytest.fixture
def schedd(pool, v1):
    """alice's handle on the open schedd."""
    return v1.Schedd(v1.Collector().locate(v1.DaemonTypes.Schedd, pool.schedds["open"]))


@pytest.fixture
def work(pool):
    """A folder of alice that the daemons can look into."""
    parent = pool.run / "clients" if pool.id != "embedded" else pool.folder
    folder = Path(tempfile.mkdtemp(prefix="v1-", dir=parent))
    os.chown(folder, roots.USERS["alice"], roots.USERS["alice"])
    folder.chmod(0o777)
    return folder


def described(v1, **more):
    commands = {"executable": "/bin/sleep", "arguments": "300", "hold": "true", "transfer_executable": "false"}
    return v1.Submit({**commands, "should_transfer_files": "no", **more})


def mine(cluster):
    return f"ClusterId == {cluster}"


def seen(pool, cluster, name):
    """An attribute of each job of a cluster, in order of their numbers."""
    jobs = sorted(observe.queue(pool, mine(cluster)).values(), key=lambda job: job["ProcId"])
    return [job.get(name) for job in jobs]


# -- submission


def test_submit(pool, v1, schedd):
    result = schedd.submit(described(v1), count=3)
    assert (result.num_procs(), result.first_proc(), int(result)) == (3, 0, result.cluster())
    assert isinstance(result.clusterad(), classad.ClassAd)
    assert seen(pool, result.cluster(), "JobStatus") == [5, 5, 5]
    items = schedd.submit(described(v1, arguments="$(x)"), itemdata=iter([{"x": "one"}, {"x": "two"}]))
    assert seen(pool, items.cluster(), "Args") == ["one", "two"]
    assert seen(pool, items.cluster(), "Owner") == ["alice", "alice"]
    text = v1.Submit("executable = /bin/sleep\narguments = 7\nhold = true\nqueue 5\n")  # v1 takes `count`, not QUEUE's
    assert seen(pool, schedd.submit(text, 2).cluster(), "Args") == ["7", "7"]
    with pytest.raises(v1.HTCondorInternalError):
        schedd.submit(described(v1, universe="nonsense"))
    with pytest.raises(TypeError):
        schedd.submit(described(v1), count="three")


def test_submit_ads(pool, v1, schedd):
    ad = classad.ClassAd({"Cmd": "/bin/sleep", "Iwd": "/tmp", "Args": "1", "JobStatus": 5, "HoldReason": "test"})
    results: list[classad.ClassAd] = []
    cluster = schedd.submit(ad, 2, ad_results=results)
    assert type(cluster) is int and seen(pool, cluster, "Args") == ["1", "1"]
    assert [job["ProcId"] for job in results] == [0, 1]
    many = schedd.submitMany(ad, [(classad.ClassAd({"Args": "a"}), 2), (classad.ClassAd({"Args": "b"}), 1)])
    assert seen(pool, many, "Args") == ["a", "a", "b"]


def test_transactions(pool, v1, schedd):
    with pytest.warns(FutureWarning):
        transaction = schedd.transaction()
    with pytest.warns(FutureWarning), transaction as txn:
        one = described(v1)
        first = one.queue(txn, 2)
        assert one.queue(txn, 1) == first
        schedd.edit([f"{first}.0"], "V1Mark", "5 + 1")
        with schedd.transaction(continue_txn=True):  # goes on with the open one
            schedd.edit([f"{first}.1"], "V1Mark", '"text"')
        result = described(v1, arguments="$(y)").queue_with_itemdata(txn, 1, iter([{"y": "p"}, {"y": "q"}]))
        others = [described(v1).queue(txn, 1), described(v1).queue(txn, 1)]
    assert seen(pool, first, "ProcId") == [0, 1, 2]
    assert [seen(pool, other, "ProcId") for other in others] == [[0], [0]]
    assert len({first, result.cluster(), *others}) == 4, "no two descriptions share a cluster"
    marks = seen(pool, first, "V1Mark")
    assert "5 + 1" in str(marks[0]) and marks[1:] == ["text", None]
    assert seen(pool, result.cluster(), "Args") == ["p", "q"]
    with pytest.warns(FutureWarning), pytest.raises(LookupError), schedd.transaction() as txn:
        aborted = described(v1).queue(txn, 1)
        raise LookupError
    assert observe.queue(pool, mine(aborted)) == {}
    with pytest.warns(FutureWarning), pytest.raises(v1.HTCondorValueError):
        described(v1).queue(txn, 1)


# -- reading


def test_queries(pool, v1, schedd):
    cluster = pool.submit(5, hold=True)
    wanted = [0, 1, 2, 3, 4]
    assert sorted(ad["ProcId"] for ad in schedd.query(mine(cluster))) == wanted
    for constraint in (classad.ExprTree(mine(cluster)), classad.Attribute("ClusterId") == cluster):
        assert sorted(ad["ProcId"] for ad in schedd.query(constraint, ["ProcId"])) == wanted
    (ad,) = schedd.query(f"{mine(cluster)} && ProcId == 3", projection=["ProcId", "Owner"])
    assert ad["Owner"] == "alice" and "Cmd" not in ad and isinstance(ad, classad.ClassAd)
    assert len(schedd.query(mine(cluster), [], limit=2)) == 2
    kept = schedd.query(mine(cluster), ["ProcId"], callback=lambda ad: ad if ad["ProcId"] > 2 else None)
    assert sorted(ad["ProcId"] for ad in kept) == [3, 4]
    (total,) = schedd.query(mine(cluster), opts=v1.QueryOpts.SummaryOnly)
    assert total["MyType"] == "Summary"
    with pytest.warns(FutureWarning, match="'requirements' is the old name"):
        assert len(schedd.query(requirements=mine(cluster))) == 5
    with pytest.warns(FutureWarning, match="'attr_list' is the old name"):
        assert set(schedd.query(mine(cluster), attr_list=["ProcId"], limit=1)[0]) <= {"ProcId", "ServerTime"}
    with pytest.raises(v1.HTCondorValueError):
        schedd.query("bad (")
    assert v1.Schedd(schedd.location).query("false") == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_iterators(pool, v1, schedd):
    cluster = pool.submit(300, hold=True)
    other = pool.submit(4, hold=True)
    assert sorted(ad["ProcId"] for ad in schedd.xquery(mine(cluster), ["ProcId"])) == list(range(300))
    iterator = schedd.xquery(constraint=mine(cluster), projection=["ProcId"], limit=250, name="named")
    assert iterator.tag() == "named" and not iterator.done()
    found = []
    while not iterator.done():
        assert select.select([iterator.watch()], [], [], 20)[0]
        found += iterator.nextAdsNonBlocking()
    assert len({ad["ProcId"] for ad in found}) == len(found) == 250
    assert iterator.nextAdsNonBlocking() == [] and list(iterator) == []
    queries = [schedd.xquery(mine(number), ["ClusterId"], name=str(number)) for number in (cluster, other)]
    counts = {str(cluster): 0, str(other): 0}
    for ready in v1.poll(queries, 20000):
        counts[ready.tag()] += len(ready.nextAdsNonBlocking())
    assert counts == {str(cluster): 300, str(other): 4}
    last = schedd.xquery(mine(other), [])
    ads = []
    while not last.done():
        try:
            ad = last.__next__(v1.BlockingMode.NonBlocking)
        except StopIteration:
            break
        ads += [] if ad is None else [ad]
    assert len(ads) == 4 and {ad["ClusterId"] for ad in ads} == {other}


def test_histories(pool, v1, schedd):
    cluster = schedd.submit(described(v1), count=3).cluster()
    schedd.act(v1.JobAction.Remove, mine(cluster))
    pool.wait_for(lambda: len(observe.history(pool, mine(cluster))) == 3, "the jobs in the history", 20)
    ads = list(schedd.history(mine(cluster), ["ProcId", "JobStatus"]))
    assert sorted((ad["ProcId"], ad["JobStatus"]) for ad in ads) == [(0, 3), (1, 3), (2, 3)]
    newest = [ad["ProcId"] for ad in ads]
    assert [ad["ProcId"] for ad in schedd.history(mine(cluster), ["ProcId"], 2)] == newest[:2]
    since = schedd.history(classad.ExprTree(mine(cluster)), ["ProcId"], -1, since=f"{cluster}.{newest[2]}")
    assert [ad["ProcId"] for ad in since] == newest[:2]
    if pool.version.startswith("23."):  # which keeps no runs unless it is told where
        with pytest.raises(v1.HTCondorIOError, match="JOB_EPOCH_HISTORY"):
            list(schedd.jobEpochHistory(mine(cluster), ["ProcId"], match=5))
    else:  # jobs that never ran have none
        assert list(schedd.jobEpochHistory(mine(cluster), ["ProcId"], match=5)) == []
    with pytest.raises(classad.ClassAdParseError):
        schedd.history("bad (", [])


# -- changes


def test_edit(pool, v1, schedd):
    cluster = pool.submit(3, hold=True)
    assert int(schedd.edit([f"{cluster}.0", f"{cluster}.1"], "V1Mark", "7")) == 2
    assert int(schedd.edit(f"{mine(cluster)} && ProcId == 2", "V1Mark", classad.ExprTree('"text"'))) == 1
    assert seen(pool, cluster, "V1Mark") == [7, 7, "text"]
    schedd.edit([f"{cluster}.0"], classad.ClassAd({"V1Other": "a text", "V1Mark": 8}))
    assert (seen(pool, cluster, "V1Mark")[0], seen(pool, cluster, "V1Other")[0]) == (8, "a text")
    schedd.edit_multiple([([f"{cluster}.1"], {"V1Mark": 9}), ([f"{cluster}.2"], {"V1Mark": 10})])
    assert seen(pool, cluster, "V1Mark") == [8, 9, 10]
    schedd.edit([f"{cluster}.0"], "JobPrio", "3", v1.TransactionFlags.NonDurable)
    assert seen(pool, cluster, "JobPrio")[0] == 3
    theirs = pool.submit(1, user="bob")
    with pytest.raises(v1.HTCondorIOError):
        schedd.edit([f"{theirs}.0"], "V1Mark", "7")
    with pytest.raises(TypeError):
        schedd.edit([f"{cluster}.0"], "V1Mark", 7)
    assert seen(pool, theirs, "V1Mark") == [None]


def test_actions_on_idle_jobs(pool, v1, schedd):
    cluster = schedd.submit(described(v1, requirements="false"), count=6).cluster()
    act = v1.JobAction
    ad = schedd.act(act.Release, mine(cluster), "go on")
    assert isinstance(ad, classad.ClassAd) and ad["TotalSuccess"] == 6
    assert seen(pool, cluster, "JobStatus") == [1] * 6
    assert schedd.act(act.Hold, [f"{cluster}.0", f"{cluster}.1"], "by v1")["TotalSuccess"] == 2
    assert seen(pool, cluster, "JobStatus") == [5, 5, 1, 1, 1, 1]
    assert seen(pool, cluster, "HoldReason")[:2] == ["by v1 (by user alice)"] * 2
    for action in (act.Suspend, act.Continue, act.Vacate, act.VacateFast):  # none of them runs
        assert schedd.act(action, [f"{cluster}.{proc}" for proc in range(6)])["TotalBadStatus"] == 6
        assert schedd.act(action, classad.ExprTree(mine(cluster)))["TotalSuccess"] == 0
    assert seen(pool, cluster, "JobStatus") == [5, 5, 1, 1, 1, 1]
    assert schedd.act(act.RemoveX, [f"{cluster}.5"])["TotalBadStatus"] == 1
    assert schedd.act(act.Remove, [f"{cluster}.4", f"{cluster}.5"], "enough")["TotalSuccess"] == 2
    pool.wait_for(lambda: len(observe.history(pool, mine(cluster))) == 2, "the removed jobs in the history", 20)
    assert {job["RemoveReason"] for job in observe.history(pool, mine(cluster)).values()} == {"enough (by user alice)"}
    theirs = pool.submit(1, user="bob")
    assert schedd.act(act.Remove, [f"{theirs}.0"])["TotalPermissionDenied"] == 1
    assert seen(pool, theirs, "JobStatus") == [5]
    with pytest.raises(TypeError):
        schedd.act("Hold", mine(cluster))
    with pytest.raises(v1.HTCondorValueError):
        schedd.act(act.Hold, "bad (")
    schedd.act(act.Remove, mine(cluster))


@pytest.mark.parametrize("pool", ["real-25", pytest.param("real-23.9", marks=pytest.mark.full)], indirect=True)
def test_a_job_that_runs(pool, v1, schedd, work):
    """Suspended, continued, vacated, seen in its log and in the negotiator's accounts."""
    pool.remove_idle_jobs()
    log = work / "log"
    job = described(v1, hold="false", log=str(log), initialdir=str(work), arguments="200")
    cluster = schedd.submit(job).cluster()
    schedd.reschedule()
    act = v1.JobAction

    def status(wanted):
        pool.wait_for(lambda: seen(pool, cluster, "JobStatus") == [wanted], f"job {cluster} to be {wanted}", 60)

    status(2)
    users = [ad["Name"] for ad in v1.Negotiator().getPriorities() if ad["Name"].startswith("alice@")]
    assert users == [name for name in observe.submitters(pool) if name.startswith("alice@")]
    assert schedd.act(act.Suspend, [f"{cluster}.0"])["TotalSuccess"] == 1
    status(7)
    assert schedd.act(act.Continue, [f"{cluster}.0"])["TotalSuccess"] == 1
    status(2)
    assert schedd.act(act.VacateFast, [f"{cluster}.0"])["TotalSuccess"] == 1
    pool.wait_for(lambda: "evicted" in log.read_text(), "the eviction in the log", 60)
    schedd.act(act.Remove, mine(cluster))
    kinds = []
    for event in v1.JobEventLog(str(log)).events(stop_after=60):
        assert (event.cluster, event.proc) == (cluster, 0)
        kinds.append(event.type)
        if event.type == v1.JobEventType.JOB_ABORTED:
            break
    wanted = ["SUBMIT", "EXECUTE", "JOB_SUSPENDED", "JOB_UNSUSPENDED", "JOB_EVICTED", "JOB_ABORTED"]
    assert [str(kind) for kind in kinds if str(kind) in wanted][:5] == wanted[:5]
    assert kinds[-1] == v1.JobEventType.JOB_ABORTED
    pool.wait_for(lambda: observe.history(pool, mine(cluster)), "the job in the history", 20)
    if pool.id == "real-25":  # 23.9 keeps no runs unless it is told where
        runs = list(schedd.jobEpochHistory(mine(cluster), []))
        assert runs and {ad["ClusterId"] for ad in runs} == {cluster}


# -- files


def spooled(v1, work, **more):
    (work / "in.txt").write_text("input")
    files = {"should_transfer_files": "yes", "transfer_input_files": "in.txt", "transfer_output_files": "in.txt"}
    return described(v1, hold="false", requirements="false", initialdir=str(work), **files, **more)


def test_spool_and_retrieve(pool, v1, schedd, work):
    description = spooled(v1, work)
    first, second = schedd.submit(description, spool=True), schedd.submit(description, spool=True)
    assert seen(pool, first.cluster(), "HoldReasonCode") == [16]
    schedd.spool(first)
    schedd.spool(list(description.jobs(clusterid=second.cluster())))
    for result in (first, second):
        pool.wait_for(lambda: seen(pool, result.cluster(), "JobStatus") == [1], "the release", 20)  # noqa: B023 - at once
        (job,) = observe.queue(pool, mine(result.cluster())).values()
        assert Path(job["Iwd"], "in.txt").read_text() == "input"
    (work / "in.txt").unlink()
    schedd.retrieve(mine(first.cluster()))
    assert (work / "in.txt").read_text() == "input"
    (work / "in.txt").unlink()
    schedd.retrieve(schedd.query(mine(second.cluster())))
    assert (work / "in.txt").read_text() == "input"
    with pytest.raises(TypeError):
        schedd.retrieve(5)
    schedd.act(v1.JobAction.Remove, f"{mine(first.cluster())} || {mine(second.cluster())}")


def test_a_proxy_is_renewed(pool, v1, schedd, work):
    v1.param["DELEGATE_JOB_GSI_CREDENTIALS"] = "false"
    v1.param["SEC_CLIENT_ENCRYPTION"] = "REQUIRED"  # a proxy as it is goes over no other connection
    first, second = write_proxy(work / "proxy.pem", 3600), write_proxy(work / "renewed.pem", 7200)
    result = schedd.submit(spooled(v1, work, x509userproxy=str(first)), spool=True)
    schedd.spool(result)
    pool.wait_for(lambda: seen(pool, result.cluster(), "JobStatus") == [1], "the release", 20)
    assert 7000 < schedd.refreshGSIProxy(result.cluster(), 0, str(second), 0) <= 7200
    (job,) = observe.queue(pool, mine(result.cluster())).values()
    kept = Path(job["Iwd"], "proxy.pem")
    assert kept.read_bytes() == second.read_bytes() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    with pytest.raises(v1.HTCondorIOError):
        schedd.refreshGSIProxy(999999, 0, str(second), 0)
    schedd.act(v1.JobAction.Remove, mine(result.cluster()))


# -- jobs lent, users


def test_export_and_import(pool, v1, schedd, work):
    work.parent.chmod(0o755)
    cluster = schedd.submit(described(v1), count=2).cluster()
    exported = schedd.export_jobs([str(cluster)], str(work), "")
    assert isinstance(exported, classad.ClassAd) and exported["TotalJobAds"] == 2
    assert seen(pool, cluster, "Managed") == ["External", "External"]
    assert "103 " in (work / "job_queue.log").read_text()
    assert isinstance(schedd.import_exported_job_results(str(work)), classad.ClassAd)
    assert schedd.unexport_jobs(mine(cluster))["TotalJobAds"] == 2
    assert "External" not in seen(pool, cluster, "Managed")
    with pytest.raises(v1.HTCondorIOError):
        schedd.export_jobs(mine(cluster), "/no/such/folder", "")
    with pytest.raises(v1.HTCondorIOError):
        schedd.import_exported_job_results("/no/such/folder")


def test_users(pool, v1, schedd):
    schedd.submit(described(v1))
    names = [ad["User"] for ad in schedd.query_users("true", ["User"])]
    assert "alice@testpool" in names
    if pool.id != "real-23.9":  # whose tool shows none
        assert sorted(names) == sorted(observe.users(pool))
    user = "v1user@testpool"
    if pool.id != "real-25":  # there administrators may; here superusers of the queue
        for change in (
            lambda: schedd.enable_users([user], add=True),
            lambda: schedd.disable_users([user], "why not"),
            lambda: schedd.enable_users_matching(f'User == "{user}"'),
            lambda: schedd.disable_users_matching(f'User == "{user}"'),
        ):
            with pytest.raises(v1.HTCondorIOError, match=r"(?i)permission denied"):
                change()
        return
    assert isinstance(schedd.enable_users([user], add=True), classad.ClassAd)
    assert observe.users(pool)[user] is True
    schedd.disable_users([user], "no more")
    assert observe.users(pool)[user] is False
    schedd.enable_users_matching(f'User == "{user}"')
    assert observe.users(pool)[user] is True
    schedd.disable_users_matching(classad.Attribute("User") == user, reason="again")
    assert observe.users(pool)[user] is False
