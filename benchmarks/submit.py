"""How fast 20,000 jobs are made and submitted, and a description is parsed, against the C++ bindings of version 1.

    python benchmarks/submit.py [--jobs 20000] [--rounds 3]

Each measurement runs in a process of its own, in alternating order, against one real 25.14.1 schedd. Prints medians and
ratios, and writes benchmarks/results/submit.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

from _pool import interpreters, pool_with_jobs

HERE = Path(__file__).resolve().parent
TEXT = """executable = /bin/sleep
arguments = $(Process) --seed $(Step)
transfer_executable = false
request_memory = 1GB
hold = true
output = out.$(Process)
+Mark = "job $(Process)"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pythons = interpreters()
    sides = [side for side in ("ours", "v1") if side in pythons]
    samples: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with pool_with_jobs(0) as made:
        for _ in range(options.rounds):
            for side in sides:
                environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG=made.client_config)
                command = [pythons[side], str(HERE / f"_submit_{side}.py"), TEXT, str(options.jobs)]
                command += [made.schedd_address, made.token_directory]
                ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=900, check=False)
                if ended.returncode != 0:
                    raise SystemExit(f"{side} failed:\n{ended.stderr[-3000:]}")
                samples[side].append(json.loads(ended.stdout.splitlines()[-1]))
    results = {
        side: {name: statistics.median(sample[name] for sample in found) for name in ("parse", "jobs", "submit")}
        for side, found in samples.items()
    }
    for side, figures in results.items():
        for name, seconds in figures.items():
            ratio = results.get("v1", figures)[name] / seconds
            print(f"{side:5s} {name:7s} {seconds:10.5f} s   {ratio:6.2f} x v1's speed")
    target = HERE / "results"
    target.mkdir(exist_ok=True)
    (target / "submit.json").write_text(json.dumps({"jobs": options.jobs, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
