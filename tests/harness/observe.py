"""What is in a pool, seen by somebody else than the client under test.

Real pools are asked with HTCondor's own tools, the embedded one is looked into.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from .embedded import EmbeddedContractPool

__all__ = [
    "advertised",
    "history",
    "oauth_tokens",
    "queue",
    "setting",
    "slots",
    "submitters",
    "token_requests",
    "users",
]


def queue(pool: Any, constraint: str, schedd: str = "open") -> dict[str, dict[str, Any]]:
    """Return the jobs that match, by id, as plain values (expressions as text)."""
    return _jobs(pool, "condor_q", constraint, schedd)


def history(pool: Any, constraint: str, schedd: str = "open") -> dict[str, dict[str, Any]]:
    """Return the jobs that have left the queue and match, by id."""
    return _jobs(pool, "condor_history", constraint, schedd)


def advertised(pool: Any, constraint: str) -> dict[str, dict[str, Any]]:
    """Return the ads of any kind that the main collector holds and that match, by name."""
    if isinstance(pool, EmbeddedContractPool):
        found = _chosen(pool.running.call(lambda: pool.running.pool.collector_daemon.ads("Any")), constraint)
    else:
        found = _tool(pool, "condor_status", "-any", "-constraint", constraint, "-json")
    return {ad["Name"]: ad for ad in found}


def slots(pool: Any) -> list[dict[str, Any]]:
    """Return the ads of the slots, as the startd gives them now."""
    if isinstance(pool, EmbeddedContractPool):
        return _chosen(pool.running.call(lambda: pool.running.pool.startd_daemon.ads()), "true")
    machine = pool.tool("condor_status", "-af", "Machine").stdout.split()[0]
    return _tool(pool, "condor_status", "-direct", machine, "-json")


def submitters(pool: Any) -> dict[str, dict[str, float]]:
    """Return the negotiator's records by submitter: each has Priority (real one times factor), PriorityFactor,
    Ceiling, WeightedAccumulatedUsage, BeginUsageTime, LastUsageTime."""
    if isinstance(pool, EmbeddedContractPool):
        known = pool.running.call(lambda: dict(pool.running.pool.negotiator_daemon.submitters))
        records: list[dict[str, Any]] = [one.attributes(name) for name, one in known.items()]
    else:
        records = _records(pool.tool("condor_userprio", "-all", "-allusers", "-long").stdout)
    return {record["Name"]: {key: value for key, value in record.items() if key != "Name"} for record in records}


def setting(pool: Any, name: str) -> str | None:
    """Return a parameter of the negotiator, as it acts by it; None if it has none."""
    if isinstance(pool, EmbeddedContractPool):
        value = pool.running.call(lambda: pool.running.pool.negotiator_daemon.config.get_str(name))
        return None if value is None else str(value)
    said = pool.tool("condor_config_val", "-negotiator", name, check=False).stdout.strip()
    return None if said.startswith("Not defined") else str(said)


def users(pool: Any, schedd: str = "open") -> dict[str, bool]:
    """Return the schedd's records of users: name to whether it may submit (HTCondor 25 and the embedded pool)."""
    if isinstance(pool, EmbeddedContractPool):
        known = pool.running.call(lambda: dict(pool.running.pool.schedd_daemons[pool.schedds[schedd]].users))
        return {name: bool(ad.get("Enabled", True)) for name, ad in known.items()}
    place = ["-pool", pool.collector, "-name", pool.schedds[schedd]]
    lines = pool.tool("condor_qusers", *place, "-af", "User", "Enabled").stdout.splitlines()
    return {name: enabled in ("1", "true") for name, enabled in (line.split() for line in lines)}


def token_requests(pool: Any) -> dict[str, str]:
    """Return the collector's pending requests for tokens: number to requested identity."""
    if isinstance(pool, EmbeddedContractPool):
        desk = pool.running.pool.common["collector"].tokens
        return pool.running.call(lambda: {number: one.wanted for number, one in desk._requests.items()})
    out = pool.tool("condor_token_request_list", "-json").stdout
    return {ad["RequestId"]: ad["RequestedIdentity"] for ad in (json.loads(out) if "[" in out else [])}


def oauth_tokens(pool: Any, user: str) -> set[str]:
    """Return the OAuth credentials that the credd keeps of a user, as ``service`` or ``service_handle``."""
    if isinstance(pool, EmbeddedContractPool):
        kept = pool.running.call(lambda: list(pool.running.pool.credd_daemon.store.kept))
        return {kind.partition("/")[2] for name, kind in kept if name == user and "/" in kind}
    folder = pool.run / "oauth" / user  # .top until a monitor has made .use of it; 25 writes that itself
    return {file.stem for file in folder.iterdir()} if folder.is_dir() else set()


def _jobs(pool: Any, tool: str, constraint: str, schedd: str) -> dict[str, dict[str, Any]]:
    if isinstance(pool, EmbeddedContractPool):
        found = pool.running.call(_inside, pool, tool, constraint, schedd)
    else:
        options = ["-all"] if tool == "condor_q" else []
        place = ["-pool", pool.collector, "-name", pool.schedds[schedd]]
        found = _tool(pool, tool, *place, *options, "-constraint", constraint, "-json")
    return {f"{ad['ClusterId']}.{ad['ProcId']}": ad for ad in found}


def _tool(pool: Any, *command: str) -> list[dict[str, Any]]:
    out = pool.tool(*command).stdout
    found: list[dict[str, Any]] = json.loads(out) if out.strip() else []
    return found


def _inside(pool: EmbeddedContractPool, tool: str, constraint: str, schedd: str) -> list[dict[str, Any]]:
    jobs = pool.running.pool.schedd_daemons[pool.schedds[schedd]].queue
    return _chosen(jobs.jobs() if tool == "condor_q" else iter(list(jobs.history)), constraint)


def _chosen(ads: Iterable[Any], constraint: str) -> list[dict[str, Any]]:
    from htcondor_async.classad import ExprTree

    expression = ExprTree(constraint)
    return [json.loads(ad.print_json()) for ad in ads if expression.eval(ad) is True]


def _records(text: str) -> list[dict[str, Any]]:
    """Return the records of a report: an ad each (25), or one ad whose attributes end in a number (23.9)."""
    records: dict[tuple[int, str], dict[str, Any]] = {}
    for block, lines in enumerate(text.split("\n\n")):
        for line in lines.splitlines():
            found = re.fullmatch(r"(\w*?[A-Za-z])(\d*) = (.*)", line)
            if found is not None:
                text_or_number = found[3].strip('"')
                value = float(text_or_number) if re.fullmatch(r"[-+0-9.eE]+", text_or_number) else text_or_number
                records.setdefault((block, found[2]), {})[found[1]] = value
    return [record for record in records.values() if "Name" in record]
