"""Collector."""

import htcondor2
from _common import location, outcome

collector = htcondor2.Collector()
found = collector.query(htcondor2.AdType.Schedd, projection=["Name"])
print(sorted(ad["Name"] for ad in found))
print(sorted(ad["Name"] for ad in collector.locateAll(htcondor2.DaemonType.Schedd)) == sorted(a["Name"] for a in found))
print(sorted(set(location().keys()) & {"Name", "MyAddress", "MyType", "CondorVersion"}))
name = location()["Name"]
print(len(collector.query(htcondor2.AdType.Schedd, f'Name == "{name}"')))
print(collector.directQuery(htcondor2.DaemonType.Schedd, name, ["Name"])["Name"])
print(len(collector.query(constraint="false")), collector.query(htcondor2.AdType.Negotiator)[0]["MyType"])
outcome(collector.locate, htcondor2.DaemonType.Schedd, "nobody@nowhere")
outcome(collector.query, htcondor2.AdType.Schedd, "bad (")
