"""Locate all."""

import htcondor

c = htcondor.Collector()
ads = c.locateAll(htcondor.DaemonTypes.Schedd)
print(len(ads), sorted(ad["Name"] for ad in ads), sorted(set(ads[0].keys()) - {"MyType"}))
print(len(c.locateAll(htcondor.DaemonTypes.Negotiator)), len(c.locateAll(htcondor.DaemonTypes.Master)))
print(c.locateAll(htcondor.DaemonTypes.HAD))
