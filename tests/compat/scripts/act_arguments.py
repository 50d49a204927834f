"""Act arguments."""

import htcondor
from _common import outcome, schedd

s = schedd()
outcome(s.act, 1, "false")
outcome(s.act, htcondor.JobAction(77), "false")
outcome(s.act, htcondor.JobAction.Hold, "(")
outcome(s.act, htcondor.JobAction.Hold)
outcome(lambda: s.act(action=htcondor.JobAction.Hold, job_spec="false", reason="x")["TotalSuccess"])
