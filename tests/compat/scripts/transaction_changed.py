"""Transaction changed: a description that changes while its cluster grows."""

import htcondor
from _common import MINE, description, schedd

s = schedd()
with s.transaction() as txn:
    d = description()
    first = d.queue(txn, 2)
    s.edit([f"{first}.0"], "Foo", "7")
    d["+Foo"] = "9"
    d["arguments"] = "400"
    second = d.queue(txn, 1)
    d["arguments"] = "300"
    d["priority"] = "5"
    d.queue(txn, 1)
print(first == second)
for ad in sorted(s.query(MINE), key=lambda ad: ad["ProcId"]):
    print([ad.get(name) for name in ("ProcId", "Foo", "Args", "JobPrio", "JobStatus")])
print(str(s.submit(description())).splitlines()[1].partition(" ")[0])
s.act(htcondor.JobAction.Remove, MINE)
