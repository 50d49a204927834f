"""Secman."""

import htcondor
from _common import location, outcome, schedd

ad = htcondor.SecMan().ping(location(), "WRITE")
print(ad["AuthorizationSucceeded"], ad["MyRemoteUserName"], ad["Command"])
outcome(lambda: htcondor.SecMan().ping(location()["MyAddress"], "READ")["AuthorizationSucceeded"])
outcome(htcondor.SecMan().ping, location(), "NOSUCH")
outcome(htcondor.SecMan().ping, 5)
with htcondor.SecMan() as security:
    security.setTag("mine")
    security.setConfig("SEC_CLIENT_AUTHENTICATION_METHODS", "IDTOKENS")
    print(len(schedd().query("false")))
print(len(schedd().query("false")))
