"""Act hold release."""

import time

import htcondor
from _common import MINE, description, schedd

schedd().submit(description(), count=2)
names = ["TotalSuccess", "TotalNotFound", "TotalBadStatus", "TotalAlreadyDone", "TotalPermissionDenied", "TotalError"]
for action in (htcondor.JobAction.Hold, htcondor.JobAction.Release, htcondor.JobAction.Hold, htcondor.JobAction.Remove):
    ad = schedd().act(action, MINE, "a reason")
    print(action, {name: ad[name] for name in names})
until = time.time() + 60
while schedd().query(MINE, ["JobStatus"]) and time.time() < until:  # a schedd gets rid of them in its own time
    time.sleep(0.1)
print(schedd().query(MINE, ["JobStatus"]))
