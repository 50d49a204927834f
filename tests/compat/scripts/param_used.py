"""Param used."""

import htcondor
from _common import outcome

before = len(htcondor.Collector().locateAll(htcondor.DaemonTypes.Collector))
htcondor.param["COLLECTOR_HOST"] = "127.0.0.1:1"
outcome(lambda: htcondor.Collector().locateAll(htcondor.DaemonTypes.Collector))
htcondor.reload_config()
print(before > 0, len(htcondor.Collector().locateAll(htcondor.DaemonTypes.Collector)) == before)
