"""Submit jobs."""

import htcondor

d = htcondor.Submit({"executable": "/bin/true", "arguments": "$(Process) $(Item)", "request_memory": "10"})
jobs = list(d.jobs(1, iter(["a", "b"]), 7, 0, 1700000000, "alice"))
print([(ad["ClusterId"], ad["ProcId"], ad["Args"], ad["Owner"], ad["QDate"]) for ad in jobs])
procs = d.procs(1, iter(["a", "b"]), 7, 0, 1700000000, "alice")
print([sorted(ad.keys())[:3] if ad["ProcId"] else ad["Args"] for ad in procs], procs.clusterad()["Cmd"])
