"""Claim: ads are read several times faster than by the C++ modules, and evaluated and matched as fast.

    python benchmarks/classad.py [--rounds 3]

Each side runs in a process of its own, in alternating order: ours in both façades, v1's ``classad`` of 24.0.24 and
``classad2`` of 25.14.1, on the same ads: jobs of 130 attributes in old syntax that differ as the jobs of a queue do,
and slots of 49 attributes.  Prints the best of all rounds (processor time) with ratios to v1, and writes
benchmarks/results/classad.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path

from _pool import interpreters

HERE = Path(__file__).resolve().parent
SIDES = ("sync", "async", "v1", "v2")
TO_REACH = {
    "job ad, 5 attributes": 5.0,
    "job ad, all attributes": 1.0,
    "Requirements": 1.0,
    "match of 5000 slots, each": 1.0,
    "get": 0.5,
    "set": 0.5,
    "new expression": 0.1,
}
"""How many times v1's speed each façade is to have."""


def run_once(side: str, python: str) -> dict[str, float]:
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG="ONLY_ENV")
    command = [python, str(HERE / "_classad_child.py"), side]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=900, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{side} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return result


def report(results: dict[str, dict[str, float]]) -> None:
    sides = [side for side in SIDES if side in results]
    print(f"{'microseconds':34s}" + "".join(f"{side:>10s}" for side in sides) + "   times v1's speed")
    for what in results[sides[0]]:
        figures = "".join(f"{results[side][what] * 1e6:10.3f}" for side in sides)
        ratios = ""
        if "v1" in results:
            v1 = results["v1"][what]
            ratios = "  ".join(f"{side} {v1 / results[side][what]:.2f}" for side in sides if side != "v1")
            wanted = TO_REACH.get(what)
            if wanted is not None:
                missed = [side for side in ("sync", "async") if v1 / results[side][what] < wanted]
                ratios += f"   to reach {wanted:g}" + (f", missed by {' and '.join(missed)}" if missed else "")
        print(f"{what:34s}{figures}   {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pythons = interpreters()
    pythons["sync"] = pythons["async"] = pythons["ours"]
    results: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for side in SIDES:
            if side not in pythons:
                continue
            found = run_once(side, pythons[side])
            best = results.setdefault(side, found)
            for what, seconds in found.items():
                best[what] = min(best[what], seconds)
    report(results)
    target = HERE / "results" / "classad.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
