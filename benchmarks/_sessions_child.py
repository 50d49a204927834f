"""One measurement of benchmarks/sessions.py, in a process of its own: SIDE SCENARIO ADDRESS TOKENS COUNT."""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
import time
from typing import Any

TASKS = 100


def ours(side: str, scenario: str, address: str, tokens: str, count: int) -> float:
    """Measure htcondor_async, awaited or called; return seconds."""
    import anyio

    from htcondor_async import Client, Schedd, SecMan
    from htcondor_async._runtime.blocking import BlockingRuntime, drive

    settings = {
        "SEC_TOKEN_DIRECTORY": tokens,
        "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
        "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
        "UID_DOMAIN": "testpool",
        "TRUST_DOMAIN": "testpool",
    }
    client = Client(settings, runtime=BlockingRuntime() if side == "blocking" else None)
    schedd, security = Schedd(address, client=client), SecMan(client=client)

    async def query(times: int) -> None:
        for _ in range(times):
            await schedd.query("false", limit=1)

    async def body() -> float:
        if scenario == "cold":
            await security.ping(address, "READ")
            began = time.perf_counter()
            for _ in range(count):
                await security.ping(address, "READ")
            return time.perf_counter() - began
        if scenario == "resumed":
            await query(1)
        began = time.perf_counter()
        if scenario == "tasks":
            async with anyio.create_task_group() as group:
                for _ in range(TASKS):
                    group.start_soon(query, count // TASKS)
        else:
            await query(count)
        return time.perf_counter() - began

    if side == "blocking" and scenario == "tasks":
        threads = [threading.Thread(target=lambda: drive(query(count // TASKS))) for _ in range(TASKS)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began
    return drive(body()) if side == "blocking" else anyio.run(body)


def bindings(scenario: str, address: str, count: int) -> float:
    """Measure the v1 bindings, configured by CONDOR_CONFIG; return seconds."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]  # it has a classad.py of its own
    import classad  # type: ignore[import-not-found]  # of the interpreter with the bindings
    import htcondor  # type: ignore[import-not-found]  # as above

    location: Any = classad.ClassAd({"MyAddress": address, "CondorVersion": htcondor.version()})
    schedd, security = htcondor.Schedd(location), htcondor.SecMan()
    query = functools.partial(schedd.query, "false", [], None, 1)

    def repeat(times: int) -> None:
        for _ in range(times):
            query()

    if scenario == "cold":
        security.ping(location, "READ")
        began = time.perf_counter()
        for _ in range(count):
            security.ping(location, "READ")
        return time.perf_counter() - began
    if scenario == "resumed":
        query()
    threads = [threading.Thread(target=repeat, args=(count // TASKS,)) for _ in range(TASKS)]
    began = time.perf_counter()
    if scenario == "tasks":
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        repeat(count)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print the seconds as JSON."""
    side, scenario, address, tokens, count = sys.argv[1:6]
    if side == "v1":
        seconds = bindings(scenario, address, int(count))
    else:
        seconds = ours(side, scenario, address, tokens, int(count))
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
