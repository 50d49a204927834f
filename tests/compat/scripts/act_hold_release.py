"""Act hold release."""

import htcondor
from _common import MINE, description, schedd, show

schedd().submit(description(), count=2)
names = ["TotalSuccess", "TotalNotFound", "TotalBadStatus", "TotalAlreadyDone", "TotalPermissionDenied", "TotalError"]
for action in (htcondor.JobAction.Hold, htcondor.JobAction.Release, htcondor.JobAction.Hold, htcondor.JobAction.Remove):
    ad = schedd().act(action, MINE, "a reason")
    print(action, {name: ad[name] for name in names})
print(show(schedd().query(MINE, ["JobStatus"])) == [])
