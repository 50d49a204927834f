"""Locations."""

import htcondor
from _common import location, outcome

s = htcondor.Schedd(location())
print(
    type(s.location).__name__, s.location._fields, s.location.daemon_type, s.location.address == location()["MyAddress"]
)
print(len(htcondor.Schedd(s.location).query("false")), len(htcondor.Schedd(tuple(s.location)).query("false")))
outcome(htcondor.Negotiator, s.location)
outcome(htcondor.Startd, s.location)
outcome(lambda: htcondor.Credd(s.location).location.daemon_type)
outcome(htcondor.Schedd, 5)
outcome(htcondor.Schedd, "x")
outcome(htcondor.Schedd, __import__("classad").ClassAd())
