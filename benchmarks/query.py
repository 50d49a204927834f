"""Claim: streaming a schedd's queue with htcondor_async is faster than with the C++ bindings, in bounded memory.

    python benchmarks/query.py [--jobs 20000] [--more 80000] [--rounds 5] [--scenarios full all ...]

Each measurement runs in a process of its own, in alternating order, against one real 25.14.1 schedd: the same
constraint, projection and encrypted session on all sides. A pool is made, filled with held jobs and stopped again.
Prints medians and ratios, and writes benchmarks/results/query.json. The bare reader splits frames and decrypts, with
the same read size, and nothing else. For eight queries at once the processor time of the schedd and its workers is
shown too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

from _pool import BenchPool, interpreters, pool_with_jobs

HERE = Path(__file__).resolve().parent
SCENARIOS = ("full", "all", "projected", "eight", "first", "memory")
SIDES = {
    "full": ("async", "blocking", "bare", "v1", "v2"),
    "all": ("async", "v1", "v2"),
    "projected": ("async", "v1", "v2"),
    "eight": ("async", "v1", "v2"),
    "first": ("async", "v1", "v2"),
    "memory": ("async", "v1", "v2"),
}


def run_once(side: str, scenario: str, made: BenchPool, pythons: dict[str, str]) -> dict[str, float]:
    child = {"async": "_query_ours.py", "blocking": "_query_ours.py", "bare": "_query_ours.py"}.get(
        side, "_query_bindings.py"
    )
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG=made.client_config)
    command = [pythons[side], str(HERE / child), side, scenario, made.schedd_address, made.token_directory]
    busy = cpu_of(made.pool.pid("schedd"))
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=900, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{side} {scenario} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    if scenario == "eight":
        result["schedd_cpu"] = cpu_of(made.pool.pid("schedd")) - busy
    return result


def cpu_of(pid: int) -> float:
    """Return the processor seconds of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def measure(
    options: argparse.Namespace, pythons: dict[str, str], made: BenchPool
) -> dict[str, dict[str, dict[str, float]]]:
    results: dict[str, dict[str, dict[str, float]]] = {}
    for scenario in options.scenarios:
        sides = [side for side in SIDES[scenario] if side in pythons]
        samples: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(options.rounds):
            for side in sides:
                samples[side].append(run_once(side, scenario, made, pythons))
        results[scenario] = {
            side: {name: statistics.median(sample[name] for sample in found) for name in found[0]}
            for side, found in samples.items()
        }
        report(scenario, results[scenario])
    return results


def report(scenario: str, sides: dict[str, dict[str, float]]) -> None:
    print(f"\n{scenario}")
    reference = sides.get("v1") or next(iter(sides.values()))
    for side, figures in sides.items():
        ratio = reference["wall"] / figures["wall"] if figures["wall"] else float("nan")
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        print(f"  {side:9s} {ratio:6.2f} x v1's speed   {shown}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--more", type=int, default=0, help="jobs to add for a second look at peak memory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS), choices=SCENARIOS)
    options = parser.parse_args()
    found = interpreters()
    pythons = dict.fromkeys(("async", "blocking", "bare"), found["ours"]) | found
    with pool_with_jobs(options.jobs) as made:
        results = measure(options, pythons, made)
        if options.more:
            made.pool.submit(options.more, user="alice")
            options.scenarios = ["memory"]
            results[f"memory, {options.more} more jobs"] = measure(options, pythons, made)["memory"]
    target = HERE / "results"
    target.mkdir(exist_ok=True)
    (target / "query.json").write_text(json.dumps({"jobs": options.jobs, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
