"""Queries."""

import htcondor2
from _common import MINE, description, outcome, schedd

s = schedd()
s.submit(description(), count=4)
print(len(s.query(MINE)), len(s.query(MINE, limit=2)), sorted(ad["ProcId"] for ad in s.query(MINE, ["ProcId"])))
print(sorted(s.query(MINE, ["ProcId"], callback=lambda ad: ad["ProcId"] * 2)))
print(s.query(MINE, opts=htcondor2.QueryOpt.SummaryOnly)[0]["MyType"])
print(set(s.query(MINE, ["Owner"], limit=1)[0].keys()) - {"ServerTime"})
outcome(s.query, "bad (")
outcome(htcondor2.Schedd, "text")
s.act(htcondor2.JobAction.Remove, MINE)
