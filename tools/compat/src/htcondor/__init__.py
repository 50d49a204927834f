"""HTCondor's v1 API, by htcondor-async."""

import sys

import htcondor_sync

# This module gives way to the real one; what is below it is found by the finder that install() sets.
del sys.modules["htcondor"]
htcondor_sync.install()
sys.modules["htcondor"] = htcondor_sync
