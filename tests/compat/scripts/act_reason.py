"""Act reason."""

import htcondor
from _common import MINE, description, schedd

schedd().submit(description(hold="false", requirements="false"))
schedd().act(htcondor.JobAction.Hold, MINE, "because")
print([(ad["JobStatus"], ad["HoldReason"], ad["HoldReasonCode"]) for ad in schedd().query(MINE)])
schedd().act(htcondor.JobAction.Release, MINE)
schedd().act(htcondor.JobAction.Hold, MINE)
print([ad["HoldReason"] for ad in schedd().query(MINE)])
