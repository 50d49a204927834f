"""How long submitting, editing, acting on, and reading the history of 20,000 jobs takes, and spooling, against v1.

    python benchmarks/job_queue.py [--address "<127.0.0.1:9618?sock=...>" --token-directory DIR] [--rounds 3]

Each measurement runs in a process of its own, in alternating order, against one schedd of 25.14.1, over an encrypted
session; v1 is the PyPI package htcondor 24.0.24. Without ``--address`` the pool of the tests is started and stopped
again. Prints medians and ratios, and writes benchmarks/results/job_queue.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "tests"))

SIDES = ("async", "blocking", "v1")
EDITS = ("edit", "edit_same")
SCENARIOS = ("submit", "edit", "edit_same", "act", "history", "spool_large", "spool_small")


def run_once(
    side: str, scenario: str, number: int, options: argparse.Namespace, python: str, cluster: int = 0
) -> dict[str, float]:
    """Run one measurement in a process of its own; edits are of a cluster that is there."""
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG=os.devnull)
    command = [python, str(HERE / "_job_queue_child.py"), side, scenario, str(number), options.address]
    command += [options.token_directory, str(cluster)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=900, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{side} {scenario} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, float] = json.loads((ended.stdout.splitlines() or ["{}"])[-1])
    return result


def measure(options: argparse.Namespace, pythons: dict[str, str]) -> dict[str, dict[str, dict[str, float]]]:
    """Run all scenarios; return the medians."""
    numbers = {"spool_large": options.mebibytes, "spool_small": options.files}
    results: dict[str, dict[str, dict[str, float]]] = {}
    for scenario in options.scenarios:
        number = numbers.get(scenario, options.number)
        if scenario == "history":
            run_once("blocking", "submit", number, options, pythons["blocking"])  # what it removes is the history
            time.sleep(20)  # a history that is still written is rotated away from under those who read it
        cluster = 0
        if scenario in EDITS:
            cluster = int(run_once("blocking", "make", number, options, pythons["blocking"])["cluster"])
            time.sleep(5)  # what a schedd does after a large submission
        samples: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(options.rounds):
            for side in SIDES:
                samples[side].append(run_once(side, scenario, number, options, pythons[side], cluster))
        if cluster:
            run_once("blocking", "remove", number, options, pythons["blocking"], cluster)
        results[scenario] = {
            side: {name: statistics.median(sample[name] for sample in found) for name in found[0]}
            for side, found in samples.items()
        }
        print(f"\n{scenario} ({number})")
        v1 = results[scenario]["v1"]
        for side, figures in results[scenario].items():
            shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
            ratios = f"wall {figures['wall'] / v1['wall']:.2f}  cpu {figures['cpu'] / v1['cpu']:.2f} of v1's"
            print(f"  {side:9s} {ratios}   {shown}", flush=True)
    return results


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--address", help="a schedd that is there already")
    parser.add_argument("--token-directory", default="")
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS), choices=SCENARIOS)
    options = parser.parse_args()
    from harness import pools
    from harness.bindings import V1_AND_V2, bindings

    pythons = {"async": sys.executable, "blocking": sys.executable, "v1": str(bindings(V1_AND_V2))}
    if options.address:
        results = measure(options, pythons)
    else:
        run = pools.TestRun()
        try:
            pool = pools.get_pool(run, "real-25")
            options.address = pool.address("schedd")
            options.token_directory = pool.settings("alice@testpool")["SEC_TOKEN_DIRECTORY"]
            results = measure(options, pythons)
        finally:
            run.end()
    target = HERE / "results"
    target.mkdir(exist_ok=True)
    (target / "job_queue.json").write_text(json.dumps({"number": options.number, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
