"""Claim: many tasks share one handshake. Beside it: handshakes and resumed commands, against the C++ bindings.

    python benchmarks/sessions.py [--rounds 3] [--cold 100] [--resumed 300] [--tasks 1000]

Each measurement runs in a process of its own, in alternating order, against one real 25.14.1 schedd with IDTOKENS and
AES on all sides: new negotiations one after the other (``cold``), queries over one session (``resumed``), and 1,000
queries from 100 tasks or threads that begin without a session (``tasks``). How many sessions were made is told by the
schedd itself, which numbers them; the least of all rounds counts, as other daemons make some too. Prints medians and
ratios, and writes benchmarks/results/sessions.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

from _pool import BenchPool, interpreters, pool_with_jobs

from htcondor_async import Client, SecMan
from htcondor_async._runtime.blocking import BlockingRuntime, drive

HERE = Path(__file__).resolve().parent
SIDES = ("async", "blocking", "v1")


def sessions_made(made: BenchPool) -> int:
    """Return how many sessions the schedd has made: the number in the name of one more."""
    client = Client({"SEC_TOKEN_DIRECTORY": made.token_directory, "UID_DOMAIN": "testpool"}, runtime=BlockingRuntime())
    ad = drive(SecMan(client=client).ping(made.schedd_address, "READ"))
    return int(str(ad["Sid"]).rpartition(":")[2])


def run_once(side: str, scenario: str, count: int, made: BenchPool, pythons: dict[str, str]) -> float:
    """Measure one side once; return commands a second."""
    environ = dict(os.environ, PYTHONPATH=str(HERE.parent), CONDOR_CONFIG=made.client_config)
    environ["_CONDOR_SEC_CLIENT_AUTHENTICATION"] = "REQUIRED"
    child = [str(HERE / "_sessions_child.py"), side, scenario, made.schedd_address, made.token_directory, str(count)]
    command = [pythons[side], *child]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=600, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"{side} {scenario} failed:\n{ended.stderr[-3000:]}")
    return count / float(json.loads(ended.stdout.splitlines()[-1]))


def main() -> None:
    """Measure all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    for scenario, count in (("cold", 100), ("resumed", 300), ("tasks", 1000)):
        parser.add_argument(f"--{scenario}", type=int, default=count, metavar="COMMANDS")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    with pool_with_jobs(0) as made:
        found = interpreters()
        pythons = dict.fromkeys(("async", "blocking"), found["ours"]) | found
        for scenario in ("cold", "resumed", "tasks"):
            count = getattr(options, scenario)
            rates: dict[str, list[float]] = {side: [] for side in SIDES}
            sessions: dict[str, int] = {}
            for _ in range(options.rounds):
                for side in SIDES:
                    before = sessions_made(made)
                    rates[side].append(run_once(side, scenario, count, made, pythons))
                    sessions[side] = min(sessions.get(side, count), sessions_made(made) - before - 1)
            results[scenario] = {side: statistics.median(values) for side, values in rates.items()}
            results[scenario] |= {f"handshakes_{side}": number for side, number in sessions.items()}
            base = results[scenario]["v1"]
            found_rates = {side: results[scenario][side] for side in SIDES}
            shown = ", ".join(f"{side} {rate:.0f}/s ({rate / base:.2f}x)" for side, rate in found_rates.items())
            print(f"{scenario}: {shown}; sessions made: {sessions}")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results/sessions.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
