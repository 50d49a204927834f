"""Submit ad."""

import classad
from _common import MINE, TAG, schedd

ad = classad.ClassAd({"Cmd": "/bin/sleep", "Args": "5", "JobStatus": 5, "ScriptTag": TAG})
kept = []
cluster = schedd().submit(ad, 2, False, kept)
print(type(cluster).__name__, cluster > 0, len(kept), [job["ProcId"] for job in kept], [job["Cmd"] for job in kept])
print([(ad["ProcId"], ad["JobUniverse"], ad["Args"], ad["RequestCpus"]) for ad in schedd().query(MINE)])
