"""A job's log."""

import os
import tempfile

import htcondor2

TEXT = """000 (012.000.000) 2024-03-01 10:00:00 Job submitted from host: <127.0.0.1:9618>
...
001 (012.000.000) 2024-03-01 10:00:05 Job executing on host: <127.0.0.1:9618>
...
009 (012.000.000) 2024-03-01 10:01:00 Job was aborted.
\tvia condor_rm (by user alice)
...
"""
path = os.path.join(tempfile.mkdtemp(), "log")
with open(path, "w") as file:
    file.write(TEXT)
with htcondor2.JobEventLog(path) as events:
    for event in events.events(stop_after=0):
        print(repr(event.type), event.cluster, event.proc, sorted(event.keys()))
        print(event.get("none", 1), "SubmitHost" in event, event.get("Reason"), len(event))
print([event.type for event in htcondor2.JobEventLog(path).events(0)] == [0, 1, 9])
