"""One measurement of benchmarks/submit.py with the v1 bindings; prints one line of JSON."""

import sys

del sys.path[0]  # this folder has a classad.py of its own

import json
import time


def main():
    text, jobs, address, tokens = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    import classad
    import htcondor

    htcondor.param["SEC_CLIENT_AUTHENTICATION"] = "REQUIRED"
    htcondor.param["SEC_CLIENT_AUTHENTICATION_METHODS"] = "IDTOKENS"
    htcondor.param["SEC_TOKEN_DIRECTORY"] = tokens
    started = time.perf_counter()
    for _ in range(200):
        description = htcondor.Submit(text)
    parse = (time.perf_counter() - started) / 200
    started = time.perf_counter()
    count = sum(1 for _ in description.jobs(count=jobs))
    made = time.perf_counter() - started
    location = classad.ClassAd(
        {"MyAddress": address, "Name": "bench", "CondorVersion": "$CondorVersion: 25.14.1 2026-10-16 $"}
    )
    schedd = htcondor.Schedd(location)
    started = time.perf_counter()
    result = schedd.submit(description, count=jobs)
    sent = time.perf_counter() - started
    print(json.dumps({"parse": parse, "jobs": made, "submit": sent, "count": count, "sent": result.num_procs()}))


if __name__ == "__main__":
    main()
