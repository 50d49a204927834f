"""The ads that condor_submit of each real pool makes, in a dry run and in the queue, against those made here."""

from __future__ import annotations

import itertools
import json
import random
import re
import shlex
import tempfile
import warnings
from pathlib import Path

import pytest
from harness import dry_run, observe
from harness.afresh import forget_refusals

from htcondor_async import Client, Collector, DaemonTypes, Schedd, Submit, SubmitContext, SubmitWarning
from htcondor_async._runtime.blocking import BlockingRuntime, drive
from htcondor_async.submit import Version
from tests.helpers import submit_vectors

DATA = Path(__file__).resolve().parents[1] / "data/submit"


# Descriptions with which condor_submit does something else, and why.
EVERYWHERE = {
    "typos-041": "the attribute has a name with which condor_submit's own output cannot be read",
    "container-067": "condor_submit crashes",
}
ONLY_25 = {
    "queue-051": "a slice that begins beyond the end selects nothing; condor_submit makes one job of garbage",
    "queue-121": "headings that cannot be names are an error; condor_submit ignores them, as does v1",
    "queue-130": "a heading row beyond the end is an error; condor_submit ignores it, as does v1",
    "queue-132": "headings that cannot be names are an error; condor_submit ignores them, as does v1",
}
NEGOTIATED = {"autoclusterid", "autoclusterattrs"}  # in a job once the negotiator has asked about it
_OLD_LANGUAGE = "the language of the client is that of 24.0 and later"
ONLY_23 = dict.fromkeys(
    [
        "macro-perproc-001",
        "macro-perproc-002",
        "queue-004",
        "queue-050",
        "queue-067",
        "queue-069",
        "queue-071",
        "queue-073",
        "queue-093",
        "queue-096",
        "queue-122",
        "queue-125",
        "queue-126",
        "queue-131",
        "queue-133",
        "call-001",
        "real-world-002",
        "real-world-027",
        "syntax-007",
        "syntax-017",
        "syntax-018",
        "transfer-118",
        "policy-defaults-001",
        "policy-defaults-003",
        "grid-010",
    ],
    _OLD_LANGUAGE,
)


def deviations(pool):
    return {**EVERYWHERE, **(ONLY_25 if pool.version.startswith("25.") else ONLY_23)}


def recorded():
    """The recorded descriptions on which condor_submit of version 25 and the v1 bindings agree."""
    return [
        dry_run.Case(row["id"], row["input"]["text"], row.get("config", {}))
        for row in submit_vectors.load(DATA)
        if row["kind"] == "ads"
        and row.get("v25") in ("same", "also-error")
        and "text" in row["input"]
        and "env" not in row
        and not row.get("writes_files")
        and set(row["call"]) <= {"clusterid", "procid", "qdate", "owner"}
        and "getenv" not in row["input"]["text"].lower()
    ]


@pytest.fixture
def tree(real_pool):
    """The files that descriptions refer to, where the pool sees them."""
    made = Path(tempfile.mkdtemp(prefix="dry-", dir=real_pool.run / "clients"))
    dry_run.make_tree(DATA, made)
    return made


def check(pool, tree, cases):
    problems = []
    for case, theirs in zip(cases, dry_run.dry_run(pool, tree, cases), strict=True):
        found = dry_run.differences(theirs, dry_run.ours(pool, tree, case))
        if case.id in deviations(pool):
            if not found:
                problems.append(f"{case.id} is the same now: take it off the list")
        elif found:
            problems.append("\n  ".join([f"{case.id}: {case.text!r}", *found]))
    assert not problems, f"{len(problems)} of {len(cases)} differ\n" + "\n".join(problems)


def bound(cases, tree):
    names = {"CWD": str(tree)}
    return [
        dry_run.Case(case.id, submit_vectors.bind(case.text, names), submit_vectors.bind(dict(case.config), names))
        for case in cases
    ]


def test_sample(real_pool, tree):
    """100 recorded descriptions and 50 generated ones."""
    every = recorded()
    sample = random.Random(20261124).sample(every, 100)
    check(real_pool, tree, bound([*sample, *dry_run.generated(50, 1)], tree))


