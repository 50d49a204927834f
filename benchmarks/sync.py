"""A v1 program with htcondor_sync, against the C++ bindings that it was written for.

    python benchmarks/sync.py [--jobs 5000] [--rounds 3] [--scenarios full projected again ...]

One program, started with the bindings 24.0.24 and by ``python -m htcondor_sync`` in turn, against one real 25.14.1
schedd. "projected" is the first query of its program, "again" ten more of them: ours compiles what it needs at the
first use. "import" also loads a handle's class, makes an ad and reads a parameter; "bare" only imports. Prints medians
and ratios, and writes benchmarks/results/sync.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _pool import BenchPool, interpreters, pool_with_jobs

HERE = Path(__file__).resolve().parent
SCENARIOS = ("full", "projected", "again", "small", "threads", "submit", "import", "bare")


def clean_environ(made: BenchPool) -> dict[str, str]:
    """Return the environment of the programs; both sides may keep their compiled modules."""
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG=made.client_config)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return environ


def run_import(command: list[str], made: BenchPool, *, bare: bool) -> dict[str, float]:
    """Time a whole process that imports the modules: ours is loaded before the program begins, unless ``bare``."""
    environ = clean_environ(made)
    code = "import classad, htcondor; htcondor.Schedd, htcondor.param['QUERY_TIMEOUT'], classad.ClassAd()"
    if bare:
        code = "import htcondor" if len(command) == 1 else "import htcondor_sync"
        command = command[:1]
    before = os.times()
    began = time.perf_counter()
    subprocess.run([*command, "-c", code], env=environ, timeout=60, check=True, cwd="/")
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": seconds, "cpu": spent, "peak_mb": math.nan}


def run_once(command: list[str], scenario: str, made: BenchPool) -> dict[str, float]:
    if scenario in ("import", "bare"):
        return run_import(command, made, bare=scenario == "bare")
    environ = clean_environ(made)
    arguments = [*command, str(HERE / "_sync_child.py"), scenario, made.schedd_address]
    ended = subprocess.run(arguments, capture_output=True, text=True, env=environ, timeout=600, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{command} {scenario} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS)
    options = parser.parse_args()
    sides = {"v1": [interpreters()["v1"]], "ours": [sys.executable, "-m", "htcondor_sync"]}
    results: dict[str, dict[str, dict[str, float]]] = {}
    with pool_with_jobs(options.jobs) as made:
        for scenario in options.scenarios:
            for command in sides.values():
                run_once(command, scenario, made)  # compiled modules, file caches
            runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
            for turn in range(options.rounds):
                for side in sorted(sides, reverse=turn % 2 == 1):
                    runs[side].append(run_once(sides[side], scenario, made))
            results[scenario] = {
                side: {name: statistics.median(run[name] for run in found) for name in found[0]}
                for side, found in runs.items()
            }
            ours, theirs = results[scenario]["ours"], results[scenario]["v1"]
            print(
                f"{scenario:10} v1 {theirs['seconds']:7.3f} s  ours {ours['seconds']:7.3f} s"
                f"  ratio {ours['seconds'] / theirs['seconds']:.2f}  cpu {ours['cpu'] / max(theirs['cpu'], 1e-9):.2f}"
                f"  memory {ours['peak_mb'] / theirs['peak_mb']:.2f}",
                flush=True,
            )
    target = HERE / "results" / "sync.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"jobs": options.jobs, "rounds": options.rounds, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
