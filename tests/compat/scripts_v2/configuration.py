"""Configuration."""

import htcondor2
from _common import outcome

param = htcondor2.param
print(param["UID_DOMAIN"], "UID_DOMAIN" in param, "NO_SUCH" in param, param.get("NO_SUCH", "x"), param["QUERY_TIMEOUT"])
param["MY_OWN"] = "5"
print(param["MY_OWN"])
outcome(lambda: param["NO_SUCH"])
htcondor2.reload_config()
print("MY_OWN" in param)
remote = htcondor2.RemoteParam(htcondor2.Collector().query(htcondor2.AdType.Negotiator)[0])
print(remote["UID_DOMAIN"], "NO_SUCH" in remote, remote.get("NO_SUCH", "none"), len(remote) > 500)
