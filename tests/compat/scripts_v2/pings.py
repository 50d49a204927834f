"""Who am I."""

import htcondor2
from _common import location, outcome

ad = htcondor2.ping(location(), "WRITE")
print(ad["MyRemoteUserName"], ad["AuthorizationSucceeded"])
print(htcondor2.ping(location())["AuthorizationSucceeded"])
context = htcondor2.SecurityContext()
print(context.preferred_token)
print(htcondor2.ping(location(), "READ", context)["AuthorizationSucceeded"])
print(len(htcondor2.Collector(None, context).query(htcondor2.AdType.Schedd, "false")))
outcome(htcondor2.ping, location(), "NO_SUCH_COMMAND")
