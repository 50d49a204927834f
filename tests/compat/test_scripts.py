"""Programs written for v1: each is run with the real bindings and with ours, and must print the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import bindings, pools
from harness.afresh import forget_accounts, forget_refusals

SCRIPTS = Path(__file__).parent / "scripts"
SCRIPTS_V2 = SCRIPTS.with_name("scripts_v2")
ROOT = Path(__file__).parents[2]

# What runs in every gate; the others in full runs.
GATE = {
    "act_hold_release",
    "act_by_ids",
    "ads_of_jobs",
    "argument_forms",
    "collector_query",
    "edit_by_constraint",
    "exceptions",
    "history_of_removed",
    "locations",
    "object_forms",
    "param_set",
    "poll_two",
    "query_all",
    "query_constraints",
    "submit_itemdata",
    "transaction_queue",
    "unused_lines",
    "xquery_non_blocking",
}

GATE_V2 = {"job_queue", "queries", "submit_forms"}

# Scripts whose output is meant to differ, and why.
DIFFERENT: dict[str, str] = {}

ADDRESS = re.compile(r"0x[0-9a-f]+|\b1[67]\d{8}\b")


def run(command: list[str], script: Path, config: Path, schedd: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(config.parent),
        "CONDOR_CONFIG": str(config),
        "PYTHONPATH": str(script.parent),
        "SCRIPT_TAG": uuid.uuid4().hex,
        "SCRIPT_SCHEDD": schedd,
        "TZ": "UTC",
    }
    if command[0] == sys.executable:
        environment["PYTHONPATH"] += os.pathsep + str(ROOT)
    done = subprocess.run(
        [*command, str(script)], capture_output=True, text=True, timeout=100, env=environment, cwd=config.parent
    )
    assert done.returncode == 0, f"{command} {script.name}\n{done.stdout}{done.stderr}"
    return ADDRESS.sub("N", done.stdout)


def parameters() -> list[object]:
    names = [path.stem for path in sorted(SCRIPTS.glob("*.py")) if not path.stem.startswith("_")]
    return [pytest.param(name, marks=() if name in GATE else pytest.mark.full) for name in names]


@pytest.mark.parametrize("pool", ["real-25", pytest.param("real-23.9", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", parameters())
def test_script_prints_the_same(name: str, pool: str, get_real_pool: Callable[[str], pools.Pool]) -> None:
    real_pool = get_real_pool(pool)
    config = real_pool.client("alice@testpool", owner="root")
    schedd = real_pool.schedds["open"]
    script = SCRIPTS / f"{name}.py"
    forget_refusals(real_pool)
    theirs = run([str(bindings.bindings(bindings.V1_AND_V2))], script, config, schedd)
    ours = run([sys.executable, "-m", "htcondor_sync"], script, config, schedd)
    assert (ours == theirs) != (name in DIFFERENT), f"--- v1\n{theirs}--- ours\n{ours}"


def v2_parameters() -> list[object]:
    names = [path.stem for path in sorted(SCRIPTS_V2.glob("*.py")) if not path.stem.startswith("_")]
    return [pytest.param(name, marks=() if name in GATE_V2 else pytest.mark.full) for name in names]


@pytest.mark.parametrize("pool", ["real-25", pytest.param("real-23.9", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", v2_parameters())
def test_a_program_for_v2_prints_the_same(name: str, pool: str, get_real_pool: Callable[[str], pools.Pool]) -> None:
    real_pool = get_real_pool(pool)
    config = real_pool.client("alice@testpool", owner="root")
    script = SCRIPTS_V2 / f"{name}.py"
    if name == "negotiator":
        forget_accounts(real_pool)
    forget_refusals(real_pool)
    theirs = run([str(bindings.bindings(bindings.V2_ONLY))], script, config, real_pool.schedds["open"])
    ours = run([sys.executable, "-m", "htcondor_sync", "--v2"], script, config, real_pool.schedds["open"])
    assert ours == theirs, f"--- v2\n{theirs}--- ours\n{ours}"


def test_there_are_enough_scripts() -> None:
    names = {path.stem for path in SCRIPTS.glob("*.py") if not path.stem.startswith("_")}
    assert len(names) >= 60 and names >= GATE and len(GATE) >= 15 and names >= DIFFERENT.keys()
    v2 = {path.stem for path in SCRIPTS_V2.glob("*.py") if not path.stem.startswith("_")}
    assert len(v2) >= 10 and v2 >= GATE_V2
