"""One measurement of benchmarks/sync.py: a v1 program, the same for both; prints one line of JSON."""

import json
import resource
import sys
import threading
import time

scenario, address = sys.argv[1:3]
del sys.path[0]  # this folder has a classad.py too
import classad
import htcondor

ad = classad.ClassAd()
ad["MyAddress"] = address
schedd = htcondor.Schedd(ad)


def full() -> None:
    for job in schedd.query():
        job["ClusterId"], job["ProcId"], job["Owner"], job["JobStatus"], job["Cmd"]


def projected() -> None:
    for job in schedd.query("true", ["ClusterId", "ProcId", "Owner", "JobStatus"]):
        job["ClusterId"], job["JobStatus"]


def again() -> None:
    for _ in range(10):
        projected()


def small() -> None:
    for _ in range(200):
        schedd.query("false", ["ClusterId"])


def threads() -> None:
    running = [threading.Thread(target=projected) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def submit() -> None:
    description = htcondor.Submit({"executable": "/bin/sleep", "arguments": "$(Process)", "hold": "true"})
    result = schedd.submit(description, count=2000)
    schedd.act(htcondor.JobAction.Remove, f"ClusterId == {result.cluster()}")


schedd.query("false", ["ClusterId"])  # the handshake is no part of what is measured
run = {"full": full, "projected": projected, "again": again, "small": small, "threads": threads, "submit": submit}[
    scenario
]
began, cpu = time.perf_counter(), time.process_time()
run()
found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
