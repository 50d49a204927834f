"""Queue."""

import os

import classad2
import htcondor2

tag = os.environ["SCRIPT_TAG"]
mine = f'ScriptTag == "{tag}"'
collector = htcondor2.Collector()
where = collector.locate(htcondor2.DaemonType.Schedd, os.environ["SCRIPT_SCHEDD"])
schedd = htcondor2.Schedd(where)
text = f'executable = /bin/sleep\narguments = $(Process)\nhold = true\nMy.ScriptTag = "{tag}"\nqueue 3\n'
result = schedd.submit(htcondor2.Submit(text))
print(result.first_proc(), result.num_procs())
print(schedd.submit(htcondor2.Submit(text), count=2).num_procs())
ads = schedd.query(f"{mine} && ClusterId == {result.cluster()}", ["ProcId", "Args"])
print(sorted((ad["ProcId"], ad["Args"]) for ad in ads), isinstance(ads[0], classad2.ClassAd))
print(int(schedd.edit([f"{result.cluster()}.0"], "Foo", "17")), schedd.query(f"{mine} && Foo == 17", ["Foo"])[0]["Foo"])
print(sorted(schedd.query(mine, callback=lambda ad: ad["ProcId"])))
print(schedd.act(htcondor2.JobAction.Remove, mine)["TotalSuccess"], schedd.history("false"))
print(htcondor2.AdType is htcondor2.AdTypes, str(htcondor2.JobAction.Hold), list(htcondor2.DrainType))
