"""Poll two."""

import warnings

import htcondor
from _common import MINE, description, schedd

warnings.simplefilter("ignore")
schedd().submit(description(), count=6)
queries = [schedd().xquery(f"{MINE} && ProcId % 2 == {n}", ["ProcId"], name=str(n)) for n in range(2)]
found = {"0": [], "1": []}
for query in htcondor.poll(queries):
    found[query.tag()] += [ad["ProcId"] for ad in query.nextAdsNonBlocking()]
print({tag: sorted(procs) for tag, procs in found.items()})
