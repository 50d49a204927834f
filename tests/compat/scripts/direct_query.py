"""Direct query."""

import os

import htcondor
from _common import outcome

c = htcondor.Collector()
ad = c.directQuery(htcondor.DaemonTypes.Schedd, os.environ["SCRIPT_SCHEDD"], ["Name", "MyType"])
print(ad["Name"] == os.environ["SCRIPT_SCHEDD"], ad["MyType"])
outcome(c.directQuery, htcondor.DaemonTypes.Schedd, "nosuch")
