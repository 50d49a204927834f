"""The v1 ClassAd module, by htcondor-async."""

import sys

import htcondor_sync
import htcondor_sync.classad

# As in the module htcondor beside this one.
del sys.modules["classad"]
htcondor_sync.install()
sys.modules["classad"] = htcondor_sync.classad
