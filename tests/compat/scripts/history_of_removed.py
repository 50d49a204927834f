"""History of removed."""

import htcondor
from _common import MINE, description, schedd

result = schedd().submit(description(), count=3)
schedd().act(htcondor.JobAction.Remove, MINE)
found = []
while len(found) < 3:
    found = list(schedd().history(f"ClusterId == {result.cluster()}", ["ProcId", "JobStatus"], 10))
print(sorted((ad["ProcId"], ad["JobStatus"]) for ad in found))
print(len(list(schedd().history(f"ClusterId == {result.cluster()}", ["ProcId"], match=2))))
