"""Event log."""

import os
import pickle
import tempfile
import time

import htcondor
from _common import MINE, description, outcome, schedd

folder = tempfile.mkdtemp()
os.chmod(folder, 0o777)
path = os.path.join(folder, "job.log")
cluster = schedd().submit(description(log=path), count=2).cluster()
schedd().act(htcondor.JobAction.Remove, MINE, "enough")
found = []
log = htcondor.JobEventLog(path)
until = time.time() + 60
while len([e for e in found if e.type == htcondor.JobEventType.JOB_ABORTED]) < 2 and time.time() < until:
    found += log.events(stop_after=1)
for event in sorted(found, key=lambda e: (e.proc, e.type)):
    if event.type in (htcondor.JobEventType.SUBMIT, htcondor.JobEventType.JOB_ABORTED):
        print(
            event.type,
            event.cluster == cluster,
            event.proc,
            event["MyType"],
            event.get("nosuch", 5),
            "Cluster" in event,
        )
aborted = [event for event in found if event.type == htcondor.JobEventType.JOB_ABORTED]
print([event["Reason"] for event in aborted], {htcondor.JobEventType.SUBMIT: 1}[found[0].type])
print(list(pickle.loads(pickle.dumps(log)).events(0)), list(log.events(stop_after=0)))
outcome(lambda: log.events("x"))
outcome(htcondor.JobEventLog, os.path.join(folder, "nosuch"))
outcome(htcondor.JobEvent)
log.close()
print(list(log))