def in_queues(pool, tree, cases):
    """Submit each case with the pool's condor_submit and from here; return what differs in the queue."""
    config = pool.client("alice@testpool", owner="alice", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    settings = pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    place = ["-terse", "-pool", pool.collector, "-name", pool.schedds["open"]]
    lines = [f"cd {tree}"]
    for number, case in enumerate(cases):
        (tree / f"real-{number}.sub").write_text(case.text)
        lines.append(f"echo {number}: `condor_submit {shlex.join(place)} real-{number}.sub 2>&1`")
    forget_refusals(pool)
    out = pool.tool("sh", "-s", stdin="\n".join([*lines, ""]), user="alice", config=config, timeout=300).stdout
    theirs = {int(number): int(cluster) for number, cluster in re.findall(r"^(\d+): (\d+)\.\d+ - ", out, re.MULTILINE)}
    client = Client(settings, runtime=BlockingRuntime())
    schedd = Schedd(drive(Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])), client=client)
    environ = {"PATH": "/usr/bin", "HOME": "/home/alice", "USER": "alice", "CONDOR_CONFIG": str(config)}
    detected = {"ARCH": "X86_64", "OPSYS": "LINUX"}
    context = SubmitContext(
        dry_run.CaseWorld(tree, pool.root, environ, "alice"),
        lambda name: detected.get(name) or client.submit_context().setting(name),
        version=Version.parse(pool.version),
    )
    problems = [
        f"condor_submit refused {cases[number]}: {out[-2000:]}" for number in set(range(len(cases))) - set(theirs)
    ]
    for number, cluster in theirs.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SubmitWarning)
            mine = int(drive(schedd.submit(Submit(cases[number].text, context))))
        found = compared(plain(pool, cluster), plain(pool, mine), cluster, mine)
        problems += [f"{cases[number].id}: {text}" for text in found]
    return problems


def plain(pool, cluster):
    """The jobs of a cluster, without what differs from submission to submission."""
    ignored = (
        dry_run.VOLATILE
        | {"globaljobid", "condorversion", "condorplatform", "submitversion", "servertime"}
        | NEGOTIATED
    )
    jobs = observe.queue(pool, f"ClusterId == {cluster}")
    return {
        job["ProcId"]: {
            name.lower(): json.dumps(value, sort_keys=True)
            for name, value in job.items()
            if name.lower() not in ignored and not name.lower().startswith("authtoken")
        }
        for job in jobs.values()
    }


def masked(value, cluster):
    """A value without the cluster's number, where that is part of a text."""
    return re.sub(rf"(?<!\d){cluster}(?!\d)", "(cluster)", value) if value and value[0] == '"' else value


def compared(left, right, left_cluster, right_cluster):
    if left.keys() != right.keys():
        return [f"jobs {sorted(left)} of condor_submit, here {sorted(right)}"]
    return [
        f"job {proc}: {name}: condor_submit {left[proc].get(name)}, here {right[proc].get(name)}"
        for proc in left
        for name in sorted(left[proc].keys() | right[proc].keys())
        if left[proc].get(name) != right[proc].get(name)
        and masked(left[proc].get(name), left_cluster) != masked(right[proc].get(name), right_cluster)
    ]


def held(cases):
    """Cases that both can submit, on hold so that they stay."""
    return [
        dry_run.Case(case.id, f"hold = true\n{case.text}")
        for case in cases
        if not re.search(
            r"(?im)^\s*(hold|universe|executable|x509\w*|use_x509\w*|use_\w+|container_image|docker_image)\s*=",
            case.text.replace("executable = job.sh", "", 1),
        )
    ]


def real_cases(tree, count):
    fine = [
        row["id"]
        for row in submit_vectors.load(DATA)
        if row["kind"] == "ads" and "error" not in row["result"] and row["result"].get("jobs")
    ]
    usable = held(
        [case for case in recorded() if case.id in fine and not case.config and case.id not in {**ONLY_23, **ONLY_25}]
    )
    return bound(random.Random(20261125).sample(usable, count), tree)


def test_in_the_queue(real_pool, tree):
    problems = in_queues(real_pool, tree, real_cases(tree, 20))
    assert not problems, "\n".join(problems)


@pytest.mark.full
@pytest.mark.timeout(600)
def test_in_the_queue_100(real_pool, tree):
    problems = in_queues(real_pool, tree, real_cases(tree, 100))
    assert not problems, "\n".join(problems)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_all(real_pool, tree):
    check(
        real_pool, tree, bound([*recorded(), *itertools.chain(*(dry_run.generated(100, n) for n in range(2, 8)))], tree)
    )
