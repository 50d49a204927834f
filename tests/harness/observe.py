"""What is in a schedd's queue and history, seen by somebody else than the client under test.

Real pools are asked with HTCondor's own tools, the embedded one is looked into.
"""

from __future__ import annotations

import json
from typing import Any

from .embedded import EmbeddedContractPool

__all__ = ["history", "queue"]


def queue(pool: Any, constraint: str, schedd: str = "open") -> dict[str, dict[str, Any]]:
    """Return the jobs that match, by id, as plain values (expressions as text)."""
    return _ads(pool, "condor_q", constraint, schedd)


def history(pool: Any, constraint: str, schedd: str = "open") -> dict[str, dict[str, Any]]:
    """Return the jobs that have left the queue and match, by id."""
    return _ads(pool, "condor_history", constraint, schedd)


def _ads(pool: Any, tool: str, constraint: str, schedd: str) -> dict[str, dict[str, Any]]:
    if isinstance(pool, EmbeddedContractPool):
        found = pool.running.call(_inside, pool, tool, constraint, schedd)
    else:
        options = ["-all"] if tool == "condor_q" else []
        place = ["-pool", pool.collector, "-name", pool.schedds[schedd]]
        out = pool.tool(tool, *place, *options, "-constraint", constraint, "-json").stdout
        found = json.loads(out) if out.strip() else []
    return {f"{ad['ClusterId']}.{ad['ProcId']}": ad for ad in found}


def _inside(pool: EmbeddedContractPool, tool: str, constraint: str, schedd: str) -> list[dict[str, Any]]:
    from htcondor_async.classad import ExprTree

    jobs = pool.running.pool.schedd_daemons[pool.schedds[schedd]].queue
    ads = jobs.jobs() if tool == "condor_q" else iter(list(jobs.history))
    expression = ExprTree(constraint)
    return [json.loads(ad.print_json()) for ad in ads if expression.eval(ad) is True]
