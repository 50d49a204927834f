"""Collector arguments."""

import htcondor
from _common import location, outcome

print(htcondor.Collector().location, htcondor.Collector(None).location)
outcome(lambda: htcondor.Collector(location()).location)
outcome(lambda: htcondor.Collector("").location)
outcome(lambda: htcondor.Collector(["a", "b"]).location)
outcome(lambda: htcondor.Collector("127.0.0.1:1").query())
