"""Ads of jobs."""

import classad
from _common import MINE, description, schedd

schedd().submit(description())
(ad,) = schedd().query(MINE)
print(
    type(ad) is classad.ClassAd,
    type(ad["ProcId"]).__name__,
    type(ad["Requirements"]).__name__,
    type(ad["Cmd"]).__name__,
)
print(ad.eval("JobStatus"), str(ad.lookup("ProcId")), "nosuch" in ad, ad.get("nosuch"), isinstance(ad.printOld(), str))
print(dict(ad)["ProcId"], [type(v).__name__ for k, v in ad.items() if k == "ProcId"])
