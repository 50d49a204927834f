"""One measurement of benchmarks/query.py with the real bindings, version 1 or 2; prints one line of JSON."""

import sys

del sys.path[0]  # this folder has a classad.py of its own

import json
import resource
import threading
import time

PROJECTION = ["ClusterId", "ProcId", "Owner", "JobStatus"]


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    side, scenario, address, tokens = sys.argv[1:5]
    if side == "v1":
        import classad
        import htcondor
    else:
        import classad2 as classad
        import htcondor2 as htcondor
    htcondor.param["SEC_CLIENT_AUTHENTICATION"] = "REQUIRED"
    htcondor.param["SEC_CLIENT_ENCRYPTION"] = "REQUIRED"
    htcondor.param["SEC_CLIENT_AUTHENTICATION_METHODS"] = "IDTOKENS"
    htcondor.param["SEC_TOKEN_DIRECTORY"] = tokens
    location = classad.ClassAd()
    location["MyAddress"] = address
    location["Name"] = "bench"
    location["CondorVersion"] = "$CondorVersion: 25.14.1 2026-10-16 $"
    schedd = htcondor.Schedd(location)
    projection = PROJECTION if scenario in ("projected", "eight") else []
    before = peak_mb()
    counts = []

    def drain():
        count = 0
        stream = schedd.xquery(projection=projection) if side == "v1" else schedd.query(projection=projection)
        for ad in stream:
            count += 1
            if scenario == "all":
                for _ in ad.values():
                    pass
            else:
                ad["ClusterId"]
                ad["ProcId"]
            if scenario == "first":
                break
        counts.append(count)

    started = time.perf_counter()
    if scenario == "eight":
        threads = [threading.Thread(target=drain) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        drain()
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "wall": wall,
                "ads": sum(counts),
                "cpu": used.ru_utime + used.ru_stime,
                "peak_mb": peak_mb() - before,
            }
        )
    )


if __name__ == "__main__":
    main()
