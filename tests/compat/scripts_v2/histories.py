"""History."""

import htcondor2
from _common import MINE, description, outcome, schedd

s = schedd()
cluster = s.submit(description(), count=3).cluster()
s.act(htcondor2.JobAction.Remove, MINE)
found = []
while len(found) < 3:
    found = s.history(f"ClusterId == {cluster}", ["ProcId", "JobStatus"])
print(type(found).__name__, sorted((ad["ProcId"], ad["JobStatus"]) for ad in found))
print(len(s.history(f"ClusterId == {cluster}", [], 2)), s.history("false", [], match=5))
outcome(s.jobEpochHistory, "false", [])
