"""Negotiator."""

import htcondor
from _common import outcome

c = htcondor.Collector()
n = htcondor.Negotiator(c.locateAll(htcondor.DaemonTypes.Negotiator)[0])
n.setFactor("script@testpool", 55.0)
found = [ad for ad in n.getPriorities() if ad["Name"] == "script@testpool"]
print(len(found), found[0]["PriorityFactor"], "AccountingGroup" in found[0])
outcome(n.setFactor, "script", 5.0)
outcome(n.setFactor, "script@testpool", "5")
outcome(n.setPriority, 1, 2)
print(n.getResourceUsage("script@testpool"))
