"""Startd."""

import htcondor
from _common import outcome

c = htcondor.Collector()
ad = c.locateAll(htcondor.DaemonTypes.Startd)[0]
print(htcondor.Startd(ad).location.daemon_type)
outcome(htcondor.Startd, 5)
outcome(htcondor.Startd(ad).drainJobs, "fast")
