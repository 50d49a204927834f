"""One side of the benchmark of event logs: reads a log as fast as it can, or follows many. Prints one JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

RELEASED = b"013 (%03d.000.000) 2024-03-05 14:07:09 Job was released.\n...\n"


def with_bindings(path: str) -> int:
    """Read with the v1 bindings, or with the package that takes their place."""
    # beside this file there is another classad
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]
    import htcondor

    count = 0
    for event in htcondor.JobEventLog(path).events(stop_after=0):
        count += 1
        if event.type == htcondor.JobEventType.JOB_TERMINATED:
            _used = event["ReturnValue"], event.cluster, event.proc
    return count


async def with_tasks(path: str) -> int:
    from htcondor_async import JobEventLog, JobEventType

    count = 0
    async with JobEventLog(path) as log:
        async for event in log.events(0):
            count += 1
            if event.type == JobEventType.JOB_TERMINATED:
                _used = event["ReturnValue"], event.cluster, event.proc
    return count


async def following(folder: str, count: int) -> dict[str, Any]:
    """Follow many logs in one task: the first look, an hour's wait in five seconds, one event for each."""
    from htcondor_async import JobEventLogs

    paths = [str(Path(folder) / f"{number}.log") for number in range(count)]
    for path in paths:
        Path(path).write_bytes(RELEASED % 1)
    async with JobEventLogs(paths) as logs:
        began, spent = time.perf_counter(), time.process_time()
        assert len([event async for _path, event in logs.events(0.1)]) == count
        first = time.perf_counter() - began, time.process_time() - spent
        spent = time.process_time()
        assert [event async for _path, event in logs.events(10)] == []
        idle = (time.process_time() - spent) / 10

        def append() -> None:
            for path in paths:
                with open(path, "ab") as file:
                    file.write(RELEASED % 2)

        began, spent = time.perf_counter(), time.process_time()
        writer = asyncio.create_task(asyncio.to_thread(append))
        found = 0
        async for _path, _event in logs.events(60):
            found += 1
            if found == count:
                break
        await writer
        return {
            "first_look_seconds": first[0],
            "first_look_cpu": first[1],
            "idle_cpu_share": idle,
            "one_event_each_seconds": time.perf_counter() - began,
            "one_event_each_cpu": time.process_time() - spent,
            "descriptors": len(os.listdir("/proc/self/fd")),
        }


def main() -> None:
    how, path = sys.argv[1:3]
    result: dict[str, Any]
    if how == "follow":
        result = asyncio.run(following(path, int(sys.argv[3])))
    else:
        began, spent = time.perf_counter(), time.process_time()
        result = {"events": asyncio.run(with_tasks(path)) if how == "async" else with_bindings(path)}
        result |= {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
