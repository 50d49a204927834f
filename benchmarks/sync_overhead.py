"""What the blocking package adds to the core that it drives: processor time per ad, and per call.

    python benchmarks/sync_overhead.py [--jobs 5000] [--rounds 9]

Claim: streaming costs at most 5 % more than the same coroutine of the core, driven by the same runtime. The schedd is
an embedded pool in another process; what is counted is the processor time of this one. Prints the smallest values and
their ratios, and writes benchmarks/results/sync_overhead.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)

import htcondor_sync
from htcondor_async._runtime.blocking import drive

SERVER = """
import sys
from htcondor_async.testing import embedded_pool
job = {"Owner": "alice", "JobStatus": 5, "Cmd": "/bin/sleep", **{f"Attr{i:02}": f"value {i}" for i in range(40)}}
with embedded_pool(jobs=[job] * int(sys.argv[1])) as running:
    print(running.address, flush=True)
    sys.stdin.read()
"""
CALLS = 100


def pairs(schedd: Any) -> dict[str, tuple[Callable[[], int], Callable[[], int]]]:
    """Return what is measured: the same by the core and by the blocking package; each returns how many ads it saw."""
    core = schedd._core

    async def core_stream() -> int:
        count = 0
        async for ad in core.xquery("true", []):
            ad["ClusterId"]
            count += 1
        return count

    async def core_query() -> int:
        found = await core.query("true", [])
        for ad in found:
            ad["ClusterId"]
        return len(found)

    async def core_calls() -> int:
        for _ in range(CALLS):
            await core.query("false", ["ClusterId"])
        return CALLS

    def stream() -> int:
        count = 0
        for ad in schedd.xquery("true", []):
            ad["ClusterId"]
            count += 1
        return count

    def query() -> int:
        found = schedd.query("true", [])
        for ad in found:
            ad["ClusterId"]
        return len(found)

    def calls() -> int:
        for _ in range(CALLS):
            schedd.query("false", ["ClusterId"])
        return CALLS

    return {
        "stream": (lambda: drive(core_stream()), stream),
        "query": (lambda: drive(core_query()), query),
        "call": (lambda: drive(core_calls()), calls),
    }


def spent(function: Callable[[], int]) -> float:
    """Return the processor time of one ad, or call, in microseconds."""
    began = time.process_time()
    count = function()
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    command = [sys.executable, "-c", SERVER, str(options.jobs)]
    results = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as server:
        assert server.stdout is not None
        htcondor_sync.param["COLLECTOR_HOST"] = server.stdout.readline().strip()
        schedd = htcondor_sync.Schedd(htcondor_sync.Collector().locateAll(htcondor_sync.DaemonTypes.Schedd)[0])
        for name, sides in pairs(schedd).items():
            taken: tuple[list[float], list[float]] = ([], [])
            for turn in range(options.rounds):
                for side in (0, 1) if turn % 2 else (1, 0):
                    taken[side].append(spent(sides[side]))
            core, ours = min(taken[0]), min(taken[1])
            results[name] = {"core": core, "sync": ours, "ratio": ours / core}
            print(f"{name:8} core {core:8.2f} us  sync {ours:8.2f} us  ratio {ours / core:.3f}", flush=True)
        server.communicate()
    target = HERE / "results" / "sync_overhead.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"jobs": options.jobs, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
