"""HTCondor's own clients, of several versions, take the embedded pool for a pool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.bindings import V1_AND_V2, V2_ONLY
from harness.embedded import EmbeddedContractPool, open_embedded

JOBS = 4
REQUIRED = {f"SEC_CLIENT_{what}": "REQUIRED" for what in ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
WAYS = {
    "plain": ("open", "IDTOKENS", {}),
    "token and encryption": ("tokens", "IDTOKENS", REQUIRED),
    "encryption": ("encryption", "IDTOKENS", REQUIRED),
    "integrity": ("integrity", "IDTOKENS", {}),
    "claim": ("claim", "CLAIMTOBE", {"SEC_CLIENT_AUTHENTICATION": "REQUIRED"}),
    "ssl": ("ssl", "SSL", {"SEC_CLIENT_AUTHENTICATION": "REQUIRED", "SSL_SKIP_HOST_CHECK": "true"}),
    "scitokens": (
        "ssl",
        "SCITOKENS, IDTOKENS",
        {"SEC_CLIENT_AUTHENTICATION": "REQUIRED", "SSL_SKIP_HOST_CHECK": "true"},
    ),
    "password": ("password", "PASSWORD", {"SEC_CLIENT_AUTHENTICATION": "REQUIRED"}),
}
BINDINGS = [(V1_AND_V2, "htcondor"), (V1_AND_V2, "htcondor2"), (V2_ONLY, "htcondor2")]


@pytest.fixture(scope="module")
def pool() -> Iterator[EmbeddedContractPool]:
    """An embedded pool with jobs in each schedd, in a thread of its own."""
    with open_embedded() as opened:
        for name in opened.schedds:
            opened.submit(JOBS, schedd=name)
            opened.submit(1, schedd=name, user="bob", hold=False)
        yield opened


def config_file(pool: EmbeddedContractPool, way: str) -> Path:
    """Return the configuration file of a client that comes in a certain way."""
    _, methods, extra = WAYS[way]
    settings = pool.settings(methods=methods, password=methods == "PASSWORD", **extra)
    path = Path(settings["SEC_TOKEN_DIRECTORY"]).with_name("condor_config")
    if "SCITOKENS" in methods:
        bearer = path.with_name("bearer")
        bearer.touch(mode=0o600)
        bearer.write_text(pool.issuer.token("alice"))
        settings["SCITOKENS_FILE"] = str(bearer)
    path.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    return path


def commands(pool: EmbeddedContractPool, schedd: str, since: int = 0) -> list[str]:
    """Return the commands that a schedd has accepted."""
    return pool.running.pool.schedd_daemons[pool.schedds[schedd]].received[since:]


SCRIPT = """
import sys
import {module} as htcondor
collector = htcondor.Collector()
kinds = htcondor.AdTypes if hasattr(htcondor, "AdTypes") else htcondor.AdType
emit(sorted(ad["Name"] for ad in collector.query(kinds.Schedd)))
emit(len(collector.query(kinds.Any, constraint='MyType == "Scheduler"', projection=["Name"])))
location = collector.locate(htcondor.DaemonTypes.Schedd, sys.argv[1])
emit(location["Name"])
emit(len(collector.locateAll(htcondor.DaemonTypes.Schedd)))
schedd = htcondor.Schedd(location)
emit(sorted([job["ClusterId"], job["ProcId"], job["Owner"]] for job in schedd.query()))
emit([list(map(str, sorted(job))) for job in schedd.query('Owner == "bob"', ["Owner", "JobStatus"])])
emit(len(schedd.query(constraint="ProcId > 0", limit=2)))
emit(schedd.query(opts=htcondor.QueryOpts.SummaryOnly)[0]["Jobs"])
"""
DIRECT = """
emit(collector.directQuery(htcondor.DaemonTypes.Schedd, sys.argv[1])["TotalJobAds"])
"""
NO_DIRECT = (V1_AND_V2, "htcondor2")
"""Bindings whose direct queries fail with real daemons too."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("version", "module"), BINDINGS)
def test_bindings_query_and_locate(pool, run_bindings, version, module, way):
    schedd = WAYS[way][0]
    before = len(commands(pool, schedd))
    name = pool.schedds[schedd]
    script = SCRIPT + (DIRECT if (version, module) != NO_DIRECT else "")
    told = run_bindings(version, script.replace("{module}", module), name, config=config_file(pool, way))
    names, count, located, locations, jobs, projected, limited, summary, *direct = told
    assert names == sorted(pool.schedds.values())
    assert count == locations == len(pool.schedds)
    assert located == name
    assert [owner for _, _, owner in jobs] == ["alice"] * JOBS + ["bob"]
    assert [proc for _, proc, _ in jobs] == [*range(JOBS), 0]
    assert {"Owner", "JobStatus"} <= set(projected[0])
    assert "Cmd" not in projected[0]
    assert limited == 2
    assert summary == JOBS + 1
    assert direct == ([] if (version, module) == NO_DIRECT else [JOBS + 1])
    users = {entry.partition(" ")[2] for entry in commands(pool, schedd, before) if entry.startswith("QUERY_JOB")}
    expected = {"token and encryption": {"alice@testpool"}, "password": {"condor@password"}}
    expected["ssl"] = expected["scitokens"] = {"alice@testpool"}  # as the map file says
    expected["claim"] = {"root", "root@testpool"}  # whether the domain is claimed too differs between the versions
    assert users <= expected.get(way, users)
    assert users


