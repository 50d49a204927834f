"""One measurement of benchmarks/submit.py with htcondor_async; prints one line of JSON."""

from __future__ import annotations

import sys

del sys.path[0]  # this folder has a classad.py of its own

import asyncio
import json
import time


def main() -> None:
    text, jobs, address, tokens = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    from htcondor_async import Client, Schedd, Submit

    client = Client(
        {
            "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
            "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "SEC_TOKEN_DIRECTORY": tokens,
        }
    )
    context = client.submit_context()
    started = time.perf_counter()
    for _ in range(200):
        description = Submit(text, context)
    parse = (time.perf_counter() - started) / 200
    started = time.perf_counter()
    count = sum(1 for _ in description.jobs(count=jobs))
    made = time.perf_counter() - started
    started = time.perf_counter()
    result = asyncio.run(Schedd(address, client=client).submit(description, count=jobs))
    sent = time.perf_counter() - started
    print(json.dumps({"parse": parse, "jobs": made, "submit": sent, "count": count, "sent": result.num_procs()}))


if __name__ == "__main__":
    main()
