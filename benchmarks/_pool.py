"""What the benchmarks share: a real pool with jobs in its queue, and interpreters with the real bindings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from harness import bindings, pools

__all__ = ["BenchPool", "interpreters", "pool_with_jobs"]

_ATTRIBUTES = 50  # beside the 75 or so of every job: what a production queue's ads have


@attrs.frozen
class BenchPool:
    """A pool to measure against.

    Parameters
    ----------
    schedd_address
        The schedd whose queue was filled.
    token_directory
        Where clients find a token of the jobs' owner.
    client_config
        A configuration file for clients, for CONDOR_CONFIG.
    pool
        The pool itself.
    """

    schedd_address: str
    token_directory: str
    client_config: str
    pool: pools.Pool


@contextmanager
def pool_with_jobs(count: int, name: str = "real-25") -> Iterator[BenchPool]:
    """Start a real pool, put ``count`` held jobs into its queue, stop it afterwards."""
    run = pools.TestRun()
    try:
        pool = pools.get_pool(run, name)
        if count:
            extra = "\n".join(f'+Bench{number:02} = "value of attribute {number}"' for number in range(_ATTRIBUTES))
            pool.submit(count, user="alice", text=extra)
        config = pool.client("alice@testpool")
        settings = dict(line.split(" = ", 1) for line in config.read_text().splitlines() if " = " in line)
        yield BenchPool(pool.address("schedd"), settings["SEC_TOKEN_DIRECTORY"], str(config), pool)
    finally:
        run.end()


def interpreters() -> dict[str, str]:
    """Return the interpreters of the sides of a race: ours, and those with the bindings that can be had."""
    found = {"ours": sys.executable}
    for side, version in (("v1", bindings.V1_AND_V2), ("v2", bindings.V2_ONLY)):
        try:
            found[side] = str(bindings.bindings(version))
        except bindings.BindingsUnavailableError as error:
            print(f"{side} is left out: {error}")
    return found
