"""The real pools are what the other tests take them for."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.pools import Pool
from harness.users import AsUser


def _ping(pool: Pool, daemon: str, methods: str, level: str = "WRITE", **options: Any) -> tuple[int, str]:
    config = pool.client(options.pop("identity", "alice@testpool"), methods=methods, owner="alice", **options)
    command = ["condor_ping", "-addr", pool.address(daemon), "-type", "SCHEDD", "-table", level]
    done = pool.tool(*command, user="alice", config=config, check=False)
    words = done.stdout.splitlines()[1].split()
    return done.returncode, " ".join(words[1:])


def test_version(real_pool: Pool) -> None:
    major, minor, _ = (int(part) for part in real_pool.version.split("."))
    assert (major, minor) == (23, 9) if real_pool.id == "real-23.9" else major >= 25


@pytest.mark.parametrize("schedd", ["open", "integrity", "encryption", "tokens"])
def test_submit_as_alice_and_bob(real_pool: Pool, schedd: str) -> None:
    for user in ("alice", "bob"):
        cluster = real_pool.submit(3, user=user, schedd=schedd)
        query = ["condor_q", "-name", real_pool.schedds[schedd], "-all", str(cluster), "-af", "Owner", "JobStatus"]
        assert real_pool.tool(*query, user=user).stdout.splitlines() == [f"{user} 5"] * 3


@pytest.mark.parametrize(
    ("daemon", "methods", "identity"),
    [
        ("schedd_tokens", "IDTOKENS", "alice@testpool"),
        ("schedd_fs", "FS", "alice@testpool"),
        ("schedd_claim", "CLAIMTOBE", "alice"),
        ("schedd_claim", "ANONYMOUS", "CONDOR_ANONYMOUS_USER"),
        ("schedd_ssl", "SSL", "alice@testpool"),
        ("schedd_password", "PASSWORD", "condor@password"),
    ],
)
def test_policy_lets_in_its_method(real_pool: Pool, daemon: str, methods: str, identity: str) -> None:
    tries: list[tuple[int, str]] = []

    def answered() -> bool:  # a schedd that has just been started closes connections for a moment
        tries.append(_ping(real_pool, daemon, methods, password=methods == "PASSWORD"))
        return tries[-1][0] == 0

    real_pool.wait_for(answered, f"{daemon} to let {methods} in", 20)
    text = tries[-1][1]
    assert text.split()[:4] == [methods, "AES", "AES", "ALLOW"]
    assert text.split()[4].removesuffix("@testpool") == identity.removesuffix("@testpool")


@pytest.mark.parametrize(
    ("daemon", "methods"),
    [
        ("schedd_tokens", "FS"),
        ("schedd_fs", "IDTOKENS"),
        ("schedd_claim", "IDTOKENS"),
        ("schedd_ssl", "IDTOKENS"),
        ("schedd_password", "IDTOKENS"),
    ],
)
def test_policy_keeps_out_others(real_pool: Pool, daemon: str, methods: str) -> None:
    assert _ping(real_pool, daemon, methods)[0] != 0


def test_tokens_of_all_kinds(real_pool: Pool) -> None:
    daemon = "schedd_tokens"
    other = real_pool.token("bob@testpool", key="OTHER")
    assert _ping(real_pool, daemon, "IDTOKENS", token=other)[1].endswith("bob@testpool")
    reader = real_pool.token("bob@testpool", ["READ"])
    assert _ping(real_pool, daemon, "IDTOKENS", "READ", token=reader)[0] == 0
    assert _ping(real_pool, daemon, "IDTOKENS", "WRITE", token=reader)[0] != 0
    for bad in (
        real_pool.token("bob@testpool", lifetime=-60),
        real_pool.token("bob@testpool", key=b"wrong" * 10),
        real_pool.token("bob@testpool", issuer="elsewhere"),
    ):
        assert _ping(real_pool, daemon, "IDTOKENS", token=bad)[0] != 0


def test_collectors_with_policies(real_pool: Pool) -> None:
    for name, address in real_pool.collectors.items():
        command = ["condor_status", "-pool", address, "-schedd", "-af", "Name"]
        real_pool.wait_for(
            lambda command=command: real_pool.tool(*command, user="alice", check=False).stdout, f"the schedd of {name}"
        )
        assert real_pool.tool(*command, user="alice").stdout.split() == [real_pool.schedds[name]]


@pytest.mark.parametrize("daemon", ["schedd_restart", "collector", "negotiator"])
def test_restart_keeps_the_address(real_pool: Pool, daemon: str) -> None:
    before = real_pool.pid(daemon), real_pool.address(daemon)
    real_pool.restart(daemon)
    assert real_pool.pid(daemon) != before[0]
    assert real_pool.address(daemon) == before[1]


def test_a_job_runs(real_pool: Pool) -> None:
    real_pool.remove_idle_jobs()
    cluster = real_pool.submit(1, hold=False, executable="/bin/true", arguments="")
    command = ["condor_history", "-name", real_pool.schedds["open"], str(cluster), "-af", "JobStatus", "ExitCode"]
    real_pool.wait_for(
        lambda: real_pool.tool(*command, user="alice", check=False).stdout.strip() == "4 0", f"job {cluster}.0", 60
    )


def test_log_tells_commands(real_pool: Pool) -> None:
    real_pool.submit(1)
    assert "QMGMT_WRITE_CMD" in real_pool.logs("schedd")


def _who(project: str) -> tuple[int, str, bool]:
    import htcondor_async

    return os.geteuid(), getpass.getuser(), str(htcondor_async.__file__).startswith(project)


def _fail() -> None:
    raise LookupError("on purpose")


def test_as_user(trixie_pool: Pool, as_user: AsUser, pytestconfig: pytest.Config) -> None:
    assert as_user(_who, str(pytestconfig.rootpath)) == (2003, "alice", True)
    assert as_user(_who, str(pytestconfig.rootpath), user="bob") == (2004, "bob", True)
    with pytest.raises(LookupError, match="on purpose"):
        as_user(_fail)
    secret = trixie_pool.run / "passwords.d/POOL"
    done = as_user.script("import sys; open(sys.argv[1])", str(secret))
    assert done.returncode == 1
    assert b"PermissionError" in done.stderr


@pytest.mark.parametrize(("version", "module"), [("24.0.24", "htcondor"), ("25.14.1", "htcondor2")])
def test_bindings(real_pool: Pool, run_bindings: Callable[..., list[Any]], version: str, module: str) -> None:
    script = f"import {module} as h\nfor ad in h.Collector().locateAll(h.DaemonTypes.Schedd): emit(ad['Name'])\n"
    names = run_bindings(version, script, config=real_pool.client())
    assert sorted(names) == sorted(real_pool.schedds.values())


_DEATH = """
import sys, os, time
sys.path.insert(0, sys.argv[1])
from harness import pools
os.environ.pop(pools.RUN_VARIABLE, None)
run = pools.TestRun()
pool = pools.get_pool(run, sys.argv[2])
print(run.folder, pool.init, flush=True)
os.kill(os.getpid(), 9)
"""


def test_nothing_outlives_a_killed_run(real_pool: Pool) -> None:
    """The pool of a test run that is killed ends, with all daemons, and takes its folder with it."""
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", _DEATH, str(tests), real_pool.id]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == -9, done.stderr
    folder, init = done.stdout.split()
    real_pool.wait_for(lambda: not Path(f"/proc/{init}").exists(), "the daemons' end", 20)
    real_pool.wait_for(lambda: not (Path(folder) / real_pool.id).exists(), "the folder's end", 20)
