"""History none."""

from _common import outcome, schedd

print(list(schedd().history("false", ["ProcId"], 1)))
outcome(schedd().history)
outcome(schedd().history, "(", [], 1)
outcome(schedd().history, "true", "x", 1)
