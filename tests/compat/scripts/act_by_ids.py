"""Act by ids."""

import htcondor
from _common import description, outcome, schedd

cluster = schedd().submit(description(), count=3).cluster()
ad = schedd().act(htcondor.JobAction.Remove, [f"{cluster}.0", f"{cluster}.1", f"{cluster}.77"])
print(ad["TotalSuccess"], ad["TotalNotFound"])
outcome(lambda: schedd().act(htcondor.JobAction.Remove, [5]))
print(schedd().act(htcondor.JobAction.Remove, f"{cluster}.2")["TotalSuccess"])
