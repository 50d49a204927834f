"""Xquery modes."""

import time
import warnings

import htcondor
from _common import MINE, description, schedd

warnings.simplefilter("ignore")
schedd().submit(description(), count=2)
query = schedd().xquery(MINE, ["ProcId"])
found = []
while len(found) < 2:
    ad = query.__next__(htcondor.BlockingMode.NonBlocking)
    if ad is not None:
        found.append(ad["ProcId"])
    else:
        time.sleep(0.01)
print(sorted(found))
