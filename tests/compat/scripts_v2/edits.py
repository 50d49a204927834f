"""Edits and actions."""

import htcondor2
from _common import MINE, description, outcome, schedd

s = schedd()
result = s.submit(description(), count=3)
cluster = result.cluster()
print(s.edit([f"{cluster}.0", f"{cluster}.1"], "Foo", "1"), s.edit(f"{MINE} && ProcId == 2", "Foo", '"x"'))
print(s.edit(f"{cluster}.0", "Bar", "Foo + 1"))
print(sorted((ad["ProcId"], ad["Foo"]) for ad in s.query(MINE, ["ProcId", "Foo"])))
print(s.act(htcondor2.JobAction.Release, f"{cluster}.0")["TotalSuccess"])
print(s.act(htcondor2.JobAction.Hold, [f"{cluster}.0"], reason="because")["TotalSuccess"])
print(sorted((ad["ProcId"], ad["JobStatus"]) for ad in s.query(MINE, ["ProcId", "JobStatus"])))
outcome(s.edit, MINE, "a b", "1")
print(s.act(htcondor2.JobAction.Remove, MINE)["TotalSuccess"])
