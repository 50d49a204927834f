"""Remote param."""

import htcondor
from _common import location, outcome

p = htcondor.RemoteParam(location())
print("NUM_CPUS" in p, p["UID_DOMAIN"], p.get("NO_SUCH_NAME", "x"), "NO_SUCH_NAME" in p, len(p.keys()) > 100)
outcome(lambda: p["NO_SUCH_NAME"])
outcome(htcondor.RemoteParam, 5)
p.refresh()
print(p["UID_DOMAIN"])
