"""Submit many."""

import classad
from _common import MINE, TAG, schedd

shared = classad.ClassAd({"Cmd": "/bin/sleep", "JobStatus": 5, "ScriptTag": TAG})
jobs = [(classad.ClassAd({"Args": "1"}), 1), (classad.ClassAd({"Args": "2"}), 2)]
kept = []
cluster = schedd().submitMany(shared, jobs, False, kept)
print(cluster > 0, [(job["ProcId"], job["Args"]) for job in kept])
print(sorted((ad["ProcId"], ad["Args"]) for ad in schedd().query(MINE)))
