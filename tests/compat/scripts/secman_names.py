"""Secman names."""

import htcondor
from _common import outcome

s = htcondor.SecMan()
print(s.getCommandString(60011), s.getCommandString(516), s.invalidateAllSessions())
outcome(s.getCommandString, "x")
