"""Collector query."""

import htcondor
from _common import outcome

c = htcondor.Collector()
print(sorted(ad["Name"] for ad in c.query(htcondor.AdTypes.Schedd, "true", ["Name"])))
print(len(c.query(htcondor.AdTypes.Startd, "Memory < 0", ["Name"])))
print(
    sorted(
        {
            ad["MyType"]
            for ad in c.query(htcondor.AdTypes.Any, projection=["MyType"])
            if ad["MyType"] in ("Scheduler", "Negotiator")
        }
    )
)
outcome(c.query, htcondor.AdTypes.Schedd, "(")
outcome(c.query, 1)
outcome(lambda: c.query(getattr(htcondor.AdTypes, "None")))
