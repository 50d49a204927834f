"""Locate."""

import os

import htcondor
from _common import outcome

c = htcondor.Collector()
ad = c.locate(htcondor.DaemonTypes.Schedd, os.environ["SCRIPT_SCHEDD"])
print(ad["Name"] == os.environ["SCRIPT_SCHEDD"], ad["MyAddress"].startswith("<"), sorted(ad.keys())[:2])
outcome(c.locate, htcondor.DaemonTypes.Schedd, "nosuch")
outcome(c.locate, htcondor.DaemonTypes.Schedd, None)
outcome(c.locate, 3)
outcome(c.locate)
