"""Negotiator."""

import time

import htcondor2
from _common import TAG

negotiator = htcondor2.Negotiator()
user = f"{TAG}@testpool"
negotiator.setFactor(user, 7)
negotiator.setPriority(user, priority=3)
negotiator.setBeginUsage(user, when=1000)
time.sleep(0.5)
(entry,) = [ad for ad in negotiator.getPriorities() if ad["Name"] == user]
print(round(entry["PriorityFactor"]), round(entry["Priority"]), entry["BeginUsageTime"])
print(list(negotiator.getResourceUsage(user)), next(iter(negotiator.getPriorities(True)))["Name"] != "")
negotiator.deleteUser(user)
time.sleep(0.5)
print([ad for ad in negotiator.getPriorities() if ad["Name"] == user])
