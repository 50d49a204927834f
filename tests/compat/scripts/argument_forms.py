"""Argument forms: what counts as a constraint, a projection, an id, a reason, a limit."""

import classad
import htcondor
from _common import MINE, description, outcome, schedd

s = schedd()
cluster = s.submit(description(), count=3).cluster()
hold, release = htcondor.JobAction.Hold, htcondor.JobAction.Release


def count(ads):
    return len(list(ads))


for constraint in (" ", "error", '"x"', "undefined", b"false", "((", [], {}, classad.ExprTree(MINE), False, 0, MINE):
    outcome(lambda c=constraint: count(s.query(c)))
    outcome(lambda c=constraint: count(htcondor.Collector().query(htcondor.AdTypes.Schedd, c)) % 3)
for constraint in ("", " ", "((", 5):
    outcome(lambda c=constraint: count(s.xquery(c)) >= 3)
for projection in (["ClusterId ProcId"], ["ClusterId, ProcId"], ["", "ProcId"], [b"ProcId"], [5]):
    outcome(lambda p=projection: sorted(s.query(MINE, p, limit=1)[0].keys()))
for limit in (True, 0, -5, 2**31, 2**63):
    outcome(lambda n=limit: count(s.query(MINE, ["ProcId"], limit=n)))
    outcome(lambda n=limit: count(s.history("false", ["ProcId"], n)))
for since in ("((", "", True, b"5", 2**40, 1.5, []):
    outcome(lambda where=since: count(s.history("false", ["ProcId"], -1, where)))
for spec in (f"{cluster}.0,{cluster}.1", b"%d.0" % cluster):
    outcome(lambda one=spec: s.act(hold, [one])["TotalNotFound"])
outcome(lambda: s.act(hold, classad.ClassAd()))
outcome(lambda: s.edit(classad.ClassAd(), "Foo", "1"))
outcome(lambda: int(s.edit([str(cluster)], "Foo", "1")))
outcome(lambda: int(s.edit(MINE, [("Foo", 5), ("Bar", "x")])))
for reason in ("", b"bytes", "said so", ["a"], 5, ("r",), ("r", "7"), ("r", 7), ("r", "7", "8")):
    s.act(release, MINE)
    outcome(lambda why=reason: s.act(hold, [f"{cluster}.0"], why)["TotalSuccess"])
    ad = s.query(f"ClusterId == {cluster} && ProcId == 0", ["JobStatus", "HoldReason", "HoldReasonSubCode"])[0]
    if ad["JobStatus"] == 5:
        print(ad.get("HoldReason"), ad.get("HoldReasonSubCode"))
where = s.location
for location in (where, tuple(where), tuple(where)[:2], (int(where[0]), *where[1:]), (*where[:2], None), (), 5):
    outcome(lambda at=location: count(htcondor.Schedd(at).query("false")))
s.act(htcondor.JobAction.Remove, MINE)