STREAM = """
import sys
import {module} as htcondor
schedd = htcondor.Schedd(htcondor.Collector().locate(htcondor.DaemonTypes.Schedd, sys.argv[1]))
emit(sum(1 for _ in schedd.query()))
"""


@pytest.mark.parametrize(("version", "module"), BINDINGS)
def test_bindings_read_a_long_answer(pool, run_bindings, version, module):
    """Many ads over an encrypted connection."""
    cluster = pool.submit(3000, schedd="encryption")
    try:
        told = run_bindings(
            version,
            STREAM.replace("{module}", module),
            pool.schedds["encryption"],
            config=config_file(pool, "encryption"),
        )
    finally:
        queue = pool.running.pool.schedd_daemons[pool.schedds["encryption"]].queue
        for job in [job for job in queue.procs if job[0] == cluster]:
            del queue.procs[job]
        del queue.clusters[cluster]
    assert told == [3000 + JOBS + 1]


REFUSED = """
import sys
import {module} as htcondor
try:
    schedd = htcondor.Schedd(htcondor.Collector().locate(htcondor.DaemonTypes.Schedd, sys.argv[1]))
    emit(len(schedd.query()))
except Exception as error:
    emit(type(error).__name__)
"""


@pytest.mark.parametrize(("version", "module"), BINDINGS)
def test_bindings_without_a_credential_are_refused(pool, run_bindings, version, module):
    settings = pool.settings(None, methods="IDTOKENS")
    path = Path(settings["SEC_TOKEN_DIRECTORY"]).with_name("condor_config")
    path.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    before = len(commands(pool, "tokens"))
    told = run_bindings(version, REFUSED.replace("{module}", module), pool.schedds["tokens"], config=path)
    assert told[0] not in (JOBS + 1, 0)
    assert not any(entry.startswith("QUERY_JOB") for entry in commands(pool, "tokens", before))


def tool(real_pool, pool: EmbeddedContractPool, way: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command-line tool of a real pool's root against the embedded pool."""
    _, methods, extra = WAYS[way]
    config = real_pool.client(
        owner="alice",
        token=pool.token(),
        methods=methods,
        COLLECTOR_HOST=pool.collector,
        **extra,
    )
    return real_pool.tool(*command, user="alice", config=config)


@pytest.mark.parametrize("way", ["plain", "token and encryption", "claim"])
def test_condor_status(real_pool, pool, way):
    told = tool(real_pool, pool, way, "condor_status", "-schedd", "-af", "Name", "MyAddress").stdout
    assert sorted(line.split()[0] for line in told.splitlines()) == sorted(pool.schedds.values())
    assert f":{pool.port}?" in told
    told = tool(real_pool, pool, way, "condor_status", "-any", "-constraint", 'MyType == "Collector"', "-json").stdout
    assert json.loads(told)[0]["MyType"] == "Collector"


@pytest.mark.parametrize("way", ["plain", "token and encryption", "encryption", "integrity", "claim"])
def test_condor_q(real_pool, pool, way):
    name = pool.schedds[WAYS[way][0]]
    told = tool(real_pool, pool, way, "condor_q", "-name", name, "-all", "-af", "ClusterId", "ProcId", "Owner").stdout
    rows = [line.split() for line in told.splitlines()]
    assert [row[2] for row in rows] == ["alice"] * JOBS + ["bob"]
    told = tool(real_pool, pool, way, "condor_q", "-name", name, "-all", "-nobatch").stdout
    assert f"{JOBS + 1} jobs; 0 completed, 0 removed, 1 idle, 0 running, {JOBS} held" in told
    told = tool(real_pool, pool, way, "condor_q", "-name", name, "-all", "-totals").stdout
    assert f"{JOBS + 1} jobs" in told
    told = tool(real_pool, pool, way, "condor_q", "-name", name, "-all").stdout
    assert f"{JOBS + 1} jobs" in told
